//! Python's Celery asks our worker: its library, and its command line.

use interop::python;

use crate::Place;
use crate::programs::worker::{Worker, celery};

const NODE: &str = "asked@here";

/// What Celery gets, whatever the broker is.
const TOLD: &str = "\
ping: [{'NODE': {'ok': 'pong'}}]
ping, of all: [{'NODE': {'ok': 'pong'}}]
inspect ping: {'NODE': {'ok': 'pong'}}
one that is not there: []
by glob: {'NODE': {'ok': 'pong'}}
by pcre: {'NODE': {'ok': 'pong'}}
by another glob: None
registered: ['tasks.add', 'tasks.factorial', 'tasks.fail', 'tasks.fibonacci', 'tasks.mul', 'tasks.retry', 'tasks.sleep', 'tasks.xsum']
registered, with more: ['tasks.add [max_retries=3 acks_late=False]', 'tasks.factorial [max_retries=3 acks_late=False]']
nothing runs: [{'NODE': []}, {'NODE': []}, {'NODE': []}, {'NODE': []}]
queues: [('celery', 'direct')]
clock: True
stats: ['int', 1, 4, {}]
unknown: [{'NODE': {'error': \"KeyError('nothing')\"}}]
wrong: [{'NODE': {'error': 'TypeError(\"revoke() has a missing argument: \\'task_id\\'\")'}}]
active: ['tasks.sleep', [600], {}, 'tasks.sleep', 'NODE', True]
active, more: ['celery', True, True]
active, safe: ['(600,)']
query: active
revoked, goes on: True
still active: [True]
terminated: True
what came of it: REVOKED TaskRevokedError('terminated')
terminate: True
what came of that: REVOKED TaskRevokedError('terminated')
unknown to it: {'ok': 'terminate: tasks unknown'}
no signal: {'error': 'there is no signal SIGNONE'}
scheduled: [True, False, True]
query: scheduled
revoked before its time: REVOKED TaskRevokedError('revoked')
none is left: []
it is known: True
query: reserved
first: REVOKED TaskRevokedError('terminated')
other 0: REVOKED TaskRevokedError('revoked')
other 1: SUCCESS 2
other 2: REVOKED TaskRevokedError('revoked')
other 3: REVOKED TaskRevokedError('revoked')
revoked before it was sent: REVOKED TaskRevokedError('revoked')
raised here: terminated
rate: {'ok': 'new rate limit set successfully'}
it shows: tasks.add [rate_limit=100/m]
rate, wrong: {'error': 'Invalid rate limit string: ValueError(\"often\")'}
rate, of nothing: {'error': 'unknown task'}
rate, none: {'ok': 'rate limit disabled successfully'}
it does not show: tasks.add
shutdown: None
";

/// Asks a worker with this pool everything; it ends at last because it is told to.
fn asks(place: &Place, pool: &str) {
    let worker = Worker::start(&place.broker, &place.backend, &["-c", "1", "-n", NODE, "-P", pool]);
    let output = python::script("celery_control.py").args([&place.broker, &place.backend, NODE]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(told, TOLD);
    assert!(worker.ended());
}

#[test]
fn celery_asks_a_worker_on_redis() {
    let Some(place) = Place::redis() else { return };
    asks(&place, "async");
}

#[test]
fn celery_asks_a_worker_on_rabbitmq() {
    let Some(place) = Place::rabbitmq() else { return };
    asks(&place, "async");
}

#[test]
fn celery_asks_a_worker_with_child_processes() {
    let Some(place) = Place::rabbitmq() else { return };
    asks(&place, "prefork");
}

#[test]
fn celery_asks_a_worker_with_threads() {
    let Some(place) = Place::redis() else { return };
    asks(&place, "threads");
}

/// What a command of Celery's prints; it has to end well.
fn printed(place: &Place, arguments: &[&str]) -> String {
    let output = celery(&place.broker, &place.backend, arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn command_line(place: &Place) {
    let worker = Worker::start(&place.broker, &place.backend, &["-c", "1", "-n", NODE]);
    let at = ["-d", NODE, "-t", "60"];
    let asked = |arguments: &[&str]| printed(place, &[arguments, &at].concat());
    assert_eq!(asked(&["inspect", "ping", "--json"]).trim(), r#"{"asked@here": {"ok": "pong"}}"#);
    let said = asked(&["inspect", "ping"]);
    assert!(said.contains("asked@here: OK") && said.contains("pong") && said.contains("1 node online"), "{said}");
    assert!(asked(&["status"]).contains("1 node online"));
    let said = asked(&["inspect", "registered"]);
    assert!(said.contains("* tasks.add") && said.contains("* tasks.sleep"), "{said}");
    for (command, empty) in [("active", "- empty -"), ("scheduled", "- empty -"), ("reserved", "- empty -")] {
        let said = asked(&["inspect", command]);
        assert!(said.contains(empty), "{command}: {said}");
    }
    let said = asked(&["control", "revoke", "one", "two"]);
    assert!(said.contains("flagged as revoked"), "{said}");
    let said = asked(&["inspect", "revoked"]);
    assert!(said.contains("one") && said.contains("two"), "{said}");
    assert!(asked(&["inspect", "stats"]).contains("max-concurrency"));
    assert!(asked(&["inspect", "active_queues"]).contains("celery"));
    assert!(asked(&["control", "rate_limit", "tasks.add", "5/m"]).contains("new rate limit set successfully"));
    // Which has no answer, from Celery's own workers too; the command says so.
    let output = celery(&place.broker, &place.backend, &["control", "shutdown", "-d", NODE, "-t", "0.5"]).output();
    assert!(!output.unwrap().status.success());
    assert!(worker.ended());
}

#[test]
fn celerys_command_line_finds_a_worker_on_redis() {
    let Some(place) = Place::redis() else { return };
    command_line(&place);
}

#[test]
fn celerys_command_line_finds_a_worker_on_rabbitmq() {
    let Some(place) = Place::rabbitmq() else { return };
    command_line(&place);
}
