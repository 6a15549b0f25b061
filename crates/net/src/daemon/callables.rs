//! What can be called by one name: functions, and methods as `object.method`. Protocols that know no objects call so.

use salamander_object::{Call, FUNCTION, Function, Members, Outcome, Started};
use salamander_value::{Exception, Str};
use tracing::Instrument;

use super::shared::DaemonHandle;
use crate::DAEMON_NAME;
use crate::error::Result;
use crate::uri::Uri;

/// What a name of a function or method leads to; see [`DaemonHandle::callable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callable {
    /// The id of the object.
    pub object: Str,
    /// The method.
    pub method: Str,
}

impl DaemonHandle {
    /// Registers a function under a name, and gives the URI of it as an object whose method is `__call__`.
    ///
    /// Clients whose protocol has no objects, such as XML-RPC, call it by that name alone.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn register_fn<F: Function>(&self, name: &str, function: F) -> Result<Uri> {
        self.register(name, function)
    }

    /// What a name leads to: the function of that name, or what is before the last dot as an object and what is after it as its
    /// method. None where there is no such object, or it exposes no such method; the daemon's own object is not called so.
    pub fn callable(&self, name: &str) -> Option<Callable> {
        if self.members_of(name).is_some_and(Members::is_function) {
            return Some(Callable { object: name.into(), method: FUNCTION.into() });
        }
        let (object, method) = name.rsplit_once('.')?;
        let found = self.members_of(object)?.methods.iter().any(|exposed| exposed.name == method);
        (found && method != FUNCTION).then(|| Callable { object: object.into(), method: method.into() })
    }

    /// The names of all that can be called so, sorted.
    pub fn callables(&self) -> Vec<String> {
        let mut names = Vec::new();
        for id in self.0.registry.ids() {
            match self.members_of(&id) {
                Some(members) if members.is_function() => names.push(id),
                Some(members) => names.extend(members.methods.iter().map(|method| format!("{id}.{}", method.name))),
                None => {}
            }
        }
        names.sort_unstable();
        names
    }

    /// What an object exposes, if it is there and not the daemon's own.
    pub fn members_of(&self, id: &str) -> Option<&'static Members> {
        if id == DAEMON_NAME {
            return None;
        }
        Some(self.0.registry.get(id)?.members())
    }

    /// Makes a call of an object that is registered here, through the daemon's layers.
    ///
    /// Dropping the future means that nobody waits: a call that has to wait goes on to its end.
    pub async fn call(&self, call: Call) -> Outcome {
        // What methods log carries the call and its correlation id, where anybody listens.
        let span = tracing::debug_span!(
            "call",
            object = &*call.object,
            method = &*call.method,
            correlation_id = %call.context.correlation_id()
        );
        let started = span.in_scope(|| match &self.0.route {
            Some(route) => Started::Waits(route(call)),
            None => self.0.local().run(call),
        });
        let pending = match started {
            Started::Done(outcome) => return outcome,
            Started::Waits(pending) => pending,
        };
        let done = self.0.tasks.spawn(pending.instrument(span)).await;
        done.unwrap_or_else(|_| Outcome::Exception(Exception::runtime_error("the daemon is shutting down")))
    }
}
