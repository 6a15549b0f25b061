//! Publishing has a deadline, and ends with an error that says what was wrong, whatever is wrong with the broker.

use std::net::TcpListener;
use std::time::Duration;

use interop::queues::Queues;
use interop::servers::{RabbitMq, Redis};
use salamander_tasks::{App, Error, Kind, Signature, blocking};
use salamander_value::Value;
use tokio::net::TcpSocket;

use crate::{Engine, LONG, sender, wait};

/// Short, because each test waits for it.
const LIMIT: Duration = Duration::from_millis(500);

/// Sends, with the deadline, and gives the error. Far beyond the deadline it would hang.
#[track_caller]
fn refused(app: &App) -> Error {
    let sent = Signature::<Value>::new("tasks.add", (1, 2)).publish_timeout(LIMIT);
    wait(async { tokio::time::timeout(LONG, sent.send(app)).await })
        .expect("there is a deadline")
        .map(drop)
        .unwrap_err()
}

/// It is the deadline, and the error tells of the broker, and of this.
#[track_caller]
fn tells(error: &Error, app: &App, why: &str) {
    let text = error.to_string();
    assert_eq!(error.kind(), Kind::Deadline, "{text}");
    for part in [&*app.broker().url(), "did not take the task", "500ms", why] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
}

/// A port that refuses, and that nobody else gets while this is held: it is bound, and not listened at.
fn nowhere() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn urls(host: &str, port: u16) -> [String; 3] {
    [
        format!("redis://{host}:{port}/0"),
        format!("amqp://guest:secret@{host}:{port}//"),
        format!("pyro://{host}:{port}/kombu.broker"),
    ]
}

#[test]
fn a_broker_that_is_not_there_is_an_error_in_time() {
    let (_holds, port) = nowhere();
    for url in urls("127.0.0.1", port) {
        let app = sender(&url, &[]);
        let error = refused(&app);
        tells(&error, &app, "refused");
        assert!(!error.to_string().contains("secret"), "{error}");
        wait(app.broker().close()).unwrap();
        // Where answers come over the broker, they are prepared for before anything is published.
        let app = wait(async { App::builder().broker_url(url).result_backend("rpc://").build() }).unwrap();
        tells(&refused(&app), &app, "refused");
    }
}

#[test]
fn a_broker_that_says_nothing_is_an_error_in_time() {
    // Connections are made, and nobody takes them up.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for url in urls("127.0.0.1", silent.local_addr().unwrap().port()) {
        let app = sender(&url, &[]);
        tells(&refused(&app), &app, "");
    }
}

#[test]
fn a_broker_that_is_gone_is_an_error_in_time_on_redis() {
    let Some(mut server) = Redis::start(&[]) else { return };
    gone(&mut server);
}

#[test]
fn a_broker_that_is_gone_is_an_error_in_time_on_rabbitmq() {
    let Some(mut server) = RabbitMq::start() else { return };
    gone(&mut server);
}

#[test]
fn a_broker_that_is_gone_is_an_error_in_time_on_queues_of_our_own() {
    gone(&mut Queues::start());
}

/// What was there before and is killed: sending fails in time, and works again when it is back.
fn gone(engine: &mut dyn Engine) {
    let app = sender(&engine.url(), &[]);
    let one = |app: &App| {
        let sent = Signature::<Value>::new("tasks.add", (1, 2)).publish_timeout(LONG);
        wait(sent.send(app)).map(drop)
    };
    one(&app).unwrap();
    engine.kill();
    for _ in 0..2 {
        tells(&refused(&app), &app, "");
    }
    engine.restart();
    one(&app).unwrap();
    let waiting = wait(app.broker().len("celery")).unwrap().unwrap();
    // What was given up may have been on its way.
    assert!((2..=4).contains(&waiting), "{waiting}");
    wait(app.broker().close()).unwrap();
}

#[test]
fn the_twin_without_async_has_the_same_deadline() {
    let (_holds, port) = nowhere();
    for url in urls("127.0.0.1", port) {
        let app = sender(&url, &[]);
        let sent = Signature::<Value>::new("tasks.add", (1, 2)).publish_timeout(LIMIT);
        let error = sent.send(&blocking::App::new(app.clone())).map(drop).unwrap_err();
        tells(&error, &app, "refused");
    }
}
