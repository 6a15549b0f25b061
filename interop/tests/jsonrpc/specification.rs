//! The examples of the specification, section 7, and what it says beside them.

use std::io::Write;
use std::process::Stdio;

use interop::jsonrpc::Ours;
use salamander::http::JsonRpc;
use serde_json::{Value, json};

async fn answer(ours: &Ours, rpc: &JsonRpc, request: &str) -> Option<Value> {
    let answer = rpc.answer(&ours.handle, request.to_owned()).await?;
    Some(serde_json::from_slice(&answer).unwrap())
}

/// Every example of section 7: what is sent, and exactly what comes back; nothing for notifications.
#[tokio::test]
async fn every_example_gives_its_exact_answer() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new());
    let examples = [
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 1}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}"#,
            r#"{"jsonrpc": "2.0", "result": -19, "id": 2}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 3}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}"#,
            r#"{"jsonrpc": "2.0", "result": 19, "id": 4}"#,
        ),
        (r#"{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}"#, ""),
        (r#"{"jsonrpc": "2.0", "method": "foobar"}"#, ""),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#,
        ),
        (
            r#"[
              {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
              {"jsonrpc": "2.0", "method"
            ]"#,
            r#"{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}"#,
        ),
        ("[]", r#"{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}"#),
        ("[1]", r#"[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]"#),
        (
            "[1,2,3]",
            r#"[
              {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
              {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
              {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
            ]"#,
        ),
        (
            r#"[
              {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
              {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
              {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
              {"foo": "boo"},
              {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
              {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
            ]"#,
            r#"[
              {"jsonrpc": "2.0", "result": 7, "id": "1"},
              {"jsonrpc": "2.0", "result": 19, "id": "2"},
              {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
              {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
              {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
            ]"#,
        ),
        (
            r#"[
              {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
              {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
            ]"#,
            "",
        ),
    ];
    for (request, said) in examples {
        let said = (!said.is_empty()).then(|| serde_json::from_str::<Value>(said).unwrap());
        assert_eq!(answer(&ours, &rpc, request).await, said, "{request}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_told_from_what_methods_raise() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new());
    for (call, code, class, argument) in [
        (r#""method":"subtract","params":[1]"#, -32602, "TypeError", "missing 1 required"),
        (r#""method":"subtract","params":[1,2,3]"#, -32602, "TypeError", "takes 2 positional"),
        (r#""method":"subtract","params":["a",2]"#, -32602, "TypeError", "argument 'minuend'"),
        (r#""method":"subtract","params":{"minuend":1,"x":2}"#, -32602, "TypeError", "unexpected keyword"),
        (r#""method":"type_error""#, -32000, "TypeError", "of the method itself"),
        (r#""method":"fail","params":["no"]"#, -32000, "ValueError", "no"),
        (r#""method":"opaque""#, -32603, "", ""),
        (r#""method":"rpc.discover","params":[1]"#, -32602, "", ""),
        (r#""method":"rpc.nothing""#, -32601, "", ""),
        (r#""method":"Pyro.Daemon.ping""#, -32601, "", ""),
    ] {
        let request = format!(r#"{{"jsonrpc":"2.0",{call},"id":1}}"#);
        let answer = answer(&ours, &rpc, &request).await.unwrap();
        let error = &answer["error"];
        assert_eq!(error["code"], code, "{answer}");
        if !class.is_empty() {
            assert_eq!(error["data"]["class"], format!("builtins.{class}"), "{answer}");
            assert!(error["data"]["args"][0].as_str().unwrap().contains(argument), "{answer}");
            assert!(error["data"]["traceback"].as_array().unwrap().len() > 1, "{answer}");
        }
    }
    let failed = answer(&ours, &rpc, r#"{"jsonrpc":"2.0","method":"fail","params":["no"],"id":1}"#).await.unwrap();
    assert_eq!(failed["error"]["message"], "ValueError: ('no', 7)");
    assert_eq!(failed["error"]["data"]["args"], json!(["no", 7]));
    assert_eq!(failed["error"]["data"]["attributes"], json!({"code": 3}));
}

#[tokio::test]
async fn ids_come_back_as_they_came() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new());
    let long = "9".repeat(10_000);
    for id in ["0", "-1", "1.50", "1e400", "null", "\"\"", r#""\u00e9\/""#, &long] {
        let request = format!(r#"{{"jsonrpc":"2.0","method":"get_data","id":{id}}}"#);
        let answer = rpc.answer(&ours.handle, request).await.unwrap();
        let text = String::from_utf8(answer).unwrap();
        assert_eq!(text, format!(r#"{{"jsonrpc":"2.0","result":["hello",5],"id":{id}}}"#));
    }
}

#[tokio::test]
async fn streams_and_large_numbers_are_plain_json() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new().max_items(5));
    let call = |call: &str| rpc.answer(&ours.handle, format!(r#"{{"jsonrpc":"2.0",{call},"id":1}}"#));
    let text = |answer: Option<Vec<u8>>| String::from_utf8(answer.unwrap()).unwrap();
    let got = text(call(r#""method":"count","params":[5]"#).await);
    assert!(got.contains("[0,1,2,3,4]"), "{got}");
    let got = text(call(r#""method":"count","params":[6]"#).await);
    assert!(got.contains("-32001"), "{got}");
    let got = text(call(r#""method":"breaks""#).await);
    assert!(got.contains("-32000") && got.contains("broken"), "{got}");
    let got = text(call(r#""method":"factorial","params":[25]"#).await);
    assert!(got.contains(":15511210043330985984000000,"), "{got}");
    let got = text(call(r#""method":"echo","params":[[1e999, {"a": 123456789012345678901234567890}]]"#).await);
    assert!(got.contains(r#"[null,{"a":123456789012345678901234567890}]"#), "{got}");
}

#[tokio::test]
async fn what_can_be_called_can_be_asked() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new());
    let document = answer(&ours, &rpc, r#"{"jsonrpc":"2.0","method":"rpc.discover","id":1}"#).await.unwrap();
    let document = &document["result"];
    assert_eq!(document["openrpc"], "1.3.2");
    let methods = document["methods"].as_array().unwrap();
    let method = |name: &str| methods.iter().find(|method| method["name"] == name).unwrap();
    assert_eq!(method("subtract")["summary"], "The difference of two numbers.");
    assert_eq!(
        method("subtract")["params"],
        json!([
            {"name": "minuend", "required": true, "schema": {"type": "integer"}},
            {"name": "subtrahend", "required": true, "schema": {"type": "integer"}},
        ])
    );
    assert_eq!(method("subtract")["result"], json!({"name": "result", "schema": {"type": "integer"}}));
    assert_eq!(method("count")["x-items"], json!({"type": "integer"}));
    assert_eq!(method("some.thing.twice")["result"]["schema"], json!({"type": "string"}));
    // Names are there once, those that must be given come first, as OpenRPC wants them.
    for method in methods {
        let params = method["params"].as_array().unwrap();
        let names: std::collections::HashSet<&str> = params.iter().map(|p| p["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), params.len());
        assert!(params.is_sorted_by_key(|param| param["required"] == false), "{method}");
        assert!(params.iter().all(|param| param["schema"].is_object()), "{method}");
    }
}

/// It is valid by OpenRPC's meta schema, the models of another project know every field of it, and the schemas in it are JSON Schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_open_rpc() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new());
    let whole = answer(&ours, &rpc, r#"{"jsonrpc":"2.0","method":"rpc.discover","id":1}"#).await.unwrap();
    let document = &whole["result"];
    let count = document["methods"].as_array().unwrap().len();
    assert_eq!(checked(document.clone()).await, Ok(format!("{count} methods\n")));
    // It would see what is wrong.
    for (pointer, wrong) in [
        ("/info", json!({"title": "x"})),
        ("/methods/0", json!({"name": "x"})),
        ("/methods/0/params", json!({})),
        ("/methods/0/paramStructure", json!("by-chance")),
        ("/methods/0/result", json!({"name": "x", "schema": {"type": "text"}})),
        ("/methods/0/result", json!({"name": "x", "schema": {}, "colour": 1})),
    ] {
        let mut document = document.clone();
        *document.pointer_mut(pointer).unwrap() = wrong;
        assert!(checked(document.clone()).await.is_err(), "{pointer}: {document}");
    }
}

/// What the checker says of a document, or that it refuses it.
async fn checked(document: Value) -> Result<String, String> {
    let ran = tokio::task::spawn_blocking(move || {
        let mut script = interop::python::script("openrpc_check.py");
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = ran.await.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Whatever comes is answered with JSON that is a response, or not at all.
#[tokio::test]
async fn nothing_breaks_the_core() {
    let (ours, rpc) = (Ours::start().await, JsonRpc::new().max_depth(20).max_calls(5));
    let whole = [
        r#"{"jsonrpc":"2.0","method":"echo","params":[{"__class__":"x","a":[1.5,null,"é\n"]}],"id":"a"}"#,
        r#"[{"jsonrpc":"2.0","method":"fail","params":{"message":"x"},"id":1},{"jsonrpc":"2.0","method":"sum"}]"#,
        r#"{"jsonrpc":"2.0","method":"count","params":[3],"id":null}"#,
        r#"{"jsonrpc":"2.0","method":"rpc.discover","id":-0}"#,
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..5000 {
        let mut bytes = whole[random(whole.len())].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len().max(1));
            match random(4) {
                0 if !bytes.is_empty() => bytes[at] = b"{}[]\",:0e-\\nu\xff"[random(14)],
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                2 => bytes.insert(at.min(bytes.len()), b"{}[]\",:0e-\\nu\xff"[random(14)]),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let Some(answer) = rpc.answer(&ours.handle, bytes.clone()).await else { continue };
        let answer: Value = serde_json::from_slice(&answer)
            .unwrap_or_else(|error| panic!("{error}: {} for {}", answer.escape_ascii(), bytes.escape_ascii()));
        let all = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        for response in all {
            let response = response.as_object().unwrap();
            assert_eq!(response.len(), 3, "{response:?}");
            assert!(response["jsonrpc"] == "2.0" && response.contains_key("id"));
            let error = response.get("error");
            assert!(response.contains_key("result") != error.is_some());
            assert!(error.is_none_or(|error| error["code"].is_i64() && error["message"].is_string()));
        }
    }
}
