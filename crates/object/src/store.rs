//! Where an object lives while it is exposed: shared, or behind a lock where a method takes `&mut self`.
//!
//! Rust's borrow rules are the remote concurrency rules: `&self` methods run side by side, `&mut self` methods one at
//! a time for each object.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use salamander_value::Exception;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::call::Outcome;
use crate::{CallContext, Format, Invocation, Member, Members, Object, Step};

/// A type whose methods can be called from elsewhere; `#[expose]` implements it.
pub trait Expose: Send + Sync + Sized + 'static {
    /// How objects of this type are kept.
    type Store: Store<Self>;

    /// What it exposes.
    const MEMBERS: &'static Members;

    /// Binds the arguments of a call and makes it.
    fn invoke(store: &Self::Store, member: Member, call: &mut Invocation<'_, '_>) -> Step;
}

/// One of the two ways to keep an object.
pub trait Store<T>: Object + From<T> + Clone {
    /// A reference to the object that does not keep it.
    type Weak: Send + Sync + 'static;

    /// Such a reference.
    fn downgrade(&self) -> Self::Weak;

    /// The object, if it is still kept.
    fn upgrade(weak: &Self::Weak) -> Option<Self>;
}

/// An object of which no method takes `&mut self`: no lock, ever.
pub struct Shared<T>(Arc<T>);

impl<T> From<T> for Shared<T> {
    fn from(object: T) -> Self {
        Self(Arc::new(object))
    }
}

impl<T> From<Arc<T>> for Shared<T> {
    fn from(object: Arc<T>) -> Self {
        Self(object)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Expose<Store = Shared<T>>> Store<T> for Shared<T> {
    type Weak = Weak<T>;

    fn downgrade(&self) -> Weak<T> {
        Arc::downgrade(&self.0)
    }

    fn upgrade(weak: &Weak<T>) -> Option<Self> {
        weak.upgrade().map(Self)
    }
}

impl<T: Expose<Store = Shared<T>>> Object for Shared<T> {
    fn members(&self) -> &'static Members {
        T::MEMBERS
    }

    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step {
        T::invoke(self, member, call)
    }
}

impl<T: Send + Sync + 'static> Shared<T> {
    /// The object.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Runs an asynchronous method.
    pub fn run<F, W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(Arc<T>, CallContext, Format) -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (this, context, format) = (self.0.clone(), call.request.context().clone(), call.request.format.clone());
        Step::Pending(Box::pin(context.clone().scope(work(this, context, format))))
    }

    /// Runs a method that blocks, on a thread for such.
    pub fn block<W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(&T, &CallContext, &Format) -> Outcome + Send + 'static,
    {
        let (this, context, format) = (self.0.clone(), call.request.context().clone(), call.request.format.clone());
        Step::Pending(Box::pin(blocking(context, move |context| work(&this, context, &format))))
    }
}

async fn blocking(context: CallContext, work: impl FnOnce(&CallContext) -> Outcome + Send + 'static) -> Outcome {
    let inside = context.clone();
    match tokio::task::spawn_blocking(move || context.scope_sync(|| work(&inside))).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => Outcome::Exception(crate::panic::of_panic(&*error.into_panic())),
        Err(_) => Outcome::Exception(Exception::runtime_error("the daemon is shutting down")),
    }
}

/// An object of which some method takes `&mut self`.
pub struct Guarded<T>(Arc<Lock<T>>);

struct Lock<T> {
    object: Arc<RwLock<T>>,
    /// The calls that hold the lock across an await.
    holders: Mutex<Vec<u64>>,
}

impl<T> From<T> for Guarded<T> {
    fn from(object: T) -> Self {
        Self(Arc::new(Lock { object: Arc::new(RwLock::new(object)), holders: Mutex::default() }))
    }
}

impl<T> Clone for Guarded<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Expose<Store = Guarded<T>>> Store<T> for Guarded<T> {
    type Weak = WeakGuarded<T>;

    fn downgrade(&self) -> WeakGuarded<T> {
        WeakGuarded(Arc::downgrade(&self.0))
    }

    fn upgrade(weak: &WeakGuarded<T>) -> Option<Self> {
        weak.0.upgrade().map(Self)
    }
}

/// A reference to a [`Guarded`] object that does not keep it.
pub struct WeakGuarded<T>(Weak<Lock<T>>);

impl<T: Expose<Store = Guarded<T>>> Object for Guarded<T> {
    fn members(&self) -> &'static Members {
        T::MEMBERS
    }

    fn invoke(&self, member: Member, call: &mut Invocation<'_, '_>) -> Step {
        T::invoke(self, member, call)
    }
}

impl<T: Send + Sync + 'static> Guarded<T> {
    /// The object, if nobody changes it just now.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.object.try_read().ok()
    }

    /// The object to change, if nobody uses it just now.
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.object.try_write().ok()
    }

    /// The object, as soon as nobody changes it.
    pub async fn get(&self) -> RwLockReadGuard<'_, T> {
        self.0.object.read().await
    }

    /// The object to change, as soon as nobody uses it.
    pub async fn get_mut(&self) -> RwLockWriteGuard<'_, T> {
        self.0.object.write().await
    }

    /// Runs a short method as soon as nobody changes the object.
    pub fn read<W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(&T, &CallContext, &Format) -> Outcome + Send + 'static,
    {
        self.run(call, Lock::read, move |this, context, format| std::future::ready(work(&this, &context, &format)))
    }

    /// Runs a short method that changes the object as soon as nobody uses it.
    pub fn write<W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(&mut T, &CallContext, &Format) -> Outcome + Send + 'static,
    {
        self.run(call, Lock::write, move |mut this, context, format| {
            std::future::ready(work(&mut this, &context, &format))
        })
    }

    /// Runs an asynchronous method that reads.
    pub fn run_read<F, W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(Held<OwnedRwLockReadGuard<T>>, CallContext, Format) -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.run(call, Lock::read, work)
    }

    /// Runs an asynchronous method that changes the object.
    pub fn run_write<F, W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(Held<OwnedRwLockWriteGuard<T>>, CallContext, Format) -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        self.run(call, Lock::write, work)
    }

    /// Runs a method that reads and blocks.
    pub fn block_read<W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(&T, &CallContext, &Format) -> Outcome + Send + 'static,
    {
        self.run(call, Lock::read, |this, context, format| {
            blocking(context, move |context| work(&this, context, &format))
        })
    }

    /// Runs a method that changes the object and blocks.
    pub fn block_write<W>(&self, call: &Invocation<'_, '_>, work: W) -> Step
    where
        W: FnOnce(&mut T, &CallContext, &Format) -> Outcome + Send + 'static,
    {
        self.run(call, Lock::write, |mut this, context, format| {
            blocking(context, move |context| work(&mut this, context, &format))
        })
    }

    fn run<G, A, F, W>(&self, call: &Invocation<'_, '_>, acquire: fn(Arc<Lock<T>>) -> A, work: W) -> Step
    where
        A: Future<Output = G> + Send + 'static,
        G: Send + 'static,
        T: Send + Sync,
        W: FnOnce(Held<G>, CallContext, Format) -> F + Send + 'static,
        F: Future<Output = Outcome> + Send + 'static,
    {
        let (context, format) = (call.request.context().clone(), call.request.format.clone());
        if let Err(exception) = self.0.check(&context) {
            return Step::Failed(exception);
        }
        let lock = self.0.clone();
        Step::Pending(Box::pin(async move {
            let guard = acquire(lock.clone()).await;
            let hold = next_hold();
            lock.holders().push(hold);
            let release = Release { holders: lock, hold };
            let context = context.holding(hold);
            let held = Held { guard, _release: Box::new(release) };
            context.clone().scope(work(held, context, format)).await
        }))
    }
}

impl<T: Send + Sync + 'static> Lock<T> {
    fn read(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> + Send + 'static {
        self.object.clone().read_owned()
    }

    fn write(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> + Send + 'static {
        self.object.clone().write_owned()
    }

    fn holders(&self) -> std::sync::MutexGuard<'_, Vec<u64>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that would wait for one of its own callers fails instead.
    fn check(&self, context: &CallContext) -> Result<(), Exception> {
        let held = context.holds();
        if held.is_empty() || !self.holders().iter().any(|holder| held.contains(holder)) {
            return Ok(());
        }
        Err(Exception::runtime_error(
            "this call would wait for ever: it came, over other calls, from a method of the same object that is still \
             running with the object locked; make that method take &self, or answer before calling back",
        ))
    }
}

/// A number for one holding of a lock that no other process has either.
fn next_hold() -> u64 {
    static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    START.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A lock that is held, known by a number to the calls that are made meanwhile.
pub struct Held<G> {
    guard: G,
    _release: Box<dyn Send + Sync>,
}

impl<G: Deref> Deref for Held<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Held<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

struct Release<T: Send + Sync + 'static> {
    holders: Arc<Lock<T>>,
    hold: u64,
}

impl<T: Send + Sync + 'static> Drop for Release<T> {
    fn drop(&mut self) {
        self.holders.holders().retain(|holder| *holder != self.hold);
    }
}
