"""What becomes of tasks: results, exceptions, retries, and what a task says instead."""
import celery.exceptions

from checks import feature
from clients import LONG


@feature("a result that is None")
def none(client):
    result = client.send("f.same", None)
    assert client.get(result) is None and result.state == "SUCCESS"


def raised(name, args, kind=Exception):
    @feature(f"exceptions: {name}")
    def check(client):
        error, result = client.fails("f.fail", name)
        assert type(error).__name__ == name.rpartition(".")[2], repr(error)
        assert isinstance(error, kind) and error.args == args, repr(error)
        assert result.state == "FAILURE" and result.failed() and not result.successful()


raised("ValueError", ("bad", 7), ValueError)
raised("KeyError", ("k",), KeyError)
raised("ZeroDivisionError", ("division by zero",), ZeroDivisionError)
raised("TypeError", ("wrong type",), TypeError)
raised("AttributeError", ("no attribute",), AttributeError)
raised("RuntimeError", (), RuntimeError)
raised("TimeoutError", ("late",), TimeoutError)
raised("AssertionError", ("no",), AssertionError)
raised("StopIteration", (), StopIteration)
raised("celery.exceptions.TaskError", ("of Celery",), celery.exceptions.TaskError)
raised("shop.SoldOut", ("tea", 3))


@feature("exceptions: OSError")
def os_error(client):
    # Python knows by its number which one it is.
    error, _ = client.fails("f.fail", "OSError")
    assert type(error) is FileNotFoundError and error.args == (2, "No such file"), repr(error)


@feature("exceptions: nested arguments")
def nested(client):
    error, _ = client.fails("f.fail", "nested")
    assert error.args == ("deep", [1, [2, {"a": None}]], {"k": [1.5]}), error.args


@feature("exceptions: text beyond ASCII")
def unicode(client):
    error, _ = client.fails("f.fail", "unicode")
    assert error.args == ("\u00e9t\u00e9 \U0001f98e",), error.args


@feature("exceptions are raised where the result is wanted")
def propagates(client):
    try:
        client.run("f.fail", "KeyError")
    except KeyError as error:
        assert error.args == ("k",)
        return
    raise AssertionError("nothing was raised")


@feature("exceptions: propagate=False")
def no_propagation(client):
    result = client.send("f.fail", "ValueError")
    assert isinstance(result.get(timeout=LONG, propagate=False), ValueError)


@feature("exceptions: traceback")
def traceback(client):
    _, result = client.fails("f.traced")
    assert "in the middle of it" in result.traceback, result.traceback


@feature("exceptions: a panic")
def panic(client):
    error, _ = client.fails("f.panic")
    assert "lost its head" in str(error), repr(error)
    assert client.run("f.add", 1, 1) == 2


@feature("retry: until it succeeds")
def retried(client):
    assert client.run("f.retry", 3) == 3


@feature("retry: the state RETRY is told")
def retry_state(client):
    states, _ = client.states("f.retry", 2, 0.2)
    assert states == ["RETRY", "RETRY", "SUCCESS"], states


@feature("retry: countdown")
def countdown(client):
    begun, ended = client.run("f.retry_times", 0.4)
    assert ended - begun >= 0.395, (begun, ended)


@feature("retry: eta")
def eta(client):
    begun, ended = client.run("f.retry_at", 0.4)
    assert ended - begun >= 0.395, (begun, ended)


@feature("retry: max_retries of the task")
def exceeded(client):
    error, result = client.fails("f.retry_twice", None)
    assert type(error) is celery.exceptions.MaxRetriesExceededError, repr(error)
    assert "f.retry_twice" in str(error) and result.id in str(error), str(error)


@feature("retry: max_retries of the call to retry")
def exceeded_call(client):
    error, _ = client.fails("f.retry_no_more", "ValueError")
    assert type(error) is ValueError, repr(error)


@feature("retry: the exception that led to it, when it was too often")
def exceeded_cause(client):
    error, _ = client.fails("f.retry_twice", "SoldOut")
    assert type(error).__name__ == "SoldOut" and error.args == ("tea",), repr(error)


@feature("retry: the exception that led to it, with the state RETRY")
def retry_cause(client):
    seen = []
    result = client.send("f.retry", 1, 0.2)
    client.get(result, on_message=seen.append)
    told = [message["result"] for message in seen if message["status"] == "RETRY" and message["task_id"] == result.id]
    # With some backends it is as it is stored, with others it is the exception already.
    first = told[0] if isinstance(told[0], Exception) else client.app.backend.exception_to_python(told[0])
    assert type(first) is ValueError and first.args == ("again",), told


@feature("retry: other arguments")
def other_arguments(client):
    assert client.run("f.retry_with", 1) == [2, "more"]


@feature("retry: to another queue")
def other_queue(client):
    assert client.run("f.retry_elsewhere", client.queue + ".other") == client.queue + ".other"


@feature("retry: the request stays what it was")
def retry_request(client):
    seen = client.app.send_task("f.retry_seen", headers={"mine": [1]}, shadow="shown", root_id="r", parent_id="p", group_id="g", time_limit=50)
    found = client.get(seen)
    assert found["id"] == seen.id and found["retries"] == 1 and found["headers"]["mine"] == [1], found
    assert (found["shadow"], found["root_id"], found["parent_id"], found["group"]) == ("shown", "r", "p", "g"), found
    assert found["timelimit"] == [50, None], found


@feature("retry: serializer and compression stay what they were")
def retry_encoding(client):
    assert client.run("f.retry", 2, serializer="msgpack", compression="zlib") == 2


@feature("autoretry_for")
def autoretry(client):
    assert client.run("f.auto", 2) == 2


@feature("autoretry_for: other exceptions")
def autoretry_other(client):
    error, result = client.fails("f.auto", -1)
    assert type(error) is KeyError and error.args == ("not for this",), repr(error)


@feature("autoretry_for: too often")
def autoretry_exceeded(client):
    error, _ = client.fails("f.auto", 50)
    assert type(error) is ValueError, repr(error)


@feature("dont_autoretry_for")
def dont_autoretry(client):
    error, _ = client.fails("f.auto_but", 1)
    assert type(error) is KeyError, repr(error)


@feature("retry_backoff")
def backoff(client):
    # The first pause is a second, without jitter.
    begun, ended = client.run("f.backoff")
    assert ended - begun >= 0.99, (begun, ended)


@feature("Ignore")
def ignored(client):
    result = client.send("f.special", "ignore")
    assert client.run("f.add", 1, 1) == 2
    assert result.state == "PENDING"


@feature("Reject")
def rejected(client):
    error, result = client.fails("f.special", "reject")
    assert type(error) is celery.exceptions.Reject and result.state == "FAILURE", repr(error)


@feature("Reject with requeue")
def requeued(client):
    assert client.run("f.requeued") is True


@feature("states of one's own")
def custom(client):
    seen = []
    result = client.send("f.progress")
    assert client.get(result, on_message=seen.append) == "done"
    told = [(message["status"], message["result"]) for message in seen if message["task_id"] == result.id]
    assert told[0] == ("PROGRESS", {"current": 1, "total": 2}), told
    assert told[1] == ("COOKING", {"dish": "soup", "minutes": [1, 2.5]}), told


@feature("a result that cannot be serialized")
def unserializable(client):
    error, result = client.fails("f.unserializable")
    assert result.state == "FAILURE", repr(error)
    assert client.run("f.add", 1, 1) == 2
