//! Results as messages: over RabbitMQ, and over queues of our own.

use std::sync::Arc;
use std::time::Duration;

use interop::backend_contract::Place;
use interop::queues::{Directory, Queues};
use interop::servers::RabbitMq;
use salamander_tasks::backend::{Backend, RpcOptions, RpcResults, Update};
use salamander_tasks::broker::pyro::Pyro;
use salamander_tasks::broker::{Amqp, Broker, Embedded, EmbeddedOptions, Memory};
use salamander_wire::celery::{ResultMeta, ResultValue, State};

use crate::beside::{self, Peers};

/// Connections to the same broker.
struct Over<T> {
    connect: Box<dyn Fn() -> Arc<dyn Broker> + Send + Sync>,
    /// What goes with the test.
    _kept: T,
}

impl<T> Over<T> {
    fn new<B: Broker>(kept: T, connect: impl Fn() -> B + Send + Sync + 'static) -> Option<Self> {
        Some(Self { connect: Box::new(move || Arc::new(connect())), _kept: kept })
    }
}

impl<T: Send + Sync> Place for Over<T> {
    fn connect(&self) -> Arc<dyn Backend> {
        Arc::new(RpcResults::new((self.connect)(), RpcOptions::default()))
    }

    fn expiring(&self, after: Duration) -> Arc<dyn Backend> {
        let mut options = RpcOptions::default();
        options.expires = Some(after);
        Arc::new(RpcResults::new((self.connect)(), options))
    }
}

mod rabbitmq {
    use super::*;

    fn place() -> Option<Over<()>> {
        let url = RabbitMq::shared()?.vhost();
        Over::new((), move || Amqp::new(&url).unwrap())
    }

    // Nothing of it survives its queue, which goes with whoever waits: there is no crash to be survived.
    interop::backend_contract!(place(), None::<Over<()>>);
}

mod memory {
    use super::*;

    fn place() -> Option<Over<()>> {
        let broker = Memory::new();
        Over::new((), move || broker.connect())
    }

    interop::backend_contract!(place(), None::<Over<()>>);
}

mod file {
    use super::*;

    fn place() -> Option<Over<Directory>> {
        let directory = Directory::new();
        let broker = Embedded::open(directory.file("tasks"), EmbeddedOptions::default()).unwrap();
        Over::new(directory, move || broker.connect())
    }

    interop::backend_contract!(place(), None::<Over<Directory>>);
}

mod remote {
    use super::*;

    fn place() -> Option<Over<Queues>> {
        let queues = Queues::start();
        let url = queues.url();
        Over::new(queues, move || Pyro::new(&url).unwrap())
    }

    interop::backend_contract!(place(), None::<Over<Queues>>);
}

// The other way round, Celery's client is answered by us, in the tests of brokers.
#[test]
fn celerys_worker_answers_us() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let broker: Arc<dyn Broker> = Arc::new(Amqp::new(&url).unwrap());
    let backend: Arc<dyn Backend> = Arc::new(RpcResults::new(broker.clone(), RpcOptions::default()));
    beside::celerys_worker_stores(&Peers::new(&url, "rpc://"), &*broker, &*backend);
}

#[test]
fn results_come_over_tls_and_by_the_next_of_several_urls() {
    let Some(server) = RabbitMq::shared() else { return };
    let encrypted = server.encrypted(&server.vhost());
    let certified = format!("{encrypted}?ssl_ca_certs={}", server.certs().file("ca"));
    let several = format!("amqp://127.0.0.1:9//;{}", server.vhost());
    for url in [certified, several] {
        beside::run(async {
            let connect = || RpcResults::new(Arc::new(Amqp::new(&url).unwrap()), RpcOptions::default());
            let (worker, client) = (connect(), connect());
            let _expected = client.expect("a");
            if let Some(ready) = client.prepare() {
                ready.await.unwrap();
            }
            let meta = ResultMeta::new("a", State::Success, 7);
            worker.store(Update { meta, reply_to: client.reply_to(), correlation_id: None }).await.unwrap();
            assert_eq!(beside::state(&client, "a", State::Success).await.result, ResultValue::Value(7.into()));
        });
    }
}
