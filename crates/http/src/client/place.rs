//! [`Place`]: where a server is, by its URL.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use salamander_net::{Error, Kind};

/// Where a server is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The `Host` header.
    pub(crate) authority: String,
    /// With the query.
    pub(crate) path: String,
    /// The `Authorization` header, where the URL has a name and a password.
    pub(crate) authorization: Option<String>,
}

/// What a URL begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Ws,
    Wss,
    Tcp,
}

impl Scheme {
    fn of(name: &str) -> Option<Self> {
        Some(match &*name.to_ascii_lowercase() {
            "http" => Self::Http,
            "https" => Self::Https,
            "ws" => Self::Ws,
            "wss" => Self::Wss,
            "tcp" => Self::Tcp,
            _ => return None,
        })
    }

    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::Https | Self::Wss)
    }

    fn port(self) -> Option<u16> {
        match self {
            Self::Http | Self::Ws => Some(80),
            Self::Https | Self::Wss => Some(443),
            Self::Tcp => None,
        }
    }
}

impl Place {
    /// Reads a URL as Python's clients do. One without a path means `path`.
    ///
    /// # Errors
    /// With the words `otherwise` where the scheme is none of these; and where there is no host, or no port where there has to be one.
    pub(crate) fn parse(url: &str, schemes: &[Scheme], otherwise: &str, path: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::Misuse, format!("{what}: {url:?}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong(otherwise))?;
        let scheme = Scheme::of(scheme).filter(|scheme| schemes.contains(scheme)).ok_or_else(|| wrong(otherwise))?;
        let (authority, given) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = match given.split('#').next().unwrap_or_default() {
            "" => path.to_owned(),
            given if given.starts_with('/') => given.to_owned(),
            query => format!("/{query}"),
        };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, authority),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // The last part of an address in brackets is none.
            Some((host, port)) if !port.ends_with(']') => match port {
                "" => (host, scheme.port()),
                port => (host, Some(port.parse().map_err(|_| wrong("the port is no number"))?)),
            },
            _ => (authority, scheme.port()),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).to_owned();
        let port = port.ok_or_else(|| wrong("there is no port"))?;
        if host.is_empty() {
            return Err(wrong("there is no host"));
        }
        let authorization = user.map(|user| {
            let decoded: Vec<u8> = percent_decode_str(user).collect();
            format!("Basic {}", STANDARD.encode(decoded))
        });
        Ok(Self { scheme, host, port, authority: authority.to_owned(), path, authorization })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Scheme; 5] = [Scheme::Http, Scheme::Https, Scheme::Ws, Scheme::Wss, Scheme::Tcp];

    #[test]
    fn urls_are_read_as_python_reads_them() {
        for (url, scheme, host, port, path, authorization) in [
            ("http://localhost:9090", Scheme::Http, "localhost", 9090, "/RPC2", None),
            ("http://localhost:9090/", Scheme::Http, "localhost", 9090, "/", None),
            ("https://a.example/x/y?z=1#part", Scheme::Https, "a.example", 443, "/x/y?z=1", None),
            ("HTTP://[::1]:80/RPC2", Scheme::Http, "::1", 80, "/RPC2", None),
            ("http://[::1]", Scheme::Http, "::1", 80, "/RPC2", None),
            ("http://a.example:?x", Scheme::Http, "a.example", 80, "/?x", None),
            ("http://ada:se%63ret@localhost", Scheme::Http, "localhost", 80, "/RPC2", Some("Basic YWRhOnNlY3JldA==")),
            ("WS://[::1]:1/", Scheme::Ws, "::1", 1, "/", None),
            ("wss://[::1]", Scheme::Wss, "::1", 443, "/RPC2", None),
            ("tcp://127.0.0.1:5", Scheme::Tcp, "127.0.0.1", 5, "/RPC2", None),
        ] {
            let read = Place::parse(url, &ALL, "no", "/RPC2").unwrap();
            assert_eq!((read.scheme, &*read.host, read.port, &*read.path), (scheme, host, port, path), "{url}");
            assert_eq!(read.authorization.as_deref(), authorization);
        }
        for url in
            ["ftp://localhost", "localhost:9090", "http://", "http://a:b", "http:///RPC2", "tcp://x", "tcp://x:"]
        {
            assert!(Place::parse(url, &ALL, "no", "/").is_err(), "{url}");
        }
        assert!(Place::parse("ws://x", &ALL[..2], "no", "/").is_err());
    }
}
