//! Beside kombu, on the same keys.

use interop::servers::Redis;
use salamander_tasks::broker::{Exchange, ExchangeKind, Queue};
use serde_json::json;

use super::{bodies, body, connect, consume, message, publish, receive, run, soon, until};
use crate::kombu::Kombu;

/// A queue of an exchange of another name.
fn bound(name: &str, exchange: &str, kind: ExchangeKind, key: &str) -> Queue {
    let mut queue = Queue::new(name);
    queue.exchange = Exchange::new(exchange, kind);
    queue.routing_key = key.into();
    queue
}

#[test]
fn kombu_publishes_and_we_consume() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    run(async {
        let broker = connect(&server.url());
        let mut consumer = consume(&*broker, &Queue::new("q"), 0).await;
        let properties = json!({"correlation_id": "c", "reply_to": "r"});
        let told = json!({"exchange": "", "key": "q", "bodies": [{"x": [1, null]}], "headers": {"h": {"i": 1}}, "properties": properties});
        kombu.ask("publish", told);
        let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
        assert_eq!(body(&delivery), r#"{"x": [1, null]}"#);
        let (message, properties) = (&delivery.message, &delivery.message.properties);
        assert_eq!((&*message.content_type, &*message.content_encoding), ("application/json", "utf-8"));
        assert_eq!((properties.correlation_id.as_deref(), properties.reply_to.as_deref()), (Some("c"), Some("r")));
        assert_eq!((properties.priority, properties.delivery_mode), (Some(0), Some(2)));
        assert_eq!((&*properties.delivery_info.exchange, &*properties.delivery_info.routing_key), ("", "q"));
        assert_eq!((delivery.redelivered, delivery.deliveries), (false, Some(0)));
        assert!(message.headers.get("h").is_some());
        delivery.settlement.ack();
        until("nothing is held", || async { server.cli(&["EXISTS", "unacked", "unacked_index"]) == "0" }).await;
    });
}

#[test]
fn we_publish_and_kombu_consumes() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    kombu.ask("consume", json!({"queues": [{"queue": "q"}]}));
    run(async {
        let broker = connect(&server.url());
        let mut message = message("[1]");
        message.headers.insert("task", "t");
        message.properties.correlation_id = Some("c".into());
        message.properties.delivery_mode = Some(2);
        // By the exchange that kombu has bound, which is known here by what stands in Redis.
        publish(&*broker, "q", "q", message.clone()).await;
        publish(&*broker, "", "q", message).await;
    });
    for (message, exchange) in kombu.receive(2).iter().zip(["q", ""]) {
        assert_eq!((&message["body"], &message["content_type"]), (&json!("[1]"), &json!("application/json")));
        assert_eq!((&message["headers"]["task"], &message["correlation_id"]), (&json!("t"), &json!("c")));
        assert_eq!((&message["exchange"], &message["key"]), (&json!(exchange), &json!("q")));
        assert_eq!((&message["priority"], &message["redelivered"]), (&json!(0), &json!(false)));
        kombu.settle(message, "ack");
    }
    assert_eq!(server.cli(&["EXISTS", "unacked", "unacked_index", "q"]), "0");
}

#[test]
fn priorities_are_those_of_kombu() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    let order = ["0", "2", "3", "5", "6", "9"];
    for priority in [9, 6, 3, 0, 2, 5] {
        let told = json!({"exchange": "", "key": "q", "bodies": [priority], "priority": priority});
        kombu.ask("publish", told);
    }
    run(async {
        let broker = connect(&server.url());
        let mut consumer = consume(&*broker, &Queue::new("q"), 1).await;
        for expected in order {
            let delivery = receive(&mut *consumer, 1).await.pop().unwrap();
            assert_eq!(body(&delivery), expected);
            delivery.settlement.ack();
        }
        for priority in [9, 6, 3, 0, 2, 5] {
            let mut message = message(&priority.to_string());
            message.properties.priority = Some(priority);
            publish(&*broker, "", "other", message).await;
        }
    });
    kombu.ask("consume", json!({"queues": [{"queue": "other"}], "prefetch": 1}));
    for expected in order {
        let message = kombu.receive(1).pop().unwrap();
        assert_eq!(message["body"], expected);
        kombu.settle(&message, "ack");
    }
}

#[test]
fn topics_lead_both_ways() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    kombu.ask("declare", json!({"queue": "theirs", "exchange": "t", "type": "topic", "key": "a.*.c-d"}));
    run(async {
        let broker = connect(&server.url());
        let ours = bound("ours", "t", ExchangeKind::Topic, "a.#");
        let mut consumer = consume(&*broker, &ours, 0).await;
        kombu.ask("publish", json!({"exchange": "t", "type": "topic", "key": "a.b.c-d", "bodies": ["both"]}));
        kombu.ask("publish", json!({"exchange": "t", "type": "topic", "key": "a.x", "bodies": ["ours"]}));
        kombu.ask("publish", json!({"exchange": "t", "type": "topic", "key": "b", "bodies": ["nobody"]}));
        assert_eq!(bodies(&receive(&mut *consumer, 2).await), ["\"both\"", "\"ours\""]);
        publish(&*broker, "t", "a.1.c-d", message("\"from us\"")).await;
        assert_eq!(bodies(&receive(&mut *consumer, 1).await), ["\"from us\""]);
        let theirs: Vec<String> = (0..2).map(|_| soon_taken(&mut kombu)).collect();
        assert_eq!(theirs, ["\"both\"", "\"from us\""]);
        // The tables are the same to the letter.
        let mut members: Vec<String> =
            server.cli(&["SMEMBERS", "_kombu.binding.t"]).lines().map(str::to_owned).collect();
        members.sort();
        let mut other = Kombu::connect(&server.url(), &json!({}));
        other.ask("declare", json!({"queue": "ours", "exchange": "t", "type": "topic", "key": "a.#"}));
        let mut again: Vec<String> =
            server.cli(&["SMEMBERS", "_kombu.binding.t"]).lines().map(str::to_owned).collect();
        again.sort();
        assert_eq!((members.len(), members), (2, again));
    });
}

fn soon_taken(kombu: &mut Kombu) -> String {
    let told = json!({"queue": "theirs", "exchange": "t", "type": "topic", "key": "a.*.c-d"});
    kombu.ask("get", told)["body"].as_str().unwrap().to_owned()
}

#[test]
fn fanout_reaches_all_on_both_sides() {
    let Some(server) = Redis::start(&[]) else { return };
    let (mut kombu, mut sender) =
        (Kombu::connect(&server.url(), &json!({})), Kombu::connect(&server.url(), &json!({})));
    run(async {
        let broker = connect(&server.url());
        let mut plain = consume(&*broker, &bound("ours", "f", ExchangeKind::Fanout, ""), 0).await;
        let mut patterned = consume(&*broker, &bound("keyed", "f", ExchangeKind::Fanout, "worker.#"), 0).await;
        kombu.ask("consume", json!({"queues": [{"queue": "theirs", "exchange": "f", "type": "fanout", "key": ""}]}));
        // kombu subscribes when it first waits.
        kombu.tell("receive", &mut json!({"count": 2}));
        let listening = || server.cli(&["CLIENT", "LIST"]).lines().filter(|line| !line.contains(" psub=0 ")).count();
        until("kombu listens", || async { listening() == 3 }).await;
        sender.ask("publish", json!({"exchange": "f", "type": "fanout", "key": "", "bodies": ["one"]}));
        publish(&*broker, "f", "", message("\"two\"")).await;
        sender.ask("publish", json!({"exchange": "f", "type": "fanout", "key": "worker.here", "bodies": ["three"]}));
        assert_eq!(bodies(&receive(&mut *plain, 3).await), ["\"one\"", "\"two\"", "\"three\""]);
        assert_eq!(bodies(&receive(&mut *patterned, 1).await), ["\"three\""]);
        let theirs: Vec<String> =
            kombu.answer().as_array().unwrap().iter().map(|it| it["body"].as_str().unwrap().to_owned()).collect();
        assert_eq!(theirs, ["\"one\"", "\"two\""]);
    });
}

#[test]
fn a_prefix_is_put_before_everything() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({"global_keyprefix": "app1."}));
    run(async {
        let broker = connect(&format!("{}?global_keyprefix=app1.", server.url()));
        let mut consumer = consume(&*broker, &Queue::new("q"), 0).await;
        let mut fanout = consume(&*broker, &bound("ours", "f", ExchangeKind::Fanout, ""), 0).await;
        kombu.publish("q", "q", &["direct"]);
        kombu.publish("", "q", &["by name"]);
        kombu.ask("publish", json!({"exchange": "f", "type": "fanout", "key": "", "bodies": ["to all"]}));
        let mut held = receive(&mut *consumer, 2).await;
        assert_eq!(bodies(&receive(&mut *fanout, 1).await), ["\"to all\""]);
        let keys = server.cli(&["KEYS", "*"]);
        assert!(keys.lines().count() > 3 && keys.lines().all(|key| key.starts_with("app1.")), "{keys}");
        held.remove(0).settlement.ack();
        held.remove(0).settlement.reject(true);
        drop(consumer);
        until("it is back", || async { server.cli(&["LLEN", "app1.q"]) == "1" }).await;
        kombu.ask("consume", json!({"queues": [{"queue": "q"}]}));
        let back = kombu.receive(1).pop().unwrap();
        assert_eq!((&back["body"], &back["redelivered"]), (&json!("\"by name\""), &json!(true)));
    });
}

#[test]
fn kombu_restores_what_we_held() {
    let Some(server) = Redis::start(&[]) else { return };
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    doomed.block_on(async {
        let broker = connect(&server.url());
        // Bound to two queues: it comes back to the one that it came out of.
        for name in ["one", "two"] {
            soon("declaring", broker.declare(&bound(name, "e", ExchangeKind::Direct, "k").into())).await;
        }
        publish(&*broker, "e", "k", message("[1]")).await;
        let mut consumer = consume(&*broker, &bound("two", "e", ExchangeKind::Direct, "k"), 0).await;
        let held = receive(&mut *consumer, 1).await;
        std::mem::forget((consumer, held));
    });
    // Nothing is given back, as after `kill -9`.
    doomed.shutdown_background();
    assert_eq!((server.cli(&["HLEN", "unacked"]), server.cli(&["LLEN", "two"])), ("1".into(), "0".into()));
    let mut kombu = Kombu::connect(&server.url(), &json!({"visibility_timeout": 0.2}));
    server.until("kombu has put it back", |_| {
        // A look of kombu's own.
        kombu_restores(&server);
        server.cli(&["HLEN", "unacked"]) == "0"
    });
    assert_eq!((server.cli(&["LLEN", "two"]), server.cli(&["LLEN", "one"])), ("1".into(), "1".into()));
    kombu.ask("consume", json!({"queues": [{"queue": "two", "exchange": "e", "key": "k"}]}));
    let back = kombu.receive(1).pop().unwrap();
    assert_eq!(
        (&back["body"], &back["redelivered"], &back["headers"]["redelivered"]),
        (&json!("[1]"), &json!(true), &json!(true))
    );
}

fn kombu_restores(server: &Redis) {
    Kombu::connect(&server.url(), &json!({"visibility_timeout": 0.2})).ask("restore", json!({}));
}

#[test]
fn we_restore_what_kombu_held() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    kombu.ask("consume", json!({"queues": [{"queue": "q", "exchange": "e", "type": "topic", "key": "a.*"}]}));
    kombu.ask("publish", json!({"exchange": "e", "type": "topic", "key": "a.b", "bodies": ["lost"], "priority": 6}));
    kombu.publish("", "q", &["lost too"]);
    kombu.receive(2);
    kombu.kill();
    assert_eq!(server.cli(&["HLEN", "unacked"]), "2");
    run(async {
        let broker = connect(&format!("{}?visibility_timeout=0.5", server.url()));
        let mut consumer = consume(&*broker, &bound("q", "e", ExchangeKind::Topic, "a.*"), 0).await;
        let deliveries = receive(&mut *consumer, 2).await;
        let mut found = bodies(&deliveries);
        found.sort();
        assert_eq!(found, ["\"lost too\"", "\"lost\""]);
        for delivery in deliveries {
            assert!(delivery.redelivered && delivery.deliveries == Some(1));
            assert!(delivery.message.properties.delivery_info.redelivered);
            delivery.settlement.ack();
        }
        until("nothing is held", || async { server.cli(&["EXISTS", "unacked", "unacked_index"]) == "0" }).await;
    });
}

#[test]
fn both_consume_one_queue() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    kombu.ask("consume", json!({"queues": [{"queue": "q"}], "prefetch": 20}));
    run(async {
        let broker = connect(&server.url());
        let mut consumer = consume(&*broker, &Queue::new("q"), 20).await;
        for number in 0..40 {
            publish(&*broker, "", "q", message(&number.to_string())).await;
        }
        // Neither can hold more than half of them.
        kombu.tell("receive", &mut json!({"count": 20}));
        let ours = receive(&mut *consumer, 20).await;
        let theirs = kombu.answer();
        let mut all: Vec<u32> = bodies(&ours).iter().map(|body| body.parse().unwrap()).collect();
        all.extend(theirs.as_array().unwrap().iter().map(|it| it["body"].as_str().unwrap().parse::<u32>().unwrap()));
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
        assert_eq!(server.cli(&["HLEN", "unacked"]), "40");
    });
}

#[test]
fn tables_of_bindings_go_when_nobody_has_refreshed_them() {
    let Some(server) = Redis::start(&[]) else { return };
    let mut kombu = Kombu::connect(&server.url(), &json!({}));
    let passing = |queue: &str, exchange: &str| json!({"queue": queue, "exchange": exchange, "type": "direct", "key": "k", "expires": 60});
    kombu.ask("declare", passing("a", "gone"));
    kombu.ask("declare", passing("b", "kept"));
    kombu.ask("declare", passing("c", "fresh"));
    kombu.ask("declare", json!({"queue": "d", "exchange": "kept", "type": "direct", "key": "k"}));
    // An hour passes for two of them.
    assert_eq!(server.cli(&["ZADD", "_kombu.binding_deadlines", "XX", "1", "gone", "1", "kept"]), "0");
    run(async {
        let broker = connect(&server.url());
        let mut queue = bound("e", "ours", ExchangeKind::Direct, "k");
        queue.expires = Some(std::time::Duration::from_secs(60));
        let _consumer = consume(&*broker, &queue, 1).await;
        until("what is over is gone", || async { server.cli(&["EXISTS", "_kombu.binding.gone"]) == "0" }).await;
        until("and so are its deadlines", || async {
            let mut left: Vec<String> =
                server.cli(&["ZRANGE", "_kombu.binding_deadlines", "0", "-1"]).lines().map(str::to_owned).collect();
            left.sort();
            left == ["fresh", "ours"]
        })
        .await;
        assert_eq!(server.cli(&["SCARD", "_kombu.binding.kept"]), "2", "one of its queues does not expire");
        assert_eq!(server.cli(&["EXISTS", "_kombu.binding.fresh", "_kombu.binding.ours"]), "2");
    });
}
