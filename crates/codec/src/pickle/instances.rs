//! Instances into pickle: only those of classes that are read too.

use salamander_value::{Error, Exception, Kind, Object, Result, Value, Writer, write_value};

use super::classes::Class;
use super::op;
use super::write::PickleWriter;
use crate::generation::{PROXY, WRAPPER};

impl PickleWriter<'_> {
    /// An instance that has been put together.
    pub(super) fn instance(&mut self, value: &Value) -> Result<()> {
        if self.nested >= MAX_NESTED {
            return Err(Error::too_deep(MAX_NESTED));
        }
        self.nested += 1;
        match value {
            Value::Exception(exception) => self.exception(exception)?,
            Value::Object(object) => self.object(object)?,
            // A dict that only looked like one.
            other => write_value(other, self)?,
        }
        self.nested -= 1;
        Ok(())
    }

    fn exception(&mut self, exception: &Exception) -> Result<()> {
        let name = exception.class();
        let (module, short) = name.rsplit_once('.').unwrap_or(("", name));
        let class = Class::exception(module, short)
            .filter(|class| !(self.without_pyro && class.is_pyros()) && (self.kombu || !class.is_celerys()))
            .ok_or_else(|| unsupported(name))?;
        self.aside(|writer| {
            writer.called(class, |writer| exception.args().iter().try_for_each(|arg| write_value(arg, writer)))?;
            if !exception.attributes().is_empty() {
                write_value(&Value::from(exception.attributes().clone()), writer)?;
                writer.out.push(op::BUILD);
            }
            Ok(())
        })
    }

    fn object(&mut self, object: &Object) -> Result<()> {
        let bad = || unsupported(object.class());
        match object.class() {
            class if self.without_pyro && class.starts_with("Pyro") => Err(bad()),
            "Pyro5.core.URI" => {
                let state = object.state().and_then(Value::as_slice).ok_or_else(bad)?;
                self.built(Class::Uri, |writer| write_value(&Value::Tuple(state.to_vec()), writer))
            }
            PROXY => {
                let state = object.state().and_then(Value::as_slice).unwrap_or_default();
                let [uri, oneway, methods, attrs, handshake, serializer, ..] = state else { return Err(bad()) };
                let uri = uri.as_str().ok_or_else(bad)?;
                self.built(Class::Proxy, |writer| {
                    writer.begin_tuple(Some(9))?;
                    writer.called(Class::Uri, |writer| writer.str(uri))?;
                    for names in [oneway, methods, attrs] {
                        writer.begin_set(None)?;
                        for name in names.as_slice().unwrap_or_default() {
                            writer.str(name.as_str().ok_or_else(bad)?)?;
                        }
                        writer.end()?;
                    }
                    writer.float(0.0)?;
                    writer.none()?;
                    write_value(handshake, writer)?;
                    writer.int(0)?;
                    write_value(serializer, writer)?;
                    writer.end()
                })
            }
            "Pyro5.server.Daemon" => self.built(Class::Daemon, |writer| {
                writer.begin_dict(Some(0))?;
                writer.end()
            }),
            WRAPPER => {
                let exception = object.fields().get("exception").ok_or_else(bad)?;
                self.built(Class::ExceptionWrapper, |writer| {
                    writer.begin_dict(Some(1))?;
                    writer.str("exception")?;
                    write_value(exception, writer)?;
                    writer.end()
                })
            }
            "builtins.range" => {
                let parts = ["start", "stop", "step"].map(|part| object.fields().get(part));
                self.called(Class::Range, |writer| {
                    parts.into_iter().try_for_each(|part| write_value(part.ok_or_else(bad)?, writer))
                })
            }
            _ => Err(bad()),
        }
    }
}

/// How deep instances may stand in instances.
const MAX_NESTED: usize = 100;

#[cold]
fn unsupported(class: &str) -> Error {
    Error::new(Kind::Unsupported, format!("pickle cannot carry an instance of {class}"))
}
