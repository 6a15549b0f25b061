//! Where settings come from: a file, then the environment; code has the last word.

use std::ffi::OsString;
use std::path::Path;

use super::setting::Given;
use super::{Config, ConfigError, ConfigErrorKind};

/// What the names of Pyro's environment variables begin with.
const PREFIX: &str = "PYRO_";

impl Config {
    /// The defaults, changed by the `PYRO_` variables of the environment.
    ///
    /// # Errors
    /// As [`Config::apply_vars`].
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(std::env::vars_os())
    }

    /// The defaults, changed by those of these variables that begin with `PYRO_`.
    ///
    /// # Errors
    /// As [`Config::apply_vars`].
    pub fn from_vars<N: Into<OsString>, V: Into<OsString>>(
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        config.apply_vars(vars)?;
        Ok(config)
    }

    /// The defaults, changed by a TOML file, changed by the environment.
    ///
    /// # Errors
    /// Where the file cannot be read, and as [`Config::apply_toml`] and [`Config::apply_vars`].
    pub fn from_file_and_env(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::file(format!("cannot read {}: {error}", path.display()), error))?;
        let mut config = Self::default();
        config
            .apply_toml(&text)
            .map_err(|error| ConfigError::new(error.kind(), format!("{}: {error}", path.display())))?;
        config.apply_vars(std::env::vars_os())?;
        Ok(config)
    }

    /// Changes what those of these variables say that begin with `PYRO_`.
    ///
    /// # Errors
    /// For a variable that begins so and is no setting, and for a value that the setting cannot have.
    pub fn apply_vars<N: Into<OsString>, V: Into<OsString>>(
        &mut self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), ConfigError> {
        for (name, value) in vars {
            let name = name.into();
            let name = name.to_string_lossy();
            let Some(setting) = name.strip_prefix(PREFIX) else { continue };
            let value = value.into();
            let shown = value.to_str().unwrap_or("?");
            let read = match value.to_str() {
                Some(text) => self.set(setting, Given::Text(text)),
                None => self.set(setting, Given::Text("")).map(|_| Err("Unicode text".to_owned())),
            };
            match read {
                Some(Ok(())) => {}
                Some(Err(right)) => {
                    let message =
                        format!("invalid Pyro environment config value: {name}={shown} (should be {right})");
                    return Err(ConfigError::new(ConfigErrorKind::BadValue, message));
                }
                None => {
                    let message = format!(
                        "invalid Pyro environment config variable: {name} (did you mean {PREFIX}{}?)",
                        closest(setting)
                    );
                    return Err(ConfigError::new(ConfigErrorKind::UnknownName, message));
                }
            }
        }
        Ok(())
    }

    /// Changes what a TOML document says, whose keys are the names of settings in capitals or small letters.
    ///
    /// # Errors
    /// Where it is no TOML, for a key that is no setting or is there twice, and for a value that the setting cannot have.
    pub fn apply_toml(&mut self, text: &str) -> Result<(), ConfigError> {
        let table: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| ConfigError::new(ConfigErrorKind::Syntax, error.to_string()))?;
        for (key, value) in &table {
            let name = key.to_ascii_uppercase();
            let read = self.set(&name, Given::Toml(value)).ok_or_else(|| {
                let known = closest(&name).to_lowercase();
                ConfigError::new(
                    ConfigErrorKind::UnknownName,
                    format!("invalid setting: {key} (did you mean {known}?)"),
                )
            })?;
            read.map_err(|right| {
                ConfigError::new(
                    ConfigErrorKind::BadValue,
                    format!("invalid value of the setting {key} (should be {right})"),
                )
            })?;
            if *key != name && table.contains_key(&name) {
                let message = format!("the same setting twice: {key} and {name}");
                return Err(ConfigError::new(ConfigErrorKind::BadValue, message));
            }
        }
        Ok(())
    }
}

/// The name of a setting that is most like this one.
fn closest(name: &str) -> &'static str {
    let name: Vec<char> = name.to_ascii_uppercase().chars().take(100).collect();
    Config::NAMES.iter().copied().min_by_key(|known| distance(&name, known)).unwrap_or_default()
}

/// How many characters have to be put in, taken out or changed to make one of the other.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, y) in b.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &x) in a.iter().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use salamander_codec::Codec;
    use salamander_value::Exception;

    use super::*;
    use crate::config::{IpVersion, LogLevel, ServerType};

    fn refused<const N: usize>(vars: [(&str, &str); N]) -> (ConfigErrorKind, String) {
        let error = Config::from_vars(vars).unwrap_err();
        (error.kind(), error.to_string())
    }

    #[test]
    fn variables_are_read_as_pyro_reads_them() {
        let config = Config::from_vars([
            ("HOME", "/root"),
            ("PYRO_HOST", ""),
            ("PYRO_NS_PORT", " 1_000 "),
            ("PYRO_NS_BCHOST", "example.org"),
            ("PYRO_COMMTIMEOUT", "0.7"),
            ("PYRO_POLLTIMEOUT", "1e1"),
            ("PYRO_COMPRESSION", "YES"),
            ("PYRO_SOCK_REUSE", "off"),
            ("PYRO_SERVERTYPE", "multiplex"),
            ("PYRO_BROADCAST_ADDRS", "10.0.0.1, 10.0.0.2 "),
            ("PYRO_PREFER_IP_VERSION", "6"),
            ("PYRO_SERIALIZER", "msgpack"),
            ("PYRO_LOGLEVEL", "WARN"),
            ("PYRO_LOGFILE", "{stderr}"),
            ("PYRO_THREADPOOL_SIZE", "80"),
            ("PYRO_SERIALIZERS_ACCEPTED", "json, pickle"),
            ("PYRO_HMAC_KEY", "open"),
            ("PYRO_SSL_SERVERKEYPASSWD", "sesame"),
        ])
        .unwrap();
        let expected = Config {
            host: String::new(),
            ns_port: 1000,
            ns_bchost: Some("example.org".to_owned()),
            commtimeout: Duration::from_millis(700),
            polltimeout: Duration::from_secs(10),
            compression: true,
            sock_reuse: false,
            servertype: ServerType::Multiplex,
            broadcast_addrs: vec!["10.0.0.1".to_owned(), "10.0.0.2".to_owned()],
            prefer_ip_version: IpVersion::V6,
            serializer: Codec::Msgpack,
            loglevel: Some(LogLevel::Warning),
            logfile: "{stderr}".to_owned(),
            threadpool_size: crate::config::ThreadPoolSize::new(80),
            ssl_serverkeypasswd: "sesame".into(),
            serializers_accepted: vec![Codec::Json, Codec::Pickle],
            hmac_key: "open".into(),
            ..Config::default()
        };
        assert_eq!(config, expected);
        assert_eq!(config.connection_limit(), Some(80));
        assert!(config.dump().contains("\nCOMMTIMEOUT = 0.7\n") && config.dump().contains("\nLOGLEVEL = WARNING\n"));
    }

    #[test]
    fn unknown_variables_are_refused_with_the_closest_name() {
        let (kind, message) = refused([("PYRO_NSPORT", "1")]);
        assert_eq!(kind, ConfigErrorKind::UnknownName);
        assert_eq!(message, "invalid Pyro environment config variable: PYRO_NSPORT (did you mean PYRO_NS_PORT?)");
        assert!(refused([("PYRO_host", "x")]).1.contains("did you mean PYRO_HOST?"));
        assert!(refused([("PYRO_SERIALISER", "x")]).1.contains("did you mean PYRO_SERIALIZER?"));
        assert!(Config::from_vars([("PYROX", "1"), ("pyro_host", "x")]).is_ok());
    }

    #[test]
    fn bad_values_are_refused_with_what_would_be_right() {
        for (name, value, right) in [
            ("NS_PORT", "", "a port number, 0 to 65535"),
            ("NS_PORT", "70000", "a port number, 0 to 65535"),
            ("NS_PORT", "9090.0", "a port number, 0 to 65535"),
            ("COMPRESSION", "maybe", "1, on, yes or true, or else 0, off, no or false"),
            ("COMMTIMEOUT", "-1", "seconds, 0 or more, as in 2.5"),
            ("COMMTIMEOUT", "nan", "seconds, 0 or more, as in 2.5"),
            ("COMMTIMEOUT", "inf", "seconds, 0 or more, as in 2.5"),
            ("SERVERTYPE", "fork", "thread or multiplex"),
            ("SERIALIZER", "dill", "serpent, marshal, json, msgpack, pickle"),
            ("SERIALIZERS_ACCEPTED", "json,dill", "names of serializers: serpent, marshal, json, msgpack, pickle"),
            ("PREFER_IP_VERSION", "5", "0, 4 or 6"),
            ("LOGLEVEL", "debug", "NOTSET, DEBUG, INFO, WARNING, ERROR or CRITICAL"),
            ("THREADPOOL_SIZE", "0", "a number, 1 or more"),
            ("MAX_MESSAGE_SIZE", "1k", "a number, 0 or more"),
        ] {
            let variable = format!("PYRO_{name}");
            let (kind, message) = refused([(&variable, value)]);
            assert_eq!(kind, ConfigErrorKind::BadValue);
            assert_eq!(
                message,
                format!("invalid Pyro environment config value: {variable}={value} (should be {right})")
            );
        }
        let error = Config::from_vars([("PYRO_SSL", "2")]).unwrap_err();
        assert!(Exception::from(error).is("ValueError"));
    }

    #[test]
    fn files_have_names_in_either_case() {
        let mut config = Config::default();
        let text = "ns_port = 7000\nCOMMTIMEOUT = 1.5\npolltimeout = 3\nssl = true\nhost = '0.0.0.0'\n\
                    broadcast_addrs = ['a', 'b']\nmax_retries = '2'\nlogwire = 1\nthreadpool_size = 9";
        config.apply_toml(text).unwrap();
        assert_eq!((config.ns_port, config.host.as_str(), config.max_retries), (7000, "0.0.0.0", 2));
        assert_eq!((config.commtimeout, config.polltimeout), (Duration::from_millis(1500), Duration::from_secs(3)));
        assert!(config.ssl && config.logwire && config.broadcast_addrs == ["a", "b"]);
        config.apply_vars([("PYRO_NS_PORT", "8000")]).unwrap();
        assert_eq!((config.ns_port, config.connection_limit()), (8000, Some(9)));
    }

    #[test]
    fn bad_files_are_refused() {
        for (text, kind, message) in [
            ("ns_prot = 1", ConfigErrorKind::UnknownName, "invalid setting: ns_prot (did you mean ns_port?)"),
            (
                "ns_port = 'x'",
                ConfigErrorKind::BadValue,
                "invalid value of the setting ns_port (should be a port number, 0 to 65535)",
            ),
            ("host = 1", ConfigErrorKind::BadValue, "invalid value of the setting host (should be a string)"),
            (
                "broadcast_addrs = [1]",
                ConfigErrorKind::BadValue,
                "invalid value of the setting broadcast_addrs (should be a list of strings)",
            ),
            ("ssl = 0\nSSL = 1", ConfigErrorKind::BadValue, "the same setting twice: ssl and SSL"),
        ] {
            let error = Config::default().apply_toml(text).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
        }
        assert_eq!(Config::default().apply_toml("x = = 1").unwrap_err().kind(), ConfigErrorKind::Syntax);
        let error = Config::from_file_and_env("/nowhere/at/all.toml").unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::File);
        assert!(error.exception().is("FileNotFoundError"), "{error}");
    }
}
