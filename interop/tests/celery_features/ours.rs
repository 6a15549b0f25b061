//! The tasks of our workers, which have the names that Celery's have in `python/celery_features/workers.py`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use salamander_macros::task;
use salamander_tasks::task::Stop;
use salamander_tasks::{AppBuilder, Ignore, Reject, Retry, State, Task, TaskContext};
use salamander_value::{BigInt, Dict, Exception, Set, Value};
use salamander_wire::celery::settings;

use crate::notes::Notes;

/// The queue that a worker takes tasks out of.
pub(crate) struct From(pub(crate) &'static str);

type Result<T> = std::result::Result<T, Exception>;

/// All of them.
pub(crate) fn with_tasks(app: AppBuilder) -> AppBuilder {
    let app =
        app.task(same).task(shown).task(any).task(add).task(now).task(sleep).task(seen).task(embedded).task(queue);
    let app = app.task(fail).task(traced).task(panics).task(unserializable);
    let app = app.task(retry).task(retry_times).task(retry_at).task(retry_twice).task(retry_no_more).task(retry_with);
    let app = app.task(retry_elsewhere).task(retry_seen).task(auto).task(auto_but).task(backoff);
    let app = app.task(special).task(requeued).task(requeued_by_setting).task(progress);
    let app = app.task(patient).task(limited_time).task(soft_limited).task(rated);
    let app = app.task(ignored).task(ignored_but_errors).task(fail_ignored).task(tracked).task(late);
    let app = app.task(late_fails).task(late_fails_only).task(late_slow_once);
    app.task(parent).task(tell_seen).task(parent_of_seen).task(told).task(note).task(noted).task(hold).task(release)
}

#[task(crate = "salamander_tasks::__private", name = "f.same")]
async fn same(value: Value) -> Value {
    value
}

#[task(crate = "salamander_tasks::__private", name = "f.shown")]
async fn shown(value: Value) -> Vec<Value> {
    let text = value.to_string();
    vec![value, text.into()]
}

#[task(crate = "salamander_tasks::__private", name = "f.any")]
async fn any(#[args] rest: Vec<Value>, #[kwargs] named: Dict) -> Vec<Value> {
    vec![Value::List(rest), named.into()]
}

#[task(crate = "salamander_tasks::__private", name = "f.add")]
pub(crate) async fn add(x: i64, #[default(1)] y: i64) -> i64 {
    x + y
}

#[task(crate = "salamander_tasks::__private", name = "f.now")]
async fn now() -> f64 {
    clock()
}

fn clock() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[task(crate = "salamander_tasks::__private", name = "f.sleep")]
async fn sleep(seconds: Value) -> Result<Value> {
    let time = match seconds {
        Value::Int(whole) => whole as f64,
        Value::Float(time) => time,
        _ => return Err(Exception::type_error("a number is wanted")),
    };
    tokio::time::sleep(Duration::from_secs_f64(time)).await;
    Ok(seconds)
}

#[task(crate = "salamander_tasks::__private", name = "f.seen")]
pub(crate) async fn seen(context: &TaskContext, #[args] _rest: Vec<Value>, #[kwargs] _named: Dict) -> Result<Value> {
    request(context)
}

/// What a task knows of its request, by Celery's names.
fn request(context: &TaskContext) -> Result<Value> {
    let request = context.request();
    let headers = request.headers();
    let arguments = request.arguments().map_err(|error| Exception::runtime_error(error.to_string()))?;
    let info = request.delivery_info();
    let limit = |limit: Option<f64>| match limit {
        Some(seconds) if seconds.fract() == 0.0 => Value::Int(seconds as i64),
        seconds => seconds.into(),
    };
    let text = |text: Option<&str>| text.map(str::to_owned).into();
    let way = Dict::from_iter([
        ("exchange", Value::Str(info.exchange.clone())),
        ("routing_key", Value::Str(info.routing_key.clone())),
        ("redelivered", info.redelivered.into()),
    ]);
    let fields: [(&str, Value); 32] = [
        ("id", request.id().into()),
        ("task", request.task().into()),
        ("args", Value::List(arguments.positional)),
        ("kwargs", arguments.keywords.into()),
        ("argsrepr", request.argsrepr().into()),
        ("kwargsrepr", request.kwargsrepr().into()),
        ("retries", i64::from(request.retries()).into()),
        ("lang", headers.lang.clone().into()),
        ("root_id", text(request.root_id())),
        ("parent_id", text(request.parent_id())),
        ("group", text(request.group())),
        ("group_index", headers.group_index.into()),
        ("correlation_id", text(request.correlation_id())),
        ("reply_to", text(request.reply_to())),
        ("eta", text(request.eta())),
        ("expires", text(request.expires())),
        ("timelimit", Value::List(vec![limit(headers.timelimit.hard), limit(headers.timelimit.soft)])),
        ("origin", headers.origin.clone().into()),
        ("ignore_result", headers.ignore_result.into()),
        ("is_eager", request.is_eager.into()),
        ("called_directly", request.called_directly.into()),
        ("replaced_task_nesting", i64::from(headers.replaced_task_nesting).into()),
        ("shadow", headers.shadow.clone().into()),
        ("hostname", request.hostname.clone().into()),
        ("delivery_info", way.into()),
        ("headers", request.custom_headers().clone().into()),
        ("priority", request.priority().map(i64::from).into()),
        ("stamped_headers", headers.stamped_headers.clone().into()),
        ("stamps", headers.stamps.clone().into()),
        ("content_type", request.message.body.serializer.content_type().into()),
        ("delivery_mode", request.message.properties.delivery_mode.map(i64::from).into()),
        ("message_id", request.message.properties.message_id.clone().into()),
    ];
    Ok(Dict::from_iter(fields).into())
}

#[task(crate = "salamander_tasks::__private", name = "f.embedded")]
async fn embedded(context: &TaskContext, #[args] _rest: Vec<Value>) -> Result<Value> {
    let embed = context.request().message.body.embed(&settings());
    let embed = embed.map_err(|error| Exception::runtime_error(error.to_string()))?;
    let parts = [
        ("callbacks", embed.callbacks),
        ("errbacks", embed.errbacks),
        ("chain", embed.chain),
        ("chord", embed.chord),
    ];
    Ok(Dict::from_iter(parts).into())
}

#[task(crate = "salamander_tasks::__private", name = "f.queue")]
async fn queue(from: State<From>, #[kwargs] _named: Dict) -> &'static str {
    from.0
}

fn raised(kind: &str) -> Exception {
    let of = |class: &str, args: Vec<Value>| Exception::with_args(class, args);
    match kind {
        "ValueError" => of("builtins.ValueError", vec!["bad".into(), 7.into()]),
        "KeyError" => Exception::key_error("k"),
        "ZeroDivisionError" => Exception::zero_division_error("division by zero"),
        "TypeError" => Exception::type_error("wrong type"),
        "AttributeError" => Exception::attribute_error("no attribute"),
        "RuntimeError" => of("builtins.RuntimeError", vec![]),
        "OSError" => of("builtins.OSError", vec![2.into(), "No such file".into()]),
        "TimeoutError" => Exception::new("builtins.TimeoutError", "late"),
        "AssertionError" => Exception::new("builtins.AssertionError", "no"),
        "StopIteration" => Exception::stop_iteration(),
        "celery.exceptions.TaskError" => Exception::new("celery.exceptions.TaskError", "of Celery"),
        "shop.SoldOut" => of("shop.SoldOut", vec!["tea".into(), 3.into()]),
        "nested" => {
            let inner = Value::List(vec![2.into(), Dict::from_iter([("a", Value::None)]).into()]);
            let dict = Dict::from_iter([("k", Value::List(vec![1.5.into()]))]);
            of("builtins.ValueError", vec!["deep".into(), Value::List(vec![1.into(), inner]), dict.into()])
        }
        "unicode" => Exception::value_error("été \u{1F98E}"),
        other => Exception::value_error(format!("what is {other}?")),
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.fail")]
async fn fail(kind: String) -> Result<()> {
    Err(raised(&kind))
}

#[task(crate = "salamander_tasks::__private", name = "f.traced")]
async fn traced() -> Result<()> {
    let mut exception = Exception::value_error("bad");
    exception
        .set_traceback(vec!["Traceback (most recent call last):\n".to_owned(), "in the middle of it\n".to_owned()]);
    Err(exception)
}

#[task(crate = "salamander_tasks::__private", name = "f.panic")]
async fn panics() {
    panic!("it has lost its head");
}

#[task(crate = "salamander_tasks::__private", name = "f.unserializable")]
async fn unserializable() -> Value {
    let mut set = Set::new();
    set.insert(1.into()).unwrap();
    Value::Set(Box::new(set))
}

#[task(crate = "salamander_tasks::__private", name = "f.retry", max_retries = 10, default_retry_delay = 0)]
async fn retry(context: &TaskContext, times: u32, #[default(0.0)] pause: f64) -> Result<u32> {
    if context.retries() < times {
        return Err(context.retry().because(Exception::value_error("again")).countdown(pause).into());
    }
    Ok(context.retries())
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_times")]
async fn retry_times(pause: f64, begun: Option<f64>) -> Result<(f64, f64)> {
    match begun {
        None => Err(Retry::new().countdown(pause).args(vec![pause.into(), clock().into()]).into()),
        Some(begun) => Ok((begun, clock())),
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_at")]
async fn retry_at(pause: f64, begun: Option<f64>) -> Result<(f64, f64)> {
    match begun {
        None => {
            let micros = ((clock() + pause) * 1e6) as i64;
            let mut eta = salamander_value::DateTime::from_civil_micros(micros).unwrap();
            eta.time.offset = "2026-01-01T00:00:00+00:00".parse::<salamander_value::DateTime>().unwrap().time.offset;
            Err(Retry::new().eta(eta).args(vec![pause.into(), clock().into()]).into())
        }
        Some(begun) => Ok((begun, clock())),
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_twice", max_retries = 2, default_retry_delay = 0)]
async fn retry_twice(kind: Option<String>) -> Result<()> {
    let again = Retry::new().countdown(0);
    Err(match kind {
        Some(_) => again.because(Exception::new("shop.SoldOut", "tea")).into(),
        None => again.into(),
    })
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_no_more")]
async fn retry_no_more(kind: String) -> Result<()> {
    Err(Retry::new().because(raised(&kind)).max_retries(0).into())
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_with")]
async fn retry_with(context: &TaskContext, x: i64, #[default("less".to_owned())] y: String) -> Result<(i64, String)> {
    if context.retries() == 0 {
        let more = Dict::from_iter([("y", Value::from("more"))]);
        return Err(Retry::new().countdown(0).args(vec![2.into()]).kwargs(more).into());
    }
    Ok((x, y))
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_elsewhere")]
async fn retry_elsewhere(context: &TaskContext, from: State<From>, to: String) -> Result<&'static str> {
    if context.retries() == 0 {
        return Err(Retry::new().countdown(0).queue(to).into());
    }
    Ok(from.0)
}

#[task(crate = "salamander_tasks::__private", name = "f.retry_seen")]
async fn retry_seen(context: &TaskContext) -> Result<Value> {
    if context.retries() == 0 {
        return Err(Retry::new().countdown(0).into());
    }
    request(context)
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.auto",
    autoretry_for = ["ValueError"],
    max_retries = 3,
    default_retry_delay = 0
)]
async fn auto(context: &TaskContext, times: i64) -> Result<u32> {
    match times {
        ..0 => Err(Exception::key_error("not for this")),
        _ if i64::from(context.retries()) < times => Err(Exception::value_error("again")),
        _ => Ok(context.retries()),
    }
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.auto_but",
    autoretry_for = ["LookupError"],
    dont_autoretry_for = ["KeyError"],
    default_retry_delay = 0
)]
async fn auto_but(_times: i64) -> Result<()> {
    Err(Exception::key_error("k"))
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.backoff",
    autoretry_for = ["ValueError"],
    retry_backoff = true,
    retry_jitter = false
)]
async fn backoff(context: &TaskContext, notes: State<Notes>) -> Result<(Value, f64)> {
    if context.retries() == 0 {
        notes.tell(context.id(), clock().into());
        return Err(Exception::value_error("again"));
    }
    Ok((notes.told(context.id()), clock()))
}

#[task(crate = "salamander_tasks::__private", name = "f.special")]
async fn special(what: String) -> Result<()> {
    match &*what {
        "ignore" => Err(Ignore.into()),
        _ => Err(Reject::new("no").into()),
    }
}

/// The first run is refused, and the second one tells whether it was said that it is not the first.
fn requeue(context: &TaskContext, notes: &Notes) -> Result<bool> {
    match notes.note(context.id()) {
        1 => Err(Reject::requeue("again").into()),
        _ => Ok(context.request().delivery_info().redelivered),
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.requeued", acks_late = true)]
async fn requeued(context: &TaskContext, notes: State<Notes>) -> Result<bool> {
    requeue(context, &notes)
}

#[task(crate = "salamander_tasks::__private", name = "f.requeued_by_setting")]
async fn requeued_by_setting(context: &TaskContext, notes: State<Notes>) -> Result<bool> {
    requeue(context, &notes)
}

#[task(crate = "salamander_tasks::__private", name = "f.progress")]
async fn progress(context: &TaskContext) -> Result<&'static str> {
    let failed = |error: salamander_tasks::Error| Exception::runtime_error(error.to_string());
    context.progress(1, 2).map_err(failed)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let minutes = Value::List(vec![1.into(), 2.5.into()]);
    let meta = Dict::from_iter([("dish", Value::from("soup")), ("minutes", minutes)]);
    context.update_state("COOKING", Value::from(meta)).map_err(failed)?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok("done")
}

#[task(crate = "salamander_tasks::__private", name = "f.patient")]
async fn patient(context: &TaskContext) -> &'static str {
    match context.stopped().await {
        Stop::SoftTimeLimit => "in time",
        _ => "too late",
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.limited_time", time_limit = 0.3)]
async fn limited_time(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[task(crate = "salamander_tasks::__private", name = "f.soft_limited", soft_time_limit = 0.3)]
async fn soft_limited(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[task(crate = "salamander_tasks::__private", name = "f.rated", rate_limit = "10/s")]
async fn rated() -> f64 {
    clock()
}

#[task(crate = "salamander_tasks::__private", name = "f.ignored", ignore_result = true)]
async fn ignored() -> &'static str {
    "done"
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.ignored_but_errors",
    ignore_result = true,
    store_errors_even_if_ignored = true
)]
async fn ignored_but_errors(kind: String) -> Result<()> {
    if kind.is_empty() { Ok(()) } else { Err(raised(&kind)) }
}

#[task(crate = "salamander_tasks::__private", name = "f.fail_ignored", ignore_result = true)]
async fn fail_ignored() -> Result<()> {
    Err(raised("ValueError"))
}

#[task(crate = "salamander_tasks::__private", name = "f.tracked", track_started = true)]
async fn tracked(seconds: f64) -> f64 {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    seconds
}

#[task(crate = "salamander_tasks::__private", name = "f.late", acks_late = true)]
async fn late() -> &'static str {
    "done"
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.late_fails",
    acks_late = true,
    acks_on_failure_or_timeout = false
)]
async fn late_fails(kind: String) -> Result<()> {
    Err(raised(&kind))
}

#[task(crate = "salamander_tasks::__private", name = "f.late_fails_only", acks_late = true, acks_on_failure = false)]
async fn late_fails_only(kind: String) -> Result<()> {
    Err(raised(&kind))
}

#[task(
    crate = "salamander_tasks::__private",
    name = "f.late_slow_once",
    acks_late = true,
    acks_on_timeout = false,
    time_limit = 0.3
)]
async fn late_slow_once(context: &TaskContext, notes: State<Notes>) {
    if notes.note(context.id()) == 1 {
        std::future::pending::<()>().await;
    }
}

#[task(crate = "salamander_tasks::__private", name = "f.parent")]
async fn parent(context: &TaskContext) -> Result<String> {
    let app = context.app().ok_or_else(|| Exception::runtime_error("no application"))?;
    let child = add.delay(app, (1, 1)).await.map_err(|error| Exception::runtime_error(error.to_string()))?;
    Ok(child.id().to_owned())
}

#[task(crate = "salamander_tasks::__private", name = "f.tell_seen")]
async fn tell_seen(context: &TaskContext, notes: State<Notes>) -> Result<()> {
    notes.tell(context.id(), request(context)?);
    Ok(())
}

#[task(crate = "salamander_tasks::__private", name = "f.parent_of_seen")]
async fn parent_of_seen(context: &TaskContext) -> Result<String> {
    let app = context.app().ok_or_else(|| Exception::runtime_error("no application"))?;
    let child = tell_seen.delay(app, ()).await.map_err(|error| Exception::runtime_error(error.to_string()))?;
    Ok(child.id().to_owned())
}

#[task(crate = "salamander_tasks::__private", name = "f.told")]
async fn told(notes: State<Notes>, label: String) -> Value {
    notes.told(&label)
}

#[task(crate = "salamander_tasks::__private", name = "f.note", acks_late = true)]
async fn note(notes: State<Notes>, label: String) -> i64 {
    notes.note(&label)
}

#[task(crate = "salamander_tasks::__private", name = "f.noted")]
async fn noted(notes: State<Notes>, label: String) -> i64 {
    notes.noted(&label)
}

#[task(crate = "salamander_tasks::__private", name = "f.hold", acks_late = true)]
async fn hold(notes: State<Notes>, label: String) {
    notes.held(&label).await;
}

#[task(crate = "salamander_tasks::__private", name = "f.release")]
async fn release(notes: State<Notes>, label: String) {
    notes.release(&label);
}

/// A whole number that is too large for 64 bits.
pub(crate) fn large() -> BigInt {
    BigInt::from(10).pow(100)
}
