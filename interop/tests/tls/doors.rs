//! Encryption stands in front of every door: none can be come by without it, nor without a certificate where one is required.

use std::pin::Pin;
use std::sync::Arc;

use interop::certs::{Certs, borrowed};
use interop::pyro5::ours::Ours;
use salamander::{Client, Door, Recognised};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A protocol of two words.
struct Polite;

impl Door for Polite {
    fn name(&self) -> &'static str {
        "polite"
    }

    fn recognise(&self, first: &[u8]) -> Recognised {
        Recognised::prefix(first, b"please")
    }

    fn serve(&self, mut client: Client) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let who = match client.session().certificate() {
                Some(der) => salamander::Certificate::from_der(der.clone()).expect("a certificate"),
                None => return,
            };
            let answer = format!("welcome, {}", who.subject().get("commonName").unwrap_or_default());
            let _ = client.write_all(answer.as_bytes()).await;
            let _ = client.shutdown().await;
        })
    }
}

/// A TLS client, with a certificate if it is named.
fn connector(certs: &Certs, certificate: Option<&str>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certs.file("ca")).expect("a certificate")).expect("an authority");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let config = match certificate {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(certs.file(name)).expect("a certificate")];
            let key = PrivateKeyDer::from_pem_file(certs.file(&format!("{name}_key"))).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    TlsConnector::from(Arc::new(config))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_door_can_be_come_by_around_it() {
    let certs = Certs::new();
    let settings = certs.strict_server("server", "ca");
    let ours = Ours::with(&borrowed(&settings), "127.0.0.1:0", |builder| builder.door(Polite)).await;
    let address = ours.handle.local_addr().expect("an address");
    let connect = async || TcpStream::connect(address).await.expect("the daemon listens");

    let mut plain = connect().await;
    plain.write_all(b"please").await.expect("it is sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.windows(7).any(|words| words == b"welcome"), "{answer:?}");

    for (certificate, expected) in [(Some("client"), "welcome, client"), (Some("stranger"), ""), (None, "")] {
        let name = "localhost".try_into().expect("a name");
        let mut said = Vec::new();
        if let Ok(mut stream) = connector(&certs, certificate).connect(name, connect().await).await {
            let _ = stream.write_all(b"please").await;
            let _ = stream.read_to_end(&mut said).await;
        }
        assert_eq!(String::from_utf8_lossy(&said), expected, "{certificate:?}");
    }
}
