"""What can be said of a call: the options of `apply_async`."""
import datetime
import time

from checks import feature

UTC = datetime.timezone.utc


def now():
    return datetime.datetime.now(UTC)


def encoded(client, **options):
    text = "text \u00e9 " * 500
    assert client.run("f.same", text, **options) == text


def of_encoding(serializer, compression):
    def check(client):
        encoded(client, serializer=serializer, compression=compression)

    return check


for serializer in ("json", "msgpack", "yaml", "pickle"):
    feature(f"serializer {serializer}")(of_encoding(serializer, None))
    for compression in ("zlib", "gzip", "bzip2", "lzma", "zstd"):
        feature(f"serializer {serializer} with compression {compression}")(of_encoding(serializer, compression))


def not_before(client, moment, **options):
    started = client.run("f.now", **options)
    # Clocks of one machine, but of two programs.
    assert started >= moment.timestamp() - 0.005, (started, moment.timestamp())


@feature("countdown")
def countdown(client):
    not_before(client, now() + datetime.timedelta(seconds=0.5), countdown=0.5)


@feature("eta in UTC")
def eta(client):
    when = now() + datetime.timedelta(seconds=0.5)
    not_before(client, when, eta=when)


@feature("eta in another zone")
def eta_zone(client):
    when = now() + datetime.timedelta(seconds=0.5)
    not_before(client, when, eta=when.astimezone(datetime.timezone(datetime.timedelta(hours=-7, minutes=-30))))


@feature("eta without a zone")
def eta_naive(client):
    when = now() + datetime.timedelta(seconds=0.5)
    not_before(client, when, eta=when.replace(tzinfo=None))


@feature("eta in the past")
def eta_past(client):
    assert client.run("f.add", 1, 1, eta=now() - datetime.timedelta(days=3)) == 2


@feature("tasks that wait for their time hold up no others")
def eta_others(client):
    later = [client.send("f.add", n, 0, countdown=3600) for n in range(60)]
    assert client.run("f.add", 1, 1) == 2
    assert later


@feature("expires in seconds, in time")
def expires(client):
    assert client.run("f.add", 1, 1, expires=600) == 2


@feature("expires at a time, in time")
def expires_at(client):
    assert client.run("f.add", 1, 1, expires=now() + datetime.timedelta(hours=1)) == 2


def revoked(client, result, reason):
    from celery.exceptions import TaskRevokedError

    error = client.get(result, propagate=False)
    assert type(error) is TaskRevokedError and error.args == (reason,), repr(error)
    assert result.state == "REVOKED"


@feature("expires in the past")
def expired(client):
    # Celery's own call would let the broker throw it away.
    id, message = client.message("f.add", (1, 1), expires=now() - datetime.timedelta(days=1))
    revoked(client, client.publish(id, message), "expired")


@feature("expires before its ETA")
def expired_waiting(client):
    id, message = client.message("f.add", (1, 1), expires=now() + datetime.timedelta(seconds=0.2), countdown=0.6)
    revoked(client, client.publish(id, message), "expired")


@feature("a retry that has expired")
def expired_retry(client):
    # Long enough for the second message to be taken: one that is too late in its queue the broker may throw away.
    id, message = client.message("f.retry", (5, 6), expires=now() + datetime.timedelta(seconds=5))
    revoked(client, client.publish(id, message), "expired")


@feature("time_limit of a call")
def hard(client):
    error, result = client.fails("f.sleep", 600, time_limit=0.3)
    assert type(error).__name__ == "TimeLimitExceeded" and error.args == (0.3,), repr(error)
    assert result.state == "FAILURE"


@feature("soft_time_limit of a call")
def soft(client):
    error, _ = client.fails("f.sleep", 600, soft_time_limit=0.3)
    assert type(error).__name__ == "SoftTimeLimitExceeded", repr(error)


@feature("a task that deals with its soft time limit")
def soft_caught(client):
    assert client.run("f.patient", soft_time_limit=0.3) == "in time"


@feature("time_limit of a task")
def hard_task(client):
    error, _ = client.fails("f.limited_time", 600)
    assert type(error).__name__ == "TimeLimitExceeded" and error.args == (0.3,), repr(error)


@feature("soft_time_limit of a task")
def soft_task(client):
    error, _ = client.fails("f.soft_limited", 600)
    assert type(error).__name__ == "SoftTimeLimitExceeded", repr(error)


@feature("a time limit that is not reached")
def limit_unreached(client):
    assert client.run("f.sleep", 0.01, time_limit=600, soft_time_limit=500) == 0.01


@feature("rate_limit of a task")
def rate(client):
    # Of ten in a second, the fourth may begin three tenths after the first; how late each of them begins is nobody's fault.
    begun = time.time()
    results = [client.send("f.rated") for _ in range(4)]
    times = [client.get(result) for result in results]
    assert max(times) - begun >= 0.25, (begun, times)


@feature("ignore_result of a call")
def ignore(client):
    result = client.send("f.add", 1, 1, ignore_result=True)
    assert client.run("f.add", 1, 2) == 3
    assert result.get(timeout=1) is None and client.app.AsyncResult(result.id).state == "PENDING"


@feature("ignore_result of a task")
def ignore_task(client):
    # Whoever calls by name does not know of it, and waits in vain.
    result = client.send("f.ignored")
    assert client.run("f.add", 1, 2) == 3
    assert result.state == "PENDING"


@feature("ignore_result of a call against that of its task")
def not_ignored(client):
    assert client.run("f.ignored", ignore_result=False) == "done"


@feature("store_errors_even_if_ignored")
def store_errors(client):
    error, result = client.fails("f.ignored_but_errors", "ValueError")
    assert type(error) is ValueError and result.state == "FAILURE"
    fine = client.send("f.ignored_but_errors", "")
    assert client.run("f.add", 1, 2) == 3
    assert fine.state == "PENDING"


@feature("track_started of a task")
def started(client):
    states, result = client.states("f.tracked", 0.3)
    assert states == ["STARTED", "SUCCESS"], states


@feature("retry policy of publishing")
def retry_policy(client):
    policy = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
    assert client.run("f.add", 1, 1, retry=True, retry_policy=policy) == 2


@feature("acks_late")
def late(client):
    seen = client.run("f.late")
    assert seen == "done"
