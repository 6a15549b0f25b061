//! The example of encryption. Some of the certificates that come with Pyro have ended; these have the same names and serial numbers.

use std::path::PathBuf;
use std::sync::Arc;

use interop::examples as ours;
use interop::examples::ssl::{check, client_serial, server_serial};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use salamander::Config;
use salamander::prelude::*;

use crate::both::{new_stage, stage_with};
use crate::{GENERATION, Program};

/// A folder where the example finds certificates as it does among Pyro's sources; removed with this.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(std::env::temp_dir().join(format!("salamander-{name}-{}", std::process::id())));
        std::fs::create_dir_all(place.example()).unwrap();
        std::fs::create_dir_all(place.0.join("certs")).unwrap();
        for (name, serial) in [("server", server_serial(GENERATION)), ("client", client_serial(GENERATION))] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CountryName, "NL");
            params.distinguished_name.push(DnType::OrganizationName, "Razorvine.net");
            params.distinguished_name.push(DnType::CommonName, "localhost");
            let digits: Vec<u8> =
                (0..serial.len()).step_by(2).map(|at| u8::from_str_radix(&serial[at..at + 2], 16).unwrap()).collect();
            params.serial_number = Some(digits.into());
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            std::fs::write(place.cert(name), params.self_signed(&key).unwrap().pem()).unwrap();
            std::fs::write(place.key(name), key.serialize_pem()).unwrap();
        }
        place
    }

    fn example(&self) -> PathBuf {
        self.0.join("examples/ssl")
    }

    fn cert(&self, name: &str) -> String {
        self.0.join(format!("certs/{name}_cert.pem")).display().to_string()
    }

    fn key(&self, name: &str) -> String {
        self.0.join(format!("certs/{name}_key.pem")).display().to_string()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ssl() {
    let place = Place::new("ssl");
    let (cert, key, trusted) = (place.cert("server"), place.key("server"), place.cert("client"));
    let stage = stage_with(&[
        ("PYRO_SSL", "1"),
        ("PYRO_SSL_REQUIRECLIENTCERT", "1"),
        ("PYRO_SSL_SERVERCERT", &cert),
        ("PYRO_SSL_SERVERKEY", &key),
        ("PYRO_SSL_CACERTS", &trusted),
    ])
    .await;
    let uri = ours::ssl::serve(&stage).await.unwrap();
    let mut client = Program::start_in(&stage, "ssl", &place.example(), "client.py");
    client.input(&format!("{uri}\n")).await;
    let printed = client.done().await;
    assert!(printed.contains(&format!("(SSL server cert is ok: serial={}", server_serial(GENERATION))), "{printed}");
    assert!(printed.ends_with("response: hi!\n"), "{printed}");
    assert_eq!(stage.printed.text(), "got message: client speaking\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ssl_with_their_server() {
    let place = Place::new("ssl-theirs");
    let stage = new_stage().await;
    let server = Program::start_in(&stage, "ssl", &place.example(), "server.py");
    let uri: Uri = server.uri().await.parse().unwrap();
    let (cert, key, trusted) = (place.cert("client"), place.key("client"), place.cert("server"));
    let config = Config::from_vars([
        ("PYRO_SSL", "1"),
        ("PYRO_SSL_CLIENTCERT", &cert),
        ("PYRO_SSL_CLIENTKEY", &key),
        ("PYRO_SSL_CACERTS", &trusted),
    ]);
    let proxy = Proxy::with_config(uri, Arc::new(config.unwrap())).unwrap();
    let checked = |serial| proxy.with_handshake_check(move |welcome| check(welcome.certificate.as_ref(), serial));
    assert_eq!(checked(server_serial(GENERATION)).call::<String>("echo", ("from Rust",)).await.unwrap(), "hi!");
    server.until(&format!("(SSL client cert is ok: serial={}", client_serial(GENERATION))).await;
    server.until("got message: from Rust").await;
    let refused = checked(client_serial(GENERATION)).call::<String>("echo", ("to somebody else",)).await.unwrap_err();
    assert!(refused.to_string().contains("cert serial number incorrect"), "{refused}");
}
