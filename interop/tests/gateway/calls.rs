//! POST with JSON, and what the gateway tells of objects.

use std::process::{Command, Stdio};

use interop::gateway::World;
use interop::http::Ask;
use interop::python;
use salamander::{Config, Proxy};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_json_holds_arguments_of_any_type() {
    let world = World::start().await;
    let gateway = world.gateway(|_| {}).await;
    for object in ["http.rust", "http.python"] {
        for (target, body, result) in [
            ("add", r#"[2, 3]"#, json!(5)),
            ("add", r#"{"x": 2, "y": 3}"#, json!(5)),
            ("add", r#"{"$args": [2], "y": 3}"#, json!(5)),
            ("greet", r#"["Ada"]"#, json!("hello Ada!")),
            ("greet?mark=.", r#"{"name": "Ada"}"#, json!("hello Ada.")),
            ("greet?mark=.", r#"["Ada", "hi"]"#, json!("hi Ada.")),
            ("collect", r#"{"$args": [1, [2], {"a": null}], "z": 1.5}"#, json!([1, [[2], {"a": null}], {"z": 1.5}])),
            ("nothing", "", Value::Null),
            ("nothing", "null", Value::Null),
            ("nothing", "[]", Value::Null),
            (
                "echo",
                r#"[{"deep": [[[{"x": "\u0000\ud83d\ude00"}]]]}]"#,
                json!({"deep": [[[{"x": "\u{0}\u{1f600}"}]]]}),
            ),
        ] {
            let answer = Ask::post(format!("/pyro/{object}/{target}"), body).send(gateway.address).await;
            assert_eq!((answer.status, answer.json()), (200, result), "{object} {target} {body}");
        }
        // Numbers of any size, and those that JSON does not have.
        for number in ["123456789012345678901234567890", "NaN", "-Infinity", "1e-07"] {
            let answer = Ask::post(format!("/pyro/{object}/echo"), format!("[{number}]")).send(gateway.address).await;
            assert_eq!(answer.text(), number);
        }
        // Instances of classes are data on the way through.
        let instance = r#"{"__class__": "some.Class", "x": 1}"#;
        let answer = Ask::post("/pyro/http.rust/echo", format!("[{instance}]")).send(gateway.address).await;
        assert_eq!(answer.json(), serde_json::from_str::<Value>(instance).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_none_is_refused() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.max_body = 1000).await;
    let post = |body: &str| Ask::post("/pyro/http.rust/echo", body);
    for (ask, status) in [
        (post("{"), 400),
        (post("1"), 400),
        (post("\"text\""), 400),
        (post(r#"{"$args": {}}"#), 400),
        (post("\u{0}"), 400),
        (post(&"[".repeat(999)), 400),
        (post("[1]").header("Content-Type", "application/x-www-form-urlencoded"), 415),
        (post("[1]").header("Content-Type", "text/plain"), 415),
        (Ask::post("/pyro/http.rust/echo?value=1", r#"{"value": 1}"#), 400),
        (post(&format!("[{}]", " ".repeat(1000))), 413),
        (post(&format!("[\"{}\"]", "x".repeat(996))), 200),
    ] {
        let answer = ask.send(gateway.address).await;
        assert_eq!(answer.status, status, "{} {}", ask.shown(), answer.text());
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    // One that does not say how long it is.
    let head = "POST /pyro/http.rust/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let chunked = |count: usize| {
        format!("{head}{}0\r\n\r\n", "64\r\n".to_owned() + &" ".repeat(100) + "\r\n")
            .repeat(1)
            .replace("0\r\n\r\n", &(format!("64\r\n{}\r\n", " ".repeat(100)).repeat(count) + "0\r\n\r\n"))
    };
    let answer = interop::http::raw(gateway.address, chunked(20).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let answer = interop::http::raw(gateway.address, chunked(2).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_in_rust_tell_of_documentation_and_parameters() {
    let world = World::start().await;
    let config = std::sync::Arc::new(Config::default());
    let rust = Proxy::with_config(world.ours.uri.clone(), config.clone()).unwrap().interface().await.unwrap();
    assert_eq!(rust.class.as_deref(), Some("Thing"));
    let echo = rust.method("echo").unwrap();
    assert_eq!((&*echo.doc, echo.stream), ("Gives its argument back.", Some(false)));
    let greet = rust.method("greet").unwrap();
    let signature: Vec<String> = greet.params.iter().flatten().map(|param| param.signature()).collect();
    assert_eq!(signature, ["name: &str", "greeting: String = \"hello\"", "mark: String = \"!\""]);
    let collect = rust.method("collect").unwrap().params.as_ref().unwrap();
    let kinds: Vec<String> = collect.iter().map(|param| param.signature()).collect();
    assert_eq!(kinds, ["first: Value", "*args: Vec<Value>", "**kwargs: Dict"]);
    let count = rust.method("count_and_fail").unwrap();
    assert_eq!((count.stream, &*count.returns.as_ref().unwrap().ty), (Some(true), "u32"));
    // The context is no parameter.
    assert_eq!(rust.method("context").unwrap().params.as_deref(), Some(&[][..]));

    // A daemon of Python's has no such method: the names are what is known.
    let python = Proxy::new(&world.pythons.uri).unwrap();
    let interface = python.interface().await.unwrap();
    let names: Vec<&str> = interface.methods.iter().map(|method| &*method.name).collect();
    assert_eq!(names, python.metadata().await.unwrap().methods);
    assert!(interface.class.is_none() && interface.methods.iter().all(|method| method.params.is_none()));
    assert!(interface.method("note").unwrap().oneway);

    let gateway = world.gateway(|_| {}).await;
    let told = Ask::get("/pyro/http.rust/$interface").send(gateway.address).await.json();
    let echo = told["methods"].as_array().unwrap().iter().find(|method| method["name"] == "echo").unwrap().clone();
    assert_eq!(
        echo["params"],
        json!([{"name": "value", "kind": "required", "type": "Value", "schema": {}, "default": null}])
    );
    let told = Ask::get("/pyro/http.python/$interface").send(gateway.address).await.json();
    assert_eq!(told["class"], Value::Null);
    assert!(told["attrs"].as_array().unwrap().iter().any(|attribute| attribute["name"] == "velocity"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_can_be_searched_for() {
    let world = World::start().await;
    let gateway = world.gateway(|options| options.expose = r"http\.|many".to_owned()).await;
    for number in 0..250 {
        world.register(&format!("many.Object{number:03}"), &world.ours.uri);
    }
    let names = |target: &str| {
        let ask = Ask::get(format!("/pyro/$names{target}"));
        async move {
            let told = ask.send(gateway.address).await.json();
            let names =
                told["names"].as_array().unwrap().iter().map(|name| name["name"].as_str().unwrap().to_owned());
            (names.collect::<Vec<_>>(), told["total"].as_u64().unwrap())
        }
    };
    assert_eq!(names("?search=HTTP").await.0, ["http.python", "http.rust"]);
    assert_eq!(names("?search=object00").await.1, 10);
    let (found, total) = names("").await;
    assert_eq!((found.len(), total), (200, 252));
    // What is not exposed is not told of.
    assert_eq!(names("?search=hidden").await, (vec![], 0));
    assert_eq!(names("?search=NameServer").await.1, 0);
}

/// Checks OpenAPI documents with the validator of another project.
fn validate(document: &str) {
    let lines = "import json, sys\nfrom openapi_spec_validator import validate, OpenAPIV31SpecValidator\n\
                 validate(json.load(sys.stdin), cls=OpenAPIV31SpecValidator)\n";
    let mut command = Command::new(python::interpreter());
    command.args(["-W", "ignore", "-c", lines]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openapi_documents_are_valid_and_say_what_there_is() {
    let world = World::start().await;
    world.register("http.odd/name {x}", &world.ours.uri);
    world.register("http.nobody", &"PYRO:x@127.0.0.1:1".parse().unwrap());
    let gateway = world.gateway(|options| options.key = "key".to_owned()).await;
    let get = |target: &str| Ask::get(format!("/pyro/{target}")).header("X-Pyro-Gateway-Key", "key");
    assert_eq!(Ask::get("/pyro/$openapi.json").send(gateway.address).await.status, 403);
    let all = get("$openapi.json").send(gateway.address).await;
    validate(&all.text());
    let all = all.json();
    let paths = all["paths"].as_object().unwrap();
    for path in ["/http.rust/echo", "/http.python/echo", "/http.odd%2Fname%20%7Bx%7D/echo", "/http.rust/velocity"] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert!(!paths.keys().any(|path| path.contains("hidden") || path.contains("nobody")));

    let one = get("http.rust/$openapi.json").send(gateway.address).await;
    validate(&one.text());
    let one = one.json();
    let add = &one["paths"]["/http.rust/add"]["post"];
    let ways = &add["requestBody"]["content"]["application/json"]["schema"]["anyOf"];
    assert_eq!(ways[0]["properties"]["x"]["type"], "integer");
    assert_eq!((&ways[0]["required"], &ways[0]["additionalProperties"]), (&json!(["x", "y"]), &json!(false)));
    assert_eq!((&ways[1]["minItems"], &ways[1]["items"]), (&json!(2), &json!(false)));
    let count = &one["paths"]["/http.rust/count_to"]["get"];
    assert!(count["responses"]["200"]["content"]["text/event-stream"].is_object());
    assert_eq!(one["paths"]["/http.rust/echo"]["get"]["summary"], "Gives its argument back.");
    // A path of the document leads to the method.
    let answer = get("http.odd%2Fname%20%7Bx%7D/echo?value=1").send(gateway.address).await;
    assert_eq!(answer.text(), "\"1\"");
}
