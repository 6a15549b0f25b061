//! Responses: results, and what went wrong.

use bytes::Bytes;
use salamander_codec::{Codec, Settings};
use salamander_value::{Dict, Exception, Value};

/// The codes of errors.
pub mod code {
    /// What came is no JSON.
    pub const PARSE_ERROR: i64 = -32700;
    /// What came is no request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// There is no such method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters do not fit the method, which has not run. `data` is as for [`EXCEPTION`].
    pub const INVALID_PARAMS: i64 = -32602;
    /// The result of the method cannot be told in JSON.
    pub const INTERNAL_ERROR: i64 = -32603;
    /// The method raised an exception, which is in `data`: `class` (with its module), `args`, `traceback` (lines), and
    /// `attributes`, where it has some.
    pub const EXCEPTION: i64 = -32000;
    /// Something is larger, deeper or more than the server allows, as `message` says.
    pub const LIMIT: i64 = -32001;
    /// The server takes no more clients for now.
    pub const BUSY: i64 = -32002;
}

/// Where an exception keeps the lines of its traceback.
const TRACEBACK: &str = "_pyroTraceback";

/// An error of a response.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Fault {
    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub(super) fn parse_error() -> Self {
        Self::new(code::PARSE_ERROR, "Parse error")
    }

    pub(super) fn invalid_request() -> Self {
        Self::new(code::INVALID_REQUEST, "Invalid Request")
    }

    pub(super) fn method_not_found() -> Self {
        Self::new(code::METHOD_NOT_FOUND, "Method not found")
    }

    pub(super) fn invalid_params() -> Self {
        Self::new(code::INVALID_PARAMS, "Invalid params")
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(code::LIMIT, message)
    }

    pub(super) fn busy() -> Self {
        Self::new(code::BUSY, "too many clients; try again later")
    }

    /// What a call raised.
    pub(super) fn of(exception: &Exception) -> Self {
        let (code, message) = match exception {
            _ if exception.is_of_arguments() => (code::INVALID_PARAMS, "Invalid params".to_owned()),
            _ if exception.is("SerializeError") => (code::INTERNAL_ERROR, "Internal error".to_owned()),
            _ => (code::EXCEPTION, exception.to_string()),
        };
        let mut data = Dict::from_iter([
            ("class", Value::from(exception.class())),
            ("args", Value::List(exception.args().to_vec())),
            ("traceback", Value::List(exception.traceback().into_iter().map(Value::from).collect())),
        ]);
        let mut attributes = exception.attributes().clone();
        attributes.remove(TRACEBACK);
        if !attributes.is_empty() {
            data.insert("attributes", attributes);
        }
        Self { code, message, data: Some(data.into()) }
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> i64 {
        self.code
    }

    /// It as JSON.
    pub(super) fn json(&self, settings: &Settings) -> Vec<u8> {
        let mut dict =
            Dict::from_iter([("code", Value::Int(self.code)), ("message", Value::from(self.message.as_str()))]);
        if let Some(data) = &self.data {
            dict.insert("data", data.clone());
        }
        let whole = Codec::Json.encode_value(&dict.into(), settings);
        // What JSON cannot say, such as an exception's argument with tuples for keys, is left out.
        whole.unwrap_or_else(|_| {
            let message = self.data.as_ref().and_then(|data| data.get("class")).and_then(Value::as_str);
            let message = message.unwrap_or("an error that cannot be told in JSON");
            let dict = Dict::from_iter([("code", Value::Int(self.code)), ("message", message.into())]);
            Codec::Json.encode_value(&dict.into(), settings).unwrap_or_default()
        })
    }
}

/// The response with a result.
pub(super) fn result(id: &[u8], result: &[u8]) -> Vec<u8> {
    [br#"{"jsonrpc":"2.0","result":"#, result, br#","id":"#, id, b"}"].concat()
}

/// The response with an error; without an id where that could not be seen.
pub(super) fn error(id: Option<&Bytes>, fault: &Fault, settings: &Settings) -> Vec<u8> {
    let id = id.map_or(&b"null"[..], |id| id);
    [br#"{"jsonrpc":"2.0","error":"#, &fault.json(settings)[..], br#","id":"#, id, b"}"].concat()
}
