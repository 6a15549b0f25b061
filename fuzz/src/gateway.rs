//! Requests to the HTTP gateway, in front of a real object in this process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use salamander::http::{Gateway, GatewayOptions};
use salamander::naming::{NameServerDaemon, NameServerOptions};
use salamander::{Codec, Config, Dict, Value, expose};
use salamander_codec::Settings;
use tokio::runtime::Runtime;

/// What the fuzzer may call.
struct Target;

#[expose]
impl Target {
    fn echo(&self, value: Value) -> Value {
        value
    }

    fn collect(&self, #[args] args: Vec<Value>, #[kwargs] kwargs: Dict) -> Value {
        Value::List(vec![Value::List(args), kwargs.into()])
    }

    fn add(&self, x: f64, y: f64) -> f64 {
        x + y
    }

    fn count(&self, limit: u8) -> impl Iterator<Item = u8> + use<> {
        0..limit
    }

    #[property]
    fn name(&self) -> &'static str {
        "target"
    }
}

/// Gateways with all sets of these options, in front of `http.target`; `hidden.target` is not exposed.
struct World {
    runtime: Runtime,
    gateways: Vec<Gateway>,
}

/// The gateway wants a key.
const KEYED: u8 = 1;
/// Only pages of its own may call.
const OWN_PAGES: u8 = 2;

/// Bodies that are larger are refused.
const MAX_BODY: usize = 4096;

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let gateways = runtime.block_on(async {
            let mut options = NameServerOptions::default();
            options.host = Some("127.0.0.1".to_owned());
            options.port = Some(0);
            options.no_broadcast = true;
            let server = NameServerDaemon::bind(options, Arc::new(Config::default())).await.expect("a name server");
            let uri = server.daemon().register("target", Target).expect("the id is free");
            for name in ["http.target", "hidden.target"] {
                server.registry().add(name, &uri, false, [].into()).expect("the name is free");
            }
            let names = server.uri().clone();
            tokio::spawn(server.serve());
            let gateway = |set: u8| {
                let mut options = GatewayOptions::default();
                options.max_body = MAX_BODY;
                options.key = if set & KEYED != 0 { "secret".to_owned() } else { String::new() };
                options.own_pages_only = set & OWN_PAGES != 0;
                options.name_server_host = names.host().map(str::to_owned);
                options.name_server_port = names.port();
                Gateway::new(options, &Config::default()).expect("the options are right")
            };
            (0..4).map(gateway).collect()
        });
        World { runtime, gateways }
    })
}

/// A request: a byte for the options, then lines as HTTP has them, an empty line, and the body. What is no request for HTTP itself is
/// passed by.
fn request(data: &[u8]) -> Option<Request<Full<Bytes>>> {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let mut lines = head.split(|&byte| byte == b'\n');
    let mut first = lines.next()?.splitn(2, |&byte| byte == b' ');
    let (method, target) = (Method::from_bytes(first.next()?).ok()?, first.next()?);
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        request = request.header(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    request.body(Full::new(Bytes::copy_from_slice(body))).ok()
}

/// Whatever is asked, there is an answer of a kind that is documented; what is not exposed, or asked without the key or from elsewhere, is not
/// called; and what came is JSON wherever the answer says so.
pub(super) fn answered(data: &[u8]) {
    let Some((&set, data)) = data.split_first() else { return };
    let Some(request) = request(data) else { return };
    let World { runtime, gateways } = world();
    let gateway = &gateways[usize::from(set % 4)];
    let shown = format!("{request:?}");
    let refusable = refusable(set, &request);
    runtime.block_on(async {
        let answering = async {
            let answer = gateway.respond(request).await;
            let (head, mut body) = answer.into_parts();
            let mut bytes = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame;
                bytes.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
            Response::from_parts(head, bytes)
        };
        let answer = tokio::time::timeout(PATIENCE, answering).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?} to {shown}"));
        let status = answer.status().as_u16();
        assert!([200, 302, 307, 400, 403, 404, 405, 413, 415, 500].contains(&status), "{status} to {shown}");
        assert!(!refusable || status >= 400, "{status} to {shown}, which nobody may ask");
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") && !answer.body().is_empty() {
            let body = Bytes::from(answer.into_body());
            let read = Codec::Json.decode_value(&body, &Settings::default());
            assert!(read.is_ok(), "{read:?}: {} to {shown}", body.escape_ascii());
        }
    });
}

/// How long an answer may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(50);

/// Whether a request is for an object, and surely one that is to be refused: of one that is not exposed, or without the key.
fn refusable(set: u8, request: &Request<Full<Bytes>>) -> bool {
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return false;
    }
    let has_key =
        query.contains("secret") || query.contains('%') || request.headers().contains_key("x-pyro-gateway-key");
    path.starts_with("/pyro/hidden.target/") || path.starts_with("/pyro/http.target/") && set & KEYED != 0 && !has_key
}
