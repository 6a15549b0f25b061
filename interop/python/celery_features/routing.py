"""Which way tasks go: Celery's user guide, "Routing Tasks"."""
import contextlib
import re

from kombu import Exchange, Queue
from kombu.common import Broadcast

from checks import feature

TOPICS = Exchange("rust.topics", type="topic")
KEYED = Exchange("rust.keyed", type="direct")


@contextlib.contextmanager
def declared(client, exchange):
    """Over all but RabbitMQ, kombu knows of what kind an exchange is only on the connection that has declared it."""
    with client.app.producer_or_acquire() as producer:
        exchange(producer.channel).declare()
        yield producer


def came_by(client, wanted, **options):
    """Sends a task, and says out of which queue our worker took it."""
    found = client.run("f.queue", **options)
    assert found == wanted, f"out of {found} instead of {wanted}"


@feature("queue of a call")
def of_call(client):
    came_by(client, "rust.other", queue="rust.other")


@feature("task_default_queue")
def default(client):
    came_by(client.configured(task_default_queue="rust.other"), "rust.other")


@feature("task_routes by name")
def by_name(client):
    came_by(client.configured(task_routes={"f.queue": {"queue": "rust.other"}}), "rust.other")


@feature("task_routes by name, the queue alone")
def by_name_alone(client):
    came_by(client.configured(task_routes={"f.queue": "rust.other"}), "rust.other")


@feature("task_routes by glob")
def by_glob(client):
    came_by(client.configured(task_routes={"f.q*": {"queue": "rust.other"}, "f.*": {"queue": "rust.nowhere"}}), "rust.other")


@feature("task_routes by regular expression")
def by_regex(client):
    came_by(client.configured(task_routes=([(re.compile(r"f\.(queue|key)"), {"queue": "rust.other"})],)), "rust.other")


@feature("task_routes by function")
def by_function(client):
    def route(name, args, kwargs, options, task=None, **_):
        return {"queue": "rust.other"} if name == "f.queue" and kwargs.get("to") == "other" else None

    own = client.configured(task_routes=(route,))
    came_by(own, "rust.other", kwargs={"to": "other"})
    came_by(own, client.queue, kwargs={"to": "the default"})


@feature("task_routes: the first that knows a task decides")
def first(client):
    came_by(client.configured(task_routes=({"other": "x"}, {"f.queue": "rust.other"}, {"f.queue": "rust.nowhere"})), "rust.other")


@feature("task_routes with further options")
def further(client):
    own = client.configured(task_routes={"f.seen": {"queue": "rust.other", "priority": 4, "serializer": "msgpack"}})
    seen = own.seen()
    assert seen["priority"] == 4 and seen["content_type"] == "application/x-msgpack", seen


@feature("a call goes before its route")
def call_first(client):
    came_by(client.configured(task_routes={"f.queue": "rust.nowhere"}), "rust.other", queue="rust.other")


@feature("task_queues with exchange and routing key")
def direct(client):
    own = client.configured(task_queues=[Queue("rust.keyed", KEYED, routing_key="the-key")], task_create_missing_queues=False)
    came_by(own, "rust.keyed", queue="rust.keyed")


@feature("task_create_missing_queues off")
def missing(client):
    own = client.configured(task_queues=[Queue("rust.other")], task_create_missing_queues=False)
    try:
        own.send("f.queue", queue="rust.unheard-of")
    except Exception as error:
        assert type(error).__name__ in ("QueueNotFound", "KeyError"), repr(error)
        return
    raise AssertionError("it was made")


@feature("exchange and routing_key of a call: direct")
def exchange_direct(client):
    came_by(client, "rust.keyed", exchange="rust.keyed", routing_key="the-key")


@feature("exchange and routing_key of a call: topic")
def exchange_topic(client):
    with declared(client, TOPICS) as producer:
        came_by(client, "rust.topical", exchange="rust.topics", routing_key="news.today.sports", producer=producer)


@feature("topic queues: any words")
def topic_any(client):
    own = client.configured(task_queues=[Queue("rust.topical", TOPICS, routing_key="news.#")])
    came_by(own, "rust.topical", queue="rust.topical", routing_key="news.a.b.c")


@feature("topic queues: one word")
def topic_one(client):
    own = client.configured(task_queues=[Queue("rust.topical.one", TOPICS, routing_key="*.weather")])
    came_by(own, "rust.topical.one", queue="rust.topical.one", routing_key="today.weather")


@feature("fanout exchanges")
def fanout(client):
    heard(client, Queue("rust.fan.a", Exchange("rust.fan", type="fanout")))


@feature("broadcast")
def broadcast(client):
    heard(client, Broadcast("rust.fan", exchange=Exchange("rust.fan", type="fanout")))


def heard(client, queue):
    from kombu.utils.uuid import uuid

    own = client.configured(task_queues=[queue])
    label = uuid()
    with declared(own, queue.exchange) as producer:
        own.send("f.note", label, queue=queue.name, ignore_result=True, producer=producer)
    # Two queues of our worker are bound there.
    client.until("it comes to both", lambda: client.run("f.noted", label) == 2)


@feature("priorities that an idle worker honours")
def priorities(client):
    from kombu.utils.uuid import uuid

    label = uuid()
    # It holds up the worker, which runs one at a time, until the others are there.
    greater_first = client.place.kind == "amqp"
    own = client.configured(task_queues=[Queue(client.queue, max_priority=10 if greater_first else None)])
    first = own.send("f.hold", label)
    numbers = [3, 9, 0, 6, 9, 3]
    results = [own.send("f.note", label, priority=number) for number in numbers]
    client.run("f.release", label, queue="rust")
    own.get(first)
    places = [own.get(result) for result in results]
    order = [number for _, number in sorted(zip(places, numbers))]
    assert order == sorted(numbers, reverse=greater_first), order


@feature("queues that several workers share")
def shared(client):
    results = [client.send("f.add", number, 0, queue="both") for number in range(40)]
    assert [client.get(result) for result in results] == list(range(40))


@feature("a worker takes tasks out of several queues")
def several(client):
    # The worker of these two is the same one.
    for queue in ("rust", "rust.second", "rust"):
        came_by(client, "rust", queue=queue)
