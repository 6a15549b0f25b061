//! Where a server is, by its URL.

use std::fmt;

use salamander_net::{Error, Kind};

/// Where a server is, and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) transport: Transport,
    pub(super) encrypted: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// The `Host` header.
    pub(super) authority: String,
    pub(super) path: String,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Http,
    WebSocket,
    Tcp,
}

impl Place {
    /// # Errors
    /// Where the scheme is none of those known, or there is no host, or no port where there has to be one.
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::new(Kind::Misuse, format!("{what}: {url:?}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("this is no URL"))?;
        let (transport, encrypted, default) = match &*scheme.to_ascii_lowercase() {
            "http" => (Transport::Http, false, Some(80)),
            "https" => (Transport::Http, true, Some(443)),
            "ws" => (Transport::WebSocket, false, Some(80)),
            "wss" => (Transport::WebSocket, true, Some(443)),
            "tcp" => (Transport::Tcp, false, None),
            _ => return Err(wrong("the scheme of a JSON-RPC server is http, https, ws, wss or tcp")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let path = match path.split('#').next().unwrap_or_default() {
            "" => "/jsonrpc".to_owned(),
            path if path.starts_with('/') => path.to_owned(),
            query => format!("/{query}"),
        };
        if authority.contains('@') {
            return Err(wrong("names and passwords are not sent"));
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The last part of an address in brackets is none.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong("the port is no number"))?))
            }
            _ => (authority, default),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = port.ok_or_else(|| wrong("there is no port"))?;
        if host.is_empty() {
            return Err(wrong("there is no host"));
        }
        Ok(Self { transport, encrypted, host: host.to_owned(), port, authority: authority.to_owned(), path })
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

    #[test]
    fn urls_tell_transport_and_place() {
        for (url, transport, encrypted, host, port, path) in [
            ("http://localhost:9090", Transport::Http, false, "localhost", 9090, "/jsonrpc"),
            ("https://a.example/x?y", Transport::Http, true, "a.example", 443, "/x?y"),
            ("WS://[::1]:1/", Transport::WebSocket, false, "::1", 1, "/"),
            ("wss://[::1]", Transport::WebSocket, true, "::1", 443, "/jsonrpc"),
            ("tcp://127.0.0.1:5", Transport::Tcp, false, "127.0.0.1", 5, "/jsonrpc"),
        ] {
            let read = Place::parse(url).unwrap();
            assert_eq!((read.transport, read.encrypted, &*read.host), (transport, encrypted, host), "{url}");
            assert_eq!((read.port, &*read.path), (port, path), "{url}");
        }
        for url in ["localhost:1", "ftp://x:1", "tcp://x", "http://", "http://a:b", "ws://u:p@h"] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }
}
