//! TLS, by rustls with ring: Pyro's `SSL_` settings become the two ends of secure connections.
//!
//! No type of rustls or of the reader of certificates leaves this directory but for [`Secured`], which `stream.rs` holds.

mod certificate;
mod encryption;
mod ends;
mod fault;
mod files;
mod key;
mod secured;
mod trust;

pub use certificate::{AlternativeName, Certificate, CertificateError, DistinguishedName};
pub use encryption::Encryption;
pub(crate) use ends::{ClientTls, ServerTls};
pub(crate) use secured::Secured;
