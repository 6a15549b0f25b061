//! Encrypted connections that do not come about: what each side sees of it, and that it is said what would be right.
//!
//! One test, one refusal after another, because it looks at the log of the whole process.
#![allow(clippy::disallowed_methods)]

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use interop::certs::{Certs, borrowed};
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{Server, script};
use interop::pyro5::until;
use salamander::{Config, Error, Kind, Proxy, Uri};

type Settings = Vec<(&'static str, String)>;

/// One thing that is wrong.
struct Refusal {
    what: &'static str,
    server: Settings,
    client: Settings,
    /// What Pyro5's client says to our daemon.
    python: &'static str,
    /// What our proxy says, to our daemon.
    kind: Kind,
    ours: &'static str,
    /// What our daemon logs of Pyro5's client, and of our proxy.
    logged: [&'static str; 2],
}

fn refusals(certs: &Certs) -> Vec<Refusal> {
    let not_accepted = "does not accept the certificate in SSL_SERVERCERT";
    vec![
        Refusal {
            what: "the client does not trust who signed the daemon's certificate",
            server: certs.server("server"),
            client: certs.client("other_ca"),
            python: "CERTIFICATE_VERIFY_FAILED",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: nobody who signed it is trusted; SSL_CACERTS should have",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the daemon's certificate has expired",
            server: certs.server("expired"),
            client: certs.client("ca"),
            python: "certificate has expired",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: it has expired",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the daemon's certificate is not valid yet",
            server: certs.server("early"),
            client: certs.client("ca"),
            python: "certificate is not yet valid",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: it is not valid yet",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the daemon's certificate is for another host",
            server: certs.server("elsewhere"),
            client: certs.client("ca"),
            python: "Hostname mismatch, certificate is not valid for 'localhost'",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: it is for elsewhere.example, not for localhost",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the daemon's certificate is for clients",
            server: certs.server("misused"),
            client: certs.client("ca"),
            python: "unsuitable certificate purpose",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: it is made for another purpose",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the daemon's certificate signed itself, and the client trusts another that did",
            server: certs.server("self_server"),
            client: certs.client("self_client"),
            python: "CERTIFICATE_VERIFY_FAILED",
            kind: Kind::Refused,
            ours: "the daemon's certificate is not accepted: nobody who signed it is trusted",
            logged: [not_accepted; 2],
        },
        Refusal {
            what: "the client has no certificate",
            server: certs.strict_server("server", "ca"),
            client: certs.client("ca"),
            python: "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            kind: Kind::Refused,
            ours: "the daemon wants a client certificate: SSL_CLIENTCERT should name one that it trusts",
            logged: ["it shows no certificate, and SSL_REQUIRECLIENTCERT is on"; 2],
        },
        Refusal {
            what: "the daemon does not trust who signed the client's certificate",
            server: certs.strict_server("server", "ca"),
            client: certs.known_client("ca", "stranger"),
            python: "TLSV1_ALERT_UNKNOWN_CA",
            kind: Kind::Refused,
            ours: "the daemon does not trust the certificate in SSL_CLIENTCERT",
            logged: ["its certificate is not accepted: nobody who signed it is trusted"; 2],
        },
        Refusal {
            what: "the client's certificate has expired",
            server: certs.strict_server("server", "ca"),
            client: certs.known_client("ca", "late"),
            python: "SSLV3_ALERT_CERTIFICATE_EXPIRED",
            kind: Kind::Refused,
            ours: "the certificate in SSL_CLIENTCERT has expired",
            logged: ["its certificate is not accepted: it has expired"; 2],
        },
        Refusal {
            what: "the client speaks no TLS, and the daemon does",
            server: certs.server("server"),
            client: Vec::new(),
            python: "ProtocolError: invalid data",
            kind: Kind::Protocol,
            ours: "the daemon speaks TLS: SSL should be on here too",
            logged: ["it does not speak TLS; SSL is on here"; 2],
        },
        Refusal {
            what: "the client speaks TLS, and the daemon does not",
            server: Vec::new(),
            client: certs.client("ca"),
            python: "WRONG_VERSION_NUMBER",
            kind: Kind::Protocol,
            ours: "the daemon does not speak TLS; there, SSL has to be off",
            logged: ["it speaks TLS, and SSL is off here"; 2],
        },
    ]
}

fn proxy(uri: &str, settings: &Settings) -> Result<Proxy, Error> {
    let config = Config::from_vars(borrowed(settings)).expect("the settings are right");
    Proxy::with_config(uri.parse::<Uri>()?, Arc::new(config))
}

/// What our proxy says to a daemon, which has to be an error.
async fn refused(uri: &str, settings: &Settings) -> (Kind, String) {
    let proxy = proxy(uri, settings).expect("the files are right");
    let error = proxy.call::<String>("echo", ("hello",)).await.expect_err("this should be refused");
    (error.kind(), error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_side_is_told_what_is_wrong() {
    let log = Log::start();
    let certs = Certs::new();
    for Refusal { what, server, client, python, kind, ours: said, logged } in refusals(&certs) {
        let theirs = Server::start(&["--host", "localhost"], &borrowed(&server));
        let ours = Ours::with(&borrowed(&server), "localhost:0", |builder| builder).await;
        let uri = ours.uri.to_string();
        // Nobody gets in by Pyro's own rules.
        let told = script("tls_client.py", &[&theirs.uri], &borrowed(&client)).await.expect("it tells");
        assert!(told.starts_with(r#"{"error":"#), "{what}: Pyro5's client and daemon: {told}");

        log.take();
        let told = script("tls_client.py", &[&uri], &borrowed(&client)).await.expect("it tells");
        assert!(told.starts_with(r#"{"error":"#) && told.contains(python), "{what}: Pyro5's client: {told}");
        log.one_line(what, logged[0]).await;

        let told = refused(&uri, &client).await;
        assert!(told.0 == kind && told.1.contains(said), "{what}: our proxy, to our daemon: {told:?}");
        log.one_line(what, logged[1]).await;

        // Pyro5's daemon may close before what it said has been read.
        let told = refused(&theirs.uri, &client).await;
        let closed = told.0 == Kind::Connection
            && [
                "the daemon closed the connection during the TLS handshake",
                "if the daemon speaks TLS, SSL should be on",
            ]
            .iter()
            .any(|words| told.1.contains(words));
        assert!(told.0 == kind && told.1.contains(said) || closed, "{what}: our proxy, to Pyro5's daemon: {told:?}");
    }
}

/// A connection without a word is nothing to warn of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_just_leaves_is_let_go() {
    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.server("server")), "127.0.0.1:0", |builder| builder).await;
    let address = ours.handle.local_addr().expect("an address");
    drop(tokio::net::TcpStream::connect(address).await.expect("the daemon listens"));
    let proxy = proxy(&ours.uri.to_string(), &certs.client("ca")).expect("the files are right");
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.expect("a sum"), 3);
}

/// What this process logs as warnings.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::WARN);
        lines.with_writer(move || writer.clone()).init();
        log
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a line, which has to say this, and has to be the only one.
    async fn one_line(&self, what: &str, says: &str) {
        until(what, async || !self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()).await;
        let logged = self.take();
        assert!(logged.contains(says) && logged.lines().count() == 1, "{what}: our daemon logs {logged}");
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
