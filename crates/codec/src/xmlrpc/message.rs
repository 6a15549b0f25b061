//! Calls, responses and faults.

use std::fmt;

use bytes::Bytes;
use salamander_value::{Error, Exception, Kind, Reader, Result, Token, Value, Writer, read_rest};

use super::document::{Document, What, response_error};
use super::read::XmlRpcReader;
use super::write::{XmlRpcWriter, escape};
use crate::{Arguments, Output, Settings};

const HEAD: &str = "<?xml version='1.0'?>\n";

/// A fault: what a server answers where a call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A number; Python's server has 1 for all exceptions.
    pub code: i64,
    /// What is wrong.
    pub text: String,
}

impl Fault {
    /// A fault with a code of its own.
    pub fn new(code: i64, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    /// What Python's server makes of an exception: `<class 'ValueError'>:what is wrong`, with the code 1. An `xmlrpc.client.Fault`
    /// that was raised is passed on as it is.
    pub fn of(exception: &Exception) -> Self {
        if exception.class() == FAULT
            && let [Value::Int(code), Value::Str(text)] = exception.args()
        {
            return Self::new(*code, &**text);
        }
        let class = exception.class();
        let class = class.strip_prefix("builtins.").unwrap_or(class);
        Self::new(1, format!("<class '{class}'>:{}", exception.message()))
    }

    /// The exception that Python's client raises: an `xmlrpc.client.Fault` with code and text as its arguments, and as the attributes
    /// `faultCode` and `faultString`.
    pub fn exception(&self) -> Exception {
        Exception::with_args(FAULT, vec![self.code.into(), self.text.clone().into()])
            .with_attribute("faultCode", self.code)
            .with_attribute("faultString", self.text.clone())
    }
}

/// The method that a function is called by.
pub(super) const FUNCTION: &str = "__call__";

const FAULT: &str = "xmlrpc.client.Fault";

impl fmt::Display for Fault {
    /// As Python shows it: `<Fault 1: 'text'>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Fault {}: {}>", self.code, Value::from(&*self.text))
    }
}

/// Appends a call of a method. After an error `out` is as it was before.
///
/// # Errors
/// What XML-RPC cannot carry, keyword arguments among them.
pub fn write_call(out: &mut Output, settings: &Settings, method: &str, arguments: &dyn Arguments) -> Result<()> {
    let mark = out.mark();
    let mut writer = XmlRpcWriter::new(out, settings);
    writer.raw(HEAD);
    let done = call(&mut writer, method, arguments);
    if done.is_err() {
        out.rewind(mark);
    }
    done
}

/// The same of an object and a method; the method of a function is `__call__`.
pub(crate) fn write_call_of(
    out: &mut Output,
    settings: &Settings,
    object: &str,
    method: &str,
    arguments: &dyn Arguments,
) -> Result<()> {
    match method {
        FUNCTION => write_call(out, settings, object, arguments),
        _ => write_call(out, settings, &format!("{object}.{method}"), arguments),
    }
}

fn call(writer: &mut XmlRpcWriter<'_>, method: &str, arguments: &dyn Arguments) -> Result<()> {
    if arguments.keywords() > 0 {
        return Err(Error::new(Kind::Type, "XML-RPC has no keyword arguments"));
    }
    writer.raw("<methodCall>\n<methodName>");
    let mut name = Vec::new();
    escape(&mut name, method);
    writer.raw(&String::from_utf8_lossy(&name));
    writer.raw("</methodName>\n<params>\n");
    writer.begin_params();
    arguments.write_positional(writer)?;
    writer.raw("</params>\n</methodCall>\n");
    Ok(())
}

/// Appends the response with the value that `write` writes. After an error `out` is as it was before.
///
/// # Errors
/// Those of `write`, and what XML-RPC cannot carry.
pub fn write_response(
    out: &mut Output,
    settings: &Settings,
    write: impl FnOnce(&mut dyn Writer) -> Result<()>,
) -> Result<()> {
    let mark = out.mark();
    let mut writer = XmlRpcWriter::new(out, settings);
    writer.raw(HEAD);
    writer.raw("<methodResponse>\n<params>\n<param>\n");
    let done = write(&mut writer);
    writer.raw("</param>\n</params>\n</methodResponse>\n");
    if done.is_err() {
        out.rewind(mark);
    }
    done
}

/// The response with a value that is encoded already.
pub fn response_of(value: &[u8]) -> Vec<u8> {
    let (before, after) = ("<methodResponse>\n<params>\n<param>\n", "</param>\n</params>\n</methodResponse>\n");
    [HEAD.as_bytes(), before.as_bytes(), value, after.as_bytes()].concat()
}

/// The response that is a fault.
pub fn write_fault(out: &mut Output, fault: &Fault) {
    for piece in [HEAD, "<methodResponse>\n<fault>\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    write_fault_value(out, fault);
    out.extend_from_slice(b"</fault>\n</methodResponse>\n");
}

/// The value with which a multicall answers, of values that are encoded already: each in a list, or a fault as a struct.
pub fn multicall_results<B: AsRef<[u8]>>(results: &[Result<B, Fault>]) -> Vec<u8> {
    const START: &[u8] = b"<value><array><data>\n";
    const END: &[u8] = b"</data></array></value>\n";
    let mut out = START.to_vec();
    for result in results {
        match result {
            Ok(value) => {
                out.extend_from_slice(START);
                out.extend_from_slice(value.as_ref());
                out.extend_from_slice(END);
            }
            Err(fault) => write_fault_value(&mut out, fault),
        }
    }
    out.extend_from_slice(END);
    out
}

/// The struct that stands for a fault.
fn write_fault_value(out: &mut Vec<u8>, fault: &Fault) {
    out.extend_from_slice(b"<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>");
    out.extend_from_slice(itoa::Buffer::new().format(fault.code).as_bytes());
    out.extend_from_slice(b"</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>");
    escape(out, &fault.text);
    out.extend_from_slice(b"</string></value>\n</member>\n</struct></value>\n");
}

/// Reads a call: its method, none where it names none, and its arguments.
///
/// # Errors
/// What Python's `loads` refuses; a fault is an error too, as it is there.
pub fn read_call(bytes: &Bytes, settings: &Settings) -> Result<(Option<String>, Vec<Value>)> {
    let mut document = Document::read(bytes, settings)?;
    let method = document.method.take().map(String::from);
    match values(document)? {
        Ok(values) => Ok((method, values)),
        Err(fault) => Err(Error::raised(fault.exception())),
    }
}

/// Reads a response: the value, or the fault that it is.
///
/// # Errors
/// What Python's `loads` refuses.
pub fn read_response(bytes: &Bytes, settings: &Settings) -> Result<Result<Value, Fault>> {
    Ok(values(Document::read(bytes, settings)?)?.map(|mut values| match values.len() {
        1 => values.pop().unwrap_or(Value::None),
        _ => Value::Tuple(values),
    }))
}

fn values(document: Document<'_>) -> Result<Result<Vec<Value>, Fault>> {
    let is_fault = document.kind == Some(What::Fault);
    let mut reader = XmlRpcReader::of(document);
    reader.next()?;
    let mut values = Vec::new();
    loop {
        match reader.next()? {
            Token::End => break,
            first => values.push(read_rest(&mut reader, first)?),
        }
    }
    if is_fault { fault(values.first()).map(Err) } else { Ok(Ok(values)) }
}

/// The fault of a struct.
fn fault(value: Option<&Value>) -> Result<Fault> {
    let class = "xmlrpc.client.Fault()";
    let Some(Value::Dict(dict)) = value else {
        let Some(value) = value else {
            return Err(Error::malformed("list index out of range").as_class("builtins.IndexError"));
        };
        let message = format!("{class} argument after ** must be a mapping, not {}", value.type_name());
        return Err(Error::new(Kind::Type, message));
    };
    let missing: Vec<_> = ["faultCode", "faultString"].into_iter().filter(|name| !dict.contains_key(name)).collect();
    match (&missing[..], dict.get("faultCode"), dict.get("faultString")) {
        ([], Some(Value::Int(code)), Some(Value::Str(text))) => Ok(Fault::new(*code, &**text)),
        ([], _, _) => Err(response_error("a fault should have a number and a text")),
        (missing, _, _) => {
            let message = format!(
                "Fault.__init__() missing {} required positional argument{}: '{}'",
                missing.len(),
                if missing.len() == 1 { "" } else { "s" },
                missing.join("' and '")
            );
            Err(Error::new(Kind::Type, message))
        }
    }
}
