//! Options for the doors of calls that have ports of their own, Python's multiprocessing connections and ZeroMQ, and the doors.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use salamander::multiprocessing::{MULTIPROCESSING, Options, RpcServer};
use salamander::zeromq::{self, ZEROMQ};
use salamander::{Beside, Config, DaemonHandle};

use crate::doors::Offer;
use crate::failure::Failure;

/// Where calls by connections of Python's `multiprocessing` are answered, and to whom.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Calls by Python's multiprocessing.connection")]
pub(crate) struct Calls {
    /// Answer them on this port, of the same host; 0 is a free one
    #[arg(long, value_name = "PORT")]
    mp_port: Option<u16>,

    /// Answer them on a Unix domain socket
    #[arg(long, value_name = "FILE", conflicts_with = "mp_port")]
    mp_socket: Option<String>,

    /// The key that clients have to show, and are shown
    #[arg(long, value_name = "KEY")]
    authkey: Option<String>,

    /// The file that holds that key, which others then do not see among the running programs
    #[arg(long, value_name = "FILE", conflicts_with = "authkey")]
    authkey_file: Option<PathBuf>,
}

impl Calls {
    /// Where to listen and with which key; nothing where that is not asked for.
    ///
    /// # Errors
    /// Where others than those who may would be let in, and where the key is none.
    pub(crate) fn asked_for(
        &self,
        host: &str,
        config: &Config,
        without_key: &[String],
    ) -> Result<Option<Asked>, Failure> {
        let key = self.key()?;
        let location = match (&self.mp_port, &self.mp_socket) {
            (Some(port), _) if host.contains(':') => format!("[{host}]:{port}"),
            (Some(port), _) => format!("{host}:{port}"),
            (None, Some(path)) => format!("./u:{path}"),
            (None, None) if key.is_some() => {
                return Err(Failure::usage("an authkey is for --mp-port or --mp-socket: give one of them too"));
            }
            (None, None) => return Ok(None),
        };
        let door = Port {
            protocol: MULTIPROCESSING,
            options: "--mp-port or --mp-socket",
            key: Some("--authkey or --authkey-file"),
            location: &location,
            is_far: self.mp_port.is_some() && !is_this_machine(host),
        };
        door.check(key.is_some(), config, without_key)?;
        Ok(Some(Asked { location, key }))
    }

    fn key(&self) -> Result<Option<Vec<u8>>, Failure> {
        let key = match (&self.authkey, &self.authkey_file) {
            (Some(key), _) => key.clone().into_bytes(),
            (None, Some(file)) => {
                let read = std::fs::read(file);
                let key =
                    read.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
                key.trim_ascii().to_owned()
            }
            (None, None) => return Ok(None),
        };
        if key.is_empty() { Err(Failure::usage("the authkey is empty, which is no key")) } else { Ok(Some(key)) }
    }
}

/// Where calls over ZeroMQ are answered.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Calls over ZeroMQ")]
pub(crate) struct ZeroMqCalls {
    /// Answer them on this port, of the same host, as a REP socket; 0 is a free one
    #[arg(long, value_name = "PORT")]
    zmq_port: Option<u16>,
}

impl ZeroMqCalls {
    /// Where to listen; nothing where that is not asked for.
    ///
    /// # Errors
    /// Where others than those who may would be let in: nobody can show there who he is.
    pub(crate) fn asked_for(
        &self,
        host: &str,
        config: &Config,
        without_key: &[String],
    ) -> Result<Option<String>, Failure> {
        let location = match self.zmq_port {
            Some(port) if host.contains(':') => format!("[{host}]:{port}"),
            Some(port) => format!("{host}:{port}"),
            None => return Ok(None),
        };
        let is_far = !is_this_machine(host);
        let door = Port { protocol: ZEROMQ, options: "--zmq-port", key: None, location: &location, is_far };
        door.check(false, config, without_key)?;
        Ok(Some(location))
    }
}

/// Listens for calls over ZeroMQ of what the daemon serves.
///
/// # Errors
/// Where the place is taken, or none.
pub(crate) async fn open_zeromq(location: &str, daemon: &DaemonHandle) -> Result<zeromq::RpcServer, Failure> {
    let opened = zeromq::Options::new().serve(daemon, location).await;
    let server = opened.map_err(|error| Failure::failed(error).with_hint("the option is --zmq-port"))?;
    tracing::warn!("whoever reaches {} can call what is served: ZeroMQ asks for no key here", server.location());
    Ok(server)
}

/// A port beside the daemon's that is to be opened.
struct Port<'a> {
    protocol: &'static str,
    /// The options that open it.
    options: &'static str,
    /// The options by which it gets a key, if it can have one.
    key: Option<&'static str>,
    location: &'a str,
    /// Whether others than this machine reach it.
    is_far: bool,
}

impl Port<'_> {
    /// Refuses to open it where it would let others in than those who may.
    fn check(&self, has_key: bool, config: &Config, without_key: &[String]) -> Result<(), Failure> {
        let Self { protocol, options, location, .. } = self;
        if without_key.iter().any(|name| name == protocol) {
            return Ok(());
        }
        let hint = format!("; --without-key {protocol} opens it all the same");
        if config.requires_client_certificate() {
            return Err(Failure::usage(format!(
                "clients have to show a certificate, which they cannot at {options}{hint}"
            )));
        }
        if has_key {
            return Ok(());
        }
        if !config.hmac_key.reveal().is_empty() {
            let but = match self.key {
                Some(key) => format!("give {key} too"),
                None => format!("clients at {options} cannot show one"),
            };
            return Err(Failure::usage(format!("PYRO_HMAC_KEY lets nobody in without a key: {but}{hint}")));
        }
        if self.is_far {
            let but = self.key.map_or_else(String::new, |key| format!("give {key}, or "));
            return Err(Failure::usage(format!(
                "anybody who reaches {location} could call what is served: {but}listen on localhost{hint}"
            )));
        }
        Ok(())
    }
}

/// What has been asked for.
pub(crate) struct Asked {
    location: String,
    key: Option<Vec<u8>>,
}

impl Asked {
    /// Listens for calls of what the daemon serves.
    ///
    /// # Errors
    /// Where the place is taken, or none.
    pub(crate) async fn open(self, daemon: &DaemonHandle) -> Result<RpcServer, Failure> {
        let Self { location, key } = self;
        let options = match &key {
            Some(key) => Options::new().authkey(key),
            None => {
                tracing::warn!(
                    "whoever reaches {} can call what is served: no key is asked for",
                    location.strip_prefix("./u:").unwrap_or(&location)
                );
                Options::new()
            }
        };
        let hint = "the options are --mp-port and --mp-socket";
        options.serve(daemon, &location).await.map_err(|error| Failure::failed(error).with_hint(hint))
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is to be said of such a port: where it is, and a line of Python that calls `add(2, 3)` there.
pub(crate) fn offer(key: &'static str, beside: Beside) -> Offer {
    let Beside { protocol, location, samples, .. } = beside;
    let python = samples.into_iter().find(|(language, _)| *language == "Python");
    let line = python.map_or_else(String::new, |(_, code)| format!("python -c '{code}'"));
    Offer { label: protocol, key, location, line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(calls: &Calls, host: &str, settings: &[(&str, &str)], open: bool) -> Result<Option<String>, String> {
        let config = Config::from_vars(settings.iter().copied()).unwrap();
        let without_key: Vec<String> = open.then(|| MULTIPROCESSING.to_owned()).into_iter().collect();
        let asked = calls.asked_for(host, &config, &without_key);
        asked.map(|asked| asked.map(|asked| asked.location)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn beyond_this_machine_only_a_key_or_an_explicit_word_opens_it() {
        let none = Calls { mp_port: Some(7), ..Calls::default() };
        let keyed = Calls { authkey: Some("k".to_owned()), mp_port: Some(7), ..Calls::default() };
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(asked(&none, host, &[], false).is_ok(), "{host}");
        }
        for host in ["0.0.0.0", "::", "example.org", "10.0.0.1"] {
            assert!(asked(&none, host, &[], false).unwrap_err().contains("--without-key multiprocessing"), "{host}");
            assert!(asked(&none, host, &[], true).is_ok() && asked(&keyed, host, &[], false).is_ok(), "{host}");
        }
        assert_eq!(asked(&keyed, "::1", &[], false), Ok(Some("[::1]:7".to_owned())));
        let hmac = [("PYRO_HMAC_KEY", "k")];
        assert!(asked(&none, "localhost", &hmac, false).is_err() && asked(&keyed, "localhost", &hmac, false).is_ok());
        let tls = [("PYRO_SSL", "1"), ("PYRO_SSL_REQUIRECLIENTCERT", "1")];
        assert!(asked(&keyed, "localhost", &tls, false).is_err() && asked(&keyed, "localhost", &tls, true).is_ok());
    }

    #[test]
    fn zeromq_has_no_key_and_is_open_to_this_machine_unless_something_else_is_said() {
        let asked = |host: &str, settings: &[(&str, &str)], open: bool| {
            let config = Config::from_vars(settings.iter().copied()).unwrap();
            let without_key: Vec<String> = open.then(|| ZEROMQ.to_owned()).into_iter().collect();
            let asked = ZeroMqCalls { zmq_port: Some(7) }.asked_for(host, &config, &without_key);
            asked.map_err(|failure| failure.to_string())
        };
        assert_eq!(asked("::1", &[], false), Ok(Some("[::1]:7".to_owned())));
        let tls = [("PYRO_SSL", "1"), ("PYRO_SSL_REQUIRECLIENTCERT", "1")];
        for (host, settings) in [("0.0.0.0", &[][..]), ("localhost", &[("PYRO_HMAC_KEY", "k")]), ("localhost", &tls)]
        {
            assert!(asked(host, settings, false).unwrap_err().contains("--without-key zeromq"), "{host}");
            assert!(asked(host, settings, true).is_ok(), "{host}");
        }
        let closed = ZeroMqCalls::default().asked_for("0.0.0.0", &Config::default(), &[]);
        assert_eq!(closed.map_err(|failure| failure.to_string()), Ok(None));
    }

    #[test]
    fn a_key_alone_is_a_mistake() {
        let key = Calls { authkey: Some("k".to_owned()), ..Calls::default() };
        assert!(asked(&key, "localhost", &[], false).is_err());
        assert_eq!(asked(&Calls::default(), "0.0.0.0", &[], false), Ok(None));
        let empty = Calls { authkey: Some(String::new()), mp_port: Some(7), ..Calls::default() };
        assert!(asked(&empty, "localhost", &[], false).is_err());
        let file = Calls { authkey_file: Some("/nowhere/at/all".into()), mp_port: Some(7), ..Calls::default() };
        assert!(asked(&file, "localhost", &[], false).unwrap_err().contains("/nowhere/at/all cannot be read"));
    }
}
