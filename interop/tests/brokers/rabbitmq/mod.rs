//! RabbitMQ.

mod driver;
mod python;
mod rpc;

use std::sync::Arc;

use interop::broker_contract::Place;
use interop::servers::RabbitMq;
use salamander_tasks::broker::{Amqp, Broker};

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

mod contract {
    use super::{Killed, Shared};

    interop::broker_contract!(Shared::new(), Killed::new());
}

/// A virtual host of the server that all share.
struct Shared(String);

impl Shared {
    fn new() -> Option<Self> {
        RabbitMq::shared().map(|server| Self(server.vhost()))
    }
}

impl Place for Shared {
    fn connect(&self) -> Arc<dyn Broker> {
        Arc::new(Amqp::new(&self.0).unwrap())
    }
}

/// A server of its own.
struct Killed(RabbitMq);

impl Killed {
    fn new() -> Option<Self> {
        RabbitMq::start().map(Self)
    }
}

impl Place for Killed {
    fn connect(&self) -> Arc<dyn Broker> {
        Arc::new(Amqp::new(&self.0.url()).unwrap())
    }

    fn kill(&mut self) {
        self.0.kill();
    }

    fn restart(&mut self) {
        self.0.restart();
    }
}
