//! [`Accept`]: which content types a consumer takes.

use std::collections::BTreeSet;

use super::Serializer;
use crate::{WireError, WireErrorKind};

/// The content types that a consumer takes, which is Celery's `accept_content`: JSON alone, if nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept(BTreeSet<String>);

impl Default for Accept {
    fn default() -> Self {
        Self(BTreeSet::from([Serializer::Json.content_type().to_owned()]))
    }
}

impl Accept {
    /// Those of these names (`json`, `pickle`) or content types.
    ///
    /// # Errors
    /// A name that kombu does not know either.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, WireError> {
        let full = |name: &str| {
            if name.contains('/') {
                return Ok(name.to_owned());
            }
            match Serializer::from_name(name) {
                Ok(Serializer::Raw) | Err(_) => Err(WireError::of_class(
                    WireErrorKind::NotInstalled,
                    "kombu.exceptions.SerializerNotInstalled",
                    format!("No encoder/decoder installed for {name}"),
                )),
                Ok(serializer) => Ok(serializer.content_type().to_owned()),
            }
        };
        names.into_iter().map(full).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a content type is taken. Bytes are nothing that could do harm, and always are.
    pub fn takes(&self, content_type: &str) -> bool {
        matches!(content_type, "" | "application/data" | "application/text") || self.0.contains(content_type)
    }

    /// The serializer of a content type that is taken; raw bytes where kombu knows none.
    ///
    /// # Errors
    /// [`WireErrorKind::ContentDisallowed`], in kombu's words.
    pub fn check(&self, content_type: &str) -> Result<Serializer, WireError> {
        let serializer = Serializer::from_content_type(content_type);
        if self.takes(content_type) {
            return Ok(serializer.unwrap_or(Serializer::Raw));
        }
        let name = match serializer {
            Some(Serializer::Text) | None => content_type,
            Some(known) => known.name(),
        };
        let message = format!("Refusing to deserialize untrusted content of type {name} ({content_type})");
        Err(WireError::of_class(WireErrorKind::ContentDisallowed, "kombu.exceptions.ContentDisallowed", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_refused_in_kombus_words() {
        let accept = Accept::default();
        assert_eq!(accept.check("application/json"), Ok(Serializer::Json));
        assert_eq!(accept.check("application/data"), Ok(Serializer::Raw));
        assert_eq!(accept.check(""), Ok(Serializer::Raw));
        for (content_type, message) in [
            (
                "application/x-python-serialize",
                "Refusing to deserialize untrusted content of type pickle (application/x-python-serialize)",
            ),
            ("text/plain", "Refusing to deserialize untrusted content of type text/plain (text/plain)"),
            ("x/y", "Refusing to deserialize untrusted content of type x/y (x/y)"),
        ] {
            let error = accept.check(content_type).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (WireErrorKind::ContentDisallowed, message));
        }
    }

    #[test]
    fn names_and_content_types_are_taken() {
        let accept = Accept::new(["pickle", "text/plain"]).unwrap();
        assert!(accept.check("application/json").is_err());
        assert_eq!(accept.check("application/x-python-serialize"), Ok(Serializer::Pickle));
        assert_eq!(accept.check("text/plain"), Ok(Serializer::Text));
        let error = Accept::new(["jsonn"]).unwrap_err();
        assert_eq!(error.to_string(), "No encoder/decoder installed for jsonn");
        assert_eq!(error.exception().class(), "kombu.exceptions.SerializerNotInstalled");
    }
}
