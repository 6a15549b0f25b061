"""Python's side of the tests with RabbitMQ: kombu over py-amqp, and Celery.

    amqp_peer.py publish URL QUEUE      publishes one message for each of CASES
    amqp_peer.py consume URL QUEUE N    takes N messages, and prints each as a line of repr()
    amqp_peer.py hold URL QUEUE         takes a message, says so, and waits to be killed
    amqp_peer.py worker URL             a Celery worker
    amqp_peer.py client URL             sends tasks, and prints what came of them
"""
import datetime
import decimal
import sys

import kombu

HEADERS = {
    "none": None, "true": True, "false": False, "zero": 0, "edge": 2147483647, "long": 1 << 40, "least": -(1 << 63),
    "half": 0.5, "decimal": decimal.Decimal("-1.50"), "time": datetime.datetime(2024, 1, 2, 3, 4, 5),
    "text": "\u00e9\U0001f98e", "bytes": b"\xff\xfe", "list": [1, None, ["a", {"b": 2.5}]], "dict": {"a": {"b": {}}},
}

# body, and how it is published
CASES = [
    ({"a": [1, "\u00e9", None]}, dict(serializer="json", headers=HEADERS)),
    ("text", dict(content_type="text/plain", content_encoding="utf-8", correlation_id="c", reply_to="r", priority=7,
                  expiration=60, message_id="m", timestamp=1704164645, type="t", user_id="guest", app_id="a")),
    ([1] * 1000, dict(serializer="json", compression="zlib")),
    ({"p": (1, 2)}, dict(serializer="pickle", delivery_mode=1)),
    (b"\x00\xff", dict(content_type="application/data", content_encoding="binary", headers={"k" * 255: "v" * 70_000})),
]


def publish(url, name):
    with kombu.Connection(url) as connection:
        producer = kombu.Producer(connection.channel())
        for body, options in CASES:
            producer.publish(body, exchange=name, routing_key=name, **options)


def raw(message):
    # py-amqp decodes what says that it is text.
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def consume(url, name, count):
    with kombu.Connection(url) as connection:
        channel = connection.channel()
        for _ in range(int(count)):
            message = channel.basic_get(name, no_ack=True)
            info = message.delivery_info
            properties = {k: v for k, v in message.properties.items() if k != "application_headers"}
            print(repr((raw(message), message.headers, sorted(properties.items()), info["exchange"],
                        info["routing_key"], info["redelivered"])))


def hold(url, name):
    connection = kombu.Connection(url)
    message = connection.channel().basic_get(name)
    print("held", raw(message).decode(), flush=True)
    sys.stdin.read()


def app(url):
    import celery
    app = celery.Celery("peer", broker=url, backend="rpc://")
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)

    @app.task(name="tasks.add")
    def add(x, y):
        return x + y

    @app.task(name="tasks.fail")
    def fail(message):
        raise ValueError(message)

    @app.task(name="tasks.states", bind=True)
    def states(self):
        self.update_state(state="PROGRESS", meta={"done": 1})
        return "end"

    return app


def worker(url):
    app(url).worker_main(["worker", "-P", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"])


def client(url):
    sender = app(url)
    print(sender.send_task("tasks.add", (5, 5)).get(timeout=60), flush=True)
    failed = sender.send_task("tasks.fail", ("no",))
    print(repr(failed.get(timeout=60, propagate=False)), failed.state, failed.traceback, flush=True)
    results = [sender.send_task("tasks.add", (n, 1)) for n in range(20)]
    print([result.get(timeout=60) for result in reversed(results)], flush=True)
    seen = sender.send_task("tasks.states")
    met = []
    print(seen.get(timeout=60, on_message=lambda body: met.append((body["status"], body["result"]))), met, flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
