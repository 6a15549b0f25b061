//! The start page: what there is on this port.

use std::fmt::Write;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response};
use salamander_net::DaemonHandle;

use super::Part;
use crate::Body;

/// How many names are listed.
const MOST_NAMES: usize = 1000;

/// A page without a script, a style or a picture.
pub(super) fn page(parts: &[Arc<dyn Part>], daemon: &DaemonHandle) -> Response<Body> {
    let mut html = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Salamander</title></head><body>\n\
         <h1>Salamander</h1>\n<p>Objects and functions that other programs call. This port speaks Pyro, and by HTTP:</p>\n<ul>\n",
    );
    for part in parts {
        // A string takes whatever is written.
        let _ = writeln!(html, "<li>{}: <a href=\"{path}\">{path}</a></li>", part.name(), path = part.path());
    }
    html.push_str("</ul>\n<p>What can be called by its name alone:</p>\n<ul>\n");
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

/// Text that is no markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
