//! [`Certificate`]: what the other end of a connection showed of itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use salamander_value::{Exception, Raised};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::{TbsCertificate, Version};

/// An X.509 certificate, with what is most often asked of it. Cheap to clone.
///
/// It is what the peer showed in the TLS handshake, which has been checked before anybody sees it: the peer has its private
/// key, it is signed by somebody who is trusted, and it has not expired. Whether it is the *right* peer is for the program
/// to say. Names are those that Python's `getpeercert()` uses.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    der: Bytes,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    serial_number: String,
    not_before: SystemTime,
    not_after: SystemTime,
    alternative_names: Vec<AlternativeName>,
    is_authority: bool,
    /// What it may be used for, where it says so.
    usages: Option<Vec<ObjectIdentifier>>,
}

/// Who a certificate is about, or who signed it: names and values from the general to the particular.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName(Vec<(String, String)>);

/// A name that a certificate is also, and nowadays mostly, for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AlternativeName {
    /// A host name; it may begin with `*.`.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// An e-mail address.
    Email(String),
    /// A URI.
    Uri(String),
}

/// Why bytes are no certificate.
#[derive(Clone, PartialEq)]
pub struct CertificateError(Raised);

impl Certificate {
    /// Reads a certificate; checks nothing but its form.
    ///
    /// # Errors
    /// Where the bytes are no X.509 certificate in DER.
    pub fn from_der(der: impl Into<Bytes>) -> Result<Self, CertificateError> {
        let der = der.into();
        let wrong = |error: x509_cert::der::Error| {
            CertificateError(Raised(Exception::value_error(format!("no X.509 certificate: {error}"))))
        };
        let certificate = x509_cert::Certificate::from_der(&der).map_err(wrong)?;
        let of = certificate.tbs_certificate();
        let issuer = DistinguishedName::of(of.issuer());
        let subject = DistinguishedName::of(of.subject());
        let alternative_names = match of.get_extension::<SubjectAltName>().map_err(wrong)? {
            Some((_, names)) => names.0.iter().filter_map(AlternativeName::of).collect(),
            None => Vec::new(),
        };
        Ok(Self(Arc::new(Parts {
            serial_number: serial_number(of.serial_number().as_bytes()),
            not_before: time(of.validity().not_before.to_unix_duration()),
            not_after: time(of.validity().not_after.to_unix_duration()),
            is_authority: is_authority(of, subject == issuer).map_err(wrong)?,
            usages: of.get_extension::<ExtendedKeyUsage>().map_err(wrong)?.map(|(_, usages)| usages.0),
            subject,
            issuer,
            alternative_names,
            der,
        })))
    }

    /// All of it, in DER.
    pub fn der(&self) -> &Bytes {
        &self.0.der
    }

    /// Who it is about.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Who signed it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// The serial number that the issuer gave it: pairs of capital hexadecimal digits.
    pub fn serial_number(&self) -> &str {
        &self.0.serial_number
    }

    /// From when on it is valid.
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// The further names that it is for.
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.0.alternative_names
    }

    /// Whether certificates that it signs are to be believed where it is trusted.
    pub(super) fn is_authority(&self) -> bool {
        self.0.is_authority
    }

    /// Whether it may be used for this, by what it says itself.
    pub(super) fn may(&self, usage: ObjectIdentifier) -> bool {
        self.0.usages.as_ref().is_none_or(|usages| usages.contains(&usage))
    }

    /// Whether it is for a host of this name by its subject alone. That counts only where it has no alternative names that
    /// are hosts, as OpenSSL has it for Python.
    pub(super) fn is_for_common_name(&self, host: &str) -> bool {
        if self.0.alternative_names.iter().any(|name| matches!(name, AlternativeName::Dns(_))) {
            return false;
        }
        let names = self.0.subject.iter().filter(|(name, _)| *name == "commonName");
        names.into_iter().any(|(_, name)| is_for(name, host))
    }

    /// The names that it is for, to be told.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.alternative_names.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            names.extend(self.0.subject.get("commonName").map(str::to_owned));
        }
        names
    }
}

/// Whether a name with or without a `*` in the place of its first label is this host.
fn is_for(name: &str, host: &str) -> bool {
    let (name, host) = (name.trim_end_matches('.'), host.trim_end_matches('.'));
    match name.strip_prefix("*.") {
        Some(rest) if rest.contains('.') => {
            host.split_once('.').is_some_and(|(first, other)| !first.is_empty() && other.eq_ignore_ascii_case(rest))
        }
        Some(_) => false,
        None => name.eq_ignore_ascii_case(host),
    }
}

/// By its own word, or, before there was that word, because it signed itself.
fn is_authority(of: &TbsCertificate, signed_itself: bool) -> x509_cert::der::Result<bool> {
    Ok(match of.get_extension::<BasicConstraints>()? {
        Some((_, constraints)) => constraints.ca,
        None => of.version() != Version::V3 && signed_itself,
    })
}

fn time(since: Duration) -> SystemTime {
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

fn serial_number(bytes: &[u8]) -> String {
    // A zero in front only says that the number is not negative.
    let digits = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    digits.iter().map(|byte| format!("{byte:02X}")).collect()
}

impl DistinguishedName {
    fn of(name: &Name) -> Self {
        Self(name.iter().map(|part| (part_name(&part.oid), part_value(part))).collect())
    }

    /// The first value of a name such as `commonName` or `organizationName`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// All names and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// The name of a part by OpenSSL's long names, which are Python's; the numbers of one that has none here.
fn part_name(oid: &ObjectIdentifier) -> String {
    let oid = oid.to_string();
    let known = [
        ("2.5.4.3", "commonName"),
        ("2.5.4.4", "surname"),
        ("2.5.4.5", "serialNumber"),
        ("2.5.4.6", "countryName"),
        ("2.5.4.7", "localityName"),
        ("2.5.4.8", "stateOrProvinceName"),
        ("2.5.4.9", "streetAddress"),
        ("2.5.4.10", "organizationName"),
        ("2.5.4.11", "organizationalUnitName"),
        ("2.5.4.12", "title"),
        ("2.5.4.13", "description"),
        ("2.5.4.15", "businessCategory"),
        ("2.5.4.17", "postalCode"),
        ("2.5.4.42", "givenName"),
        ("2.5.4.43", "initials"),
        ("2.5.4.46", "dnQualifier"),
        ("2.5.4.65", "pseudonym"),
        ("2.5.4.97", "organizationIdentifier"),
        ("0.9.2342.19200300.100.1.1", "userId"),
        ("0.9.2342.19200300.100.1.25", "domainComponent"),
        ("1.2.840.113549.1.9.1", "emailAddress"),
    ];
    known.iter().find(|(number, _)| *number == oid).map_or(oid, |(_, name)| (*name).to_owned())
}

fn part_value(part: &AttributeTypeAndValue) -> String {
    let bytes = part.value.value();
    match part.value.tag() {
        // Of two bytes each.
        Tag::BmpString => {
            let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Tag::TeletexString => bytes.iter().map(|&byte| char::from(byte)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

impl AlternativeName {
    fn of(name: &GeneralName) -> Option<Self> {
        Some(match name {
            GeneralName::DnsName(name) => AlternativeName::Dns(name.as_str().to_owned()),
            GeneralName::Rfc822Name(name) => AlternativeName::Email(name.as_str().to_owned()),
            GeneralName::UniformResourceIdentifier(uri) => AlternativeName::Uri(uri.as_str().to_owned()),
            GeneralName::IpAddress(address) => {
                let bytes = address.as_bytes();
                let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
                let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
                AlternativeName::Ip(v4.or(v6).ok()?)
            }
            _ => return None,
        })
    }
}

impl CertificateError {
    /// The Python exception that stands for it.
    pub fn exception(&self) -> Exception {
        self.0.0.clone()
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (serial number {})", self.0.subject, self.0.serial_number)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Certificate of {self}>")
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, (name, value)) in self.iter().enumerate() {
            write!(f, "{}{name}={value}", if count > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName({self})")
    }
}

impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlternativeName::Dns(name) | AlternativeName::Email(name) | AlternativeName::Uri(name) => {
                f.write_str(name)
            }
            AlternativeName::Ip(address) => write!(f, "{address}"),
        }
    }
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0.message())
    }
}

impl fmt::Debug for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateError({self})")
    }
}

impl std::error::Error for CertificateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Pyro's own: signed by itself, with the host as its common name.
    fn certificate() -> Certificate {
        let block = pem::parse(include_str!("testdata/rsa_cert.pem")).unwrap();
        Certificate::from_der(block.into_contents()).unwrap()
    }

    #[test]
    fn it_is_read_as_python_reads_it() {
        let certificate = certificate();
        // What `getpeercert()` gives.
        assert_eq!(certificate.serial_number(), "1FABD733200A52DCED0702B7A856773F37AAC0E3");
        let subject = "countryName=NL, stateOrProvinceName=Some-State, organizationName=Example.net, \
                       organizationalUnitName=Tests, commonName=localhost, emailAddress=somebody@example.net";
        assert_eq!(certificate.subject().to_string(), subject);
        assert_eq!(certificate.issuer(), certificate.subject());
        assert_eq!(certificate.subject().get("organizationName"), Some("Example.net"));
        assert_eq!(certificate.subject().get("title"), None);
        let year = certificate.not_after().duration_since(certificate.not_before()).unwrap().as_secs() / 86400 / 365;
        assert_eq!(year, 100);
        assert!(certificate.alternative_names().is_empty() && certificate.is_authority());
        assert!(certificate.is_for_common_name("LOCALHOST") && !certificate.is_for_common_name("localhost.example"));
        assert!(Certificate::from_der(&b"\x30\x03\x02\x01\x01"[..]).is_err());
    }

    #[test]
    fn a_star_is_one_label() {
        assert!(is_for("*.example.net", "a.example.net") && is_for("example.net.", "Example.NET"));
        for host in ["example.net", ".example.net", "a.b.example.net", "a.example.org"] {
            assert!(!is_for("*.example.net", host), "{host}");
        }
        assert!(!is_for("*.net", "example.net") && !is_for("*", "localhost"));
    }

    #[test]
    fn serial_numbers_are_pairs_of_digits() {
        assert_eq!(serial_number(&[1]), "01");
        assert_eq!(serial_number(&[0, 0x8f, 2]), "8F02");
        assert_eq!(serial_number(&[0]), "00");
    }
}
