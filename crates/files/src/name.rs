//! [`FileName`]: the names by which clients call files, and which of them are refused.

use std::fmt;

use salamander_net::Exception;

/// What the file is called that a transfer has not finished: its own name and this.
pub const PART: &str = ".salamander-part";

/// A file or folder below a served one: names of folders and a last one, with `/` between them.
///
/// Whatever could lead elsewhere is refused, whatever system this is: the server may be on another one than the client, and a folder
/// may be shared by several.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileName(Vec<String>);

/// The longest name, and the most folders in one.
const LONGEST: usize = 4096;
const DEEPEST: usize = 64;

impl FileName {
    /// Reads what a client sent as the name of a file.
    ///
    /// # Errors
    /// `ValueError` for a name that leads, or could lead, out of the folder, or to something that is no file.
    pub(crate) fn file(text: &str) -> Result<Self, Exception> {
        let name = Self::folder(text)?;
        if name.0.is_empty() { Err(refused(text, "it is empty")) } else { Ok(name) }
    }

    /// Reads the name of a folder; an empty one is the served folder itself.
    ///
    /// # Errors
    /// As [`FileName::file`].
    pub(crate) fn folder(text: &str) -> Result<Self, Exception> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        if text.len() > LONGEST {
            return Err(refused("that long", "it is too long"));
        }
        let parts: Vec<&str> = text.split('/').collect();
        if parts.len() > DEEPEST {
            return Err(refused(text, "it has too many folders"));
        }
        match parts.iter().find_map(|part| wrong_with(part)) {
            Some(wrong) => Err(refused(text, wrong)),
            None => Ok(Self(parts.into_iter().map(str::to_owned).collect())),
        }
    }

    /// The folders on the way, and the last name.
    pub(crate) fn split(&self) -> (&[String], &str) {
        match self.0.split_last() {
            Some((last, folders)) => (folders, last),
            None => (&[], ""),
        }
    }

    /// All its names.
    pub(crate) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

fn refused(text: &str, why: &str) -> Exception {
    Exception::value_error(format!("the name {text:?} is refused: {why}"))
}

/// Why a part of a name is refused, if it is.
fn wrong_with(part: &str) -> Option<&'static str> {
    // The characters that Windows gives a meaning of their own: streams of a file, devices, patterns.
    const RESERVED: &[char] = &['\\', ':', '*', '?', '"', '<', '>', '|'];
    match part {
        "" => Some("it is absolute, or a part of it is empty"),
        "." | ".." => Some("it has dots for folders"),
        _ if part.contains('\0') => Some("it has a NUL in it"),
        _ if part.chars().any(char::is_control) => Some("it has control characters in it"),
        _ if part.contains(RESERVED) => Some("it has a character in it that not every system takes as one of a name"),
        _ if part.ends_with(['.', ' ']) => Some("a part of it ends with a dot or a space"),
        _ if part.ends_with(PART) => Some("it is that of an unfinished transfer"),
        _ if is_device(part) => Some("it is that of a device on Windows"),
        _ => None,
    }
}

/// Whether Windows takes a name for a device, with whatever extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            let mut digits = rest.chars();
            matches!(digits.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}')) && digits.next().is_none()
        })
    };
    matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_are_taken() {
        for name in ["a", "a/b/c.txt", "grüße.txt", "a b", ".hidden", "..a", "a..b", "console", "com", "com10", "-x"]
        {
            assert_eq!(FileName::file(name).unwrap().to_string(), name);
        }
        assert_eq!(FileName::folder("").unwrap().parts(), [""; 0]);
    }

    #[test]
    fn whatever_leads_elsewhere_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        let deep = vec!["x"; DEEPEST + 1].join("/");
        for name in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/..",
            "a/../../b",
            ".",
            "./a",
            "a/.",
            "a//b",
            "a/",
            "a\0b",
            "a\0",
            "..\\a",
            "a\\b",
            "\\\\host\\share",
            "C:",
            "C:\\a",
            "c:a",
            "a:stream",
            "a\nb",
            "\u{7f}",
            "NUL",
            "nul.txt",
            "con",
            "a/COM1",
            "lpt9.log",
            "com\u{b9}",
            "aux .x",
            "a.",
            "a ",
            "...",
            "a/b./c",
            "*",
            "a?",
            "a.salamander-part",
            &long,
            &deep,
        ] {
            let wrong = FileName::file(name).unwrap_err();
            assert!(wrong.is("ValueError"), "{name}: {wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_taken_leads_out(name in "([a.]|[/\\\\]|\\.\\.|\\PC){0,12}") {
            if let Ok(name) = FileName::file(&name) {
                let path = std::path::Path::new("/root").join(name.to_string());
                prop_assert!(path.starts_with("/root"));
                let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
                prop_assert!(path.components().skip(1).all(plain));
            }
        }
    }
}
