//! From URLs to brokers and result backends: the table of drivers.

use std::sync::Arc;

use salamander_value::Str;
use salamander_wire::celery::{Accept, Compression, Serializer};

use super::Settings;
use crate::backend::{Backend, Database, EmbeddedResults, PyroResults, ResultOptions, RpcOptions, RpcResults};
use crate::broker::pyro::Pyro;
use crate::broker::{Broker, Embedded, EmbeddedOptions, Memory};
use crate::error::{Error, Kind, Result};

/// A broker that was opened by its URL. Results of those in this process are kept beside their queues.
pub(super) enum Opened {
    Memory(Memory),
    Embedded(Embedded),
    Pyro(Pyro),
    Given(Arc<dyn Broker>),
}

/// What kombu's Redis transport calls `broker_connection_timeout`.
#[cfg(feature = "redis")]
const CONNECT_TIMEOUT: &str = "socket_connect_timeout";

/// The schemes of brokers' URLs, and the feature that each needs.
const BROKERS: &[(&str, Option<&str>)] = &[
    ("memory", None),
    ("embedded", None),
    ("pyro", None),
    ("redis", Some("redis")),
    ("rediss", Some("redis")),
    ("redis+socket", Some("redis")),
    ("sentinel", Some("redis")),
    ("redis+cluster", Some("redis")),
    ("rediss+cluster", Some("redis")),
    ("amqp", Some("amqp")),
    ("amqps", Some("amqp")),
    ("pyamqp", Some("amqp")),
];

/// The schemes of result backends' URLs, and the feature that each needs.
const BACKENDS: &[(&str, Option<&str>)] = &[
    ("memory", None),
    ("embedded", None),
    ("pyro", None),
    ("rpc", None),
    ("redis", Some("redis")),
    ("rediss", Some("redis")),
    ("redis+socket", Some("redis")),
    ("sentinel", Some("redis")),
    ("redis+cluster", Some("redis")),
    ("rediss+cluster", Some("redis")),
    ("db+sqlite", None),
    ("db+postgresql", Some("postgres")),
];

impl Opened {
    /// The broker of one or several URLs, as `broker_url` has them.
    #[cfg_attr(not(any(feature = "redis", feature = "amqp")), allow(unused_variables))]
    pub(super) fn open(urls: &[Str], settings: &Settings) -> Result<Self> {
        let [first, others @ ..] = urls else {
            return Err(Error::new(Kind::Misuse, "broker_url is empty"));
        };
        let one = || match others {
            [] => Ok(()),
            _ => Err(Error::new(Kind::Misuse, format!("{}:// takes one URL alone", scheme(first)))),
        };
        match scheme(first) {
            "memory" => one().map(|()| Self::Memory(Memory::new())),
            "embedded" => {
                one()?;
                Ok(Self::Embedded(Embedded::open(rest(first), EmbeddedOptions::default())?))
            }
            "pyro" => {
                one()?;
                Ok(Self::Pyro(Pyro::new(first)?))
            }
            #[cfg(feature = "amqp")]
            "amqp" | "amqps" | "pyamqp" => {
                let all: Vec<&str> = urls.iter().map(|url| url.strip_prefix("py").unwrap_or(url)).collect();
                let mut options = crate::broker::AmqpOptions::default();
                options.heartbeat = settings.broker_heartbeat.unwrap_or(options.heartbeat);
                options.connect_timeout = settings.broker_connection_timeout.unwrap_or(options.connect_timeout);
                Ok(Self::Given(Arc::new(crate::broker::Amqp::with(&all.join(";"), options)?)))
            }
            #[cfg(feature = "redis")]
            "redis" | "rediss" | "redis+socket" | "sentinel" | "redis+cluster" | "rediss+cluster" => {
                let all: Vec<&str> = urls.iter().map(|url| &**url).collect();
                let mut options = settings.broker_transport_options.clone();
                if let (Some(timeout), None) = (settings.broker_connection_timeout, options.get(CONNECT_TIMEOUT)) {
                    options.insert(CONNECT_TIMEOUT, timeout.as_secs_f64());
                }
                let broker = crate::broker::RedisBroker::new(&all.join(";"), &options)?;
                Ok(Self::Given(Arc::new(broker)))
            }
            other => Err(missing("broker", other, BROKERS)),
        }
    }

    pub(super) fn broker(&self) -> Arc<dyn Broker> {
        match self {
            Self::Memory(memory) => Arc::new(memory.clone()),
            Self::Embedded(embedded) => Arc::new(embedded.clone()),
            Self::Pyro(pyro) => Arc::new(pyro.clone()),
            Self::Given(broker) => broker.clone(),
        }
    }

    /// The result backend of a URL, as `result_backend` has it; none for `disabled`.
    pub(super) fn backend(&self, url: &str, settings: &Settings) -> Result<Option<Arc<dyn Backend>>> {
        let options = options(settings)?;
        match (scheme(url), self) {
            ("disabled" | "", _) => Ok(None),
            ("memory" | "embedded" | "rpc", Self::Memory(memory)) => {
                Ok(Some(Arc::new(EmbeddedResults::in_memory(memory, options))))
            }
            ("embedded" | "rpc", Self::Embedded(embedded)) => {
                Ok(Some(Arc::new(EmbeddedResults::new(embedded, options))))
            }
            ("embedded" | "pyro", Self::Pyro(pyro)) => Ok(Some(Arc::new(PyroResults::new(pyro, options)))),
            ("rpc", _) => {
                not_there("rpc://", &options);
                let ResultOptions { serializer, expires, .. } = options;
                let accept = settings.result_accept_content.as_ref().unwrap_or(&settings.accept_content);
                let accept = Accept::new(accept.iter().map(|name| &**name))?;
                let persistent = settings.result_persistent.unwrap_or_default();
                let options = RpcOptions { serializer, expires, persistent, accept };
                Ok(Some(Arc::new(RpcResults::new(self.broker(), options))))
            }
            (scheme, _) if scheme.starts_with("db+") => {
                not_there("a database", &options);
                Ok(Some(Arc::new(Database::open(url, options)?)))
            }
            (scheme @ ("memory" | "embedded" | "pyro"), _) => {
                let text = format!("results are kept by {scheme}:// only where the broker is the same");
                Err(Error::new(Kind::Misuse, text))
            }
            #[cfg(feature = "redis")]
            ("redis" | "rediss" | "redis+socket" | "sentinel" | "redis+cluster" | "rediss+cluster", _) => {
                let results =
                    crate::backend::RedisResults::new(url, options, &settings.result_backend_transport_options)?;
                Ok(Some(Arc::new(results)))
            }
            (other, _) => Err(missing("result backend", other, BACKENDS)),
        }
    }
}

/// How results are kept, as the settings say.
pub(super) fn options(settings: &Settings) -> Result<ResultOptions> {
    Ok(ResultOptions {
        serializer: Serializer::from_name(&settings.result_serializer)?,
        compression: settings.result_compression.as_deref().map(Compression::from_name).transpose()?,
        expires: settings.result_expires.filter(|time| !time.is_zero()),
        failure_expires: settings.result_failure_expires,
    })
}

/// Says what results of this kind do without, as Celery does.
fn not_there(results: &str, options: &ResultOptions) {
    if options.compression.is_some() {
        tracing::warn!("result_compression: results by {results} are not compressed");
    }
    if options.failure_expires.is_some() {
        tracing::warn!("result_failure_expires: failures by {results} are kept as long as all results");
    }
}

/// The scheme of a URL; all of it where there is none, as of `rpc` alone.
fn scheme(url: &str) -> &str {
    url.split_once(':').map_or(url, |(scheme, _)| scheme)
}

/// What follows on the scheme.
fn rest(url: &str) -> &str {
    let rest = url.split_once(':').map_or("", |(_, rest)| rest);
    rest.strip_prefix("//").unwrap_or(rest)
}

#[cold]
fn missing(what: &str, scheme: &str, known: &[(&str, Option<&str>)]) -> Error {
    let text = match known.iter().find(|(name, _)| *name == scheme) {
        Some((_, Some(feature))) => {
            return Error::new(
                Kind::Unsupported,
                format!("this build has no {what} for {scheme}://: it is the feature `{feature}`"),
            );
        }
        Some((_, None)) => format!("there is no {what} for {scheme}:// yet"),
        None => {
            let names: Vec<String> = known.iter().map(|(name, _)| format!("{name}://")).collect();
            format!("there is no {what} for {scheme}://; there are {}", names.join(", "))
        }
    };
    Error::new(Kind::Misuse, text)
}
