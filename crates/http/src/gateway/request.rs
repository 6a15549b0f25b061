//! [`Asked`]: what a request asks for, by its method and path.

use http::Method;
use percent_encoding::percent_decode_str;

use super::page::Asset;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The root, which is elsewhere.
    Redirect,
    /// What a browser asks before it lets a page of elsewhere call.
    Options,
    /// The page for people.
    Page,
    /// A part of it.
    Asset(Asset),
    /// The names of objects.
    Names,
    /// What all objects expose.
    OpenApi,
    /// A method or attribute of an object, or something about it.
    Member { object: String, member: String },
}

/// Why a request is not answered with what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotFound,
    Method,
    Key,
    Object,
    Origin,
    NoNameServer,
    TooLarge,
    TooSlow,
    NotJson,
    Busy,
    Failed,
}

impl Asked {
    /// By Pyro's rules: slashes in front do not count, the last slash that has something on both sides is before the member.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, Refused> {
        let path = percent_decode_str(path).decode_utf8_lossy();
        let path = path.trim_start_matches('/');
        if path.is_empty() {
            return Ok(Self::Redirect);
        }
        let path = path.strip_prefix("pyro/").ok_or(Refused::NotFound)?;
        match *method {
            Method::GET | Method::POST => {}
            Method::OPTIONS => return Ok(Self::Options),
            _ => return Err(Refused::Method),
        }
        match path {
            "" => return Ok(Self::Page),
            "$names" => return Ok(Self::Names),
            "$openapi.json" => return Ok(Self::OpenApi),
            _ => {}
        }
        if let Some(asset) = Asset::of(path) {
            return Ok(Self::Asset(asset));
        }
        let most = path.char_indices().next_back().map_or(0, |(last, _)| last);
        let slash = path[..most].rfind('/').filter(|&slash| slash > 0 && !path.contains('\n'));
        let slash = slash.ok_or(Refused::NotFound)?;
        Ok(Self::Member { object: path[..slash].to_owned(), member: path[slash + 1..].to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_path_is_something_or_refused(path in "(/|pyro|%2f|%|%c3|\\$|[a-z]|\\PC){0,20}") {
            let _ = Asked::of(&Method::GET, &path);
        }
    }

    fn asked(path: &str) -> String {
        match Asked::of(&Method::GET, path) {
            Ok(Asked::Member { object, member }) => format!("{object} | {member}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn paths_are_taken_apart_as_pyro_does() {
        for (path, what) in [
            ("/", "Ok(Redirect)"),
            ("//", "Ok(Redirect)"),
            ("/pyro", "Err(NotFound)"),
            ("/pyro/", "Ok(Page)"),
            ("///pyro/", "Ok(Page)"),
            ("/pyro/x", "Err(NotFound)"),
            ("/pyro/x/", "Err(NotFound)"),
            ("/pyro//x", "Err(NotFound)"),
            ("/pyro/a/b", "a | b"),
            ("/pyro/a/b/c", "a/b | c"),
            ("/pyro/a/b/", "a | b/"),
            ("/pyro/a//", "a | /"),
            ("/pyro/a//b", "a/ | b"),
            ("/pyro/%2Fa/b", "/a | b"),
            ("/pyro/a%2Fb", "a | b"),
            ("/pyro/a/\u{e9}", "a | é"),
            ("/pyro/%C3%A9/x%20y", "é | x y"),
            ("/pyro/%ff/x", "\u{fffd} | x"),
            ("/pyro/a/é", "a | é"),
            ("/pyro/a%0Ab/c", "Err(NotFound)"),
            ("/other/a/b", "Err(NotFound)"),
            ("/pyro/$names", "Ok(Names)"),
            ("/pyro/a/$meta", "a | $meta"),
        ] {
            assert_eq!(asked(path), what, "{path}");
        }
    }

    #[test]
    fn methods_are_those_of_pyro() {
        assert_eq!(Asked::of(&Method::HEAD, "/pyro/a/b"), Err(Refused::Method));
        assert_eq!(Asked::of(&Method::DELETE, "/"), Ok(Asked::Redirect));
        assert_eq!(Asked::of(&Method::DELETE, "/x"), Err(Refused::NotFound));
        assert_eq!(Asked::of(&Method::OPTIONS, "/pyro/anything"), Ok(Asked::Options));
        assert!(matches!(Asked::of(&Method::POST, "/pyro/a/b"), Ok(Asked::Member { .. })));
    }
}
