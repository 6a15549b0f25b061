//! [`Place`]: where a Redis is, by kombu's URLs.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use salamander_net::Config;
use salamander_value::{Dict, Value};

use crate::{Error, Kind, Result};

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where a Redis is, and how it is entered.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) way: Way,
    pub(crate) database: i64,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    /// Connections are encrypted, by these settings.
    pub(crate) tls: Option<Config>,
    /// How long connecting may take, and how long an answer.
    pub(crate) connect_timeout: Duration,
    pub(crate) answer_timeout: Duration,
    pub(crate) client_name: Option<String>,
    /// As people may see it.
    pub(crate) shown: String,
}

impl Place {
    /// What is the same for all who reach the same database of one server. None for a cluster, in which keys are on several.
    pub(crate) fn name(&self) -> Option<String> {
        let way = match &self.way {
            Way::Hosts(hosts) => format!("{hosts:?}"),
            Way::Socket(path) => path.clone(),
            Way::Sentinels { hosts, master, .. } => format!("{hosts:?} {master}"),
            Way::Cluster { .. } => return None,
        };
        Some(format!("redis {way} {}", self.database))
    }
}

/// How the server is found.
#[derive(Clone)]
pub(crate) enum Way {
    /// It is one of these; the others stand by.
    Hosts(Vec<(String, u16)>),
    /// A Unix domain socket.
    Socket(String),
    /// These know which server is the master of this name.
    Sentinels { hosts: Vec<(String, u16)>, master: String, username: Option<String>, password: Option<String> },
    /// These know which server of a cluster has the slot of this key, by which all others are told.
    Cluster { hosts: Vec<(String, u16)>, key: String },
}

/// Options by name, of a URL and of settings such as `broker_transport_options`. Each is taken once; what is left is refused by name.
pub(crate) struct Options(Dict);

impl Options {
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !matches!(value, Value::None))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        self.of(name, "text", |value| match value {
            Value::Str(text) => Some(text.to_string()),
            _ => None,
        })
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>> {
        self.of(name, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::Int(number) => Some(*number != 0),
            Value::Str(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some(true),
                "false" | "0" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        })
    }

    pub(crate) fn seconds(&mut self, name: &str) -> Result<Option<Duration>> {
        self.of(name, "a number of seconds above zero", |value| {
            let seconds = match value {
                Value::Int(number) => *number as f64,
                Value::Float(number) => *number,
                Value::Str(text) => text.parse().ok()?,
                _ => return None,
            };
            Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())
        })
    }

    /// The steps of priorities.
    pub(crate) fn steps(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        self.of(name, "numbers from 0 to 9, ascending from 0", |value| {
            let steps: Vec<u8> = match value {
                Value::Str(text) => text.split(',').map(|step| step.trim().parse().ok()).collect::<Option<_>>()?,
                value => value
                    .as_slice()?
                    .iter()
                    .map(|step| match step {
                        Value::Int(step) => u8::try_from(*step).ok(),
                        _ => None,
                    })
                    .collect::<Option<_>>()?,
            };
            let ascending = steps.first() == Some(&0) && steps.is_sorted_by(|a, b| a < b);
            Some(steps).filter(|steps| ascending && steps.iter().all(|step| *step <= 9))
        })
    }

    fn of<T>(&mut self, name: &str, what: &str, read: impl FnOnce(&Value) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(misuse(format!("the option {name} should be {what}"))),
        }
    }

    /// Says that all have been taken.
    ///
    /// # Errors
    /// Names one that has not: there is none of that name.
    pub(crate) fn done(self) -> Result<()> {
        match self.0.iter().next() {
            Some((name, _)) => {
                Err(misuse(format!("{} is no option of Redis here", name.as_str().unwrap_or("what is no text"))))
            }
            None => Ok(()),
        }
    }
}

fn misuse(message: impl Into<String>) -> Error {
    Error::new(Kind::Misuse, message)
}

impl Place {
    /// What a URL says, and the options of which it knows nothing. Those of the URL go before the others.
    ///
    /// # Errors
    /// A URL that is none, or one of something else.
    pub(crate) fn parse(url: &str, options: &Dict) -> Result<(Self, Options)> {
        let parts: Vec<Part> =
            url.split(';').filter(|part| !part.is_empty()).map(Part::parse).collect::<Result<_>>()?;
        let Some(first) = parts.first() else { return Err(misuse("the URL of a Redis is empty")) };
        let mut all = options.clone();
        for (name, value) in parts.iter().flat_map(|part| &part.query) {
            all.insert(name.as_str(), Value::from(value.as_str()));
        }
        let mut options = Options(all);
        let default_port = if first.scheme == "sentinel" { SENTINEL_PORT } else { PORT };
        let hosts = || parts.iter().map(|part| part.host(default_port)).collect::<Vec<_>>();
        let (way, encrypted) = match first.scheme.as_str() {
            "redis" => (Way::Hosts(hosts()), false),
            "rediss" => (Way::Hosts(hosts()), true),
            "redis+socket" | "socket" => (Way::Socket(format!("/{}", first.path.trim_start_matches('/'))), false),
            "sentinel" => {
                let master = options.text("master_name")?;
                let master = master.ok_or_else(|| {
                    misuse("sentinel:// needs the option master_name: sentinel://host:26379?master_name=mymaster")
                })?;
                let (username, password) = sentinel_login(&mut options)?;
                (Way::Sentinels { hosts: hosts(), master, username, password }, false)
            }
            "redis+cluster" => (Way::Cluster { hosts: hosts(), key: String::new() }, false),
            "rediss+cluster" => (Way::Cluster { hosts: hosts(), key: String::new() }, true),
            other => {
                return Err(misuse(format!(
                    "{other}:// is no URL of a Redis; those are redis://, rediss://, redis+socket://, sentinel://, redis+cluster:// and \
                     rediss+cluster://"
                )));
            }
        };
        let tls = tls(&mut options, encrypted, matches!(way, Way::Sentinels { .. }))?;
        let database = match options.text("virtual_host")? {
            Some(database) => database,
            None if matches!(way, Way::Socket(_)) => String::new(),
            None => parts.iter().map(|part| &part.path).find(|path| !path.is_empty()).cloned().unwrap_or_default(),
        };
        let database = match database.trim_matches('/') {
            "" => 0,
            number => {
                number.parse().map_err(|_| misuse(format!("the database of a Redis is a number, not {number}")))?
            }
        };
        let place = Self {
            way,
            database,
            username: parts.iter().find_map(|part| part.username.clone()),
            password: parts.iter().find_map(|part| part.password.clone()),
            tls,
            connect_timeout: options.seconds("socket_connect_timeout")?.unwrap_or(Duration::from_secs(10)),
            answer_timeout: options.seconds("socket_timeout")?.unwrap_or(Duration::from_secs(30)),
            client_name: options.text("client_name")?,
            shown: parts.iter().map(Part::shown).collect::<Vec<_>>().join(";"),
        };
        Ok((place, options))
    }

    /// In a cluster: all keys are in the slot of this one.
    pub(crate) fn in_slot_of(&mut self, prefix: &mut String) {
        if let Way::Cluster { key, .. } = &mut self.way {
            let tagged = prefix.split_once('{').is_some_and(|(_, rest)| rest.find('}').is_some_and(|end| end > 0));
            if !tagged {
                prefix.insert_str(0, "{celery}");
            }
            key.clone_from(prefix);
        }
    }
}

/// How one enters the sentinels themselves: kombu's `sentinel_kwargs`.
fn sentinel_login(options: &mut Options) -> Result<(Option<String>, Option<String>)> {
    let Some(value) = options.take("sentinel_kwargs") else { return Ok((None, None)) };
    let Value::Dict(dict) = value else { return Err(misuse("the option sentinel_kwargs should be a dict")) };
    let mut dict = Options(*dict);
    let login = (dict.text("username")?, dict.text("password")?);
    dict.done()?;
    Ok(login)
}

fn tls(options: &mut Options, encrypted: bool, may: bool) -> Result<Option<Config>> {
    let mut config = Config::default();
    let mut named = false;
    for (name, setting) in [
        ("ssl_ca_certs", &mut config.ssl_cacerts),
        ("ssl_certfile", &mut config.ssl_clientcert),
        ("ssl_keyfile", &mut config.ssl_clientkey),
    ] {
        if let Some(file) = options.text(name)? {
            *setting = file;
            named = true;
        }
    }
    if let Some(asked) = options.take("ssl_cert_reqs") {
        named = true;
        match asked.as_str() {
            Some("required" | "CERT_REQUIRED") => {}
            _ => {
                return Err(Error::new(
                    Kind::Unsupported,
                    "ssl_cert_reqs: the certificate of a Redis is always checked (required); ssl_ca_certs names the file of an authority of \
                     one's own",
                ));
            }
        }
    }
    if options.flag("ssl_check_hostname")? == Some(false) {
        return Err(Error::new(Kind::Unsupported, "ssl_check_hostname: the host in a certificate is always checked"));
    }
    if named && !encrypted && !may {
        return Err(misuse("options for TLS belong to rediss://; redis:// is not encrypted"));
    }
    Ok((encrypted || named).then_some(config))
}

/// One URL of several.
struct Part {
    scheme: String,
    username: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<u16>,
    path: String,
    query: Vec<(String, String)>,
}

impl Part {
    fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| misuse("the URL of a Redis begins as redis://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, address) = authority.rsplit_once('@').map_or((None, authority), |(login, at)| (Some(login), at));
        let (username, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            Some((username, password)) => (decoded(username)?, decoded(password)?),
            None => (None, None),
        };
        let (host, port) = match address.strip_prefix('[').and_then(|address| address.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => match address.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            },
        };
        let port = match port {
            None | Some("") => None,
            Some(port) => Some(port.parse().map_err(|_| misuse(format!("{port} is no port of a host")))?),
        };
        let query = query.split('&').filter(|entry| !entry.is_empty()).map(|entry| {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            Ok((decoded(name)?.unwrap_or_default(), decoded(&value.replace('+', " "))?.unwrap_or_default()))
        });
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            username,
            password,
            host: decoded(host)?,
            port,
            path: decoded(path)?.unwrap_or_default(),
            query: query.collect::<Result<_>>()?,
        })
    }

    fn host(&self, port: u16) -> (String, u16) {
        (self.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned()), self.port.unwrap_or(port))
    }

    /// Without the password and without options, some of which are secret as well.
    fn shown(&self) -> String {
        let login = match (&self.username, &self.password) {
            (None, None) => String::new(),
            (username, password) => {
                let stars = if password.is_some() { ":**" } else { "" };
                format!("{}{stars}@", username.as_deref().unwrap_or_default())
            }
        };
        let host = match &self.host {
            Some(host) if host.contains(':') => format!("[{host}]"),
            Some(host) => host.clone(),
            None => String::new(),
        };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{login}{host}{port}/{}", self.scheme, self.path)
    }
}

fn decoded(text: &str) -> Result<Option<String>> {
    let text = percent_decode_str(text).decode_utf8();
    let text = text.map_err(|_| misuse("what stands for letters by % in a URL has to be UTF-8"))?;
    Ok(Some(text.into_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::parse(url, &Dict::new()).unwrap().0
    }

    fn refused(url: &str) -> Kind {
        Place::parse(url, &Dict::new()).and_then(|(_, options)| options.done()).unwrap_err().kind()
    }

    #[test]
    fn urls_are_as_kombus() {
        let plain = place("redis://");
        assert!(matches!(&plain.way, Way::Hosts(hosts) if hosts == &[("127.0.0.1".to_owned(), 6379)]));
        assert_eq!((plain.database, plain.password, plain.tls.is_some()), (0, None, false));
        let full = place("rediss://me:p%40ss@example.org:7000/3");
        assert!(matches!(&full.way, Way::Hosts(hosts) if hosts == &[("example.org".to_owned(), 7000)]));
        assert_eq!(
            (full.database, full.username.as_deref(), full.password.as_deref()),
            (3, Some("me"), Some("p@ss"))
        );
        assert!(full.tls.is_some());
        assert_eq!(full.shown, "rediss://me:**@example.org:7000/3");
        let socket = place("redis+socket:///tmp/redis.sock?virtual_host=2");
        assert!(matches!(&socket.way, Way::Socket(path) if path == "/tmp/redis.sock"));
        assert_eq!(socket.database, 2);
        let six = place("redis://[::1]:1/");
        assert!(matches!(&six.way, Way::Hosts(hosts) if hosts == &[("::1".to_owned(), 1)]));
    }

    #[test]
    fn sentinels_and_clusters_have_several_hosts() {
        let sentinel = place("sentinel://a:1;sentinel://b/4?master_name=mymaster");
        let Way::Sentinels { hosts, master, .. } = &sentinel.way else { panic!() };
        assert_eq!(
            (hosts.as_slice(), master.as_str()),
            (&[("a".to_owned(), 1), ("b".to_owned(), 26379)][..], "mymaster")
        );
        assert_eq!(sentinel.database, 4);
        let mut cluster = place("redis+cluster://a;redis+cluster://b:2");
        let mut prefix = String::new();
        cluster.in_slot_of(&mut prefix);
        assert_eq!(prefix, "{celery}");
        let mut prefix = "mine{x}".to_owned();
        cluster.in_slot_of(&mut prefix);
        assert!(matches!(&cluster.way, Way::Cluster { key, .. } if key == "mine{x}" && prefix == "mine{x}"));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        for url in ["", "redis", "http://x", "redis://h:x", "redis://h/x", "sentinel://h", "redis://h?ssl_certfile=a"]
        {
            assert_eq!(refused(url), Kind::Misuse, "{url}");
        }
        let (_, options) = Place::parse("redis://h?nonsense=1", &Dict::new()).unwrap();
        assert_eq!(options.done().unwrap_err().to_string(), "nonsense is no option of Redis here");
        for url in ["rediss://h?ssl_cert_reqs=none", "rediss://h?ssl_check_hostname=false"] {
            assert_eq!(refused(url), Kind::Unsupported, "{url}");
        }
        assert!(place("rediss://h?ssl_cert_reqs=required&ssl_ca_certs=a.pem").tls.is_some());
    }
}
