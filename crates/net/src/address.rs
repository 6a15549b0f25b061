//! The addresses of hosts, in the order that `PREFER_IP_VERSION` asks for.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::config::IpVersion;

/// The addresses of a host: those of the version that is preferred, else all in the system's order. An address is its own.
///
/// # Errors
/// Where the host has none. As Pyro has it, one that prefers 6 does not make do with 4, but the other way round.
pub(crate) async fn lookup(host: &str, port: u16, version: IpVersion) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let all: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    choose(all, version).ok_or_else(|| {
        let message = match version {
            IpVersion::V6 => format!("{host} has no IPv6 address, and PREFER_IP_VERSION is 6"),
            _ => format!("{host} has no address"),
        };
        io::Error::new(io::ErrorKind::AddrNotAvailable, message)
    })
}

fn choose(all: Vec<SocketAddr>, version: IpVersion) -> Option<Vec<SocketAddr>> {
    let preferred: Vec<SocketAddr> = all
        .iter()
        .copied()
        .filter(|address| match version {
            IpVersion::Any => true,
            IpVersion::V4 => address.is_ipv4(),
            IpVersion::V6 => address.is_ipv6(),
        })
        .collect();
    match (preferred.is_empty(), version) {
        (false, _) => Some(preferred),
        (true, IpVersion::V4) if !all.is_empty() => Some(all),
        (true, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_version_comes_alone() {
        let of = |addresses: &[&str]| addresses.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let both = of(&["[::1]:1", "127.0.0.1:1"]);
        assert_eq!(choose(both.clone(), IpVersion::Any).unwrap(), both);
        assert_eq!(choose(both.clone(), IpVersion::V4).unwrap(), both[1..]);
        assert_eq!(choose(both.clone(), IpVersion::V6).unwrap(), both[..1]);
        assert_eq!(choose(of(&["[::1]:1"]), IpVersion::V4).unwrap(), both[..1]);
        assert_eq!(choose(of(&["127.0.0.1:1"]), IpVersion::V6), None);
        assert_eq!(choose(Vec::new(), IpVersion::V4), None);
    }

    #[tokio::test]
    async fn an_address_is_its_own_whatever_is_preferred() {
        let found = lookup("127.0.0.1", 5, IpVersion::V6).await.unwrap();
        assert_eq!(found, ["127.0.0.1:5".parse::<SocketAddr>().unwrap()]);
    }
}
