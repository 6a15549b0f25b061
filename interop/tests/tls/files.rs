//! Files that are missing or wrong: refused when a daemon is bound or a proxy made, with the setting, the file and what would
//! be right.

use std::sync::Arc;

use interop::certs::{Certs, PASSWORD, borrowed};
use salamander::{Config, Daemon, Kind, Proxy};

use super::Settings;

/// Settings with some of them changed.
fn changed(mut settings: Settings, changes: &[(&'static str, String)]) -> Settings {
    for (name, value) in changes {
        settings.retain(|(other, _)| other != name);
        settings.push((name, value.clone()));
    }
    settings
}

fn config(settings: &Settings) -> Arc<Config> {
    Arc::new(Config::from_vars(borrowed(settings)).expect("the settings are right"))
}

#[tokio::test]
async fn a_daemon_says_which_file_is_wrong_and_what_would_be_right() {
    let certs = Certs::new();
    let server = certs.server("rsa");
    let cert = |name: &str| ("PYRO_SSL_SERVERCERT", name.to_owned());
    let key = |name: &str| ("PYRO_SSL_SERVERKEY", certs.file(name));
    let password = |password: &str| ("PYRO_SSL_SERVERKEYPASSWD", password.to_owned());
    let required = ("PYRO_SSL_REQUIRECLIENTCERT", "1".to_owned());
    let cacerts = |path: &str| ("PYRO_SSL_CACERTS", path.to_owned());
    let directory = certs.file("ca").replace("/ca.pem", "");
    for (changes, says) in [
        (vec![cert("")], "SSL is on, but SSL_SERVERCERT names no file".to_owned()),
        (vec![cert("/nowhere.pem")], "SSL_SERVERCERT: /nowhere.pem: cannot be read: No such file".to_owned()),
        (
            vec![cert(&certs.file("rsa_key"))],
            format!("SSL_SERVERCERT: {}: has no certificate in it", certs.file("rsa_key")),
        ),
        (
            vec![("PYRO_SSL_SERVERKEY", String::new())],
            "has no private key in it (-----BEGIN PRIVATE KEY-----); SSL_SERVERKEY may".to_owned(),
        ),
        (vec![key("server_key")], format!("{}: the key is not that of the certificate", certs.file("server_key"))),
        (vec![key("rsa_pkcs8_aes256")], "is encrypted: SSL_SERVERKEYPASSWD should be its password".to_owned()),
        (
            vec![key("rsa_pkcs8_aes256"), password("wrong")],
            format!(
                "SSL_SERVERKEY: {}: cannot be decrypted with the password in SSL_SERVERKEYPASSWD",
                certs.file("rsa_pkcs8_aes256")
            ),
        ),
        (vec![key("rsa_traditional_aes256"), password("wrong")], "cannot be decrypted with the password".to_owned()),
        (vec![required.clone()], "SSL_REQUIRECLIENTCERT is on, but SSL_CACERTS names no file".to_owned()),
        (vec![required.clone(), cacerts("/nowhere")], "SSL_CACERTS: /nowhere: cannot be read".to_owned()),
        (vec![required, cacerts(&directory)], "`openssl rehash` makes these names".to_owned()),
    ] {
        let settings = changed(server.clone(), &changes);
        let error = Daemon::builder().config(config(&settings)).bind("127.0.0.1:0").await.expect_err("this is wrong");
        assert!(error.kind() == Kind::Misuse && error.to_string().contains(&says), "{says}: {error}");
    }
    let settings = changed(server, &[key("rsa_pkcs8_aes256"), password(PASSWORD)]);
    Daemon::builder().config(config(&settings)).bind("127.0.0.1:0").await.expect("this is right");
}

#[tokio::test]
async fn a_proxy_says_which_file_is_wrong_and_what_would_be_right() {
    let certs = Certs::new();
    let client = certs.known_client("ca", "rsa");
    for (changes, says) in [
        (vec![("PYRO_SSL_CACERTS", "/nowhere.pem".to_owned())], "SSL_CACERTS: /nowhere.pem: cannot be read"),
        (vec![("PYRO_SSL_CACERTS", certs.file("ca_key"))], "has no certificate in it (-----BEGIN CERTIFICATE-----)"),
        (vec![("PYRO_SSL_CLIENTCERT", "/nowhere.pem".to_owned())], "SSL_CLIENTCERT: /nowhere.pem: cannot be read"),
        (vec![("PYRO_SSL_CLIENTKEY", certs.file("rsa_pkcs8_des3"))], "is encrypted: SSL_CLIENTKEYPASSWD should be"),
        (
            vec![
                ("PYRO_SSL_CLIENTKEY", certs.file("rsa_pkcs8_des3")),
                ("PYRO_SSL_CLIENTKEYPASSWD", "wrong".to_owned()),
            ],
            "cannot be decrypted with the password in SSL_CLIENTKEYPASSWD",
        ),
    ] {
        let settings = changed(client.clone(), &changes);
        let uri = "PYRO:thing@localhost:1".parse().expect("a URI");
        let error = Proxy::with_config(uri, config(&settings)).expect_err("this is wrong");
        assert!(error.kind() == Kind::Misuse && error.to_string().contains(says), "{says}: {error}");
    }
}

/// OpenSSL finds the certificates of a directory by their hashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trusted_certificates_may_be_in_a_directory() {
    let certs = Certs::new();
    let directory = certs.file("ca").replace("/ca.pem", "/trusted");
    std::fs::create_dir(&directory).expect("a directory of our own");
    std::fs::copy(certs.file("ca"), format!("{directory}/9d66eef0.0")).expect("a file");
    std::fs::write(format!("{directory}/readme"), "nothing to see").expect("a file");
    let ours = interop::pyro5::ours::Ours::with(&borrowed(&certs.server("server")), "127.0.0.1:0", |it| it).await;
    let settings = changed(certs.client("ca"), &[("PYRO_SSL_CACERTS", directory)]);
    let proxy = super::proxy(&ours.uri.to_string(), &settings);
    assert_eq!(proxy.call::<i64>("add", (1, 2)).await.expect("a sum"), 3);
}

/// A client's files are read again when they change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_file_is_read_by_the_next_proxy() {
    let certs = Certs::new();
    let ours = interop::pyro5::ours::Ours::with(&borrowed(&certs.server("server")), "127.0.0.1:0", |it| it).await;
    let trusted = certs.file("trusted");
    let settings = changed(certs.client("ca"), &[("PYRO_SSL_CACERTS", trusted.clone())]);
    std::fs::copy(certs.file("other_ca"), &trusted).expect("a file");
    super::proxy(&ours.uri.to_string(), &settings).bind().await.expect_err("this is not trusted");
    std::fs::copy(certs.file("ca"), &trusted).expect("a file");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().write(true).open(&trusted).and_then(|file| file.set_modified(later)).expect("a file");
    super::proxy(&ours.uri.to_string(), &settings).bind().await.expect("this is trusted");
}
