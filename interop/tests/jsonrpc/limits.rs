//! What is too much, and what is counted.

use std::sync::Arc;

use interop::jsonrpc::Ours;
use interop::metered::Meter;
use salamander::Config;
use salamander::http::jsonrpc::{Client, code};
use salamander::http::{JsonRpc, Site};
use serde_json::{Value, json};

async fn ours(rpc: JsonRpc) -> Ours {
    Ours::with(|builder| builder.door(Site::new().jsonrpc(rpc.clone())).door(rpc)).await
}

fn client(scheme: &str, ours: &Ours) -> Client {
    let url = format!("{scheme}://127.0.0.1:{}", ours.port);
    let bound = Some(std::time::Duration::from_secs(60));
    Client::with_config(&url, Arc::new(Config::default())).unwrap().timeout(bound)
}

fn request(id: u32, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params, "id": id})
}

#[tokio::test]
async fn each_call_of_a_batch_goes_through_the_layers_by_itself() {
    for scheme in ["http", "ws", "tcp"] {
        let (meter, rpc) = (Meter::default(), JsonRpc::new());
        let layer = meter.clone();
        let ours = Ours::with(|builder| builder.layer(layer).door(Site::new().jsonrpc(rpc.clone())).door(rpc)).await;
        let client = client(scheme, &ours);
        let mut batch = client.batch();
        for _ in 0..5 {
            batch.call("sum", (1, 2)).unwrap();
        }
        batch.notify("sum", ()).unwrap().call("nothing", ()).unwrap().call("subtract", ()).unwrap();
        let results = batch.send().await.unwrap();
        assert_eq!(results.len(), 7);
        // What there is none of calls nothing; wrong arguments are found by what is called.
        assert_eq!(meter.calls(), 7, "{scheme}");
        assert_eq!(client.call::<i64>("sum", ()).await.unwrap(), 0);
        assert_eq!(meter.calls(), 8, "{scheme}");
    }
}

#[tokio::test]
async fn a_connection_has_so_many_subscriptions() {
    let rpc = JsonRpc::new().max_subscriptions(2);
    let ours = ours(rpc).await;
    let mut lines = Lines::to(&ours).await;
    let mut open = Vec::new();
    for id in 0..2 {
        lines.send(&request(id, "gate.hold", json!([]))).await;
        open.push(lines.answer(id).await["result"].clone());
    }
    lines.send(&request(2, "gate.hold", json!([]))).await;
    assert_eq!(lines.answer(2).await["error"]["code"], code::LIMIT);
    // A place is free again when one ends.
    lines.send(&request(3, "rpc.unsubscribe", json!([open[0]]))).await;
    assert_eq!(lines.answer(3).await["result"], true);
    lines.send(&request(4, "count", json!([1]))).await;
    assert!(lines.answer(4).await["result"].is_number());
    // Another connection has its own.
    let mut others = Lines::to(&ours).await;
    others.send(&request(0, "gate.hold", json!([]))).await;
    assert!(others.answer(0).await["result"].is_number());
}

#[tokio::test]
async fn a_response_has_its_limit() {
    let rpc = JsonRpc::new().max_response(1000);
    let ours = ours(rpc.clone()).await;
    let answered = async |message: Value| -> Value {
        serde_json::from_slice(&rpc.answer(&ours.handle, message.to_string()).await.unwrap()).unwrap()
    };
    let (short, long) = ("x".repeat(400), "x".repeat(1000));
    assert_eq!(answered(request(1, "echo", json!([short]))).await["result"], short);
    let refused = answered(request(1, "echo", json!([long]))).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(code::LIMIT)));
    // Those to a batch count together.
    let batch: Vec<_> = (0..4).map(|id| request(id, "echo", json!([short]))).collect();
    let all = answered(json!(batch)).await;
    let refused: Vec<_> = all.as_array().unwrap().iter().map(|one| one["error"]["code"] == code::LIMIT).collect();
    assert_eq!(refused, [false, false, true, true]);
    assert!(all.as_array().unwrap().iter().zip(0..).all(|(one, id)| one["id"] == id));
    // A stream that is answered as an array, and one whose items come by themselves.
    assert_eq!(answered(request(1, "count", json!([1000]))).await["error"]["code"], code::LIMIT);
    for scheme in ["ws", "tcp"] {
        let client = client(scheme, &ours);
        let mut items = client.subscribe::<String>("endless", (&long,)).await.unwrap();
        let error = items.next().await.unwrap().unwrap_err();
        assert_eq!(error.exception().unwrap().attributes().get("code"), Some(&code::LIMIT.into()), "{error}");
        assert!(items.next().await.is_none());
        assert!(client.call::<String>("echo", (&long,)).await.is_err());
        assert_eq!(client.call::<String>("echo", (&short,)).await.unwrap(), short);
    }
}

/// A plain connection.
struct Lines(tokio::io::BufReader<tokio::net::TcpStream>);

impl Lines {
    async fn to(ours: &Ours) -> Self {
        Self(tokio::io::BufReader::new(tokio::net::TcpStream::connect(("127.0.0.1", ours.port)).await.unwrap()))
    }

    async fn send(&mut self, message: &Value) {
        use tokio::io::AsyncWriteExt;
        self.0.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// The response to a request; notifications before it are passed over.
    async fn answer(&mut self, id: u32) -> Value {
        use tokio::io::AsyncBufReadExt;
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line);
            tokio::time::timeout(std::time::Duration::from_secs(60), read).await.expect("an answer").unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }
}
