//! [`MultiCall`]: several calls in one request.

use salamander_codec::Arguments;
use salamander_net::{Error, Kind, Result};
use salamander_value::{Dict, Value, ValueWriter, Writer};

use super::Fault;
use super::client::Client;

/// Calls that are made together, in their order, by the server's `system.multicall`.
///
/// ```no_run
/// # async fn example(server: salamander_http::xmlrpc::Client) -> salamander_net::Result<()> {
/// let mut calls = server.multicall();
/// calls.add("add", (1, 2))?;
/// calls.add("sub", (5, 2))?;
/// for result in calls.send().await? {
///     println!("{}", result?);
/// }
/// # Ok(()) }
/// ```
#[must_use = "calls are made when they are sent"]
#[derive(Debug)]
pub struct MultiCall<'c> {
    client: &'c Client,
    calls: Vec<Value>,
}

impl<'c> MultiCall<'c> {
    pub(super) fn new(client: &'c Client) -> Self {
        Self { client, calls: Vec::new() }
    }

    /// Adds a call.
    ///
    /// # Errors
    /// Where its arguments cannot be written, keyword arguments among them.
    pub fn add(&mut self, method: &str, arguments: impl Arguments) -> Result<()> {
        if arguments.keywords() > 0 {
            return Err(Error::new(Kind::Misuse, "XML-RPC has no keyword arguments"));
        }
        let mut params = ValueWriter::default();
        params.begin_list(Some(arguments.positional()))?;
        arguments.write_positional(&mut params)?;
        params.end()?;
        let call = Dict::from_iter([("methodName", Value::from(method)), ("params", params.into_value()?)]);
        self.calls.push(call.into());
        Ok(())
    }

    /// How many calls there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are no calls.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Makes the calls, and gives the result of each: its value, or the fault that it is, as an error of the kind [`Kind::Remote`].
    ///
    /// # Errors
    /// Where they were not made; a fault of the server's that concerns all of them is of the kind [`Kind::Remote`].
    pub async fn send(self) -> Result<Vec<Result<Value>>> {
        let count = self.calls.len();
        let document = self.client.document("system.multicall", &vec![Value::List(self.calls)])?;
        let results = match self.client.answer(document).await? {
            Value::List(results) if results.len() == count => results,
            other => {
                let message = format!("a multicall of {count} calls was answered with {}", other.type_name());
                return Err(Error::new(Kind::Protocol, message));
            }
        };
        Ok(results.into_iter().map(result).collect())
    }
}

/// One of the results.
fn result(result: Value) -> Result<Value> {
    let fault = match result {
        Value::List(mut values) if !values.is_empty() => return Ok(values.swap_remove(0)),
        Value::Dict(fault) => fault,
        // As Python has it.
        _ => return Err(Error::new(Kind::Protocol, "unexpected type in multicall result")),
    };
    match (fault.get("faultCode"), fault.get("faultString")) {
        (Some(Value::Int(code)), Some(Value::Str(text))) => Err(Fault::new(*code, &**text).exception().into()),
        _ => Err(Error::new(Kind::Protocol, "a fault in a multicall result has no code and text")),
    }
}
