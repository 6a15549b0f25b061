//! The URL of a server, as Python's client reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use salamander_net::{Error, Kind};

/// Where a server is, and what is shown to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) encrypted: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The `Host` header.
    pub(super) authority: String,
    /// `/RPC2` where the URL has none.
    pub(super) path: String,
    /// The `Authorization` header, where the URL has a name and a password.
    pub(super) authorization: Option<String>,
}

impl Url {
    /// # Errors
    /// Where it is neither `http://` nor `https://`, or has no host.
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::Misuse, format!("{what}: {url:?}"));
        let (encrypted, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => return Err(wrong("unsupported XML-RPC protocol")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = path.split('#').next().unwrap_or_default();
        let path = match path {
            "" => "/RPC2".to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            query => format!("/{query}"),
        };
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, authority),
        };
        let default = if encrypted { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            // The last part of an address in brackets is none.
            Some((host, port)) if !port.ends_with(']') => {
                let port = if port.is_empty() { Ok(default) } else { port.parse() };
                (host, port.map_err(|_| wrong("the port is no number"))?)
            }
            _ => (authority, default),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("there is no host"));
        }
        let authorization = user.map(|user| {
            let decoded: Vec<u8> = percent_decode_str(user).collect();
            format!("Basic {}", STANDARD.encode(decoded))
        });
        Ok(Self { encrypted, host: host.to_owned(), port, authority: authority.to_owned(), path, authorization })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_as_python_reads_them() {
        for (url, encrypted, host, port, path, authorization) in [
            ("http://localhost:9090", false, "localhost", 9090, "/RPC2", None),
            ("http://localhost:9090/", false, "localhost", 9090, "/", None),
            ("https://a.example/x/y?z=1#part", true, "a.example", 443, "/x/y?z=1", None),
            ("HTTP://[::1]:80/RPC2", false, "::1", 80, "/RPC2", None),
            ("http://[::1]", false, "::1", 80, "/RPC2", None),
            ("http://ada:se%63ret@localhost", false, "localhost", 80, "/RPC2", Some("Basic YWRhOnNlY3JldA==")),
        ] {
            let read = Url::parse(url).unwrap();
            assert_eq!((read.encrypted, &*read.host, read.port, &*read.path), (encrypted, host, port, path), "{url}");
            assert_eq!(read.authorization.as_deref(), authorization);
        }
        for url in ["ftp://localhost", "localhost:9090", "http://", "http://a:b", "http:///RPC2"] {
            assert!(Url::parse(url).is_err(), "{url}");
        }
    }
}
