"""Records what Celery and kombu send, as constants for crates/wire/src/celery/recorded.rs.

    .venv/bin/python crates/wire/record/celery_messages.py > crates/wire/src/celery/recorded.rs
"""

import datetime
import decimal
import itertools
import uuid

import celery
import kombu
from celery import group, states
from celery.result import AsyncResult, GroupResult
from kombu import serialization
from kombu.pidbox import Mailbox
from kombu.transport import memory
from kombu.utils import json

ID = "d3b07384-d113-4ec5-a5d6-1f3b4a5c6d7e"
sent = []


class Channel(memory.Channel):
    def _put(self, queue, message, **kwargs):
        sent.append(json.dumps(message))

    def _put_fanout(self, exchange, message, routing_key, **kwargs):
        sent.append(json.dumps(message))

    _tags = itertools.count(1)

    def _next_delivery_tag(self):
        return f"tag-{next(self._tags)}"


class Transport(memory.Transport):
    Channel = Channel


app = celery.Celery("recorded", broker="memory://", backend="rpc://", set_as_current=True)
app.conf.update(broker_transport=Transport, result_extended=True, task_serializer="json")
app.oid = "00000000-0000-0000-0000-000000000001"
app.now = lambda: datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.timezone.utc)
serialization.enable_insecure_serializers()


@app.task(name="tasks.add")
def add(x, y):
    return x + y


def connection():
    return kombu.Connection(transport=Transport)


def send(**options):
    sent.clear()
    with connection() as conn:
        producer = app.amqp.Producer(conn)
        app.send_task("tasks.add", task_id=ID, producer=producer, origin="gen1@host", **options)
    return sent[-1]


def task(protocol=2, **options):
    app.conf.task_protocol = protocol
    app.amqp.__dict__.pop("create_task_message", None)
    try:
        return send(**options)
    finally:
        app.conf.task_protocol = 2
        app.amqp.__dict__.pop("create_task_message", None)


class Request:
    task = "tasks.add"
    args = [2, 3]
    kwargs = {}
    hostname = "celery@host"
    retries = 1
    delivery_info = {"routing_key": "celery"}
    group = "group-1"
    parent_id = "parent-1"
    root_id = ID
    children = []
    stamps = None
    stamped_headers = None
    correlation_id = ID
    reply_to = "replies"
    id = ID


def meta(state, result, traceback=None, request=None):
    return app.backend._to_result(ID, state, result, traceback, request)


def literal(data):
    out = []
    for byte in data:
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\x{byte:02x}")
    return 'b"' + "".join(out) + '"'


def constant(name, data):
    if isinstance(data, str):
        data = data.encode()
    print(f"pub(super) const {name}: &[u8] = {literal(data)};")


print("//! What Celery 5.7.0 and kombu 5.7.0 sent, made by `record/celery_messages.py`.")
print()
constant("PLAIN", task(args=(2, 3)))
constant(
    "FULL",
    task(
        args=(2,),
        kwargs={"y": "é"},
        eta=datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        expires=datetime.datetime(2026, 1, 2, 4, 4, 5, tzinfo=datetime.timezone.utc),
        priority=7,
        time_limit=60,
        soft_time_limit=2.5,
        link=add.s(1),
        link_error=add.si(1, 2),
        chain=[add.s(4), add.s(3)],
        chord=add.s(9),
        group_id="group-1",
        group_index=4,
        root_id="root-1",
        parent_id="parent-1",
        shadow="shown",
        retries=2,
        ignore_result=True,
        reply_to="replies",
        headers={"own": {"a": [1]}},
        expiration=12.5,
        stamped_headers=["mark"],
        mark="m",
    ),
)
constant("PROTOCOL_1", task(protocol=1, args=(2,), kwargs={"y": 3}, retries=1, group_id="group-1", time_limit=9))
for serializer in ["msgpack", "yaml", "pickle"]:
    constant("TASK_" + serializer.upper(), task(args=(2, "é"), kwargs={"y": 3}, serializer=serializer))
for compression in ["zlib", "bzip2", "lzma", "zstd"]:
    constant("TASK_" + compression.upper(), task(args=("x" * 100,), compression=compression))

Request.children = [
    AsyncResult("child-1", parent=AsyncResult("child-0")),
    GroupResult("group-2", [AsyncResult("child-2"), AsyncResult("child-3")]),
]
metas = {
    "SUCCESS": meta(states.SUCCESS, {"sum": 5}),
    "EXTENDED": meta(states.SUCCESS, 5, request=Request),
    "FAILURE": meta(states.FAILURE, KeyError("spam", 3), "Traceback: ..."),
    "PROGRESS": meta("PROGRESS", {"done": 3}),
    "STARTED": meta(states.STARTED, {"pid": 12, "hostname": "celery@host"}),
}
for name, value in metas.items():
    for serializer in ["json", "msgpack", "yaml", "pickle"]:
        data = serialization.dumps(value, serializer=serializer)[2]
        constant(f"META_{name}_{serializer.upper()}", data)

sent.clear()
with connection() as conn:
    mailbox = Mailbox("celery", type="fanout", connection=conn)
    mailbox.__dict__["oid"] = "oid-1"
    Mailbox.oid = "oid-1"
    kombu.pidbox.uuid = lambda: "ticket-1"
    kombu.pidbox.time = lambda: 1_000_000.5
    channel = conn.channel()
    mailbox._publish("revoke", {"task_id": ID, "terminate": True}, ["celery@a", "celery@b"],
                     reply_ticket="ticket-1", channel=channel, timeout=1)
    mailbox._publish("ping", {}, None, channel=channel, pattern="celery@*", matcher="glob")
    mailbox.type = "direct"
    mailbox._publish_reply({"celery@a": {"ok": "pong"}}, "reply.celery.pidbox", "oid-1", "ticket-1", channel=channel)
for name, message in zip(["COMMAND", "COMMAND_PATTERN", "REPLY"], [m for m in sent], strict=False):
    constant(name, message)

extended = {
    "datetime": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone(datetime.timedelta(hours=2))),
    "date": datetime.date(2026, 1, 2),
    "time": datetime.time(3, 4, 5, 6),
    "decimal": decimal.Decimal("1.50"),
    "uuid": uuid.UUID(ID),
    "text": "é\u20ac\U0001f600\x7f\"\\\n\ud800",
    "bytes": b"abc\xc3\xa9",
    "base64": b"\xff\x00",
    "numbers": [1, -2.5, 10**30, float("inf"), True, None],
}
constant("EXTENDED_JSON", json.dumps(extended))
