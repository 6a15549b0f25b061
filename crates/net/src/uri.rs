//! [`Uri`]: where an object is, or by what name or properties it is to be found.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use salamander_value::{Exception, Raised};

use crate::python::{is_space, parse_int};

#[cfg(test)]
mod forms;
mod value;

/// The port that name servers listen on where nothing else is said.
pub const NAME_SERVER_PORT: u16 = 9090;

/// A Pyro URI.
///
/// ```text
/// PYRO:object@host:port          PYRO:object@./u:socket-file      the object itself
/// PYRONAME:name                  PYRONAME:name@host[:port]        by its name in a name server
/// PYROMETA:tag,tag               PYROMETA:tag,tag@host[:port]     by metadata in a name server
/// ```
///
/// Numeric IPv6 addresses stand in brackets, as in `[::1]:9090`. The protocol may be written in lower case. What is read
/// and refused is what Pyro5 reads and refuses, but for ports, which have to fit 16 bits and have ASCII digits here.
///
/// ```
/// use salamander_net::{Protocol, Uri};
///
/// let uri: Uri = "PYRO:example.greeting@localhost:9091".parse()?;
/// assert_eq!((uri.protocol(), uri.object(), uri.port()), (Protocol::Pyro, "example.greeting", Some(9091)));
/// assert!("PYRO:example.greeting".parse::<Uri>().is_err());
/// # Ok::<(), salamander_net::UriError>(())
/// ```
///
/// As an argument or result of a method it is a `Pyro5.core.URI`; where a URI is asked for, its text will do as well.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri {
    protocol: Protocol,
    /// The tags joined by commas, for `PYROMETA`.
    object: String,
    /// Empty but for `PYROMETA`.
    tags: BTreeSet<String>,
    location: Option<Location>,
}

/// How the object of a URI is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// `PYRO`: the location is the object's own.
    Pyro,
    /// `PYRONAME`: a name server knows the name.
    PyroName,
    /// `PYROMETA`: a name server knows the metadata.
    PyroMeta,
}

/// Where a daemon or name server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Location {
    /// A host by name or number, without brackets, and its port.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The file of a Unix domain socket on this machine.
    Unix(String),
}

impl Uri {
    /// Reads a URI; a location in it that lacks the port of a name server gets `name_server_port`.
    ///
    /// # Errors
    /// What Pyro refuses, with what Pyro says.
    pub fn parse(text: &str, name_server_port: u16) -> Result<Self, UriError> {
        let (protocol, rest) = text.split_once(':').ok_or_else(UriError::invalid)?;
        let starts_so = protocol.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("PYRO"));
        if !starts_so || !protocol.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(UriError::invalid());
        }
        let (object, location) = split_object(rest).ok_or_else(UriError::invalid)?;
        let protocol = Protocol::of_name(&protocol.to_ascii_uppercase())?;
        let location = match (protocol, location) {
            (Protocol::Pyro, None) => return Err(UriError::invalid()),
            (Protocol::Pyro, Some(location)) => Some(Location::parse(location, None)?),
            (_, location) => location.map(|text| Location::parse(text, Some(name_server_port))).transpose()?,
        };
        Ok(match protocol {
            Protocol::PyroMeta => Self::of_tags(object.split(',').map(str::to_owned).collect(), location),
            _ => Self { protocol, object: object.to_owned(), tags: BTreeSet::new(), location },
        })
    }

    /// The URI of an object at a location.
    ///
    /// # Errors
    /// Where the URI's text would be read as something else.
    pub fn new(object: &str, location: Location) -> Result<Self, UriError> {
        let uri = Self {
            protocol: Protocol::Pyro,
            object: object.to_owned(),
            tags: BTreeSet::new(),
            location: Some(location),
        };
        match Self::parse(&uri.to_string(), NAME_SERVER_PORT) {
            Ok(read) if read == uri => Ok(uri),
            Ok(_) => Err(UriError::invalid()),
            Err(error) => Err(error),
        }
    }

    fn of_tags(tags: BTreeSet<String>, location: Option<Location>) -> Self {
        let object = tags.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        Self { protocol: Protocol::PyroMeta, object, tags, location }
    }

    /// How the object is found.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The id of the object, or its name; for `PYROMETA` the tags, joined by commas.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The tags of `PYROMETA`; empty for the others.
    pub fn tags(&self) -> &BTreeSet<String> {
        &self.tags
    }

    /// Where the object is, or the name server that knows it. `PYRO` always has one.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// The host, where the location has one.
    pub fn host(&self) -> Option<&str> {
        match &self.location {
            Some(Location::Tcp { host, .. }) => Some(host),
            _ => None,
        }
    }

    /// The port, where the location has one.
    pub fn port(&self) -> Option<u16> {
        match self.location {
            Some(Location::Tcp { port, .. }) => Some(port),
            _ => None,
        }
    }

    /// The file of the Unix domain socket, where the location is one.
    pub fn socket_name(&self) -> Option<&str> {
        match &self.location {
            Some(Location::Unix(name)) => Some(name),
            _ => None,
        }
    }

    /// The same object seen from elsewhere.
    #[must_use]
    pub fn at(&self, location: Location) -> Self {
        Self { location: Some(location), ..self.clone() }
    }
}

/// The object and the location of what follows the protocol: up to the first `@` that is not itself the beginning.
fn split_object(rest: &str) -> Option<(&str, Option<&str>)> {
    // Python's `$` also matches before a line feed that ends the text.
    let rest = rest.strip_suffix('\n').unwrap_or(rest);
    let mut chars = rest.char_indices();
    let (_, first) = chars.next()?;
    if is_space(first) {
        return None;
    }
    for (at, c) in chars {
        let location = &rest[at + c.len_utf8()..];
        if c == '@' && !location.is_empty() && !location.contains('\n') {
            return Some((&rest[..at], Some(location)));
        }
        if is_space(c) {
            return None;
        }
    }
    Some((rest, None))
}

impl Protocol {
    /// The name in capitals, as it stands in a URI.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Pyro => "PYRO",
            Protocol::PyroName => "PYRONAME",
            Protocol::PyroMeta => "PYROMETA",
        }
    }

    fn of_name(name: &str) -> Result<Self, UriError> {
        [Protocol::Pyro, Protocol::PyroName, Protocol::PyroMeta]
            .into_iter()
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| UriError::new("invalid uri (protocol)"))
    }
}

impl Location {
    /// What a Unix domain socket's location begins with.
    pub const UNIX_PREFIX: &str = "./u:";

    /// A host and a port.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Location::Tcp { host: host.into(), port }
    }

    /// Reads `host:port`, `[ipv6]:port` or `./u:socket-file`.
    ///
    /// # Errors
    /// What Pyro refuses, with what Pyro says; a missing port too, where there is no default.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, UriError> {
        if let Some(name) = text.strip_prefix(Self::UNIX_PREFIX) {
            if name.is_empty() || name.contains(':') {
                return Err(UriError::new("invalid uri (location)"));
            }
            return Ok(Location::Unix(name.to_owned()));
        }
        let (host, port) =
            if text.starts_with('[') { split_ipv6(text)? } else { text.split_once(':').unwrap_or((text, "")) };
        let invalid = |port: &str| UriError::new(format!("invalid port in uri, port={port}"));
        let port = match (port, default_port) {
            ("", None) => return Err(invalid("None")),
            ("", Some(port)) => port,
            (port, _) => parse_int(port).ok_or_else(|| invalid(port))?,
        };
        Ok(Self::tcp(host, port))
    }
}

/// The address between the brackets, and the digits of the port, if any; Pyro does not look at what follows these.
fn split_ipv6(text: &str) -> Result<(&str, &str), UriError> {
    if text.starts_with("[[") {
        return Err(UriError::new("invalid ipv6 address: enclosed in too many brackets"));
    }
    let numeric =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'%');
    let (host, rest) = text[1..].split_once(']').filter(|(host, _)| numeric(host)).ok_or_else(|| {
        UriError::new("invalid ipv6 address: the part between brackets must be a numeric ipv6 address")
    })?;
    let port = rest.strip_prefix(':').unwrap_or_default();
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    Ok((host, &port[..digits]))
}

impl FromStr for Uri {
    type Err = UriError;

    /// As [`Uri::parse`], with Pyro's own default port of a name server, 9090.
    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::parse(text, NAME_SERVER_PORT)
    }
}

impl TryFrom<&str> for Uri {
    type Error = UriError;

    fn try_from(text: &str) -> Result<Self, UriError> {
        text.parse()
    }
}

impl TryFrom<String> for Uri {
    type Error = UriError;

    fn try_from(text: String) -> Result<Self, UriError> {
        text.parse()
    }
}

impl TryFrom<&String> for Uri {
    type Error = UriError;

    fn try_from(text: &String) -> Result<Self, UriError> {
        text.parse()
    }
}

impl From<&Uri> for Uri {
    fn from(uri: &Uri) -> Self {
        uri.clone()
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.protocol.name(), self.object)?;
        match &self.location {
            // Pyro holds a location without a host for none.
            Some(Location::Tcp { host, .. }) if host.is_empty() => Ok(()),
            Some(location) => write!(f, "@{location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Location::Tcp { host, port } => write!(f, "{host}:{port}"),
            Location::Unix(name) => write!(f, "{}{name}", Self::UNIX_PREFIX),
        }
    }
}

/// Why something is no URI. Python's side raises it as `Pyro5.errors.PyroError`.
#[derive(Clone, PartialEq)]
pub struct UriError(Raised);

impl UriError {
    #[cold]
    fn new(message: impl Into<String>) -> Self {
        Self(Raised(Exception::pyro("PyroError", message.into())))
    }

    #[cold]
    fn invalid() -> Self {
        Self::new("invalid uri")
    }

    /// The Python exception that stands for it.
    pub fn exception(&self) -> Exception {
        self.0.0.clone()
    }
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0.message())
    }
}

impl fmt::Debug for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UriError({self})")
    }
}

impl std::error::Error for UriError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn uris_that_would_be_read_otherwise_are_not_made() {
        let location = Location::tcp("h", 1);
        assert_eq!(Uri::new("obj", location.clone()).unwrap(), uri("PYRO:obj@h:1"));
        assert_eq!(uri("PYRO:obj@h:1").at(Location::tcp("::1", 2)).to_string(), "PYRO:obj@[::1]:2");
        for object in ["", "a b", "a@b"] {
            assert_eq!(Uri::new(object, location.clone()).unwrap_err().to_string(), "invalid uri");
        }
        assert!(Uri::new("obj", Location::Unix("a:b".into())).is_err());
    }

    #[test]
    fn errors_are_pyros() {
        let exception = Exception::from("PYRO:x".parse::<Uri>().unwrap_err());
        assert_eq!(exception.to_string(), "Pyro5.errors.PyroError: invalid uri");
        for text in ["PYRO:o@h:-1", "PYRO:o@h:65536", "PYRO:o@h:\u{663}"] {
            assert!(text.parse::<Uri>().unwrap_err().to_string().starts_with("invalid port in uri, port="));
        }
    }
}
