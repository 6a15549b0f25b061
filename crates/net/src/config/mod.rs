//! [`Config`]: Pyro's settings, by the names and with the defaults that Pyro gives them.

mod error;
mod global;
mod setting;
mod sources;

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use salamander_codec::Codec;
use salamander_object::StreamLimits;
use salamander_value::Dict;

pub use error::{ConfigError, ConfigErrorKind};
pub use setting::{IpVersion, LogLevel, NoDelay, Secret, ServerType, ThreadPoolSize};

use setting::{Given, Setting};

use crate::dialect::Key;

/// From the names, fields, types and defaults: the struct, and what treats all settings alike.
macro_rules! settings {
    ($($(#[doc = $doc:literal])* $name:ident $field:ident: $type:ty = $default:expr;)*) => {
        /// The settings of Pyro5, and two of Pyro4, with the types that Rust would give them.
        ///
        /// Times of zero mean "none" or "off". Settings that shape the innards of Pyro5 and have no meaning here are read,
        /// checked and shown all the same, so that environments and files serve both; their documentation says so.
        ///
        /// ```
        /// use salamander_net::Config;
        ///
        /// let mut config = Config::from_vars([("PYRO_NS_PORT", "9999"), ("PYRO_COMMTIMEOUT", "2.5")])?;
        /// config.compression = true;
        /// assert_eq!(config.ns_port, 9999);
        /// assert_eq!(config.comm_timeout().unwrap().as_millis(), 2500);
        /// # Ok::<(), salamander_net::ConfigError>(())
        /// ```
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct Config {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        impl Default for Config {
            /// Pyro's defaults; the environment is not looked at.
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Config {
            /// The names of all settings.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// Changes the setting of a name, in capitals; none where there is no such name.
            fn set(&mut self, name: &str, given: Given<'_>) -> Option<Result<(), String>> {
                match name {
                    $(stringify!($name) => Some(<$type>::read(given).map(|value| self.$field = value)),)*
                    _ => None,
                }
            }

            /// All settings by name, sorted, as the values that they are in Python. Passwords are not shown.
            pub fn as_dict(&self) -> Dict {
                let mut all = [$((stringify!($name), self.$field.value())),*];
                all.sort_unstable_by_key(|(name, _)| *name);
                all.into_iter().collect()
            }

            /// All settings by name, as Python's `str()` shows them.
            fn shown(&self) -> Vec<(&'static str, String)> {
                let mut all = vec![$((stringify!($name), self.$field.show())),*];
                all.sort_unstable();
                all
            }
        }
    };
}

settings! {
    /// `HOST`: the host name or address that daemons bind to.
    HOST host: String = "localhost".to_owned();
    /// `NS_HOST`: where to look for the name server first.
    NS_HOST ns_host: String = "localhost".to_owned();
    /// `NS_PORT`: the port of the name server, also in URIs that name its host and no port.
    NS_PORT ns_port: u16 = 9090;
    /// `NS_BCPORT`: the port on which the name server answers broadcasts.
    NS_BCPORT ns_bcport: u16 = 9091;
    /// `NS_BCHOST`: the address on which the name server listens for broadcasts.
    NS_BCHOST ns_bchost: Option<String> = None;
    /// `NS_AUTOCLEAN`: how often the name server looks for registrations that nobody serves any more; zero: never. Pyro
    /// refuses less than 3 seconds when a name server starts.
    NS_AUTOCLEAN ns_autoclean: Duration = Duration::ZERO;
    /// `NS_LOOKUP_DELAY`: how long to wait for a name to be registered.
    NS_LOOKUP_DELAY ns_lookup_delay: Duration = Duration::ZERO;
    /// `NATHOST`: the host name under which the daemon is reached from outside.
    NATHOST nathost: Option<String> = None;
    /// `NATPORT`: the port under which the daemon is reached from outside; 0: none.
    NATPORT natport: u16 = 0;
    /// `COMPRESSION`: whether larger bodies are sent compressed; they are always read.
    COMPRESSION compression: bool = false;
    /// `SERVERTYPE`: how Pyro5 serves connections. No counterpart here: any number of connections is served at once by few
    /// threads, which is what both kinds are for.
    SERVERTYPE servertype: ServerType = ServerType::Thread;
    /// `COMMTIMEOUT`: how long one may wait for the network; zero: for ever. See [`Config::comm_timeout`].
    COMMTIMEOUT commtimeout: Duration = Duration::ZERO;
    /// `POLLTIMEOUT`: how often a daemon looks for item streams that are past their time, as Pyro5's loops do when they wake
    /// up; every 5 seconds, or `COMMTIMEOUT`, at least.
    POLLTIMEOUT polltimeout: Duration = Duration::from_secs(2);
    /// `MAX_RETRIES`: how often a call is repeated after the connection broke or timed out.
    MAX_RETRIES max_retries: u32 = 0;
    /// `SOCK_REUSE`: whether an address that was in use shortly before may be bound again.
    SOCK_REUSE sock_reuse: bool = true;
    /// `SOCK_NODELAY`: whether small packets are sent without delay. They are, unless it has been set to no.
    SOCK_NODELAY sock_nodelay: NoDelay = NoDelay::default();
    /// `DETAILED_TRACEBACK`: whether Pyro5's tracebacks show local variables. No counterpart here, where nobody knows these
    /// while a program runs.
    DETAILED_TRACEBACK detailed_traceback: bool = false;
    /// `THREADPOOL_SIZE`: how many connections Pyro5 serves at once. Here it limits connections only where it has been
    /// set; see [`Config::connection_limit`].
    THREADPOOL_SIZE threadpool_size: ThreadPoolSize = ThreadPoolSize::default();
    /// `THREADPOOL_SIZE_MIN`: how many threads Pyro5 keeps waiting; not more than `THREADPOOL_SIZE`. No counterpart here, where
    /// connections have no threads.
    THREADPOOL_SIZE_MIN threadpool_size_min: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
    /// `MAX_MESSAGE_SIZE`: how many bytes the annotations and body of a message may have.
    MAX_MESSAGE_SIZE max_message_size: usize = 1 << 30;
    /// `BROADCAST_ADDRS`: where to broadcast for the name server: addresses, names of hosts, or `<broadcast>`.
    BROADCAST_ADDRS broadcast_addrs: Vec<String> = vec!["<broadcast>".to_owned(), "0.0.0.0".to_owned()];
    /// `PREFER_IP_VERSION`: which of a host's addresses are used, by daemons and proxies. Who prefers 6 does not make do with 4
    /// and does not broadcast.
    PREFER_IP_VERSION prefer_ip_version: IpVersion = IpVersion::Any;
    /// `SERIALIZER`: the serializer of calls that are made.
    SERIALIZER serializer: Codec = Codec::Serpent;
    /// `SERIALIZERS_ACCEPTED`, a setting of Pyro4: the serializers of calls that are answered. Pickle is not among them unless it
    /// is named.
    SERIALIZERS_ACCEPTED serializers_accepted: Vec<Codec> = Codec::PYRO5.to_vec();
    /// `HMAC_KEY`, after the variable of Pyro4's tools: the key that messages of Pyro4 are signed with, on both sides; empty: none.
    HMAC_KEY hmac_key: Secret = Secret::default();
    /// `SERPENT_BYTES_REPR`: whether serpent writes `bytes` as a literal instead of as base 64.
    SERPENT_BYTES_REPR serpent_bytes_repr: bool = false;
    /// `ITER_STREAMING`: whether methods may return streams of items.
    ITER_STREAMING iter_streaming: bool = true;
    /// `ITER_STREAM_LIFETIME`: how long a stream of items may last; zero: for ever.
    ITER_STREAM_LIFETIME iter_stream_lifetime: Duration = Duration::ZERO;
    /// `ITER_STREAM_LINGER`: how long a stream of items outlives its connection; zero: not at all.
    ITER_STREAM_LINGER iter_stream_linger: Duration = Duration::from_secs(30);
    /// `LOGFILE`: where the program `salamander` writes its log where `LOGLEVEL` is set; `{stderr}` is the standard error
    /// output. A library logs by `tracing`, and the program that uses it says where to.
    LOGFILE logfile: String = "pyro5.log".to_owned();
    /// `LOGLEVEL`: from which level on the program `salamander` logs; none: warnings, to the standard error output.
    LOGLEVEL loglevel: Option<LogLevel> = None;
    /// `LOGWIRE`: whether every message is logged.
    LOGWIRE logwire: bool = false;
    /// `SSL`: whether connections are encrypted, those of daemons and of proxies.
    SSL ssl: bool = false;
    /// `SSL_SERVERCERT`: the file of the server's certificate.
    SSL_SERVERCERT ssl_servercert: String = String::new();
    /// `SSL_SERVERKEY`: the file of the server's private key, where the certificate's file does not hold it.
    SSL_SERVERKEY ssl_serverkey: String = String::new();
    /// `SSL_SERVERKEYPASSWD`: the password of the server's private key.
    SSL_SERVERKEYPASSWD ssl_serverkeypasswd: Secret = Secret::default();
    /// `SSL_REQUIRECLIENTCERT`: whether clients have to show a certificate; otherwise they are not asked for one.
    SSL_REQUIRECLIENTCERT ssl_requireclientcert: bool = false;
    /// `SSL_CLIENTCERT`: the file of the client's certificate.
    SSL_CLIENTCERT ssl_clientcert: String = String::new();
    /// `SSL_CLIENTKEY`: the file of the client's private key, where the certificate's file does not hold it.
    SSL_CLIENTKEY ssl_clientkey: String = String::new();
    /// `SSL_CLIENTKEYPASSWD`: the password of the client's private key.
    SSL_CLIENTKEYPASSWD ssl_clientkeypasswd: Secret = Secret::default();
    /// `SSL_CACERTS`: the file, or the directory as `openssl rehash` makes it, of the certificates that others' are checked by.
    /// Proxies trust the system's authorities besides; daemons trust nobody else.
    SSL_CACERTS ssl_cacerts: String = String::new();
}

/// The bounds of how often what is past its time is looked for. Pyro's loops would take zero for "all the time".
const MOST_SELDOM: Duration = Duration::from_secs(5);
const MOST_OFTEN: Duration = Duration::from_millis(10);

impl Config {
    /// `COMMTIMEOUT`, if there is one.
    pub fn comm_timeout(&self) -> Option<Duration> {
        Some(self.commtimeout).filter(|time| !time.is_zero())
    }

    /// `NS_AUTOCLEAN`, if it is on.
    pub fn autoclean(&self) -> Option<Duration> {
        Some(self.ns_autoclean).filter(|time| !time.is_zero())
    }

    /// `ITER_STREAM_LIFETIME`, if there is one.
    pub fn stream_lifetime(&self) -> Option<Duration> {
        Some(self.iter_stream_lifetime).filter(|time| !time.is_zero())
    }

    /// Whether clients have to show a certificate. What listens without asking for one must not be opened then, unless the user
    /// has asked for it by its name.
    pub fn requires_client_certificate(&self) -> bool {
        self.ssl && self.ssl_requireclientcert
    }

    /// Refuses settings that contradict each other, as Pyro does when a daemon begins.
    ///
    /// # Errors
    /// Says which, and what would be right.
    pub(crate) fn check(&self) -> Result<(), crate::Error> {
        let (least, most) = (self.threadpool_size_min.get() as usize, self.threadpool_size.get());
        if least > most {
            return Err(crate::Error::misuse(format!(
                "THREADPOOL_SIZE_MIN is {least}, which is more than THREADPOOL_SIZE, {most}: it should be that or less"
            )));
        }
        Ok(())
    }

    /// `HMAC_KEY`, if there is one.
    pub(crate) fn key(&self) -> Option<Key> {
        Key::new(self.hmac_key.reveal().as_bytes())
    }

    /// Whether calls in this serializer are answered.
    pub(crate) fn accepts(&self, codec: Codec) -> bool {
        self.serializers_accepted.contains(&codec)
    }

    /// How often what is past its time is looked for: every `POLLTIMEOUT`, but not more seldom than Pyro does.
    pub(crate) fn housekeeping_pause(&self) -> Duration {
        self.polltimeout.min(self.commtimeout.max(MOST_SELDOM)).max(MOST_OFTEN)
    }

    /// How long item streams live.
    pub fn stream_limits(&self) -> StreamLimits {
        StreamLimits { lifetime: self.iter_stream_lifetime, linger: self.iter_stream_linger }
    }

    /// How many connections may be served at once: `THREADPOOL_SIZE` where it has been set, else any number.
    pub fn connection_limit(&self) -> Option<usize> {
        self.threadpool_size.given()
    }

    /// Everything in lines of text, as Pyro5's `check-config` prints it, with our versions for its own. Passwords are not
    /// shown.
    pub fn dump(&self) -> String {
        let program = std::env::current_exe().map_or("?".to_owned(), |path| path.display().to_string());
        let mut lines = vec![
            format!("Salamander version: {}", env!("CARGO_PKG_VERSION")),
            format!("Loaded from: {program}"),
            format!("Platform: {} ({})", std::env::consts::OS, std::env::consts::ARCH),
            format!("Protocol version: {}", salamander_wire::pyro5::VERSION),
            "Currently active global configuration settings:".to_owned(),
        ];
        lines.extend(self.shown().into_iter().map(|(name, value)| format!("{name} = {value}")));
        lines.join("\n")
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `pyro5-check-config` of Pyro5 5.17 prints in an empty environment, below its versions.
    const RECORDED: &str = "\
Currently active global configuration settings:
BROADCAST_ADDRS = ['<broadcast>', '0.0.0.0']
COMMTIMEOUT = 0.0
COMPRESSION = False
DETAILED_TRACEBACK = False
HOST = localhost
ITER_STREAMING = True
ITER_STREAM_LIFETIME = 0.0
ITER_STREAM_LINGER = 30.0
LOGFILE = pyro5.log
LOGLEVEL = None
LOGWIRE = False
MAX_MESSAGE_SIZE = 1073741824
MAX_RETRIES = 0
NATHOST = None
NATPORT = 0
NS_AUTOCLEAN = 0.0
NS_BCHOST = None
NS_BCPORT = 9091
NS_HOST = localhost
NS_LOOKUP_DELAY = 0.0
NS_PORT = 9090
POLLTIMEOUT = 2.0
PREFER_IP_VERSION = 0
SERIALIZER = serpent
SERPENT_BYTES_REPR = False
SERVERTYPE = thread
SOCK_NODELAY = False
SOCK_REUSE = True
SSL = False
SSL_CACERTS = 
SSL_CLIENTCERT = 
SSL_CLIENTKEY = 
SSL_CLIENTKEYPASSWD = 
SSL_REQUIRECLIENTCERT = False
SSL_SERVERCERT = 
SSL_SERVERKEY = 
SSL_SERVERKEYPASSWD = 
THREADPOOL_SIZE = 80
THREADPOOL_SIZE_MIN = 4";

    #[test]
    fn the_defaults_are_pyros() {
        let dump = Config::default().dump();
        let (versions, settings) = dump.split_at(dump.find("Currently").unwrap());
        // Pyro4's are beside them.
        let (ours, pyros): (Vec<_>, Vec<_>) =
            settings.lines().partition(|line| line.starts_with("HMAC_KEY") || line.starts_with("SERIALIZERS_ACC"));
        assert_eq!(pyros.join("\n"), RECORDED);
        assert_eq!(ours, ["HMAC_KEY = ", "SERIALIZERS_ACCEPTED = ['serpent', 'marshal', 'json', 'msgpack']"]);
        assert_eq!(versions.lines().count(), 4);
        assert!(versions.ends_with("Protocol version: 502\n"));
        assert_eq!(Config::default().connection_limit(), None);
        assert_eq!(Config::default().comm_timeout(), None);
    }

    #[test]
    fn settings_are_values_too() {
        let config = Config { nathost: Some("example.org".to_owned()), ..Config::default() };
        let dict = config.as_dict();
        assert_eq!(dict.len(), Config::NAMES.len());
        for (name, value) in [
            ("NS_PORT", "9090"),
            ("NATHOST", "'example.org'"),
            ("NS_BCHOST", "None"),
            ("BROADCAST_ADDRS", "['<broadcast>', '0.0.0.0']"),
            ("COMMTIMEOUT", "0.0"),
            ("SSL", "False"),
            ("PREFER_IP_VERSION", "0"),
            ("THREADPOOL_SIZE", "80"),
            ("SERIALIZER", "'serpent'"),
        ] {
            assert_eq!(dict.get(name).unwrap().to_string(), value, "{name}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let config = Config { ssl_serverkeypasswd: "sesame".into(), ..Config::default() };
        assert!(config.dump().contains("SSL_SERVERKEYPASSWD = ***\n"));
        assert!(!format!("{config:?}").contains("sesame"));
        assert_eq!(config.ssl_serverkeypasswd.reveal(), "sesame");
    }
}
