//! A peer that has not said that it can take several calls at once gets one at a time over an encrypted connection.
//!
//! Pyro's multiplex server waits for its socket, and may not notice what came in one TLS record with something else.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use interop::certs::Certs;
use interop::pyro5::raw::{CONNECT_OK, ONEWAY, RESULT, Raw};
use salamander::Codec;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto::ring};
use tokio_rustls::server::TlsStream;

use super::proxy;

type Peer = TlsStream<TcpStream>;

/// Reads one message; gives its flags and number.
async fn receive(peer: &mut Peer) -> Option<(u16, u16)> {
    let mut header = [0; 40];
    peer.read_exact(&mut header).await.ok()?;
    let u32_at = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let mut rest = vec![0; (u32_at(12) + u32_at(16)) as usize];
    peer.read_exact(&mut rest).await.ok()?;
    Some((u16::from_be_bytes([header[8], header[9]]), u16::from_be_bytes([header[10], header[11]])))
}

async fn answer(peer: &mut Peer, kind: u8, sequence: u16, body: &str) {
    let message = Raw { sequence, ..Raw::new(kind, 3, body) };
    peer.write_all(&message.to_bytes()).await.expect("the client listens");
    peer.flush().await.expect("the client listens");
}

/// Answers calls, and fails where one comes before the last is answered. Gives how many it answered.
async fn serve(mut peer: Peer) -> usize {
    receive(&mut peer).await.expect("a connect message");
    answer(
        &mut peer,
        CONNECT_OK,
        0,
        r#"{"handshake": "hello", "meta": {"methods": ["f"], "oneway": [], "attrs": []}}"#,
    )
    .await;
    let mut answered = 0;
    while let Some((flags, sequence)) = receive(&mut peer).await {
        if flags & ONEWAY == 0 {
            // Time enough for the others, which must not use it.
            let early = tokio::time::timeout(Duration::from_millis(10), peer.read_u8()).await;
            assert!(early.is_err(), "another call came before this one was answered");
            answer(&mut peer, RESULT, sequence, "5").await;
            answered += 1;
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_wait_for_the_answer_to_the_last_one() {
    let certs = Certs::new();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certs.file("server")).expect("a certificate")],
            PrivateKeyDer::from_pem_file(certs.file("server_key")).expect("a key"),
        )
        .expect("a pair");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let uri = format!("PYRO:thing@{}", listener.local_addr().expect("an address"));
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        serve(TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("a handshake")).await
    });
    let proxy = proxy(&uri, &certs.client("ca")).with_serializer(Codec::Json);
    let calls = (0..8).map(|task| {
        let proxy = proxy.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                if task % 2 == 0 {
                    proxy.oneway("f", ()).await.expect("it is sent");
                }
                assert_eq!(proxy.call::<i64>("f", ()).await.expect("an answer"), 5);
            }
        })
    });
    join_all(calls).await.into_iter().for_each(Result::unwrap);
    proxy.release();
    assert_eq!(served.await.expect("nothing came early"), 8 * 5);
}
