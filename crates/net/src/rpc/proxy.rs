//! [`RpcProxy`]: calls of a server that follows the recipe.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use salamander_codec::{Arguments, Settings};
use salamander_value::{Exception, Reader, Token, Value, from_value, read_into, read_rest};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::form::Form;
use super::line::{Line, Replies, Way};
use crate::error::{Error, Kind, Result};
use crate::stream::within;

/// Calls the functions of a server that follows the recipe for calls over `multiprocessing.connection`, or does the same over ZeroMQ, such as
/// one in Python. [`multiprocessing::Options::proxy`](crate::multiprocessing::Options::proxy) and
/// [`zeromq::Options::proxy`](crate::zeromq::Options::proxy) make one.
///
/// It connects on its first call, and again after one that went wrong. Clones share the connection; there a call waits for the one before it,
/// because replies do not say what they answer.
///
/// An exception that the server sends is an error of the kind [`Remote`](Kind::Remote), to be matched by its class. (A function that *returns*
/// an exception cannot be told from one that raises it.)
///
/// ```no_run
/// use salamander_net::multiprocessing::Options;
///
/// # async fn example() -> Result<(), salamander_net::Error> {
/// let server = Options::new().authkey("peekaboo").proxy("localhost:17000");
/// let five: i64 = server.call("add", (2, 3)).await?;
/// match server.call::<i64>("sub", (vec![1, 2], 4)).await {
///     Err(error) if error.is("TypeError") => println!("{error}"),
///     other => println!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Wire
/// "Implementing Remote Procedure Calls" of the Python Cookbook, 3rd edition, 11.8; see [`Form`].
#[derive(Clone)]
pub struct RpcProxy {
    way: Way,
    location: Arc<str>,
    form: Form,
    timeout: Option<Duration>,
    /// The connection, when no call is under way.
    idle: Arc<Mutex<Option<Line>>>,
}

impl RpcProxy {
    pub(crate) fn new(way: Way, location: &str, form: Form) -> Self {
        Self { way, location: location.into(), form, timeout: None, idle: Arc::default() }
    }

    /// A proxy that calls in another form. It has a connection of its own.
    #[must_use]
    pub fn with_form(&self, form: Form) -> Self {
        Self { form, idle: Arc::default(), ..self.clone() }
    }

    /// A proxy whose calls wait so long at most, connecting included. It has a connection of its own.
    #[must_use]
    pub fn with_timeout(&self, timeout: Option<Duration>) -> Self {
        Self { timeout, idle: Arc::default(), ..self.clone() }
    }

    /// Calls a function, or a method as `object.method`.
    ///
    /// Dropping the future, or a timeout, closes the connection; the server may finish the call.
    ///
    /// # Errors
    /// What the function raised; where the server cannot be reached or has another key, where arguments cannot be sent, or where the result is
    /// of another type.
    pub async fn call<T: DeserializeOwned>(&self, name: &str, arguments: impl Arguments + Sync) -> Result<T> {
        within(self.timeout, self.exchange(name, &arguments), "calling").await?
    }

    async fn exchange<T: DeserializeOwned>(&self, name: &str, arguments: &(dyn Arguments + Sync)) -> Result<T> {
        let settings = Line::settings();
        let mut idle = self.idle.lock().await;
        // It is put back when the reply is there: until then a reply may come that nobody would be waiting for.
        let mut line = match idle.take() {
            Some(line) => line,
            None => self.way.connect(&self.location).await.map_err(Error::of_unsent)?,
        };
        if let Err(error) = line.write(|out| self.form.write_call(out, settings, name, arguments)) {
            *idle = Some(line);
            return Err(error);
        }
        line.flush().await?;
        let reply = line.reply().await?;
        *idle = Some(line);
        drop(idle);
        let bytes = self.form.opened(&reply, settings).map_err(unreadable)?;
        self.result(&bytes, settings)
    }

    /// The result as the type that is asked for, or the exception that stands in its place.
    fn result<T: DeserializeOwned>(&self, bytes: &Bytes, settings: &Settings) -> Result<T> {
        let mut reader = self.form.codec().reader(bytes, settings);
        match reader.next().map_err(unreadable)? {
            // It may stand for an exception.
            token @ Token::Dict(_) => match read_rest(&mut reader, token).map_err(unreadable)? {
                Value::Exception(exception) => Err(Exception::clone(&exception).into()),
                value => Ok(from_value(&value)?),
            },
            token => Ok(read_into(&mut reader, token)?),
        }
    }
}

#[cold]
fn unreadable(error: salamander_value::Error) -> Error {
    Error::with_exception(Kind::Protocol, error.exception())
}

impl fmt::Debug for RpcProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcProxy").field("location", &self.location).field("form", &self.form).finish_non_exhaustive()
    }
}
