"""A client of Celery's, as anybody writes one: sends tasks to a worker, and prints what comes back, a line for each.

celery_client.py BROKER BACKEND         every case
celery_client.py pyro://PORT rpc://     the same over kombu's Pyro transport, whose name server is at that port
"""
import datetime
import sys

from celery import Celery
from kombu.utils.uuid import uuid

LONG = 60


def application(broker, backend):
    if broker.startswith("pyro://"):
        from kombu.transport.pyro import Transport

        # The port of the URL means nothing to it.
        Transport.default_port = int(broker.removeprefix("pyro://"))
        broker = "pyro://localhost/kombu.broker"
    app = Celery("client", broker=broker, backend=backend)
    if broker.startswith("pyro://"):
        app.conf.broker_transport_options = {"polling_interval": 0.02}
    return app


app = application(*sys.argv[1:])


def sent(name, *args, **options):
    return app.send_task(name, args, **options)


def told(what, result):
    value = result.get(timeout=LONG, propagate=False)
    shown = f"{type(value).__module__}.{type(value).__name__}{value.args}" if isinstance(value, Exception) else repr(value)
    print(f"{what}: {result.state} {shown}", flush=True)


def utc(time):
    return time if time.tzinfo else time.replace(tzinfo=datetime.timezone.utc)


def late():
    """A task that is out of date when a worker has it. Celery's own call would let the broker throw it away."""
    id, yesterday = uuid(), datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    message = app.amqp.create_task_message(id, "tasks.add", (4, 4), {}, expires=yesterday, reply_to=app.thread_oid)
    with app.producer_or_acquire() as producer:
        app.backend.on_task_call(producer, id)
        app.amqp.send_task_message(producer, "tasks.add", message)
    return app.AsyncResult(id)


def results():
    told("sum", sent("tasks.add", 5, 5))
    told("text", sent("tasks.add", "\u00e9", "t\u00e9"))
    told("float", sent("tasks.mul", 1.5, 2))
    told("list", sent("tasks.xsum", [1, 2, 3]))
    told("keywords", app.send_task("tasks.add", kwargs={"x": 1, "y": 2}))
    told("large", sent("tasks.factorial", 30))
    many = [sent("tasks.add", number, 1) for number in range(50)]
    print("many:", sum(result.get(timeout=LONG) for result in many), flush=True)


def failures():
    told("failure", sent("tasks.fail", "no"))
    try:
        sent("tasks.fail", "raised").get(timeout=LONG)
    except ValueError as error:
        print("raised here:", error.args, flush=True)
    told("wrong arguments", sent("tasks.add", 1, "x"))
    result = sent("tasks.add", 1)
    error = result.get(timeout=LONG, propagate=False)
    print("too few arguments:", result.state, type(error).__name__, flush=True)
    told("unregistered", sent("tasks.nowhere", 1))


def options():
    told("retried", sent("tasks.retry", 3))
    for compression in ("zlib", "bzip2"):
        told(compression, sent("tasks.add", 1, 1, compression=compression))
    told("shadow, headers, priority", sent("tasks.add", 1, 1, shadow="other", headers={"x": 1}, priority=3))
    told("own id", sent("tasks.add", 1, 1, task_id="own-" + uuid()))
    begun = datetime.datetime.now(datetime.timezone.utc)
    result = sent("tasks.add", 2, 2, countdown=1)
    told("countdown", result)
    print("not before:", utc(result.date_done) >= begun + datetime.timedelta(seconds=1), flush=True)
    told("eta", sent("tasks.add", 3, 3, eta=begun + datetime.timedelta(seconds=1)))
    told("in time", sent("tasks.add", 4, 4, expires=600))
    told("expired", late())
    seen = []
    result = sent("tasks.sleep", 1.2)
    value = result.get(timeout=LONG, on_message=seen.append)
    # It hears of other tasks too.
    print("progress:", value, [message["status"] for message in seen if message["task_id"] == result.id], flush=True)


def ignored():
    result = app.send_task("tasks.add", (1, 1), ignore_result=True)
    print("ignored:", result.get(timeout=LONG), flush=True)
    told("after it", sent("tasks.add", 1, 2))
    print("nothing is known of it:", app.AsyncResult(result.id).state, flush=True)


def malformed():
    """Messages that are no tasks; whoever works goes on."""
    headers = {"lang": "py", "task": "tasks.add", "id": "wrong", "root_id": "wrong", "parent_id": None, "group": None}
    with app.connection_for_write() as connection:
        producer = connection.Producer(routing_key="celery")
        producer.publish({"no": "task"})
        for body, content_type in (("{", "application/json"), ("[1]", "application/json"), ("\x80", "application/x-python-serialize")):
            producer.publish(body, headers=headers, content_type=content_type, content_encoding="utf-8")
    told("after malformed ones", sent("tasks.add", 7, 7))


results()
failures()
options()
ignored()
malformed()
