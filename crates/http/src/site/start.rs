//! The start page: what there is on this port.

use std::fmt::Write;
use std::sync::Arc;

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response};
use salamander_net::{Beside, DAEMON_NAME, DaemonHandle};

use super::{Part, Sample};
use crate::Body;

/// How many names are listed.
const MOST_NAMES: usize = 1000;

/// A page without a script, a style or a picture.
pub(super) fn page(parts: &[Arc<dyn Part>], daemon: &DaemonHandle, asked: &HeaderMap) -> Response<Body> {
    let base = base(daemon, asked);
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Salamander</title></head><body>\n\
         <h1>Salamander</h1>\n<p>Objects and functions that other programs call. This port speaks Pyro, and by HTTP:</p>\n<ul>\n",
    );
    for part in parts {
        // A string takes whatever is written.
        let _ = writeln!(html, "<li>{}: <a href=\"{path}\">{path}</a></li>", part.name(), path = part.path());
    }
    html.push_str("</ul>\n");
    let neighbours = daemon.beside();
    if !neighbours.is_empty() {
        html.push_str("<p>The same is served on ports of their own:</p>\n<ul>\n");
        for Beside { protocol, location, .. } in &neighbours {
            let _ = writeln!(html, "<li>{protocol}: <code>{}</code></li>", escaped(location));
        }
        html.push_str("</ul>\n");
    }
    html.push_str("<p>Lines to copy:</p>\n");
    samples(&mut html, "Pyro", &pyro(daemon));
    for part in parts {
        samples(&mut html, part.name(), &part.samples(&base));
    }
    for Beside { protocol, samples: lines, .. } in neighbours {
        let lines: Vec<Sample> = lines.into_iter().map(|(language, code)| Sample::new(language, code)).collect();
        samples(&mut html, protocol, &lines);
    }
    html.push_str("<p>What can be called by its name alone:</p>\n<ul>\n");
    let names = daemon.callables();
    for name in names.iter().take(MOST_NAMES) {
        let _ = writeln!(html, "<li><code>{}</code></li>", escaped(name));
    }
    html.push_str("</ul>\n</body></html>\n");
    let mut answer = Response::new(Body::from(html));
    let headers = answer.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The lines of one protocol.
fn samples(html: &mut String, name: &str, samples: &[Sample]) {
    let _ = writeln!(html, "<h2>{}</h2>\n<dl>", escaped(name));
    for Sample { language, code } in samples {
        let _ = writeln!(html, "<dt>{language}</dt><dd><pre>{}</pre></dd>", escaped(code));
    }
    html.push_str("</dl>\n");
}

/// Calls by Pyro's own protocol, of the object that every daemon has.
fn pyro(daemon: &DaemonHandle) -> Vec<Sample> {
    let uri = format!("PYRO:{DAEMON_NAME}@{}", daemon.location());
    vec![
        Sample::new("Python", format!("import Pyro5.api; print(Pyro5.api.Proxy('{uri}').registered())")),
        Sample::new(
            "Rust",
            format!("let ids: Vec<String> = Proxy::new(\"{uri}\")?.call(\"registered\", ()).await?;"),
        ),
        Sample::new("shell", format!("salamander call '{uri}' registered")),
    ]
}

/// What URLs that lead here begin with: by the name under which the client knows this place, if it is one.
fn base(daemon: &DaemonHandle, asked: &HeaderMap) -> String {
    let scheme = if daemon.is_encrypted() { "https" } else { "http" };
    let is_host =
        |host: &&str| !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c));
    let host = asked.get(HOST).and_then(|host| host.to_str().ok()).filter(is_host);
    format!("{scheme}://{}", host.unwrap_or(daemon.location()))
}

/// Text that is no markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
