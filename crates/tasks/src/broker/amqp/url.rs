//! [`Address`]: where a broker is, out of a URL as kombu takes them.

use std::fmt;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use salamander_net::{Config, Dialer};

use crate::{Error, Kind, Result};

/// What holds where the URL of a broker does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmqpOptions {
    /// How long one may take to connect and log in (`connect_timeout`): 4 seconds.
    pub connect_timeout: Duration,
    /// After how long a silence the broker counts as gone, in whole seconds, unless the broker says less (`heartbeat`): 60. Zero for never.
    pub heartbeat: Duration,
}

impl Default for AmqpOptions {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(4), heartbeat: Duration::from_secs(60) }
    }
}

/// One broker of those that a URL names.
#[derive(Clone, Debug)]
pub(super) struct Address {
    scheme: &'static str,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) vhost: String,
    pub(super) heartbeat: u16,
    pub(super) connect: Duration,
    /// The login is by certificate.
    pub(super) external: bool,
    pub(super) dialer: Dialer,
}

impl Address {
    /// Those that a URL names, with semicolons between, the first one first.
    ///
    /// # Errors
    /// [`Kind::Misuse`]
    pub(super) fn parse_all(urls: &str, options: AmqpOptions) -> Result<Vec<Self>> {
        urls.split(';').map(str::trim).filter(|url| !url.is_empty()).map(|url| Self::parse(url, options)).collect()
    }

    fn parse(url: &str, options: AmqpOptions) -> Result<Self> {
        // Where there is no scheme it is a host, as in the further URLs of kombu's failover.
        let (scheme, rest) = url.split_once("://").unwrap_or(("amqp", url));
        let (scheme, encrypted) = match scheme {
            "amqp" | "pyamqp" => ("amqp", false),
            "amqps" => ("amqps", true),
            other => {
                return Err(wrong(format!(
                    "{other}:// is no URL of AMQP: there are amqp://, pyamqp:// and amqps://"
                )));
            }
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = host_and_port(place, if encrypted { 5671 } else { 5672 })?;
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let mut config = Config::default();
        config.sock_nodelay = true.into();
        let mut address = Self {
            scheme,
            host: or(decoded(host)?, "localhost"),
            port,
            user: or(decoded(user)?, "guest"),
            password: or(decoded(password)?, "guest"),
            vhost: or(decoded(path)?, "/"),
            heartbeat: u16::try_from(options.heartbeat.as_secs()).unwrap_or(u16::MAX),
            connect: options.connect_timeout,
            external: false,
            dialer: dialer(&config, false)?,
        };
        let mut encrypted = encrypted;
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(value)?;
            match name {
                "heartbeat" => address.heartbeat = number(name, &value)? as u16,
                "connect_timeout" => address.connect = Duration::from_secs_f64(number(name, &value)?),
                "connection_timeout" => address.connect = Duration::from_secs_f64(number(name, &value)? / 1000.0),
                "login_method" | "auth_mechanism" if value.eq_ignore_ascii_case("plain") => {}
                "login_method" | "auth_mechanism" if value.eq_ignore_ascii_case("external") => {
                    address.external = true
                }
                "ssl" => encrypted |= value.is_empty() || value == "1" || value.eq_ignore_ascii_case("true"),
                "ssl_ca_certs" | "cacertfile" => config.ssl_cacerts = value,
                "ssl_certfile" | "certfile" => config.ssl_clientcert = value,
                "ssl_keyfile" | "keyfile" => config.ssl_clientkey = value,
                "ssl_cert_reqs" if matches!(&*value, "required" | "CERT_REQUIRED") => {}
                "verify" if value == "verify_peer" => {}
                "ssl_check_hostname" if !value.eq_ignore_ascii_case("false") => {}
                _ => return Err(wrong(format!("{option:?} in the URL of a broker: that is not possible here"))),
            }
        }
        if encrypted {
            address.scheme = "amqps";
            address.dialer = dialer(&config, true)?;
        }
        Ok(address)
    }
}

/// As people may see it, in kombu's form: without the password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{}://{}:**@{host}:{}/{}", self.scheme, self.user, self.port, self.vhost)
    }
}

fn dialer(config: &Config, encrypted: bool) -> Result<Dialer> {
    Dialer::new(config.clone().into(), encrypted).map_err(|error| {
        Error::with_source(Kind::Misuse, format!("the encryption of a broker's URL: {error}"), error)
    })
}

fn host_and_port(place: &str, default: u16) -> Result<(&str, u16)> {
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').unwrap_or(port)),
        None => place.split_once(':').unwrap_or((place, "")),
    };
    if port.is_empty() {
        return Ok((host, default));
    }
    let port = port.parse().map_err(|_| wrong(format!("{port:?} is no port")))?;
    Ok((host, port))
}

fn decoded(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong(format!("{text:?} is not UTF-8")))?;
    Ok(text.into_owned())
}

fn number(name: &str, value: &str) -> Result<f64> {
    let number = value.parse().ok().filter(|number: &f64| (0.0..=65_535.0 * 1000.0).contains(number));
    number.ok_or_else(|| wrong(format!("{name}={value} in the URL of a broker: that is no number of seconds")))
}

fn wrong(message: String) -> Error {
    Error::new(Kind::Misuse, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_kombus() {
        for (url, shown) in [
            ("amqp://", "amqp://guest:**@localhost:5672//"),
            ("pyamqp://h", "amqp://guest:**@h:5672//"),
            ("amqp://u:p@h:1//", "amqp://u:**@h:1//"),
            ("amqp://u@h/%2F", "amqp://u:**@h:5672//"),
            ("amqps://u%40x:p%3A%2F@[::1]/v%201", "amqps://u@x:**@[::1]:5671/v 1"),
            ("amqp://h/v/w?heartbeat=30&connect_timeout=0.5", "amqp://guest:**@h:5672/v/w"),
        ] {
            assert_eq!(Address::parse(url, AmqpOptions::default()).unwrap().to_string(), shown, "{url}");
        }
        let all =
            Address::parse_all("amqp://a//?heartbeat=0;amqp://b:p%3A@c; d:7/v", AmqpOptions::default()).unwrap();
        let all: Vec<_> =
            all.iter().map(|one| (&*one.host, one.port, &*one.vhost, &*one.password, one.heartbeat)).collect();
        assert_eq!(all, [("a", 5672, "/", "guest", 0), ("c", 5672, "/", "p:", 60), ("d", 7, "v", "guest", 60)]);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in [
            "redis://h",
            "amqp://h:port",
            "amqp://h/%ff",
            "amqp://h?ssl_cert_reqs=none",
            "amqp://h?heartbeat=x",
            "amqp://h?what=1",
        ] {
            assert_eq!(Address::parse(url, AmqpOptions::default()).unwrap_err().kind(), Kind::Misuse, "{url}");
        }
    }
}
