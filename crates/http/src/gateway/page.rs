//! The page for people, and its parts.

use std::fmt::Write;
use std::sync::Arc;

use futures_util::future::join_all;
use http::Response;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use salamander_net::Interface;

use super::request::Refused;
use super::{Inner, listing};
use crate::body::Body;

/// A part of the page that has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asset {
    Script,
    Style,
}

impl Asset {
    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "$page.js" => Some(Self::Script),
            "$page.css" => Some(Self::Style),
            _ => None,
        }
    }

    /// Its type and text.
    pub(super) fn content(self) -> (&'static str, &'static str) {
        match self {
            Self::Script => ("text/javascript; charset=utf-8", include_str!("page/page.js")),
            Self::Style => ("text/css; charset=utf-8", include_str!("page/page.css")),
        }
    }
}

/// The page, with `@@name@@` where something is put in.
const PAGE: &str = include_str!("page/page.html");

/// How many objects the page has before it has asked for more, as Pyro's.
const FIRST: usize = 10;

/// What stands in a URL behind `#` as it is.
const IN_FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// The page with the first objects; without them, where a key is needed and not given.
pub(super) async fn page(inner: &Arc<Inner>, key_fits: bool) -> Response<Body> {
    let location = match inner.objects.name_server().await {
        Ok(names) => names.proxy().uri().location().map(ToString::to_string).unwrap_or_default(),
        Err(error) => {
            tracing::info!("no name server: {error}");
            return inner.answers.refused(Refused::NoNameServer);
        }
    };
    let mut objects = String::new();
    let mut count = "A key is needed to see the objects.".to_owned();
    if key_fits {
        let names = match listing::exposed(inner).await {
            Ok(names) => names,
            Err(error) => return listing::failed(inner, error),
        };
        let first: Vec<&String> = names.keys().take(FIRST).collect();
        let described = join_all(first.iter().map(|name| listing::describe(inner, name))).await;
        for (name, described) in first.iter().zip(described) {
            let told = match described {
                Ok(interface) => members(&interface),
                Err(error) => format!("??error: {error}??"),
            };
            let (link, name, told) = (utf8_percent_encode(name, IN_FRAGMENT), escape(name), escape(&told));
            let _ = writeln!(objects, "<li><a href=\"#{link}\">{name}</a><small>{told}</small></li>");
        }
        count = match names.len() {
            0 => "No objects.".to_owned(),
            all if all > FIRST => format!("{FIRST} of {all} objects"),
            all => format!("{all} object{}", if all == 1 { "" } else { "s" }),
        };
    }
    let key = match (inner.options.has_key(), key_fits) {
        (false, _) => "none",
        (true, true) => "given",
        (true, false) => "needed",
    };
    inner.answers.page(filled(|name| match name {
        "key" => key.to_owned(),
        "location" => escape(&location),
        "expose" => escape(&inner.options.expose),
        "count" => escape(&count),
        "objects" => objects.clone(),
        "version" => env!("CARGO_PKG_VERSION").to_owned(),
        _ => String::new(),
    }))
}

/// The names of an object's methods and attributes, on one line.
fn members(interface: &Interface) -> String {
    let list = |names: Vec<&str>| if names.is_empty() { "-".to_owned() } else { names.join(" ") };
    let methods = list(interface.methods.iter().map(|method| &*method.name).collect());
    let attributes = list(interface.attrs.iter().map(|attribute| &*attribute.name).collect());
    format!("methods: {methods}; attributes: {attributes}")
}

/// The page with everything put in, once through: what is put in is not looked at again.
fn filled(value: impl Fn(&str) -> String) -> String {
    let mut page = String::with_capacity(PAGE.len());
    for (at, part) in PAGE.split("@@").enumerate() {
        if at % 2 == 0 {
            page.push_str(part);
        } else {
            page.push_str(&value(part));
        }
    }
    page
}

/// Text that can stand anywhere in HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let page = filled(|name| if name == "location" { "@@expose@@".to_owned() } else { name.to_owned() });
        assert!(page.contains("<strong>@@expose@@</strong>") && page.contains("<code>expose</code>"));
        assert_eq!(page.matches("@@").count(), 2);
    }

    #[test]
    fn nothing_in_the_page_is_from_elsewhere_or_inline() {
        let script = Asset::Script.content().1;
        for text in [PAGE, script, Asset::Style.content().1] {
            assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("url("));
        }
        assert!(!PAGE.contains("style=") && !PAGE.contains("onclick") && !PAGE.contains("<script>"));
        for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
            assert!(!script.contains(sink), "{sink}");
        }
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("<a href=\"x\" o='y'>&"), "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;");
    }
}
