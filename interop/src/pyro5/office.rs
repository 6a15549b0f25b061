//! Objects that come and go, in Rust; `interop/python/office.py` has the same in Python.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use salamander::prelude::*;
use salamander::{Codec, DaemonHandle, InstanceMode, Remote, SerializedBlob, Tracked};
use tokio::sync::Notify;

/// Counts the calls of one instance.
struct Visits(i64);

#[expose]
impl Visits {
    fn visit(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }
}

/// What the desk hands over.
struct Account(i64);

#[expose]
impl Account {
    fn deposit(&mut self, amount: i64) -> i64 {
        self.0 += amount;
        self.0
    }

    #[property]
    fn balance(&self) -> i64 {
        self.0
    }
}

/// What has been closed.
#[derive(Default)]
struct Freed {
    names: Mutex<HashSet<String>>,
    changed: Notify,
}

impl Freed {
    fn among(&self, names: &[String]) -> Vec<String> {
        let freed = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().filter(|name| freed.contains(*name)).cloned().collect()
    }
}

/// Something that is to be closed when its client leaves.
struct Resource {
    name: String,
    freed: Arc<Freed>,
    given_back: bool,
}

impl Drop for Resource {
    fn drop(&mut self) {
        if !self.given_back {
            self.freed.names.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name.clone());
            self.freed.changed.notify_waiters();
        }
    }
}

/// The resources of a session, by name.
#[derive(Default)]
struct Resources(Mutex<Vec<(String, Tracked<Resource>)>>);

/// An instance of a class that both sides know.
#[class("shop.Order")]
#[derive(Debug, PartialEq)]
pub struct Order {
    /// Its number.
    pub number: i64,
    /// What is ordered.
    pub items: Vec<String>,
}

/// An exception that both sides know.
#[class("shop.SoldOut", exception)]
#[derive(Debug, PartialEq)]
pub struct SoldOut {
    /// What was asked for.
    pub item: String,
    /// How many there are.
    pub left: u32,
}

impl std::fmt::Display for SoldOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is left", self.item)
    }
}

/// Hands objects over, and takes them.
struct Desk {
    daemon: DaemonHandle,
    freed: Arc<Freed>,
}

#[expose]
impl Desk {
    fn open(&self, balance: i64) -> Result<Remote<Account>> {
        self.daemon.share(Account(balance))
    }

    fn open_two(&self) -> Result<Value> {
        let proxy = |balance| self.daemon.share(Account(balance)).map(|account| Value::from(account.proxy()));
        let all = Value::List(vec![proxy(2)?, proxy(3)?]);
        Ok(salamander::Dict::from_iter([("first", proxy(1)?), ("all", all)]).into())
    }

    fn close(&self, proxy: Proxy) {
        self.daemon.unregister(proxy.uri().object());
    }

    /// An object that is registered and kept by nobody.
    fn weak(&self, name: &str) -> Result<String> {
        let account = salamander::Guarded::from(Account(0));
        Ok(self.daemon.register_weak::<Account>(name, &account)?.to_string())
    }

    /// Calls an object that it was handed.
    async fn deposit_into(&self, proxy: Proxy, amount: i64) -> Result<i64> {
        if let Some(account) = self.daemon.object::<Account>(proxy.uri()) {
            return Ok(account.get_mut().await.deposit(amount));
        }
        proxy.with_serializer(Codec::Marshal).call("deposit", (amount,)).await
    }

    /// Calls its caller back.
    async fn tell(&self, proxy: Proxy, text: String) -> Result<Value> {
        proxy.call("hear", (text,)).await
    }

    /// The same with the next number.
    fn order_again(&self, order: Order) -> Result<Order, SoldOut> {
        match &order.items[..] {
            [item] if item == "nothing" => Err(SoldOut { item: item.clone(), left: 0 }),
            _ => Ok(Order { number: order.number + 1, items: order.items }),
        }
    }

    fn weigh(&self, blob: SerializedBlob) -> Result<(Value, Value)> {
        Ok((blob.info().clone(), blob.deserialized()?))
    }

    /// Passes a blob on to the desk that its info names, without looking at it.
    async fn relay(&self, blob: SerializedBlob) -> Result<Value> {
        Proxy::new(blob.info().as_str().unwrap_or_default())?.call_blob("weigh", &blob).await
    }

    fn keep(&self, names: Vec<String>, context: &CallContext) {
        let Some(session) = context.session() else { return };
        let kept = session.data::<Resources>();
        for name in names {
            let resource = Resource { name: name.clone(), freed: self.freed.clone(), given_back: false };
            let tracked = session.track(resource);
            kept.0.lock().unwrap_or_else(PoisonError::into_inner).push((name, tracked));
        }
    }

    fn give_back(&self, name: &str, context: &CallContext) {
        let Some(session) = context.session() else { return };
        let kept = session.data::<Resources>();
        for (_, tracked) in
            kept.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|(own, _)| own == name)
        {
            if let Some(mut resource) = session.untrack(tracked) {
                resource.given_back = true;
            }
        }
    }

    /// Which of these are closed, as soon as it is all of them, or after a while.
    async fn freed(&self, names: Vec<String>) -> Vec<String> {
        let all = async {
            loop {
                let changed = self.freed.changed.notified();
                if self.freed.among(&names).len() == names.len() {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
        self.freed.among(&names)
    }

    fn freed_now(&self, names: Vec<String>) -> Vec<String> {
        self.freed.among(&names)
    }
}

/// Registers the objects.
///
/// # Errors
/// Where an id is taken.
pub fn register(daemon: &DaemonHandle) -> Result<()> {
    let visits = |count| move |_: &CallContext| Ok::<_, Exception>(Visits(count));
    daemon.register_class("single", InstanceMode::Single, visits(0))?;
    daemon.register_class("session", InstanceMode::Session, visits(10))?;
    daemon.register_class("percall", InstanceMode::PerCall, visits(0))?;
    let unlucky = |_: &CallContext| Err::<Visits, _>(Exception::value_error("no instance today"));
    daemon.register_class("unlucky", InstanceMode::Session, unlucky)?;
    daemon.register("desk", Desk { daemon: daemon.clone(), freed: Arc::default() })?;
    Ok(())
}
