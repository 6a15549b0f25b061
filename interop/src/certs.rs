//! Certificates and keys for tests, made anew for each: good ones, and one for everything that can be wrong.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SerialNumber,
    date_time_ymd,
};

/// Keys of OpenSSL's making; the password of those that have one is [`PASSWORD`].
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/net/src/tls/testdata");

/// The password of encrypted keys.
pub const PASSWORD: &str = "sesame";

/// The serial numbers of the server's and the client's certificates, as Python tells them.
pub const SERVER_SERIAL: &str = "63B5A2EB71E2C78CBE4200C7EAB9634E7B669407";
/// See [`SERVER_SERIAL`].
pub const CLIENT_SERIAL: &str = "1FABD733200A52DCED0702B7A856773F37AAC0E3";

/// A directory of certificates, each `NAME.pem` with its key `NAME_key.pem`; it is removed with this.
///
/// | name | |
/// |---|---|
/// | `ca`, `other_ca` | two authorities that do not know each other |
/// | `server`, `client` | signed by `ca`; the server is localhost, 127.0.0.1 and ::1 |
/// | `both` | all in one file: the server's key and certificate |
/// | `stranger` | a client that `other_ca` signed |
/// | `expired`, `early`, `elsewhere`, `misused` | servers signed by `ca`: past their time, before it, of another host, for clients only |
/// | `late` | a client past its time |
/// | `self_server`, `self_client` | as Pyro's own `certs`: signed by themselves, localhost as common name |
/// | `rsa` | a server with an RSA key; `rsa_*.pem` are forms of that key |
pub struct Certs {
    directory: PathBuf,
}

type Authority = Issuer<'static, KeyPair>;

impl Certs {
    /// Makes all of them.
    ///
    /// # Panics
    /// Where they cannot be written.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("salamander-certs-{}-{number}", process::id()));
        std::fs::create_dir_all(&directory).expect("a directory of our own");
        let certs = Self { directory };
        let (ca, other) = (certs.authority("ca"), certs.authority("other_ca"));
        let hosts = &["localhost", "127.0.0.1", "::1"];
        certs.signed("server", hosts, &ca, |it| it.serial_number = Some(serial(SERVER_SERIAL)));
        certs.signed("client", &[], &ca, |it| it.serial_number = Some(serial(CLIENT_SERIAL)));
        certs.signed("stranger", &[], &other, |_| {});
        certs.signed("expired", hosts, &ca, |it| it.not_after = date_time_ymd(2001, 1, 1));
        certs.signed("late", &[], &ca, |it| it.not_after = date_time_ymd(2001, 1, 1));
        certs.signed("early", hosts, &ca, |it| it.not_before = date_time_ymd(2090, 1, 1));
        certs.signed("elsewhere", &["elsewhere.example"], &ca, |_| {});
        certs.signed("misused", hosts, &ca, |it| it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
        for name in ["self_server", "self_client"] {
            let key = key();
            let mut params = params("localhost", &[]);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            certs.write(name, &params.self_signed(&key).expect("a certificate").pem(), &key);
        }
        certs.of_rsa(&ca);
        let both = [certs.read("server_key"), certs.read("server")].concat();
        std::fs::write(certs.path("both"), both).expect("a file");
        certs
    }

    /// The path of `NAME.pem`, as settings have it.
    pub fn file(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The settings of a daemon with this certificate, by the names of environment variables.
    pub fn server(&self, name: &str) -> Vec<(&'static str, String)> {
        vec![
            ("PYRO_SSL", "1".to_owned()),
            ("PYRO_SSL_SERVERCERT", self.file(name)),
            ("PYRO_SSL_SERVERKEY", self.file(&format!("{name}_key"))),
        ]
    }

    /// The same, with clients that have to show a certificate that one of these is, or has signed.
    pub fn strict_server(&self, name: &str, trusted: &str) -> Vec<(&'static str, String)> {
        let mut settings = self.server(name);
        settings.push(("PYRO_SSL_REQUIRECLIENTCERT", "1".to_owned()));
        settings.push(("PYRO_SSL_CACERTS", self.file(trusted)));
        settings
    }

    /// The settings of a client that trusts this certificate and those that it has signed.
    pub fn client(&self, trusted: &str) -> Vec<(&'static str, String)> {
        vec![("PYRO_SSL", "1".to_owned()), ("PYRO_SSL_CACERTS", self.file(trusted))]
    }

    /// The same, with a certificate of its own.
    pub fn known_client(&self, trusted: &str, name: &str) -> Vec<(&'static str, String)> {
        let mut settings = self.client(trusted);
        settings.push(("PYRO_SSL_CLIENTCERT", self.file(name)));
        settings.push(("PYRO_SSL_CLIENTKEY", self.file(&format!("{name}_key"))));
        settings
    }

    fn authority(&self, name: &str) -> Authority {
        let key = key();
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self.write(name, &params.self_signed(&key).expect("a certificate").pem(), &key);
        Issuer::new(params, key)
    }

    fn signed(&self, name: &str, hosts: &[&str], by: &Authority, change: impl FnOnce(&mut CertificateParams)) {
        let key = key();
        let mut params = params(name, hosts);
        change(&mut params);
        self.write(name, &params.signed_by(&key, by).expect("a certificate").pem(), &key);
    }

    fn of_rsa(&self, ca: &Authority) {
        let read = |name: &str| std::fs::read_to_string(Path::new(KEYS).join(name)).expect("a key of the repository");
        let key = KeyPair::from_pem(&read("rsa.pem")).expect("an RSA key");
        let params = params("rsa", &["localhost", "127.0.0.1"]);
        self.write("rsa", &params.signed_by(&key, ca).expect("a certificate").pem(), &key);
        for name in
            ["rsa_pkcs1", "rsa_pkcs8_aes256", "rsa_pkcs8_des3", "rsa_traditional_aes256", "rsa_traditional_des3"]
        {
            std::fs::write(self.path(name), read(&format!("{name}.pem"))).expect("a file");
        }
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) {
        std::fs::write(self.path(name), certificate).expect("a file");
        std::fs::write(self.path(&format!("{name}_key")), key.serialize_pem()).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.pem"))
    }
}

impl Drop for Certs {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn serial(hex: &str) -> SerialNumber {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
        .collect();
    bytes.into()
}

/// Of this common name, for these hosts, valid in this century.
fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names of hosts");
    params.distinguished_name.push(DnType::CountryName, "NL");
    params.distinguished_name.push(DnType::OrganizationName, "Example.net");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2099, 12, 31);
    params
}

/// Settings as they are given to processes and read by `Config::from_vars`.
pub fn borrowed<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}
