//! RabbitMQ.

use interop::servers::RabbitMq;

#[test]
fn a_server_for_tests_starts_again_at_the_same_place() {
    let Some(mut server) = RabbitMq::start() else { return };
    let (url, other) = (server.url(), server.vhost());
    assert_ne!(url, other);
    server.kill();
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.restart();
    assert_eq!(server.url(), url);
}
