//! Our gateway and Python's get the same requests, in front of the same objects, and give the same answers.

use interop::gateway::{OurGateway, PythonGateway, World};
use interop::http::{Answer, Ask};

/// Both gateways, and what is behind them.
struct Both {
    world: World,
    ours: OurGateway,
    pythons: PythonGateway,
}

impl Both {
    async fn start(arguments: &[&str], set_up: impl FnOnce(&mut salamander::http::GatewayOptions)) -> Self {
        let world = World::start().await;
        let ours = world.gateway(set_up).await;
        let pythons = world.python_gateway(arguments);
        Self { world, ours, pythons }
    }

    /// Asks both, and gives their answer, which is the same.
    async fn ask(&self, ask: &Ask) -> Answer {
        let (ours, pythons) = (ask.send(self.ours.address).await, ask.send(self.pythons.address).await);
        assert_eq!(compared(&ours), compared(&pythons), "{}", ask.shown());
        ours
    }

    /// Asks both for the same of both objects.
    async fn ask_objects(&self, make: impl Fn(&str) -> Ask) -> [Answer; 2] {
        [self.ask(&make("/pyro/http.rust")).await, self.ask(&make("/pyro/http.python")).await]
    }
}

/// The headers that mean something to clients.
const HEADERS: [&str; 6] = [
    "content-type",
    "location",
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "content-length",
];

/// What has to be the same of an answer. That there is a correlation id is; which one is random.
fn compared(answer: &Answer) -> (u16, Vec<Option<&str>>, bool, String) {
    let body = match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(mut json) => {
            // These are sets.
            for names in ["methods", "attributes"] {
                if let Some(names) = json.get_mut(names).and_then(|names| names.as_array_mut()) {
                    names.sort_by_key(ToString::to_string);
                }
            }
            json.to_string()
        }
        Err(_) => answer.text(),
    };
    let headers = HEADERS.iter().map(|name| answer.header(name)).collect();
    (answer.status, headers, answer.header("x-pyro-correlation-id").is_some(), body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_give_the_same_answers() {
    let both = Both::start(&[], |_| {}).await;
    let get = |target: &str| Ask::get(target);

    // Paths and methods.
    for target in ["/", "//", "/pyro", "/x", "/pyro/x", "/pyro/x/", "/pyro//x", "/index.html", "/pyro/http.rust"] {
        both.ask(&get(target)).await;
    }
    assert_eq!(both.ask(&get("/")).await.header("location"), Some("/pyro/"));
    for method in ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for target in ["/", "/pyro/", "/pyro/http.rust/echo", "/elsewhere"] {
            // Python sends a body after HEAD; clients do not read it.
            let ask = get(target).method(method);
            if method == "HEAD" {
                let (ours, pythons) = (ask.send(both.ours.address).await, ask.send(both.pythons.address).await);
                assert_eq!(ours.status, pythons.status, "{target}");
            } else {
                both.ask(&ask).await;
            }
        }
    }
    assert_eq!(both.ask(&get("/pyro/hidden.rust/echo?value=1")).await.status, 403);
    assert_eq!(both.ask(&get("/pyro/http.nobody/echo")).await.status, 500);

    // Arguments in the query.
    for (target, result) in [
        ("/echo?value=1", "\"1\""),
        ("/echo?value=two+words%20%C3%A9%22%5C", "\"two words é\\\"\\\\\""),
        ("/echo?value=a&value=b&value=a", "[\"a\", \"b\", \"a\"]"),
        ("/echo?value=a;b=c", "\"a;b=c\""),
        ("/greet?name=Ada", "\"hello Ada!\""),
        ("/greet?name=Ada&mark=%3F&greeting=hi", "\"hi Ada?\""),
        ("/maybe", "null"),
        ("/collect?first=1&z=2&y=3", "[\"1\", [], {\"z\": \"2\", \"y\": \"3\"}]"),
        ("/nothing", "null"),
        ("/velocity", "0"),
        ("/name", "\"thing\""),
        ("/maybe?value=", "null"),
        ("/note?key=k&text=t", ""),
        ("/echo?value=%ff", "\"\u{fffd}\""),
    ] {
        for answer in both.ask_objects(|object| get(&format!("{object}{target}"))).await {
            assert_eq!((answer.status, &*answer.text()), (200, result), "{target}");
        }
    }

    // What goes wrong in the object, or on the way to it.
    for target in [
        "/echo",
        "/echo?value=",
        "/echo?x=1",
        "/nothing?x=1",
        "/add?x=1",
        "/divide?x=1&y=0",
        "/failing",
        "/velocity?x=1",
        "/unexposed",
        "/no_such_method",
        "/_private",
        "/raise_with_attributes",
        "/raise_custom",
        "/raise_unserializable?kind=decimal",
        "/raise_unserializable?kind=bytes",
        "/raise_pyro?name=NamingError&message=m",
        "/fail_before_stream",
    ] {
        for answer in both.ask_objects(|object| get(&format!("{object}{target}"))).await {
            assert_eq!(answer.status, 500, "{target}: {}", answer.text());
            assert!(answer.json()["__exception__"] == true, "{target}");
        }
    }

    // Python's proxy has methods of its own, which its gateway calls here; ours has the object's alone.
    for name in ["_pyroRelease", "__getattr__", "__class__", "__init__"] {
        let answer = get(&format!("/pyro/http.rust/{name}")).send(both.ours.address).await;
        assert_eq!(answer.json()["__class__"], "builtins.AttributeError", "{name}");
    }

    // One-way by option, and what else a POST does there.
    for options in ["oneway", "other,oneway"] {
        let answers =
            both.ask_objects(|object| get(&format!("{object}/echo?value=1")).header("X-Pyro-Options", options)).await;
        assert!(answers.iter().all(|answer| answer.status == 200 && answer.body.is_empty()));
    }
    for answer in both.ask_objects(|object| get(&format!("{object}/greet?name=Bob")).method("POST")).await {
        assert_eq!(answer.text(), "\"hello Bob!\"");
    }
    for answer in both.ask_objects(|object| get(&format!("{object}/$meta"))).await {
        assert!(answer.json()["methods"].as_array().unwrap().iter().any(|name| name == "echo"));
    }
    drop(both.world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn correlation_ids_go_through_both_and_come_back() {
    let both = Both::start(&[], |_| {}).await;
    let id = "11112222-1111-2222-3333-222244449999";
    for given in [id, &id.replace('-', ""), &format!("urn:uuid:{id}"), &format!("{{{id}}}")] {
        for gateway in [both.ours.address, both.pythons.address] {
            for object in ["http.rust", "http.python"] {
                let ask = Ask::get(format!("/pyro/{object}/context")).header("X-Pyro-Correlation-Id", given);
                let answer = ask.send(gateway).await;
                assert_eq!(answer.header("x-pyro-correlation-id"), Some(id), "{answer:?}");
                assert_eq!(answer.json()["correlation_id"], id);
            }
        }
    }
    for wrong in ["x", "zz112222111122223333222244449999"] {
        let [answer, _] = both
            .ask_objects(|object| Ask::get(format!("{object}/nothing")).header("X-Pyro-Correlation-Id", wrong))
            .await;
        assert_eq!(answer.json()["__class__"], "builtins.ValueError");
    }
    // Without one, there is a new one each time.
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = Ask::get("/pyro/http.rust/context").send(both.ours.address).await;
        let id = answer.header("x-pyro-correlation-id").unwrap().to_owned();
        assert_eq!(answer.json()["correlation_id"], *id);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_patterns_and_origins_are_the_same_in_both() {
    let arguments = ["-g", "secret key", "-e", r"http\.(?!python)|hidden", "-c", "https://example.org"];
    let both = Both::start(&arguments, |options| {
        options.key = "secret key".to_owned();
        options.expose = r"http\.(?!python)|hidden".to_owned();
        options.cors = "https://example.org".to_owned();
    })
    .await;
    let get = |target: &str| Ask::get(format!("/pyro/{target}"));
    for (ask, status) in [
        (get("http.rust/nothing"), 403),
        (get("http.rust/nothing").header("X-Pyro-Gateway-Key", "secret"), 403),
        (get("http.rust/nothing").header("X-Pyro-Gateway-Key", "secret key"), 200),
        (get("http.rust/nothing?$key=secret+key"), 200),
        (get("http.rust/nothing?$key=wrong").header("X-Pyro-Gateway-Key", "secret key"), 200),
        (get("http.rust/nothing?$key=secret+key").header("X-Pyro-Gateway-Key", "wrong"), 403),
        (get("http.rust/$meta"), 403),
        (get("hidden.rust/echo?value=1&$key=secret+key"), 200),
        (get("http.python/nothing?$key=secret+key"), 403),
        (get("http.python/nothing"), 403),
        (get("xhttp.rust/nothing?$key=secret+key"), 403),
        (get("").method("OPTIONS"), 200),
    ] {
        let answer = both.ask(&ask).await;
        assert_eq!(answer.status, status, "{}", ask.shown());
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://example.org"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_have_a_page_of_the_objects() {
    let both = Both::start(&["-e", ""], |options| options.expose = String::new()).await;
    let (ours, pythons) =
        (Ask::get("/pyro/").send(both.ours.address).await, Ask::get("/pyro/").send(both.pythons.address).await);
    assert_eq!((ours.status, ours.header("content-type")), (200, pythons.header("content-type")));
    assert_eq!(ours.header("access-control-allow-origin"), pythons.header("access-control-allow-origin"));
    for name in ["http.rust", "http.python", "hidden.rust", "Pyro.NameServer", "raise_with_attributes", "velocity"] {
        assert!(ours.text().contains(name) && pythons.text().contains(name), "{name}");
    }
    // Where a key is not given with `-g`, it is an argument like others.
    both.ask(&Ask::get("/pyro/http.rust/maybe?$key=x")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_name_server_both_say_so() {
    let both = Both::start(&[], |_| {}).await;
    both.ask(&Ask::get("/pyro/http.rust/nothing")).await;
    let Both { world, ours, pythons } = both;
    let page = |to| async move { Ask::get("/pyro/").send(to).await };
    drop(world);
    let (ours, pythons) = (page(ours.address).await, page(pythons.address).await);
    assert_eq!(compared(&ours), compared(&pythons));
    assert_eq!(ours.status, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_takes_too_long_fails_in_both() {
    let both = Both::start(&["-t", "0.5"], |options| {
        options.timeout = Some(std::time::Duration::from_millis(500));
    })
    .await;
    let ask = Ask::post("/pyro/http.rust/notes", r#"{"key": "never", "count": 1}"#);
    let ours = ask.send(both.ours.address).await;
    // Python's gateway knows text alone.
    let pythons = Ask::get("/pyro/http.python/meet?key=never&count=2").send(both.pythons.address).await;
    assert_eq!((ours.status, pythons.status), (500, 500));
    assert_eq!(ours.json()["__class__"], "Pyro5.errors.TimeoutError");
}
