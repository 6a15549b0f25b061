"""Celery's settings: those of who sends, and those of our worker."""
import datetime

from celery.utils.nodenames import worker_direct
from kombu import Queue

from checks import feature

UTC = datetime.timezone.utc


@feature("task_serializer")
def task_serializer(client):
    assert client.configured(task_serializer="msgpack").seen()["content_type"] == "application/x-msgpack"


@feature("task_compression")
def task_compression(client):
    long = "text " * 1000
    assert client.configured(task_compression="zstd").run("f.same", long) == long


@feature("task_default_priority")
def task_default_priority(client):
    own = client.configured(task_default_priority=5)

    @own.app.task(name="f.seen", shared=False)
    def seen():
        raise AssertionError("it runs elsewhere")

    assert own.get(seen.delay())["priority"] == 5


@feature("task_default_delivery_mode")
def task_default_delivery_mode(client):
    assert client.configured(task_default_delivery_mode="transient").seen()["delivery_mode"] == 1


@feature("task_default_exchange and task_default_routing_key")
def task_default_exchange(client):
    own = client.configured(task_default_exchange="rust.keyed", task_default_routing_key="the-key", task_default_queue="rust.keyed")
    assert own.run("f.queue") == "rust.keyed"


@feature("task_ignore_result")
def task_ignore_result(client):
    own = client.configured(task_ignore_result=True)

    @own.app.task(name="f.add", shared=False)
    def add(x, y=1):
        raise AssertionError("it runs elsewhere")

    assert add.delay(1, 1).get(timeout=1) is None


@feature("task_time_limit and task_soft_time_limit of who sends")
def task_time_limit(client):
    own = client.configured(task_time_limit=50, task_soft_time_limit=40)

    @own.app.task(name="f.seen", shared=False)
    def seen():
        raise AssertionError("it runs elsewhere")

    assert seen.delay().get(timeout=60)["timelimit"] == [50, 40]


@feature("task_always_eager")
def task_always_eager(client):
    own = client.configured(task_always_eager=True)

    @own.app.task(name="f.eager", shared=False)
    def here(x):
        return "here"

    assert here.delay(1).get() == "here"


@feature("enable_utc off, and another timezone")
def zone(client):
    own = client.configured(enable_utc=False, timezone="Asia/Kolkata")
    begun = datetime.datetime.now(UTC).timestamp()
    started = own.run("f.now", countdown=0.5)
    assert begun + 0.495 <= started < begun + 50, (begun, started)


@feature("timezone")
def timezone(client):
    own = client.configured(timezone="America/New_York")
    begun = datetime.datetime.now(UTC).timestamp()
    started = own.run("f.now", countdown=0.5)
    assert begun + 0.495 <= started < begun + 50, (begun, started)
    result = own.send("f.add", 1, 1)
    own.get(result)
    assert abs(result.date_done.astimezone(UTC).timestamp() - begun) < 600, result.date_done


@feature("task_publish_retry off")
def task_publish_retry(client):
    assert client.configured(task_publish_retry=False).run("f.add", 1, 1) == 2


@feature("task_protocol 2 and 1 on one queue")
def protocols(client):
    new, old = client, client.configured(task_protocol=1)
    assert [new.run("f.add", 1, 1), old.run("f.add", 1, 1), new.run("f.add", 1, 1)] == [2, 2, 2]


@feature("task_track_started")
def task_track_started(client):
    states, _ = client.states("f.sleep", 0.3)
    assert states == ["STARTED", "SUCCESS"], states


@feature("STARTED tells who runs it")
def started_info(client):
    seen = []
    result = client.send("f.sleep", 0.3)
    client.get(result, on_message=seen.append)
    told = [message["result"] for message in seen if message["task_id"] == result.id and message["status"] == "STARTED"]
    assert told and isinstance(told[0]["pid"], int) and "@" in told[0]["hostname"], told


@feature("task_time_limit of the worker")
def worker_time_limit(client):
    error, _ = client.fails("f.sleep", 600)
    assert type(error).__name__ == "TimeLimitExceeded", repr(error)


@feature("task_soft_time_limit of the worker")
def worker_soft_time_limit(client):
    assert client.run("f.patient") == "in time"


@feature("task_store_errors_even_if_ignored")
def task_store_errors(client):
    error, result = client.fails("f.fail_ignored")
    assert type(error) is ValueError and result.state == "FAILURE"


@feature("task_acks_late of the worker")
def task_acks_late(client):
    # Its message goes back, and comes again.
    assert client.run("f.requeued_by_setting") is True


@feature("worker_direct")
def direct(client):
    own = worker_direct(client.run("f.seen", queue="rust.settings")["hostname"])
    info = client.run("f.seen", queue=own)["delivery_info"]
    assert info["routing_key"] == own.name, info


@feature("task_default_rate_limit")
def task_default_rate_limit(client):
    results = [client.send("f.now") for _ in range(3)]
    times = sorted(client.get(result) for result in results)
    assert times[-1] - times[0] >= 0.15, times


@feature("task_inherit_parent_priority")
def task_inherit_parent_priority(client):
    assert client.told(client.run("f.parent_of_seen", priority=4))["priority"] == 4


@feature("task_acks_on_failure_or_timeout off: failures go to the dead letters")
def acks_on_failure(client):
    dead(client, "f.late_fails", "ValueError")


@feature("acks_on_timeout off: tasks that took too long come again")
def acks_on_timeout(client):
    result = client.send("f.late_slow_once")
    client.until("it comes again", lambda: client.run("f.noted", result.id, queue="rust") >= 2)


def dead(client, name, kind):
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "rust.dead"}
    own = client.configured(task_queues=[Queue(client.queue, queue_arguments=arguments)])
    with client.app.connection_for_write() as connection:
        Queue("rust.dead")(connection.default_channel).declare()
    error, result = own.fails(name, kind)
    assert type(error).__name__ == kind, repr(error)
    with client.app.connection_for_read() as connection:

        def found():
            message = connection.default_channel.basic_get("rust.dead", no_ack=False)
            if message is None:
                return False
            if message.headers["id"] == result.id:
                # Out of the way of who looks for one behind it.
                connection.default_channel.basic_ack(message.delivery_tag)
                return True
            # It is of somebody else, who looks for it.
            connection.default_channel.basic_reject(message.delivery_tag, requeue=True)
            return False

        client.until("it is among the dead letters", found)


@feature("acks_on_failure off: failures go to the dead letters")
def acks_on_failure_alone(client):
    dead(client, "f.late_fails_only", "ValueError")
