//! Python's client sends to our worker, over each broker.

use interop::python;
use interop::servers::{RabbitMq, Store};

use crate::programs::worker::{Worker, up};

/// What the client prints, whatever the broker is.
const TOLD: &str = "\
sum: SUCCESS 10
text: SUCCESS 'été'
float: SUCCESS 3.0
list: SUCCESS 6
keywords: SUCCESS 3
large: SUCCESS 265252859812191058636308480000000
many: 1275
failure: FAILURE builtins.ValueError('no',)
raised here: ('raised',)
wrong arguments: FAILURE builtins.TypeError(\"unsupported operand type(s) for +: 'int' and 'str'\",)
too few arguments: FAILURE TypeError
unregistered: FAILURE celery.exceptions.NotRegistered('tasks.nowhere',)
retried: SUCCESS 3
zlib: SUCCESS 2
bzip2: SUCCESS 2
shadow, headers, priority: SUCCESS 2
own id: SUCCESS 2
countdown: SUCCESS 4
not before: True
eta: SUCCESS 6
in time: SUCCESS 8
expired: REVOKED celery.exceptions.TaskRevokedError('expired',)
progress: 1.2 ['PROGRESS', 'SUCCESS']
ignored: None
after it: SUCCESS 3
nothing is known of it: PENDING
after malformed ones: SUCCESS 14
";

fn client(broker: &str, backend: &str) -> String {
    let output = python::script("celery_client.py").args([broker, backend]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

/// What a worker says of messages that are no tasks.
fn refused(worker: &mut Worker) {
    worker.until("Received and deleted unknown message");
    worker.until("Can't decode message body");
    worker.until("Received invalid task message");
    worker.until("Received unregistered task of type 'tasks.nowhere'");
    worker.until("Discarding revoked task: tasks.add");
}

#[test]
fn up_alone_serves_an_unmodified_celery() {
    let (_up, port) = up("celery_up", &[]);
    assert_eq!(client(&format!("pyro://{port}"), "rpc://"), TOLD);
}

#[test]
fn a_worker_of_its_own_takes_tasks_from_up() {
    let (up, port) = up("celery_worker_of_up", &["--no-demo"]);
    let mut worker = Worker::start(&format!("pyro://localhost:{port}/kombu.broker"), "rpc://", &["-c", "4"]);
    assert_eq!(client(&format!("pyro://{port}"), "rpc://"), TOLD);
    refused(&mut worker);
    // The worker waits for messages there, and does not hold it up.
    assert!(up.terminate().success());
    assert!(worker.terminate());
}

#[test]
fn a_worker_on_redis_does_what_python_sends() {
    let Some(redis) = Store::redis() else { return };
    let url = redis.url();
    let mut worker = Worker::start(&url, &url, &["-c", "4"]);
    assert_eq!(client(&url, &url), TOLD);
    refused(&mut worker);
    assert!(worker.terminate());
}

#[test]
fn a_worker_on_rabbitmq_does_what_python_sends() {
    let Some(url) = RabbitMq::shared().map(RabbitMq::vhost) else { return };
    let mut worker = Worker::start(&url, "rpc://", &["-c", "4"]);
    assert_eq!(client(&url, "rpc://"), TOLD);
    refused(&mut worker);
    assert!(worker.terminate());
}
