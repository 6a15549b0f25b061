//! [`Answers`]: the serving end, from a message to what its call came to.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use salamander_codec::{Generation, Settings};
use salamander_object::{Call, CallContext, Format, Outcome, Payload, Session};
use salamander_value::{Exception, Uuid};

use super::Form;
use super::form::{self, Asked};
use super::line::Replies;
use crate::daemon::{CorrelationIds, Counted};
use crate::{DaemonHandle, Error, Result};

/// What a client of a daemon is answered. It counts as one of the daemon's connections.
pub(crate) struct Answers {
    daemon: DaemonHandle,
    settings: Arc<Settings>,
    session: Arc<Session>,
    ids: CorrelationIds,
    _counted: Counted,
}

impl Answers {
    pub(crate) fn new(daemon: DaemonHandle, settings: Arc<Settings>, peer: Option<SocketAddr>) -> Self {
        let counted = Counted::new(daemon.0.clone());
        let session = Arc::new(Session::new(peer));
        Self { daemon, settings, session, ids: CorrelationIds::new(), _counted: counted }
    }

    /// How the messages of a daemon's clients are encoded that know nothing of Pyro.
    pub(crate) fn settings_of(daemon: &DaemonHandle) -> Arc<Settings> {
        let mut settings = Settings::clone(&daemon.0.dialect(Generation::Pyro5).codec_settings);
        settings.without_pyro = true;
        Arc::new(settings)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Reads a message, and gives the form in which it is to be answered and the call, which begins when it is awaited.
    ///
    /// # Errors
    /// Where it is in none of the forms, so that nobody can tell in which it would be answered.
    pub(crate) fn begin(&mut self, message: &Bytes) -> Result<(Form, impl Future<Output = Outcome> + Send + use<>)> {
        let Asked { form, call } = form::read(message, &self.settings)
            .map_err(|error| Error::protocol(format!("a message that is neither a pickle nor JSON: {error}")))?;
        let format = Format { codec: form.codec(), settings: self.settings.clone() };
        let id = Uuid::from_bytes(self.ids.next());
        let (daemon, session) = (self.daemon.clone(), self.session.clone());
        let outcome = async move {
            let (name, arguments) = match call {
                Ok(call) => call,
                Err(exception) => return Outcome::Exception(exception),
            };
            // As the recipe's server, which looks it up in a dict.
            let Some(callable) = daemon.callable(&name) else {
                return Outcome::Exception(Exception::key_error(name));
            };
            let context = CallContext::new(Some(session), id, Vec::new());
            let arguments = Payload::Values(arguments);
            daemon.call(Call { object: callable.object, method: callable.method, arguments, context, format }).await
        };
        Ok((form, outcome))
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.session.end();
    }
}

/// Writes what a call came to; where that cannot be sent, why.
///
/// # Errors
/// Where that cannot be sent either.
pub(crate) fn write_reply(
    replies: &mut impl Replies,
    form: Form,
    settings: &Settings,
    outcome: Outcome,
) -> Result<()> {
    replies.write(|out| form.write_outcome(out, settings, outcome)).or_else(|error| {
        tracing::debug!("a reply could not be sent: {error}");
        let exception = Exception::from(error);
        replies.write(|out| form.write_outcome(out, settings, Outcome::Exception(exception)))
    })
}
