//! Who calls, and what travels with a call beside its arguments.

use std::any::{Any, TypeId};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use salamander_value::Exception;
use uuid::Uuid;

use crate::Session;

/// Annotations: small pieces of data beside the arguments, each under an id of four ASCII characters.
pub type Annotations = Vec<([u8; 4], Bytes)>;

/// What a method can know of the call that it serves. Cheap to clone.
///
/// A method takes one as a parameter of the type `&CallContext`; [`CallContext::current`] finds it further down.
#[derive(Clone, Debug)]
pub struct CallContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Option<Arc<Session>>,
    correlation_id: Uuid,
    annotations: Annotations,
    reply: Arc<Mutex<Annotations>>,
    /// The locks that the callers of this call hold, up to its first one.
    holds: Vec<u64>,
    extensions: Extensions,
}

/// What whoever makes a call tells the function beyond what every call has, by its type.
#[derive(Clone, Default)]
struct Extensions(Vec<(TypeId, Arc<dyn Any + Send + Sync>)>);

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.len())
    }
}

/// What a function asks of the context of its call by the type of a parameter, and no caller gives.
///
/// `#[task]` takes any type that implements it for such parameters that it knows by name.
pub trait FromContext: Sized {
    /// What there is.
    ///
    /// # Errors
    /// Where it is not there.
    fn from_context(context: &CallContext) -> Result<Self, Exception>;
}

impl FromContext for CallContext {
    fn from_context(context: &CallContext) -> Result<Self, Exception> {
        Ok(context.clone())
    }
}

tokio::task_local! {
    static CURRENT: CallContext;
}

impl CallContext {
    /// The context of a call from `session`.
    pub fn new(session: Option<Arc<Session>>, correlation_id: Uuid, annotations: Annotations) -> Self {
        let holds = annotations
            .iter()
            .find(|(id, _)| id == Self::HOLDS)
            .map(|(_, data)| {
                data.chunks_exact(8).map(|id| id.iter().fold(0, |n, &b| n << 8 | u64::from(b))).collect()
            })
            .unwrap_or_default();
        let extensions = Extensions::default();
        Self(Arc::new(Inner { session, correlation_id, annotations, reply: Arc::default(), holds, extensions }))
    }

    /// The same call with something more that the function can know of it: one value of each type, the last one counts.
    #[must_use]
    pub fn with_extension<T: Any + Send + Sync>(mut self, value: T) -> Self {
        let extension: (_, Arc<dyn Any + Send + Sync>) = (TypeId::of::<T>(), Arc::new(value));
        match Arc::get_mut(&mut self.0) {
            Some(own) => own.extensions.0.push(extension),
            None => {
                let mut own = self.0.copy();
                own.extensions.0.push(extension);
                self.0 = Arc::new(own);
            }
        }
        self
    }

    /// What whoever makes the call told of this type, in async, blocking and threaded functions alike.
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<&T> {
        let (_, found) = self.0.extensions.0.iter().rev().find(|(id, _)| *id == TypeId::of::<T>())?;
        found.downcast_ref()
    }

    /// The annotation in which the locks that callers hold travel, through Python programs too.
    pub const HOLDS: &'static [u8; 4] = b"HOLD";

    /// The context of the call that this task serves, if it does.
    ///
    /// It is there in async methods and in blocking ones, in all that they await or call on the same task or thread. While an
    /// item of a stream is computed, it is that of the call which asks for the item.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs a future as part of this call.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Runs a closure as part of this call.
    pub fn scope_sync<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// The client's session; none for a call from this very process.
    pub fn session(&self) -> Option<&Arc<Session>> {
        self.0.session.as_ref()
    }

    /// The address of the client.
    pub fn client_addr(&self) -> Option<SocketAddr> {
        self.session().and_then(|session| session.peer())
    }

    /// The id that this call and all that it leads to have in common.
    pub fn correlation_id(&self) -> Uuid {
        self.0.correlation_id
    }

    /// An annotation that the client sent.
    pub fn annotation(&self, id: &str) -> Option<&Bytes> {
        let id = id.as_bytes();
        self.0.annotations.iter().rev().find(|(other, _)| other == id).map(|(_, data)| data)
    }

    /// All annotations that the client sent.
    pub fn annotations(&self) -> &Annotations {
        &self.0.annotations
    }

    /// Sends an annotation back with the reply. Ids that are not four ASCII characters are an error.
    ///
    /// # Errors
    /// [`Kind::Custom`](salamander_value::Kind::Custom) for a bad id.
    pub fn reply_annotation(&self, id: &str, data: impl Into<Bytes>) -> Result<(), salamander_value::Error> {
        let id: [u8; 4] = id.as_bytes().try_into().ok().filter(|_| id.is_ascii()).ok_or_else(|| {
            salamander_value::Error::new(
                salamander_value::Kind::Custom,
                "annotation identifier must be 4 ascii characters",
            )
        })?;
        self.0.reply.lock().unwrap_or_else(PoisonError::into_inner).push((id, data.into()));
        Ok(())
    }

    /// The annotations for the reply.
    pub fn take_reply_annotations(&self) -> Annotations {
        std::mem::take(&mut self.0.reply.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The locks that this call and its callers hold.
    pub fn holds(&self) -> &[u64] {
        &self.0.holds
    }

    /// The same call, holding one lock more.
    #[must_use]
    pub fn holding(&self, lock: u64) -> Self {
        let mut own = self.0.copy();
        own.holds.push(lock);
        Self(Arc::new(own))
    }
}

impl Inner {
    /// The same call; what is set for its reply is shared.
    fn copy(&self) -> Self {
        let Self { session, correlation_id, annotations, reply, holds, extensions } = self;
        Self {
            session: session.clone(),
            correlation_id: *correlation_id,
            annotations: annotations.clone(),
            reply: reply.clone(),
            holds: holds.clone(),
            extensions: extensions.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_found_by_type_also_behind_a_lock() {
        let bare = CallContext::new(None, Uuid::nil(), Vec::new());
        let told = bare.clone().with_extension(7_u32).with_extension("text").with_extension(8_u32);
        assert_eq!(told.holding(1).extension::<u32>(), Some(&8));
        assert_eq!(told.extension::<&str>(), Some(&"text"));
        assert_eq!((told.extension::<i64>(), bare.extension::<u32>()), (None, None));
    }
}
