//! Which page a browser calls for.

use std::net::IpAddr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Whether a request comes from a page of the server itself, or from no browser at all. Browsers say for which page they
/// ask; that the server is called by an address or by a name of its own keeps those out who give it another name.
pub(crate) fn is_own(headers: &HeaderMap, names: &[String]) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(HOST.as_str());
    let fetched = text("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none");
    let origin = text(ORIGIN.as_str()).is_none_or(|origin| {
        let place = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        place.is_some() && place == host
    });
    fetched && origin && host.is_none_or(|host| is_named(host, names))
}

/// Whether a request is for an address, this machine, or one of these names.
pub(crate) fn is_reached_by(headers: &HeaderMap, names: &[String]) -> bool {
    headers.get(HOST).is_none_or(|host| is_named(host.to_str().unwrap_or("?"), names))
}

/// Whether a host is an address, this machine, or one of these names.
fn is_named(host: &str, names: &[String]) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = without_port.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(without_port);
    let own = |own: &str| name.eq_ignore_ascii_case(own);
    name.parse::<IpAddr>().is_ok() || own("localhost") || names.iter().any(|name| own(name))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_own_pages_and_other_programs_may_call() {
        let is = |given: &[(&'static str, &'static str)]| {
            let headers = given.iter().map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
            });
            is_own(&headers.collect(), &["box.example.org".to_owned()])
        };
        assert!(is(&[]) && is(&[("host", "localhost:9090")]) && is(&[("host", "127.0.0.1")]));
        assert!(is(&[("host", "[::1]:9090")]) && is(&[("host", "BOX.example.org:1")]));
        assert!(is(&[("host", "localhost:1"), ("origin", "http://localhost:1"), ("sec-fetch-site", "same-origin")]));
        assert!(is(&[("host", "localhost:1"), ("sec-fetch-site", "none")]));
        for wrong in [
            &[("host", "evil.example.org")][..],
            &[("host", "localhost.evil.org:9090")],
            &[("host", "")],
            &[("host", "localhost:1"), ("origin", "http://localhost:2")],
            &[("host", "localhost:1"), ("origin", "null")],
            &[("host", "localhost:1"), ("origin", "\u{ff}")],
            &[("host", "localhost:1"), ("sec-fetch-site", "cross-site")],
            &[("host", "localhost:1"), ("sec-fetch-site", "same-site")],
            &[("origin", "http://localhost:1")],
        ] {
            assert!(!is(wrong), "{wrong:?}");
        }
    }
}
