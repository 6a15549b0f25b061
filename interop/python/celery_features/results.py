"""What is known of a result: Celery's `AsyncResult`."""
import datetime

from celery.exceptions import TimeoutError

from checks import feature
from clients import LONG


@feature("result: state PENDING of what is not known")
def pending(client):
    result = client.app.AsyncResult("never-sent")
    assert result.state == "PENDING" and not result.ready() and result.result is None


@feature("result: state, ready, successful, failed")
def states(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    assert (result.state, result.status, result.ready(), result.successful(), result.failed()) == ("SUCCESS", "SUCCESS", True, True, False)
    _, failed = client.fails("f.fail", "ValueError")
    assert (failed.state, failed.ready(), failed.successful(), failed.failed()) == ("FAILURE", True, False, True)


@feature("result: get twice")
def twice(client):
    result = client.send("f.add", 1, 1)
    assert client.get(result) == client.get(result) == 2


@feature("result: result and info")
def info(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    assert result.result == result.info == 2


@feature("result: date_done")
def date_done(client):
    before = datetime.datetime.now(datetime.timezone.utc)
    result = client.send("f.add", 1, 1)
    client.get(result)
    done = result.date_done if result.date_done.tzinfo else result.date_done.replace(tzinfo=datetime.timezone.utc)
    after = datetime.datetime.now(datetime.timezone.utc)
    assert before <= done <= after, (before, done, after)


@feature("result: children")
def children(client):
    result = client.send("f.parent")
    child = client.get(result)
    assert [other.id for other in result.children] == [child]
    assert client.get(client.send("f.add", 1, 1)) == 2
    without = client.send("f.add", 1, 1)
    client.get(without)
    assert without.children == []


@feature("result: traceback is None where nothing was raised")
def no_traceback(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    assert result.traceback is None


def extended(name, expected):
    @feature(f"result_extended: {name}")
    def check(client):
        result = client.app.send_task("f.add", (1,), {"y": 2})
        client.get(result)
        found, wanted = getattr(result, name), expected(client)
        assert found == wanted, f"{found!r} instead of {wanted!r}"


extended("name", lambda client: "f.add")
extended("args", lambda client: [1])
extended("kwargs", lambda client: {"y": 2})
extended("retries", lambda client: 0)
extended("queue", lambda client: client.queue)


@feature("result_extended: worker")
def worker(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    assert "@" in result.worker, result.worker


@feature("result: group_id and parent_id")
def group(client):
    id, message = client.message("f.add", (1, 1), group_id="g", parent_id="p")
    result = client.publish(id, message)
    client.get(result)
    meta = result._get_task_meta()
    assert (meta.get("group_id"), meta.get("parent_id")) == ("g", "p"), meta


@feature("result: forget")
def forget(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    result.forget()
    assert client.app.AsyncResult(result.id).state == "PENDING"


@feature("result: timeout")
def timeout(client):
    result = client.send("f.hold", "timeout")
    try:
        result.get(timeout=0.05)
    except TimeoutError:
        # It goes on, and can be waited for again.
        client.run("f.release", "timeout")
        assert client.get(result) is None
        return
    raise AssertionError("it has waited")


@feature("result: then")
def then(client):
    found = []
    result = client.send("f.add", 1, 1)
    result.then(lambda result: found.append(result.result))
    client.get(result)
    assert found == [2], found


@feature("result: on_message")
def on_message(client):
    states, _ = client.states("f.add", 1, 1)
    assert states == ["SUCCESS"], states


@feature("result: found by its id alone")
def by_id(client):
    result = client.send("f.add", 1, 1)
    assert client.app.AsyncResult(result.id).get(timeout=LONG) == 2


@feature("result: of a task that somebody else has sent")
def shared(client):
    result = client.send("f.add", 1, 1)
    client.get(result)
    other = client.configured(task_default_priority=0)
    assert other.app is not client.app and other.app.AsyncResult(result.id).get(timeout=LONG) == 2


@feature("result_expires")
def expires(client):
    import redis

    result = client.send("f.add", 1, 1)
    client.get(result)
    left = redis.Redis.from_url(client.place.backend).ttl(f"celery-task-meta-{result.id}")
    assert 86_000 < left <= 86_400, left


def of_serializer(serializer):
    def check(client):
        own = client.configured(result_serializer=serializer)
        assert own.run("f.same", ["x", 1, {"a": 2.5}]) == ["x", 1, {"a": 2.5}]
        error, result = own.fails("f.fail", "ValueError")
        assert type(error) is ValueError and error.args == ("bad", 7), repr(error)
        error, result = own.fails("f.fail", "shop.SoldOut")
        assert type(error).__name__ == "SoldOut" and error.args == ("tea", 3), repr(error)
        assert own.run("f.retry", 1) == 1

    return check


for serializer in ("json", "msgpack", "yaml", "pickle"):
    feature(f"result_serializer {serializer}")(of_serializer(serializer))
