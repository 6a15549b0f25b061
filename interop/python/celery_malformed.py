"""Publishes messages that are wrong, each in its own way, and behind each of them a task that is right, whose id is `after-` and the name
of what came before it. Prints the names.

celery_malformed.py URL [NAME]...           to the queue `celery`, without those of these names
celery_malformed.py pyro://PORT [NAME]...   over kombu's Pyro transport, whose name server is at that port
"""
import sys
import zlib

from kombu import Connection, Exchange, Queue

url, *without = sys.argv[1:]
if url.startswith("pyro://"):
    from kombu.transport.pyro import Transport

    # The port of the URL means nothing to it.
    Transport.default_port = int(url.removeprefix("pyro://"))
    url = "pyro://localhost/kombu.broker"

GOOD = b"[[0], {}, {}]"
CASES = {}


def case(name, body=GOOD, content_type="application/json", content_encoding="utf-8", *, headers=None, without=(), **changed):
    """A message of a task that is right but for what is said of it. Headers that are given are all there are."""
    if headers is None:
        headers = {"lang": "py", "task": "tally.note", "id": name, "shadow": None, "eta": None, "expires": None, "group": None,
                   "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": name, "parent_id": None,
                   "argsrepr": "(0,)", "kwargsrepr": "{}", "origin": "test", "ignore_result": True}
        headers.update(changed)
        for header in without:
            del headers[header]
    CASES[name] = (body, content_type, content_encoding, headers)


case("no-task", b'{"no": "task"}', headers={})
case("text", b'"text"', headers={})
case("list", b"[1, 2]", headers={})
case("null", b"null", headers={})
case("no-json", b"{", headers={})
case("other-headers", GOOD, headers={"x": 1})
case("unknown-task", task="tasks.nowhere")
case("unknown-old-task", b'{"task": "tasks.nowhere", "id": "x", "args": [], "kwargs": {}}', headers={})
case("old-without-id", b'{"task": "tally.note", "args": [1], "kwargs": {}}', headers={})
case("old-with-wrong-args", b'{"task": "tally.note", "id": "old-with-wrong-args", "args": 5, "kwargs": {}}', headers={})
case("cut-off", b"[[0], {}")
case("empty", b"")
case("no-utf-8", b"\xff\xfe[")
case("unknown-encoding", content_encoding="nonsense")
case("deep", b"[" * 100_000 + b"]" * 100_000)
case("pickle", b"\x80\x04N.", "application/x-python-serialize", "binary")
case("pickle-with-headers-alone", b"\x80\x04N.", "application/x-python-serialize", "binary", headers={})
case("unknown-type", GOOD, "application/x-nonsense")
case("unknown-compression", compression="application/x-nonsense")
case("wrong-compression", b"no zlib", compression="application/x-gzip")
case("without-id", without=["id"])
case("eta-nonsense", eta="soon")
case("expires-nonsense", expires="later")
case("body-of-one", b"[1]")
case("body-of-two", b"[[0], {}]")
case("body-of-four", b"[[0], {}, {}, 1]")
case("body-is-object", b"{}")
case("body-is-null", b"null")
case("too-many-arguments", b"[[1, 2, 3, 4], {}, {}]")
case("no-arguments", b"[[], {}, {}]")
case("unknown-keyword", b'[[1], {"nonsense": 1}, {}]')
case("argument-of-another-type", b'[["x", "y"], {}, {}]')
case("bomb", zlib.compress(b'[["' + b"x" * (80 << 20) + b'"], {}, {}]'), compression="application/x-gzip")
case("oversized", b'[["' + b"x" * (65 << 20) + b'"], {}, {}]')
for name in without:
    del CASES[name]

with Connection(url) as connection:
    exchange = Exchange("celery", type="direct")
    queue = Queue("celery", exchange, routing_key="celery")
    channel = connection.default_channel
    queue(channel).declare()
    producer = connection.Producer(channel, exchange=exchange, routing_key="celery", auto_declare=False)
    for name, (body, content_type, content_encoding, headers) in CASES.items():
        producer.publish(body, content_type=content_type, content_encoding=content_encoding, headers=headers)
        after = dict(lang="py", task="tally.note", id="after-" + name, root_id="after-" + name, parent_id=None, group=None)
        producer.publish(GOOD, content_type="application/json", content_encoding="utf-8", headers=after)
        print(name, flush=True)
