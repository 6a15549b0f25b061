//! Bytes and values over connections, both ways.

use bytes::Bytes;
use salamander::multiprocessing::{Listener, Options};
use salamander::{Kind, Value};

use super::{KEY, Scratch, Server, pythons, run};

/// Sends back what clients send, until this task ends.
fn echo(mut listener: Listener) {
    tokio::spawn(async move {
        loop {
            let mut connection = listener.accept().await;
            tokio::spawn(async move {
                while let Ok(Some(message)) = connection.recv_bytes().await {
                    connection.send_bytes(message).await.expect("it is sent");
                }
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_all_sizes_go_to_our_listener_and_back() {
    let scratch = Scratch::new();
    let unix = format!("./u:{}", scratch.socket());
    for place in ["localhost:0", &unix] {
        for key in ["-", KEY] {
            let options = if key == KEY { Options::new().authkey(key) } else { Options::new() };
            let listener = options.listen(place).await.expect("it listens");
            let location = listener.location().trim_start_matches("./u:").to_owned();
            echo(listener);
            for python in pythons() {
                assert_eq!(run(python, &["chat", &location, key]).await, "ok", "3.{} {place}", python.minor);
            }
            // The next one is at the same place.
            if place == unix {
                std::fs::remove_file(&location).expect("the file is there");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_all_sizes_go_to_pythons_listener_and_back() {
    for python in pythons() {
        // The file of a server that is killed stays.
        let scratch = Scratch::new();
        for (place, key) in [("127.0.0.1:0", "-"), ("127.0.0.1:0", KEY), (&*scratch.socket(), KEY)] {
            let server = Server::start(python, &["echo", place, key]);
            let options = if key == KEY { Options::new().authkey(key) } else { Options::new() };
            let mut connection = options.connect(&server.location).await.expect("it connects");
            for size in [0, 1, 16_384, 16_385, 65_536, (1 << 23) + 1] {
                let sent = Bytes::from(vec![7u8; size]);
                connection.send_bytes(sent.clone()).await.unwrap();
                assert_eq!(connection.recv_bytes().await.unwrap().unwrap(), sent, "{size}");
            }
            let value = Value::from(vec![Value::from(1), "two".into(), Value::None]);
            connection.send(&value).await.unwrap();
            assert_eq!(connection.recv::<Value>().await.unwrap(), Some(value));
            let error = connection.send(&Value::from(vec![vec![0u8; 10]; 3])).await;
            assert!(error.is_ok());
            assert_eq!(connection.recv::<Vec<Vec<u8>>>().await.unwrap().unwrap()[2].len(), 10);
            // A message beyond the limit of this one read.
            connection.send_bytes(vec![0u8; 100]).await.unwrap();
            let error = connection.recv_bytes_up_to(99).await.unwrap_err();
            assert_eq!((error.kind(), &*error.to_string()), (Kind::Protocol, "bad message length (100, max=99)"));
        }
    }
}

/// The twins without `async`, each with Python as the other end.
#[test]
fn threads_listen_and_connect_too() {
    use salamander::blocking::multiprocessing::{Connection, Listener};

    for python in pythons() {
        let server = Server::start(python, &["echo", "127.0.0.1:0", KEY]);
        let mut connection = Connection::connect(&Options::new().authkey(KEY), &server.location).unwrap();
        connection.send_bytes("hello").unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), "hello");
        connection.send(&("hello", 5)).unwrap();
        assert_eq!(connection.recv::<(String, i64)>().unwrap(), Some(("hello".to_owned(), 5)));
    }
    let mut listener = Listener::bind(Options::new().authkey(KEY), "127.0.0.1:0").unwrap();
    let location = listener.location().to_owned();
    let clients = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        pythons().iter().map(|python| runtime.block_on(run(python, &["chat", &location, KEY]))).collect::<Vec<_>>()
    });
    for _ in pythons() {
        let mut connection = listener.accept().unwrap();
        while let Ok(Some(message)) = connection.recv_bytes() {
            connection.send_bytes(message).unwrap();
        }
    }
    assert!(clients.join().unwrap().iter().all(|said| said == "ok"));
}

#[tokio::test]
async fn both_ends_are_ours() {
    let options = Options::new().authkey(KEY).without_md5();
    let mut listener = options.clone().listen("127.0.0.1:0").await.unwrap();
    let location = listener.location().to_owned();
    let (one, mut other) = tokio::join!(options.connect(&location), listener.accept());
    let mut one = one.unwrap();
    one.send(&("hello", 5)).await.unwrap();
    assert_eq!(other.recv::<(String, i64)>().await.unwrap(), Some(("hello".to_owned(), 5)));
    assert!(other.peer().is_some());
    // A value of another type does not cost the connection.
    one.send("text").await.unwrap();
    one.send(&6).await.unwrap();
    assert_eq!(other.recv::<i64>().await.unwrap_err().kind(), Kind::Protocol);
    assert_eq!(other.recv::<i64>().await.unwrap(), Some(6));
    drop(one);
    assert_eq!(other.recv_bytes().await.unwrap(), None);
}
