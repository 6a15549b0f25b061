//! [`Instances`]: objects that are made when clients ask for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use salamander_value::Exception;

use crate::store::Store;
use crate::{CallContext, Expose, Invocation, Member, Members, Object, Request, Step, caught};

/// For whom an instance is made; Pyro's `instance_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstanceMode {
    /// One for all, made at the first call.
    Single,
    /// One for each client connection, made at its first call and dropped when it ends.
    Session,
    /// One for each call, or for all calls of a batch, dropped after it.
    PerCall,
}

/// Makes an instance for a call.
type Create<T> = Box<dyn Fn(&CallContext) -> Result<T, Exception> + Send + Sync>;

/// An exposed type whose instances are made as its mode says.
pub struct Instances<T> {
    mode: InstanceMode,
    create: Create<T>,
    single: Mutex<Option<Arc<dyn Object>>>,
    /// By which sessions know their instance.
    key: u64,
}

impl<T: Expose> Instances<T> {
    /// Instances that `create` makes; its error is that of the call for which it was asked.
    pub fn new<E: Into<Exception>>(
        mode: InstanceMode,
        create: impl Fn(&CallContext) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            mode,
            create: Box::new(move |context| create(context).map_err(Into::into)),
            single: Mutex::default(),
            key: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn make(&self, context: &CallContext) -> Result<Arc<dyn Object>, Exception> {
        let made = caught(|| (self.create)(context))??;
        Ok(Arc::new(T::Store::from(made)))
    }

    fn of(&self, context: &CallContext) -> Result<Arc<dyn Object>, Exception> {
        match (self.mode, context.session()) {
            (InstanceMode::Single, _) => {
                let mut single = self.single.lock().unwrap_or_else(PoisonError::into_inner);
                match &*single {
                    Some(instance) => Ok(instance.clone()),
                    None => Ok(single.insert(self.make(context)?).clone()),
                }
            }
            (InstanceMode::Session, Some(session)) => session.instance(self.key, || self.make(context)),
            // A call from this process belongs to no session.
            (InstanceMode::Session, None) | (InstanceMode::PerCall, _) => self.make(context),
        }
    }
}

impl<T: Expose> Object for Instances<T> {
    fn members(&self) -> &'static Members {
        T::MEMBERS
    }

    fn instance(&self, request: &Request) -> Result<Option<Arc<dyn Object>>, Exception> {
        self.of(request.context()).map(Some)
    }

    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step {
        match self.of(call.request.context()) {
            Ok(instance) => instance.invoke(member, call),
            Err(exception) => Step::Failed(exception),
        }
    }
}

/// An object that is there only as long as somebody else keeps it.
pub struct Weakly<T: Expose>(<T::Store as Store<T>>::Weak);

impl<T: Expose> Weakly<T> {
    /// Does not keep the object.
    pub fn new(object: &T::Store) -> Self {
        Self(object.downgrade())
    }

    fn object(&self) -> Result<T::Store, Exception> {
        T::Store::upgrade(&self.0).ok_or_else(unknown_object)
    }
}

impl<T: Expose> Object for Weakly<T> {
    fn members(&self) -> &'static Members {
        T::MEMBERS
    }

    fn instance(&self, _request: &Request) -> Result<Option<Arc<dyn Object>>, Exception> {
        Ok(Some(Arc::new(self.object()?)))
    }

    fn is_gone(&self) -> bool {
        T::Store::upgrade(&self.0).is_none()
    }

    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step {
        match self.object() {
            Ok(object) => object.invoke(member, call),
            Err(exception) => Step::Failed(exception),
        }
    }
}

/// Pyro's error for an object that is not there.
pub fn unknown_object() -> Exception {
    Exception::pyro("DaemonError", "unknown object")
}
