//! What RabbitMQ has beyond the contract, and what goes wrong with it.

use std::time::Duration;

use interop::servers::RabbitMq;
use salamander_tasks::Kind;
use salamander_tasks::broker::{Amqp, Broker, Consume, Publication, Queue};
use salamander_value::{Dict, Value};
use salamander_wire::celery::{Message, Serializer};

use super::python::{consumer, receive};

fn to(queue: &str, body: &'static [u8]) -> Publication {
    let mut message = Message::new(body, Serializer::Json);
    message.properties.delivery_mode = Some(2);
    Publication { exchange: "".into(), routing_key: queue.into(), message, delay: None }
}

#[tokio::test]
async fn quorum_queues_count_deliveries() {
    let Some(server) = RabbitMq::shared() else { return };
    let broker = Amqp::new(&server.vhost()).unwrap();
    let mut queue = Queue::new("quorum");
    queue.arguments.insert("x-queue-type", "quorum");
    broker.declare(&queue.clone().into()).await.unwrap();
    broker.publish(to("quorum", b"1")).await.unwrap();
    let consume = Consume { queues: vec![queue], prefetch: 1, no_ack: false, tag: "q".into() };
    let mut consumer = broker.consume(consume).await.unwrap();
    for turn in 0..3 {
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!((&delivery.message.body[..], delivery.deliveries), (&b"1"[..], Some(turn)));
        delivery.settlement.reject(turn < 2);
    }
    // The limit can be changed here, too.
    for body in [&b"2"[..], b"3"] {
        broker.publish(to("quorum", body)).await.unwrap();
    }
    let held = receive(&mut *consumer, 1).await;
    consumer.set_prefetch(2);
    let more = receive(&mut *consumer, 1).await;
    for delivery in held.into_iter().chain(more) {
        delivery.settlement.ack();
    }
    broker.close().await.unwrap();
}

#[tokio::test]
async fn an_encrypted_connection_is_one() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.encrypted(&server.vhost());
    let certified = format!("{url}?ssl_ca_certs={}", server.certs().file("ca"));
    let broker = Amqp::new(&certified).unwrap();
    assert!(broker.url().starts_with("amqps://guest:**@127.0.0.1:"), "{}", broker.url());
    broker.declare(&Queue::new("secret").into()).await.unwrap();
    broker.publish(to("secret", b"x")).await.unwrap();
    assert_eq!(broker.take("secret").await.unwrap().unwrap().body, "x");
    // Whoever is not known is not believed.
    let other = Amqp::new(&format!("{url}?ssl_ca_certs={}", server.certs().file("other_ca"))).unwrap();
    let publishing = tokio::time::timeout(Duration::from_millis(500), other.publish(to("secret", b"y")));
    assert!(!matches!(publishing.await, Ok(Ok(()))));
}

#[tokio::test]
async fn the_next_of_several_brokers_is_taken() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    // Nobody is at the first one.
    let broker = Amqp::new(&format!("amqp://127.0.0.1:9//;{url}")).unwrap();
    broker.declare(&Queue::new("failover").into()).await.unwrap();
    assert!(broker.url().contains(&server.port().to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_on_at_the_next_broker_when_one_is_gone() {
    let (Some(mut first), Some(second)) = (RabbitMq::start(), RabbitMq::shared()) else { return };
    let (before, after) = (first.url(), second.vhost());
    let broker = Amqp::new(&format!("{before};{after}")).unwrap();
    let queue = Queue::new("failover");
    broker.declare(&queue.clone().into()).await.unwrap();
    let mut consumer = consumer(&broker, &queue).await;
    broker.publish(to("failover", b"before")).await.unwrap();
    let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
    assert_eq!(delivery.message.body, "before");
    delivery.settlement.ack();
    tokio::task::block_in_place(|| first.kill());
    // Its queues are made at the other server before anything is published there: nothing that is confirmed is lost.
    broker.publish(to("failover", b"after")).await.unwrap();
    let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
    assert_eq!(delivery.message.body, "after");
    delivery.settlement.ack();
    let other = Amqp::new(&after).unwrap();
    assert_eq!(other.len("failover").await.unwrap(), Some(0));
    // When that one is gone too, and the first one is back, it is taken again.
    let back = Amqp::new(&format!("amqp://127.0.0.1:9//;{before};{after}")).unwrap();
    tokio::task::block_in_place(|| first.restart());
    back.declare(&Queue::new("back").into()).await.unwrap();
    assert_eq!(Amqp::new(&before).unwrap().len("back").await.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_at_the_next_broker_is_there() {
    let (Some(mut first), Some(second)) = (RabbitMq::start(), RabbitMq::shared()) else { return };
    let after = second.vhost();
    let other = Amqp::new(&after).unwrap();
    // One of the queues is there with other properties, which is no reason to lose the others.
    let otherwise = Queue { max_priority: Some(9), ..Queue::new("b") };
    other.declare(&otherwise.into()).await.unwrap();
    let broker = Amqp::new(&format!("{};{after}", first.url())).unwrap();
    let queues = ["a", "b", "c"];
    for queue in queues {
        broker.declare(&Queue::new(queue).into()).await.unwrap();
    }
    tokio::task::block_in_place(|| first.kill());
    for queue in queues {
        broker.publish(to(queue, b"x")).await.unwrap();
    }
    for queue in queues {
        assert_eq!(other.len(queue).await.unwrap(), Some(1), "{queue}");
    }
}

#[tokio::test]
async fn a_refused_login_is_said() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    for wrong in [url.replace("guest:guest", "guest:wrong"), format!("{url}-nowhere")] {
        let broker = Amqp::new(&wrong).unwrap();
        let error = broker.publish(to("x", b"x")).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Refused, "{error}");
        assert!(!error.to_string().contains("wrong") || wrong.contains("nowhere"), "{error}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_harms_nobody() {
    let Some(server) = RabbitMq::shared() else { return };
    let broker = Amqp::new(&server.vhost()).unwrap();
    let queue = Queue::new("fits");
    broker.declare(&queue.clone().into()).await.unwrap();
    let mut other = queue.clone();
    other.durable = false;
    let error = broker.declare(&other.clone().into()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused, "{error}");
    assert!(error.to_string().contains("406 PRECONDITION_FAILED"), "{error}");
    let mut consumer = consumer(&broker, &queue).await;
    // An exchange that there is not, a lifetime that is none, a name that is too long: among many others under way.
    let mut nowhere = to("fits", b"x");
    nowhere.exchange = "nowhere".into();
    let mut lifetime = to("fits", b"x");
    lifetime.message.properties.expiration = Some("soon".into());
    let long = to(&"x".repeat(256), b"x");
    let good = || futures_util::future::try_join_all((0..200).map(|_| broker.publish(to("fits", b"good"))));
    let (before, nowhere, lifetime, long, after) =
        tokio::join!(good(), broker.publish(nowhere), broker.publish(lifetime), broker.publish(long), good(),);
    before.unwrap();
    after.unwrap();
    assert_eq!(nowhere.unwrap_err().kind(), Kind::Refused);
    assert_eq!(lifetime.unwrap_err().kind(), Kind::Refused);
    assert_eq!(long.unwrap_err().kind(), Kind::Misuse);
    let mut missing = Queue::new("missing");
    missing.durable = true;
    let consume = Consume { queues: vec![missing], prefetch: 1, no_ack: false, tag: "m".into() };
    assert_eq!(broker.consume(consume).await.map(|_| ()).unwrap_err().kind(), Kind::Refused);
    let mut got = 0;
    while got < 400 {
        for delivery in receive(&mut *consumer, 1).await {
            got += 1;
            delivery.settlement.ack();
        }
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_harms_nobody() {
    let Some(server) = RabbitMq::shared() else { return };
    let broker = Amqp::new(&server.vhost()).unwrap();
    let queue = Queue::new("poison");
    broker.declare(&queue.clone().into()).await.unwrap();
    // As deep as is written, which others write deeper.
    let mut deep = Value::None;
    for _ in 0..190 {
        let mut outer = Dict::new();
        outer.insert("", deep);
        deep = Value::from(outer);
    }
    let mut message = to("poison", b"deep");
    message.message.headers.insert("deep", deep.clone());
    broker.publish(message).await.unwrap();
    let script = "import sys, kombu\n\
        url = sys.argv[1]\n\
        import amqp.serialization\n\
        connection = kombu.Connection(url)\n\
        channel = connection.channel()\n\
        table = b''\n\
        for _ in range(15000):\n    table = b'\\x00F' + len(table).to_bytes(4, 'big') + table\n\
        class Raw(dict): pass\n\
        amqp.serialization._write_table, old = (lambda d, write, bits: (write(len(table).to_bytes(4, 'big')), write(table)) if isinstance(d, Raw) else old(d, write, bits)), amqp.serialization._write_table\n\
        channel.basic_publish(channel.prepare_message(b'x', headers=Raw(a=1)), exchange='', routing_key='poison')\n\
        table = b'\\x02\\xff\\xfeV'\n\
        channel.basic_publish(channel.prepare_message(b'key', headers=Raw(a=1)), exchange='', routing_key='poison')\n\
        channel.basic_publish(channel.prepare_message(b'end'), exchange='', routing_key='poison')\n\
        connection.close()\n";
    let python = std::process::Command::new(interop::python::interpreter())
        .args(["-c", script, &broker_url(&broker, server)])
        .status()
        .unwrap();
    assert!(python.success());
    let mut consumer = consumer(&broker, &queue).await;
    let got = receive(&mut *consumer, 3).await;
    let bodies: Vec<_> = got.iter().map(|delivery| &delivery.message.body[..]).collect();
    assert_eq!(bodies, [&b"deep"[..], b"key", b"end"]);
    assert_eq!(got[0].message.headers.get("deep"), Some(&deep));
    // A name that is no text is what Python has, too.
    assert!(got[1].message.headers.keys().eq([&Value::Bytes(vec![0xFF, 0xFE].into())]));
    for delivery in got {
        delivery.settlement.ack();
    }
    drop(consumer);
    broker.close().await.unwrap();
    let other = Amqp::new(&broker_url(&broker, server)).unwrap();
    assert_eq!(other.len("poison").await.unwrap(), Some(0), "what cannot be read is not kept either");
}

/// The URL with its password.
fn broker_url(broker: &Amqp, server: &RabbitMq) -> String {
    let vhost = broker.url();
    let vhost = vhost.rsplit('/').next().unwrap();
    server.url().replace("%2F", vhost)
}

#[tokio::test]
async fn a_consumer_survives_its_queue() {
    let Some(server) = RabbitMq::shared() else { return };
    let url = server.vhost();
    let (broker, other) = (Amqp::new(&url).unwrap(), Amqp::new(&url).unwrap());
    let queue = Queue::new("deleted");
    broker.declare(&queue.clone().into()).await.unwrap();
    let mut consumer = consumer(&broker, &queue).await;
    for _ in 0..3 {
        other.delete("deleted").await.unwrap();
        while other.len("deleted").await.unwrap().is_none() {
            // It is made again by whoever consumes it.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other.publish(to("deleted", b"after")).await.unwrap();
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!(&delivery.message.body[..], b"after");
        delivery.settlement.ack();
    }
}
