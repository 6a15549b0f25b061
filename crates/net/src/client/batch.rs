//! [`Batch`]: many calls in one message.

use salamander_codec::Arguments;
use salamander_value::Writer;
use serde::de::DeserializeOwned;

use super::proxy::{Extras, Proxy};
use crate::error::{Error, Result};

/// Calls of one object that are sent together and made in order; the first that fails ends them.
///
/// ```no_run
/// # async fn example(proxy: salamander_net::Proxy) -> salamander_net::Result<()> {
/// let mut batch = proxy.batch();
/// for i in 0..1000 {
///     batch.call("add", (i, i));
/// }
/// for sum in batch.send::<i64>().await? {
///     println!("{}", sum?);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Batch {
    proxy: Proxy,
    calls: Calls,
}

/// What the calls of a batch gave, in order; an error is the last.
pub type BatchResults<T> = std::vec::IntoIter<Result<T>>;

#[derive(Clone, Default)]
struct Calls(Vec<std::sync::Arc<dyn BatchCall>>);

trait BatchCall: Send + Sync {
    fn write(&self, writer: &mut dyn Writer) -> salamander_value::Result<()>;
}

struct OneCall<A> {
    method: Box<str>,
    arguments: A,
}

impl<A: Arguments + Send + Sync> BatchCall for OneCall<A> {
    fn write(&self, writer: &mut dyn Writer) -> salamander_value::Result<()> {
        writer.begin_tuple(Some(3))?;
        writer.str(&self.method)?;
        writer.begin_tuple(Some(self.arguments.positional()))?;
        self.arguments.write_positional(writer)?;
        writer.end()?;
        writer.begin_dict(Some(self.arguments.keywords()))?;
        self.arguments.write_keywords(writer)?;
        writer.end()?;
        writer.end()
    }
}

/// To Pyro the calls of a batch are the positional arguments of one.
impl Arguments for Calls {
    fn positional(&self) -> usize {
        self.0.len()
    }

    fn write_positional(&self, writer: &mut dyn Writer) -> salamander_value::Result<()> {
        self.0.iter().try_for_each(|call| call.write(writer))
    }
}

impl Batch {
    pub(crate) fn new(proxy: Proxy) -> Self {
        Self { proxy, calls: Calls::default() }
    }

    /// Adds a call.
    pub fn call(&mut self, method: &str, arguments: impl Arguments + Send + Sync + 'static) -> &mut Self {
        self.calls.0.push(std::sync::Arc::new(OneCall { method: method.into(), arguments }));
        self
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.calls.0.is_empty()
    }

    /// Makes all the calls and gives what each gave; where one raised an exception, that is the last.
    ///
    /// # Errors
    /// Where the batch as a whole failed: the connection, or a method that is not there.
    ///
    /// # Wire
    /// Pyro 502, `INVOKE` with the `BATCH` flag.
    pub async fn send<T: DeserializeOwned>(self) -> Result<BatchResults<T>> {
        let extras = Extras { batch: true, ..Extras::default() };
        match self.proxy.invoke(BATCH, &self.calls, &extras).await? {
            Some((reply, connection)) => Ok(reply.each(&connection)?.into_iter()),
            None => Err(Error::protocol("a batch without a reply")),
        }
    }

    /// Makes all the calls, and waits for none.
    ///
    /// # Errors
    /// Where the batch cannot be sent.
    pub async fn oneway(self) -> Result<()> {
        let extras = Extras { batch: true, oneway: true, ..Extras::default() };
        self.proxy.invoke(BATCH, &self.calls, &extras).await.map(drop)
    }
}

/// What stands for a method in a batch.
const BATCH: &str = "<batch>";

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<Batch of {} calls for {}>", self.len(), self.proxy.uri())
    }
}
