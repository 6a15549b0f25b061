//! Remote control: [`Command`] and [`Reply`], kombu's `pidbox`.

use salamander_value::{Dict, Str, Value};

use super::options::plain;
use super::{Decoding, Message, Serializer};
use crate::WireError;

/// A command to workers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Command {
    /// Its name.
    pub method: Str,
    /// Its keyword arguments.
    pub arguments: Dict,
    /// The workers that it is for, by their names; none where it is for all.
    pub destination: Option<Vec<Str>>,
    /// Which names it is for, in the language of the matcher.
    pub pattern: Option<Str>,
    /// `glob` or `pcre`.
    pub matcher: Option<Str>,
    /// By which whoever asks knows the replies.
    pub ticket: Option<Str>,
    /// Where replies go; none where nobody waits for one.
    pub reply_to: Option<ReplyTo>,
    /// The logical clock of whoever sent it.
    pub clock: i64,
    /// When it is of no use any more, in seconds since 1970; 0 for never.
    pub expires: f64,
}

/// Where replies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyTo {
    /// The exchange.
    pub exchange: Str,
    /// The routing key.
    pub routing_key: Str,
}

/// What one worker answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The worker's name.
    pub hostname: Str,
    /// The answer; `{"error": "..."}` where the command failed.
    pub reply: Value,
    /// The ticket of the command.
    pub ticket: Option<Str>,
    /// The logical clock of the worker.
    pub clock: i64,
}

impl Command {
    /// A command to all workers that wants no reply.
    pub fn new(method: impl Into<Str>, arguments: Dict) -> Self {
        Self { method: method.into(), arguments, ..Self::default() }
    }

    /// Whether it is for the worker of this name. `matches` is asked with a pattern and its matcher.
    pub fn is_for(&self, hostname: &str, matches: impl FnOnce(&str, &str) -> bool) -> bool {
        match (&self.destination, &self.pattern, &self.matcher) {
            (Some(names), ..) if !names.is_empty() => names.iter().any(|name| *name == *hostname),
            (_, Some(pattern), Some(matcher)) if !pattern.is_empty() && !matcher.is_empty() => {
                matches(pattern, matcher)
            }
            _ => true,
        }
    }

    /// The message.
    ///
    /// # Errors
    /// Arguments that the serializer refuses.
    pub fn to_message(&self, serializer: Serializer) -> Result<Message, WireError> {
        let mut body = Dict::with_capacity(7);
        body.insert("method", self.method.clone());
        body.insert("arguments", self.arguments.clone());
        body.insert("destination", self.destination.clone());
        body.insert("pattern", self.pattern.clone());
        body.insert("matcher", self.matcher.clone());
        if let Some(ticket) = &self.ticket {
            body.insert("ticket", ticket.clone());
        }
        if let Some(to) = &self.reply_to {
            let to = [("exchange", to.exchange.clone()), ("routing_key", to.routing_key.clone())];
            body.insert("reply_to", Dict::from_iter(to));
        }
        let expires = if self.expires == 0.0 { Value::Int(0) } else { self.expires.into() };
        let mut message = Message::new(serializer.encode(&body.into(), plain())?, serializer);
        message.headers = Dict::from_iter([("clock", Value::Int(self.clock)), ("expires", expires)]);
        Ok(message)
    }

    /// The command of a message.
    ///
    /// # Errors
    /// What cannot be decoded, and what is no command.
    pub fn from_message(message: &Message, decoding: &Decoding) -> Result<Self, WireError> {
        let wrong = || WireError::undecodable("no command of remote control");
        let Value::Dict(mut body) = message.decode(decoding)? else { return Err(wrong()) };
        let mut take = |name: &str| body.remove(name).unwrap_or_default();
        let Value::Str(method) = take("method") else { return Err(wrong()) };
        let arguments = match take("arguments") {
            Value::Dict(arguments) => *arguments,
            Value::None => Dict::new(),
            _ => return Err(wrong()),
        };
        let destination = match take("destination") {
            Value::List(names) | Value::Tuple(names) => {
                let names = names.into_iter().map(|name| text(name).ok_or_else(wrong));
                Some(names.collect::<Result<Vec<_>, _>>()?)
            }
            // What Python takes for a list of characters is a name.
            Value::Str(name) => Some(vec![name]),
            _ => None,
        };
        let (pattern, matcher) = (text(take("pattern")), text(take("matcher")));
        let (ticket, reply_to) = (text(take("ticket")), take("reply_to"));
        let part = |name| reply_to.get(name).and_then(Value::as_str).map(Str::from);
        let reply_to = match reply_to.truth() {
            true => Some(ReplyTo {
                exchange: part("exchange").ok_or_else(wrong)?,
                routing_key: part("routing_key").ok_or_else(wrong)?,
            }),
            false => None,
        };
        let (clock, expires) = (clock(message), seconds(message.headers.get("expires")));
        Ok(Self { method, arguments, destination, pattern, matcher, ticket, reply_to, clock, expires })
    }
}

impl Reply {
    /// The message.
    ///
    /// # Errors
    /// A reply that the serializer refuses.
    pub fn to_message(&self, serializer: Serializer) -> Result<Message, WireError> {
        let body = Dict::from_iter([(self.hostname.clone(), self.reply.clone())]);
        let mut message = Message::new(serializer.encode(&body.into(), plain())?, serializer);
        let ticket = Value::from(self.ticket.clone());
        message.headers = Dict::from_iter([("ticket", ticket), ("clock", Value::Int(self.clock))]);
        Ok(message)
    }

    /// The replies of a message, which is one, but may be more.
    ///
    /// # Errors
    /// What cannot be decoded, and what is no reply.
    pub fn from_message(message: &Message, decoding: &Decoding) -> Result<Vec<Self>, WireError> {
        let wrong = || WireError::undecodable("no reply of remote control");
        let Value::Dict(body) = message.decode(decoding)? else { return Err(wrong()) };
        let (ticket, clock) = (message.header("ticket").map(Str::from), clock(message));
        let replies = body.into_iter().map(|(name, reply)| match name {
            Value::Str(hostname) => Ok(Self { hostname, reply, ticket: ticket.clone(), clock }),
            _ => Err(wrong()),
        });
        replies.collect()
    }
}

fn text(value: Value) -> Option<Str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

fn clock(message: &Message) -> i64 {
    message.headers.get("clock").and_then(Value::as_int).unwrap_or_default()
}

fn seconds(value: Option<&Value>) -> f64 {
    match value {
        Some(Value::Float(seconds)) => *seconds,
        Some(Value::Int(seconds)) => *seconds as f64,
        _ => 0.0,
    }
}
