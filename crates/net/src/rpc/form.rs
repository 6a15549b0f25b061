//! [`Form`]: what calls and replies look like inside of their frames.

use bytes::Bytes;
use salamander_codec::{Args, Arguments, Codec, Output, Settings};
use salamander_object::{Encoded, Outcome};
use salamander_value::{Dict, Exception, Kind, Reader, Result, Str, Token, Value, Writer, read_value, write_value};

use super::exception::{portable, spelled_out};

/// What calls and replies look like inside of their frames: programs that follow the recipe differ there. A server answers each call in
/// the form in which it came. Over ZeroMQ, what `send_pyobj` sends is [`Form::Pickle`], and what `send_json` sends [`Form::Json`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// A pickle of bytes that are a pickle themselves: `connection.send(pickle.dumps((name, args, kwargs)))`, as the recipe is
    /// written. An exception is itself.
    #[default]
    PickleInPickle,
    /// A pickle: `connection.send((name, args, kwargs))`. An exception is itself.
    Pickle,
    /// A pickle of JSON text: `connection.send(json.dumps([name, args, kwargs]))`. An exception is its text.
    JsonText,
    /// A pickle of bytes of JSON: `connection.send(json.dumps([name, args, kwargs]).encode())`. An exception is its text.
    JsonInPickle,
    /// JSON: `connection.send_bytes(json.dumps([name, args, kwargs]).encode())`. An exception is its text.
    Json,
}

/// A call that has come.
pub(super) struct Asked {
    pub(super) form: Form,
    /// What is called and with what, or why that cannot be.
    pub(super) call: Result<(Str, Args), Exception>,
}

impl Form {
    /// How what it carries is encoded.
    pub(crate) fn codec(self) -> Codec {
        match self {
            Form::PickleInPickle | Form::Pickle => Codec::Pickle,
            Form::JsonText | Form::JsonInPickle | Form::Json => Codec::Json,
        }
    }

    /// Writes a call.
    pub(super) fn write_call(
        self,
        out: &mut Output,
        settings: &Settings,
        name: &str,
        arguments: &dyn Arguments,
    ) -> Result<()> {
        self.write(out, settings, |writer| {
            writer.begin_tuple(Some(3))?;
            writer.str(name)?;
            writer.begin_tuple(Some(arguments.positional()))?;
            arguments.write_positional(writer)?;
            writer.end()?;
            writer.begin_dict(Some(arguments.keywords()))?;
            arguments.write_keywords(writer)?;
            writer.end()?;
            writer.end()
        })
    }

    /// Writes what a call gave.
    pub(super) fn write_outcome(self, out: &mut Output, settings: &Settings, outcome: Outcome) -> Result<()> {
        let exception = match outcome {
            Outcome::Value(Encoded { bytes, .. }) => return self.wrap(out, settings, &bytes),
            Outcome::Exception(exception) => exception,
            // As Python says it where a function is a generator.
            Outcome::Stream(_) => Exception::type_error("cannot pickle 'generator' object"),
        };
        if self.codec() == Codec::Json {
            return self.write(out, settings, |writer| writer.str(&exception.message()));
        }
        let exception = portable(exception);
        let shown = spelled_out(&exception);
        let value = Value::from(exception);
        self.write(out, settings, |writer| write_value(&value, writer)).or_else(|_| {
            // Of a class that the other end may not have, or with what pickle does not carry.
            let value = Value::from(shown);
            self.write(out, settings, |writer| write_value(&value, writer))
        })
    }

    /// Opens what a message holds.
    pub(super) fn opened(self, message: &Bytes, settings: &Settings) -> Result<Bytes> {
        if matches!(self, Form::Pickle | Form::Json) {
            return Ok(message.clone());
        }
        let mut reader = Codec::Pickle.reader(message, settings);
        match reader.next()? {
            Token::Bytes(bytes) | Token::ByteArray(bytes) => Ok(share(&reader, bytes)),
            Token::Str(text) => Ok(Bytes::from(text.into_owned())),
            other => Err(salamander_value::Error::malformed(format!(
                "a reply of another form than the call: bytes are expected, not {}",
                other.type_name()
            ))),
        }
    }

    fn write(
        self,
        out: &mut Output,
        settings: &Settings,
        write: impl FnOnce(&mut dyn Writer) -> Result<()>,
    ) -> Result<()> {
        if matches!(self, Form::Pickle | Form::Json) {
            return self.codec().write(out, settings, write);
        }
        let mut inner = Output::new();
        self.codec().write(&mut inner, settings, write)?;
        self.wrap(out, settings, &inner.into_vec().into())
    }

    fn wrap(self, out: &mut Output, settings: &Settings, bytes: &Bytes) -> Result<()> {
        let text = || str::from_utf8(bytes).map_err(|_| salamander_value::Error::malformed("JSON that is no UTF-8"));
        match self {
            Form::Pickle | Form::Json => out.attach(bytes),
            Form::PickleInPickle | Form::JsonInPickle => {
                Codec::Pickle.write(out, settings, |writer| writer.shared_bytes(bytes))?;
            }
            Form::JsonText => {
                let text = text()?;
                Codec::Pickle.write(out, settings, |writer| writer.str(text))?;
            }
        }
        Ok(())
    }
}

/// Recognises a message for what it is.
///
/// # Errors
/// Where it is none of these forms, so that nobody can tell in what form it would be answered.
pub(super) fn read(message: &Bytes, settings: &Settings) -> Result<Asked> {
    if is_json(message) {
        return Ok(json(Form::Json, message, settings));
    }
    let mut reader = Codec::Pickle.reader(message, settings);
    let of_pickle = |call: Result<(Str, Args)>| Asked { form: Form::Pickle, call: call.map_err(refused) };
    Ok(match reader.next() {
        Ok(Token::Bytes(bytes) | Token::ByteArray(bytes)) => {
            let inner = share(&reader, bytes);
            if is_json(&inner) {
                return Ok(json(Form::JsonInPickle, &inner, settings));
            }
            let call = call(&mut Codec::Pickle.reader(&inner, settings));
            Asked { form: Form::PickleInPickle, call: call.map_err(refused) }
        }
        Ok(Token::Str(text)) => json(Form::JsonText, &Bytes::from(text.into_owned()), settings),
        Ok(token @ (Token::Tuple(_) | Token::List(_))) => of_pickle(parts(&mut reader, &token)),
        Ok(token) => of_pickle(Err(no_call(&token))),
        Err(error) if error.kind() == Kind::Malformed => return Err(error),
        Err(error) => of_pickle(Err(error)),
    })
}

/// What JSON begins with where it is a call, and no pickle does.
fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'[' | b'{'))
}

fn json(form: Form, bytes: &Bytes, settings: &Settings) -> Asked {
    let mut reader = Codec::Json.reader(bytes, settings);
    let call = call(&mut reader).and_then(|call| reader.finish().map(|()| call));
    Asked { form, call: call.map_err(refused) }
}

fn call<'de>(reader: &mut impl Reader<'de>) -> Result<(Str, Args)> {
    let first = reader.next()?;
    parts(reader, &first)
}

/// `(name, args, kwargs)`, whose first token has been read.
fn parts<'de>(reader: &mut impl Reader<'de>, first: &Token<'de>) -> Result<(Str, Args)> {
    let (Token::Tuple(_) | Token::List(_)) = first else { return Err(no_call(first)) };
    let name = match reader.next()? {
        Token::Str(name) => Str::from(&*name),
        other => return Err(wrong(&format!("the name of a function should be a string, not {}", other.type_name()))),
    };
    let positional = match read_value(reader)? {
        Value::List(items) | Value::Tuple(items) => items,
        other => return Err(wrong(&format!("the arguments should be a list or tuple, not {}", other.type_name()))),
    };
    let keywords = match read_value(reader)? {
        Value::Dict(keywords) => *keywords,
        Value::None => Dict::new(),
        other => return Err(wrong(&format!("keyword arguments should be a dict, not {}", other.type_name()))),
    };
    if keywords.keys().any(|key| key.as_str().is_none()) {
        return Err(wrong("keywords must be strings"));
    }
    match reader.next()? {
        Token::End => Ok((name, Args { positional, keywords })),
        _ => Err(wrong("a call should be (name, args, kwargs), and nothing more")),
    }
}

fn share<'de>(reader: &impl Reader<'de>, bytes: std::borrow::Cow<'de, [u8]>) -> Bytes {
    match bytes {
        std::borrow::Cow::Borrowed(bytes) => reader.share(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    }
}

#[cold]
fn no_call(token: &Token<'_>) -> salamander_value::Error {
    wrong(&format!("a call should be (name, args, kwargs), not {}", token.type_name()))
}

#[cold]
fn wrong(what: &str) -> salamander_value::Error {
    salamander_value::Error::new(Kind::Type, what)
}

fn refused(error: salamander_value::Error) -> Exception {
    error.exception()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CPython 3.11 sends for `("add", (2, 3), {"z": 4})` in each form, and a pickle of protocol 0.
    const SENT: &[(Form, &[u8])] = &[
        (
            Form::PickleInPickle,
            b"\x80\x04\x95'\0\0\0\0\0\0\0C#\x80\x04\x95\x18\0\0\0\0\0\0\0\x8c\x03add\x94K\x02K\x03\x86\x94}\x94\
              \x8c\x01z\x94K\x04s\x87\x94.\x94.",
        ),
        (
            Form::Pickle,
            b"\x80\x04\x95\x18\0\0\0\0\0\0\0\x8c\x03add\x94K\x02K\x03\x86\x94}\x94\x8c\x01z\x94K\x04s\x87\x94.",
        ),
        (Form::Pickle, b"(Vadd\np0\n(I2\nI3\ntp1\n(dp2\nVz\np3\nI4\nstp4\n."),
        (Form::JsonText, b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x19[\"add\", [2, 3], {\"z\": 4}]\x94."),
        (Form::JsonInPickle, b"\x80\x04\x95\x1d\0\0\0\0\0\0\0C\x19[\"add\", [2, 3], {\"z\": 4}]\x94."),
        (Form::Json, b"[\"add\", [2, 3], {\"z\": 4}]"),
        (Form::Json, b" \n[\"add\", [2, 3], {\"z\": 4}]\n"),
    ];

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.without_pyro = true;
        settings
    }

    fn asked(message: &[u8]) -> Asked {
        read(&Bytes::copy_from_slice(message), &settings()).unwrap_or_else(|error| panic!("{message:?}: {error}"))
    }

    #[test]
    fn messages_are_recognised_for_what_they_are() {
        let expected = Args { positional: vec![2.into(), 3.into()], keywords: Dict::from_iter([("z", 4)]) };
        for (form, message) in SENT {
            let Asked { form: found, call } = asked(message);
            assert_eq!((found, call.unwrap()), (*form, ("add".into(), expected.clone())), "{message:?}");
            // What we send is recognised in the same way.
            let mut out = Output::new();
            form.write_call(&mut out, &settings(), "add", &expected).unwrap();
            let again = asked(&out.into_vec());
            assert_eq!((again.form, again.call.unwrap()), (*form, ("add".into(), expected.clone())));
        }
    }

    #[test]
    fn what_is_no_call_is_answered_in_kind_and_what_is_nothing_is_not() {
        for (message, form, class) in [
            (&b"N."[..], Form::Pickle, "TypeError"),
            (b"(Vadd\nt.", Form::Pickle, "ValueError"),
            (b"(Vadd\n(t(dI1\nt.", Form::Pickle, "TypeError"),
            (b"(I1\n(t(dt.", Form::Pickle, "TypeError"),
            (b"(Vadd\nI1\n(dt.", Form::Pickle, "TypeError"),
            (b"(Vadd\n(t(I1\nI2\ndt.", Form::Pickle, "TypeError"),
            (b"(Vadd\n(lNt.", Form::Pickle, ""),
            (b"cos\nsystem\n(Vls\ntR.", Form::Pickle, "SecurityError"),
            (b"C\x02N..", Form::PickleInPickle, "TypeError"),
            (b"C\x00.", Form::PickleInPickle, "EOFError"),
            (b"C\x05hello.", Form::PickleInPickle, "ValueError"),
            (b"Vhello\n.", Form::JsonText, "ValueError"),
            (b"V[1]\n.", Form::JsonText, "TypeError"),
            (b"C\x06[\"add\".", Form::JsonInPickle, "ValueError"),
            (b"{}", Form::Json, "TypeError"),
            (b"[\"add\", [], {}] x", Form::Json, "ValueError"),
        ] {
            let Asked { form: found, call } = asked(message);
            let refused = call.err().map(|error| error.class_name().to_owned()).unwrap_or_default();
            assert_eq!((found, &*refused), (form, class), "{message:?}");
        }
        for message in [&b""[..], b"hello", b"\x80\x05", b"#CHALLENGE#"] {
            assert!(read(&Bytes::copy_from_slice(message), &settings()).is_err(), "{message:?}");
        }
    }

    #[test]
    fn exceptions_are_themselves_or_their_text() {
        let shown = |form: Form, exception: Exception| {
            let mut out = Output::new();
            form.write_outcome(&mut out, &settings(), Outcome::Exception(exception)).unwrap();
            let inner = form.opened(&out.into_vec().into(), &settings()).unwrap();
            form.codec().decode_value(&inner, &settings()).unwrap()
        };
        let error = Exception::key_error("spam");
        for form in [Form::Pickle, Form::PickleInPickle] {
            assert_eq!(shown(form, error.clone()), error.clone().into());
            let unknown = Exception::new("shop.SoldOut", "no more tea");
            assert_eq!(shown(form, unknown), Exception::runtime_error("shop.SoldOut: no more tea").into());
        }
        for form in [Form::Json, Form::JsonText, Form::JsonInPickle] {
            assert_eq!(shown(form, error.clone()), "'spam'".into());
        }
    }
}
