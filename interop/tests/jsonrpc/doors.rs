//! The doors: plain connections, HTTP, WebSockets.

use std::time::Duration;

use interop::jsonrpc::Ours;
use salamander::http::{JsonRpc, Site};
use salamander::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const BOUND: Duration = Duration::from_secs(60);

async fn connect(ours: &Ours) -> BufReader<TcpStream> {
    BufReader::new(TcpStream::connect(("127.0.0.1", ours.port)).await.unwrap())
}

async fn line(stream: &mut BufReader<TcpStream>) -> Value {
    let mut line = String::new();
    tokio::time::timeout(BOUND, stream.read_line(&mut line)).await.expect("an answer").unwrap();
    assert!(line.ends_with('\n'), "{line:?}");
    serde_json::from_str(&line).unwrap()
}

#[tokio::test]
async fn lines_are_answered_with_lines() {
    let ours = Ours::start().await;
    let mut stream = connect(&ours).await;
    // In pieces, several at once, with line ends of all kinds, and the last without one.
    let text = concat!(
        "{\"jsonrpc\":\"2.0\",\"method\":\"sum\",\"params\":[1,2],\"id\":1}\r\n\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notify_hello\"}\n",
        "[{\"jsonrpc\":\"2.0\",\"method\":\"get_data\",\"id\":2}]\n",
        "nonsense\n",
        "{\"jsonrpc\":\"2.0\",\"method\":\"who\",\"id\":3}",
    );
    for chunk in text.as_bytes().chunks(7) {
        stream.write_all(chunk).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    assert_eq!(line(&mut stream).await, json!({"jsonrpc": "2.0", "result": 3, "id": 1}));
    assert_eq!(line(&mut stream).await, json!([{"jsonrpc": "2.0", "result": ["hello", 5], "id": 2}]));
    assert_eq!(line(&mut stream).await["error"]["code"], -32700);
    assert_eq!(line(&mut stream).await["result"], "127.0.0.1");
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_slow_call_holds_up_no_other() {
    let ours = Ours::start().await;
    let mut stream = connect(&ours).await;
    let slow = r#"{"jsonrpc":"2.0","method":"gate.pass","params":[1],"id":"slow"}"#;
    let fast = r#"{"jsonrpc":"2.0","method":"slow","params":[0],"id":"fast"}"#;
    stream.write_all(format!("{slow}\n{fast}\n[{slow},{fast}]\n").as_bytes()).await.unwrap();
    assert_eq!(line(&mut stream).await["id"], "fast");
    ours.gate.reached(2).await;
    ours.gate.open(2);
    // Responses of a batch are in the order of its requests.
    let mut others = [line(&mut stream).await, line(&mut stream).await];
    others.sort_by_key(Value::is_array);
    assert_eq!(others[0]["id"], "slow");
    assert_eq!([&others[1][0]["id"], &others[1][1]["id"]], ["slow", "fast"]);
}

#[tokio::test]
async fn a_line_beyond_the_limit_ends_the_connection() {
    let rpc = JsonRpc::new().max_request(100);
    let ours = Ours::with(|builder| builder.door(rpc)).await;
    let mut stream = connect(&ours).await;
    stream.write_all(format!("[{}", " ".repeat(200)).as_bytes()).await.unwrap();
    assert_eq!(line(&mut stream).await["error"]["code"], -32001);
    let _ = tokio::time::timeout(BOUND, stream.read(&mut [0])).await.expect("the end");
}

#[tokio::test]
async fn items_come_as_notifications_and_only_as_they_are_taken() {
    let ours = Ours::start().await;
    let mut stream = connect(&ours).await;
    stream.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"count\",\"params\":[2],\"id\":1}\n").await.unwrap();
    let id = line(&mut stream).await["result"].clone();
    for item in [0, 1] {
        let expected = json!({"jsonrpc": "2.0", "method": "count", "params": {"subscription": id, "result": item}});
        assert_eq!(line(&mut stream).await, expected);
    }
    assert_eq!(line(&mut stream).await["params"], json!({"subscription": id, "end": true}));
    stream.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"breaks\",\"id\":2}\n").await.unwrap();
    let id = line(&mut stream).await["result"].clone();
    assert_eq!(line(&mut stream).await["params"]["result"], 1);
    let failed = line(&mut stream).await;
    assert_eq!(failed["params"]["subscription"], id);
    assert_eq!(failed["params"]["error"]["data"]["class"], "builtins.ValueError");
    // Endless, and not read: the server does not go on without bound, and answers when it is read again.
    let text = "x".repeat(1000);
    let request = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"endless\",\"params\":[\"{text}\"],\"id\":3}}\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let id = line(&mut stream).await["result"].clone();
    let end = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"rpc.unsubscribe\",\"params\":[{id}],\"id\":4}}\n");
    stream.write_all(end.as_bytes()).await.unwrap();
    while line(&mut stream).await["id"] != 4 {}
    stream.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"get_data\",\"id\":5}\n").await.unwrap();
    assert_eq!(line(&mut stream).await["id"], 5);
}

/// An HTTP request, and the whole answer.
async fn http(port: u16, request: String) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(BOUND, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer
}

fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /jsonrpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn posts_are_answered() {
    let rpc = JsonRpc::new().max_request(200);
    let ours = Ours::with(|builder| builder.door(Site::new().jsonrpc(rpc).own_pages_only([]))).await;
    let sum = r#"{"jsonrpc":"2.0","method":"sum","params":[1,2],"id":1}"#;
    let long = " ".repeat(201);
    for (request, status, body) in [
        (post("Content-Type: application/json\r\n", sum), 200, r#"{"jsonrpc":"2.0","result":3,"id":1}"#),
        (post("Content-Type: Application/JSON; charset=utf-8\r\n", sum), 200, r#""result":3"#),
        (post("Content-Type: application/json\r\n", "{"), 200, "-32700"),
        (
            post("Content-Type: application/json\r\n", r#"{"jsonrpc":"2.0","method":"sum"}"#),
            200,
            "content-length: 0\r\n",
        ),
        (post("Content-Type: text/plain\r\n", sum), 415, ""),
        (post("", sum), 415, ""),
        (post("Content-Type: application/json\r\n", &long), 413, ""),
        (post("Content-Type: application/json\r\nOrigin: http://evil.example\r\n", sum), 403, ""),
        (post("Content-Type: application/json\r\n", sum).replace("Host: localhost", "Host: evil.example"), 403, ""),
        (post("Content-Type: application/json\r\n", sum).replacen("POST", "PUT", 1), 405, ""),
        (post("", "").replacen("POST", "GET", 1), 405, ""),
        (post("Upgrade: websocket\r\nOrigin: http://evil.example\r\n", "").replacen("POST", "GET", 1), 403, ""),
        (post("Upgrade: websocket\r\n", "").replacen("POST", "GET", 1), 400, ""),
    ] {
        let answer = http(ours.port, request.clone()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{answer}");
        assert!(answer.contains(body), "{request}\n{answer}");
    }
}

#[tokio::test]
async fn plain_pyro_goes_on_beside_them() {
    let ours = Ours::start().await;
    let proxy = Proxy::new(format!("PYRO:subtract@127.0.0.1:{}", ours.port)).unwrap();
    assert_eq!(proxy.call::<i64>("__call__", (5, 3)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_key_closes_the_doors_that_cannot_show_it() {
    for (named, is_open) in [(false, false), (true, true)] {
        let ours = Ours::with(|builder| {
            let builder = builder.hmac_key("secret").door(JsonRpc::new());
            if named { builder.without_key("JSON-RPC") } else { builder }
        })
        .await;
        let mut stream = connect(&ours).await;
        let request = b"{\"jsonrpc\":\"2.0\",\"method\":\"get_data\",\"id\":1}\n";
        // It may be closed already.
        let _ = stream.write_all(request).await;
        let mut answer = String::new();
        let _ = tokio::time::timeout(BOUND, stream.read_line(&mut answer)).await.expect("an answer, or the end");
        assert_eq!(answer.contains("hello"), is_open, "{answer}");
    }
}
