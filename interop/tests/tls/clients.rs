//! Pyro5's clients against our daemon.

use interop::certs::{CLIENT_SERIAL, Certs, PASSWORD, SERVER_SERIAL, borrowed};
use interop::pyro5::SERIALIZERS;
use interop::pyro5::ours::Ours;
use interop::pyro5::peer::{Server, client, script};
use salamander::{Dict, Handshake, Value};

use super::Settings;

/// Cases of `interop/python/cases`, each of which says something about what goes over a connection.
const CASES: &[&str] = &[
    "positional_arguments_arrive_in_order",
    "large_arguments_arrive",
    "many_arguments_arrive",
    "every_builtin_exception_arrives_as_itself",
    "a_batch_of_many_calls_is_made",
    "a_oneway_batch_is_made_and_not_waited_for",
    "items_of_a_generator_come_one_by_one",
    "two_streams_take_turns",
    "large_annotations_come_back",
    "a_ping_is_answered",
    "a_oneway_call_has_no_reply",
    "other_objects_are_called_over_the_same_connection",
    "the_client_has_an_address",
];

/// Runs the cases with every serializer, against Pyro5's daemon and ours with the same settings.
async fn run_cases(server: &Settings, client_settings: &Settings) {
    let theirs = Server::start(&[], &borrowed(server));
    let ours = Ours::with(&borrowed(server), "127.0.0.1:0", |builder| builder).await;
    for case in CASES {
        let arguments = [case, &*SERIALIZERS.join(","), &theirs.uri, &ours.uri.to_string()];
        if let Err(said) = client(&arguments, &borrowed(client_settings)).await {
            panic!("{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_made_where_only_the_daemon_shows_a_certificate() {
    let certs = Certs::new();
    run_cases(&certs.server("server"), &certs.client("ca")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_made_where_both_sides_show_one() {
    let certs = Certs::new();
    run_cases(&certs.strict_server("server", "ca"), &certs.known_client("ca", "client")).await;
}

/// What `tls_client.py` tells of a daemon of ours with these settings.
async fn told(location: &str, server: &Settings, client_settings: &Settings) -> String {
    let ours = Ours::with(&borrowed(server), location, |builder| builder.on_connect(looking)).await;
    let told = script("tls_client.py", &[&ours.uri.to_string()], &borrowed(client_settings)).await;
    told.unwrap_or_else(|said| panic!("{said}")).trim().to_owned()
}

/// Answers handshakes with the common name and serial number of the client's certificate.
async fn looking(handshake: Handshake) -> Result<Value, salamander::Exception> {
    let in_session = handshake.session.certificate().is_some();
    assert_eq!(in_session, handshake.certificate.is_some());
    let Some(certificate) = handshake.certificate else { return Ok(Value::None) };
    let name = certificate.subject().get("commonName").unwrap_or_default();
    Ok(Value::List(vec![name.into(), certificate.serial_number().into()]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_side_sees_the_certificate_of_the_other_in_its_handshake_hook() {
    let certs = Certs::new();
    assert_eq!(
        told("localhost:0", &certs.server("server"), &certs.client("ca")).await,
        format!(r#"{{"result": "hello", "handshake": null, "server": ["server", "{SERVER_SERIAL}"]}}"#)
    );
    assert_eq!(
        told("localhost:0", &certs.strict_server("server", "ca"), &certs.known_client("ca", "client")).await,
        format!(
            r#"{{"result": "hello", "handshake": ["client", "{CLIENT_SERIAL}"], "server": ["server", "{SERVER_SERIAL}"]}}"#
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_that_signed_themselves_do_as_in_pyros_example() {
    let certs = Certs::new();
    let server = certs.strict_server("self_server", "self_client");
    let told = told("localhost:0", &server, &certs.known_client("self_server", "self_client")).await;
    assert!(told.starts_with(r#"{"result": "hello", "handshake": ["localhost", ""#), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_may_be_in_any_form_that_pyro_takes() {
    let certs = Certs::new();
    for key in ["rsa_pkcs1", "rsa_pkcs8_aes256", "rsa_pkcs8_des3", "rsa_traditional_aes256", "rsa_traditional_des3"] {
        let server = vec![
            ("PYRO_SSL", "1".to_owned()),
            ("PYRO_SSL_SERVERCERT", certs.file("rsa")),
            ("PYRO_SSL_SERVERKEY", certs.file(key)),
            ("PYRO_SSL_SERVERKEYPASSWD", PASSWORD.to_owned()),
        ];
        let told = told("localhost:0", &server, &certs.client("ca")).await;
        assert!(told.starts_with(r#"{"result": "hello""#), "{key}: {told}");
    }
    let server = vec![("PYRO_SSL", "1".to_owned()), ("PYRO_SSL_SERVERCERT", certs.file("both"))];
    let told = told("localhost:0", &server, &certs.client("ca")).await;
    assert!(told.starts_with(r#"{"result": "hello""#), "the key in the file of the certificate: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_can_ask_for_the_clients_certificate() {
    struct Who;

    #[salamander::expose]
    impl Who {
        fn echo(&self, _value: Value, context: &salamander::CallContext) -> Option<Dict> {
            let der = context.session()?.certificate()?.clone();
            let certificate = salamander::Certificate::from_der(der).ok()?;
            let names = certificate.subject().iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
            Some(names.collect())
        }
    }

    let certs = Certs::new();
    let ours = Ours::with(&borrowed(&certs.strict_server("server", "ca")), "localhost:0", |builder| builder).await;
    let uri = ours.handle.register("who", Who).expect("the id is free");
    let settings = certs.known_client("ca", "client");
    let told = script("tls_client.py", &[&uri.to_string()], &borrowed(&settings)).await;
    let told = told.unwrap_or_else(|said| panic!("{said}"));
    assert!(
        told.contains(
            r#""result": {"commonName": "client", "countryName": "NL", "organizationName": "Example.net"}"#
        ),
        "{told}"
    );
}
