"""Records the seeds in `corpus`: what the real Python libraries write. Run with a Python that has interop/requirements.txt.

    .venv/bin/python fuzz/record.py
"""

import ast
import base64
import collections
import datetime
import decimal
import hmac
import json
import marshal
import multiprocessing.connection
import os
import pathlib
import pickle
import re
import socket
import struct
import uuid
import xmlrpc.client
import zlib

import amqp
import amqp.serialization
import msgpack
import yaml
import serpent
import zmq
import Pyro4
import Pyro4.core
import Pyro4.errors
import Pyro4.futures
import Pyro4.message
import Pyro4.util
import Pyro5
import Pyro5.callcontext
import Pyro5.core
import Pyro5.errors
import Pyro5.protocol
from Pyro5.serializers import serializers

CORPUS = pathlib.Path(__file__).parent / "corpus"

shared = ["shared", 1.5]
deep = []
for _ in range(30):
    deep = [deep]

VALUES = {
    "none": None,
    "bools": [True, False],
    "ints": [0, 1, -1, 127, 128, -129, 255, 65535, 2**31, -2**31, 2**32, 2**63 - 1, -2**63],
    "big_ints": [2**63, 2**64, -2**200, 3**300],
    "floats": [0.0, -0.0, 1.5, -2.25e300, 1e-300, float("inf"), float("-inf")],
    "nan": float("nan"),
    "complex": [1 + 2j, -0.5j],
    "text": ["", "abc", "it's \"quoted\" \\ \n\r\t\0", "äöü €", "\U0001f600", "x" * 300],
    "bytes": [b"", b"abc\0\xff", bytes(range(256))],
    "bytearray": bytearray(b"abc"),
    "tuple": ((), (1,), (1, (2, (3,)))),
    "list": [[], [1, [2, [3]]]],
    "deep": deep,
    "set": [set(), {1}, {"a"}],
    "frozenset": frozenset([1]),
    "dict": {"a": 1, "b": {"c": [1, 2, {}]}, "": None},
    "keys": {1: "int", (1, 2): "tuple", 1.5: "float", None: 0, True: 1},
    "record": {"id": 17, "name": "Ada", "tags": ["x", "y"], "score": 0.25, "ok": True, "next": None},
    "shared": [shared, shared, shared],
    "datetime": datetime.datetime(2024, 2, 29, 12, 34, 56, 789),
    "aware": datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    "date": datetime.date(1, 1, 1),
    "time": datetime.time(23, 59, 59, 999999),
    "timedelta": datetime.timedelta(days=-1, seconds=1, microseconds=1),
    "decimal": decimal.Decimal("-12.340E+20"),
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "deque": collections.deque([1, 2]),
    "exception": ZeroDivisionError("division by zero"),
    "pyro_exception": Pyro5.errors.NamingError("unknown name: x"),
    "uri": Pyro5.core.URI("PYRO:obj@localhost:4711"),
    "class": {"__class__": "my.Class", "x": 1, "state": [1, 2]},
}

CALLS = {
    "call": ("obj", "add", (2, 3), {}),
    "call_kwargs": ("example.greeting", "get_fortune", ("Ada",), {"loud": True, "times": [1, 2]}),
    "call_batch": ("obj", "<batch>", [("add", (1, 2), {}), ("sub", (), {"x": 1})], {}),
}


def save(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def record_codecs():
    for codec in ("serpent", "json", "marshal", "msgpack"):
        serializer = serializers[codec]
        for name, value in VALUES.items():
            try:
                data = serializer.dumps(value)
            except Exception:
                continue  # Not every serializer carries everything.
            save(codec, name, data)
        for name, call in CALLS.items():
            save(codec, name, serializer.dumpsCall(*call))
    # What the libraries write with other settings.
    record = VALUES["record"]
    for version in range(4):
        save("marshal", "version_%d" % version, marshal.dumps([record, shared, shared, 2**70, 1.5, 1j, "ä"], version))
    save("marshal", "code", marshal.dumps(compile("1", "x", "eval")))
    save("marshal", "interned", marshal.dumps(["name", "name", ("name", b"name", b"name"), {"name": frozenset(["name"])}]))
    save("msgpack", "single_float", msgpack.packb(1.5, use_single_float=True))
    save("msgpack", "old_raw", msgpack.packb(["a", b"b"], use_bin_type=False))
    save("msgpack", "timestamp", msgpack.packb([msgpack.Timestamp(1, 0), msgpack.Timestamp(2**33, 5), msgpack.Timestamp(-1, 1)]))
    save("msgpack", "unknown_ext", msgpack.packb(msgpack.ExtType(99, b"abc")))
    save("json", "indented", json.dumps(record, indent=2).encode())
    save("json", "escapes", json.dumps(VALUES["text"]).encode())
    save("serpent", "indented", serpent.dumps(record, indent=True))
    save("serpent", "bytes_literal", serpent.dumps(VALUES["bytes"], bytes_repr=True))


def record_wire():
    protocol = Pyro5.protocol
    body = serializers["serpent"].dumpsCall(*CALLS["call"])
    many = b"abc" * 100
    uid = uuid.UUID("12345678-1234-5678-1234-567812345678").bytes

    def message(kind, flags=0, seq=1, data=body, annotations=None, compress=False, correlation=None):
        Pyro5.callcontext.current_context.correlation_id = uuid.UUID(bytes=correlation) if correlation else None
        Pyro5.config.COMPRESSION = compress
        return bytes(protocol.SendingMessage(kind, flags, seq, 1, data, annotations).data)

    messages = {
        "connect": message(protocol.MSG_CONNECT, data=serializers["serpent"].dumps({"handshake": "hello", "object": "obj"})),
        "invoke": message(protocol.MSG_INVOKE),
        "oneway": message(protocol.MSG_INVOKE, protocol.FLAGS_ONEWAY, 65535),
        "annotated": message(protocol.MSG_INVOKE, annotations={"TEST": b"abcde", "ABCD": b"", "WXYZ": b"\0\1"}),
        "compressed": message(protocol.MSG_RESULT, data=many, compress=True),
        "compressed_annotated": message(protocol.MSG_RESULT, data=many, compress=True, annotations={"TEST": b"x" * 50}),
        "correlated": message(protocol.MSG_INVOKE, correlation=uid),
        "ping": message(protocol.MSG_PING, data=b"ping"),
        "empty": message(protocol.MSG_RESULT, data=b""),
        "large": message(protocol.MSG_RESULT, data=bytes(range(256)) * 8),
    }
    for name, data in messages.items():
        # No sizes: all in one read.
        save("wire", name, b"\0" + data)
    everything = b"".join(messages.values())
    save("wire", "all", b"\0" + everything)
    save("wire", "all_in_pieces", b"\3" + bytes([0, 3, 12]) + everything)
    save("wire", "byte_by_byte", b"\1\0" + messages["annotated"] + messages["compressed"])


def record_uris():
    texts = [
        "PYRO:obj@localhost:4711", "PYRO:obj@[::1]:4711", "PYRO:obj@./u:/tmp/socket", "PYRONAME:example.name",
        "PYRONAME:example.name@host", "PYRONAME:example.name@host:9091", "PYROMETA:a,b,c", "PYROMETA:a@host:1",
        "PYROLOC:name@host:1", "PYRO:obj@host: 12 ", "pyro:a@b@c:1_2", "PYRONAME:x@[fe80::1%eth0]:1",
    ]
    for index, text in enumerate(texts):
        try:
            Pyro5.core.URI(text)
            name = "uri_%02d" % index
        except Pyro5.errors.PyroError:
            name = "refused_%02d" % index
        save("uri", name, text.encode())
    for index, text in enumerate(["localhost:4711", "[::1]:80", "./u:sock", ":0"]):
        save("uri", "location_%d" % index, text.encode())


def record_patterns():
    patterns = [
        r"example\..*", r"(?i)EXAMPLE", r"(?P<x>a+)(?P=x)\1", r"[a-z_][^0-9\]]{2,5}?$", r"(?=ex)(?!exb)\w+\b", r"(?<=e)x|(?<!a)b",
        r"(?(1)a|b)(c)?", r"(?x: a b # comment\n)", r"(a+)+b", r"\A\d*\Z", r"(?#comment)\x41\u0042\101", r"((a|b)*c){1,3}",
        r"(?>a+)b", r"a++b", r"[\w.-]+", r"x*?", "ä[à-ü]",
    ]
    for index, pattern in enumerate(patterns):
        save("name_pattern", "pattern_%02d" % index, pattern.encode() + b"\0" + b"example.name aaab")


def record_pickle():
    values = dict(VALUES)
    values.update(
        pyro_exception=Pyro4.errors.NamingError("unknown name: x"),
        uri=Pyro4.core.URI("PYRO:obj@localhost:4711"),
        proxy=Pyro4.core.Proxy("PYRO:obj@localhost:4711"),
        reduced_proxy=Proxied(),
        wrapper=Pyro4.futures._ExceptionWrapper(ValueError("x")),
        range=range(1, 9, 2),
        ordered=collections.OrderedDict([("a", 1)]),
        recursive=recursive,
        refused=collections.Counter("aab"),
    )
    for name, value in values.items():
        seen = []
        for protocol in range(6):
            data = pickle.dumps(value, protocol)
            if data not in seen:
                seen.append(data)
                save("pickle", "%s_%d" % (name, protocol), data)
    for name, call in CALLS.items():
        save("pickle", name, pickle.dumps(call, 5))


class Proxied:
    """What Pyro4 puts in the place of a registered object."""

    def __reduce__(self):
        return Pyro4.core.Proxy("PYRO:obj@localhost:4711").__reduce__()


recursive = []
recursive.append(recursive)


def record_xmlrpc():
    for name, value in VALUES.items():
        try:
            data = xmlrpc.client.dumps((value,), "example.greeting.echo", allow_none=True)
        except Exception:
            continue
        save("xmlrpc", name, data.encode("utf-8", "xmlcharrefreplace"))
    for name, (obj, method, args, _) in CALLS.items():
        if "batch" not in name:
            save("xmlrpc", name, xmlrpc.client.dumps(args, obj + "." + method).encode())
    save("xmlrpc", "response", xmlrpc.client.dumps(("x",), methodresponse=True).encode())
    save("xmlrpc", "fault", xmlrpc.client.dumps(xmlrpc.client.Fault(1, "<class 'TypeError'>:no")).encode())
    for encoding in ("iso-8859-1", "us-ascii", "utf-16"):
        data = xmlrpc.client.dumps(("\u00e9\u20ac",), "m", encoding=encoding)
        save("xmlrpc", encoding, data.encode(encoding, "xmlcharrefreplace"))
    others = {
        "types": "<i1>1</i1><i8>-5</i8><biginteger>123456789012345678901</biginteger><ex:float>1e5</ex:float><bigdecimal>1.50</bigdecimal>",
        "text": "<value>a<!-- b -->c<![CDATA[<d>\r\n]]>&#x41;&quot;\r</value>",
        "time": "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601><base64>YW=Jj</base64><nil/>",
        "entity": "<!DOCTYPE a [<!ENTITY x 'y'>]><params><value>&x;</value></params>",
        "instruction": "<?xml version='1.0' standalone=\"yes\"?><?x y?><params a='1' b=\"&lt;\"/>",
    }
    for name, text in others.items():
        save("xmlrpc", name, (text if "params" in text else "<params>%s</params>" % text).encode())


def record_wire_pyro4():
    Message = Pyro4.message.Message
    body = Pyro4.util.get_serializer("serpent").dumpsCall(*CALLS["call"])
    many = zlib.compress(b"abc" * 500)
    messages = {
        "connect": Message(1, b"{'handshake': 'hello', 'object': 'obj'}", 1, 16, 0),
        "invoke": Message(4, body, 1, 0, 1),
        "oneway": Message(4, body, 1, 4, 65535),
        "annotated": Message(4, body, 1, 0, 1, {"TEST": b"abcde", "ABCD": b"", "CORR": bytes(range(16))}),
        "compressed": Message(5, many, 1, 2, 1),
        "signed": Message(5, body, 1, 0, 1, {"TEST": b"abcde"}, hmac_key=b"secret"),
        "ping": Message(6, b"ping", 42, 0, 0),
        "empty": Message(5, b"", 6, 1, 1),
    }
    messages = {name: message.to_bytes() for name, message in messages.items()}
    for name, data in messages.items():
        save("wire_pyro4", name, b"\0" + data)
    everything = b"".join(data for name, data in messages.items() if name != "signed")
    save("wire_pyro4", "all", b"\0" + everything)
    save("wire_pyro4", "all_in_pieces", b"\3" + bytes([0, 3, 12]) + everything)
    save("wire_pyro4", "byte_by_byte", b"\1\0" + messages["annotated"] + messages["compressed"])


def record_http():
    """What clients of a gateway send: a byte for its options, then the request, with line feeds alone."""
    json_body = {"Content-Type": "application/json"}
    key = {"X-Pyro-Gateway-Key": "secret"}
    requests = {
        "root": ("GET", "/", {}, b""),
        "page": ("GET", "/pyro/", {}, b""),
        "asset": ("GET", "/pyro/$page.js", {}, b""),
        "names": ("GET", "/pyro/$names?search=http", {}, b""),
        "openapi": ("GET", "/pyro/$openapi.json", {}, b""),
        "object_openapi": ("GET", "/pyro/http.target/$openapi.json", {}, b""),
        "meta": ("GET", "/pyro/http.target/$meta", {}, b""),
        "interface": ("GET", "/pyro/http.target/$interface", {}, b""),
        "attribute": ("GET", "/pyro/http.target/name", {}, b""),
        "query": ("GET", "/pyro/http.target/collect?a=1&b=two+words%20%C3%A9&a=3&=&%ff=%00", {}, b""),
        "query_key": ("GET", "/pyro/http.target/echo?value=1&$key=secret", {}, b""),
        "keyed": ("GET", "/pyro/http.target/echo?value=1", key, b""),
        "list": ("POST", "/pyro/http.target/collect", json_body, b'[1, 2.5, "x", null, true, {"a": [1e300, -0.0]}]'),
        "object": ("POST", "/pyro/http.target/collect?c=3", json_body, b'{"$args": [1, 2], "x": "\\u00e9\\ud83d\\ude00", "y": {}}'),
        "class": ("POST", "/pyro/http.target/echo", json_body, b'[{"__class__": "os.system", "args": ["x"]}]'),
        "deep": ("POST", "/pyro/http.target/echo", json_body, b"[" * 600 + b"]" * 600),
        "numbers": ("POST", "/pyro/http.target/add", json_body, b"[NaN, -Infinity]"),
        "no_json": ("POST", "/pyro/http.target/echo", {"Content-Type": "text/plain"}, b"x=1"),
        "oneway": ("GET", "/pyro/http.target/echo?value=1", {"X-Pyro-Options": "oneway"}, b""),
        "correlated": ("GET", "/pyro/http.target/echo?value=1", {"X-Pyro-Correlation-Id": "12345678-1234-5678-1234-567812345678"}, b""),
        "events": ("GET", "/pyro/http.target/count?limit=3", {"Accept": "text/event-stream"}, b""),
        "events_json": ("POST", "/pyro/http.target/count", {"Accept": "text/event-stream", **json_body}, b"[5]"),
        "options": ("OPTIONS", "/pyro/http.target/echo", {"Origin": "https://example.org"}, b""),
        "own_page": ("GET", "/pyro/http.target/echo?value=1", {"Host": "localhost:8080", "Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"}, b""),
        "other_page": ("GET", "/pyro/http.target/echo?value=1", {"Host": "evil.example", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, b""),
        "hidden": ("GET", "/pyro/hidden.target/echo?value=1", key, b""),
        "private": ("GET", "/pyro/http.target/__init__", {}, b""),
        "traversal": ("GET", "/pyro/../../http.target/%2e%2e%2fecho%00", {}, b""),
        "put": ("PUT", "/pyro/http.target/echo", {}, b"x"),
    }
    for name, (method, target, headers, body) in requests.items():
        options = {"keyed": 1, "query_key": 1, "hidden": 1, "own_page": 2, "other_page": 2}.get(name, 0)
        lines = [method + " " + target] + ["%s: %s" % header for header in headers.items()]
        save("http", name, bytes([options]) + "\n".join(lines).encode() + b"\n\n" + body)


def record_multiprocessing():
    def frames(*messages, objects=()):
        ours, theirs = multiprocessing.connection.Pipe()
        for message in messages:
            ours.send_bytes(message)
        for value in objects:
            ours.send(value)
        ours.close()
        with socket.socket(fileno=os.dup(theirs.fileno())) as raw:
            return b"".join(iter(lambda: raw.recv(1 << 16), b""))

    def digest(name, message):
        return hmac.new(b"another key", message, name).digest()

    call = ("add", (2, 3), {})
    # Of Python up to 3.11, and from 3.12 on.
    old, new = bytes(range(20)), b"{sha256}" + bytes(range(40))
    others = {name: b"{%s}%s" % (name.encode(), digest(name, new)) for name in ("md5", "sha384", "sha3_256", "sha3_384")}
    streams = {
        "old_server": frames(b"#CHALLENGE#" + old, b"#WELCOME#", digest("md5", old)),
        "old_client": frames(digest("md5", old), b"#CHALLENGE#" + old, b"#WELCOME#"),
        "new_server": frames(b"#CHALLENGE#" + new, b"#WELCOME#", b"{sha256}" + digest("sha256", new)),
        "new_client": frames(b"{sha256}" + digest("sha256", new), b"#CHALLENGE#" + new, b"#WELCOME#"),
        "other_digests": frames(*others.values()),
        "other_challenges": frames(*(b"#CHALLENGE#{%s}%s" % (name.encode(), new) for name in others)),
        "refused": frames(b"#CHALLENGE#" + new, b"#FAILURE#"),
        "call": frames(objects=[pickle.dumps(call), call, json.dumps(call)]),
        "empty": frames(b"", b""),
        "large": frames(bytes(range(256)) * 65),
        # As Python sends what is longer than 4 bytes can say; it need not be that long.
        "long_length": struct.pack("!iQ", -1, 3) + b"abc",
        "too_long": struct.pack("!iQ", -1, 1 << 31),
        "negative": struct.pack("!i", -2),
    }
    for name, data in streams.items():
        save("multiprocessing", name, b"\0" + data)
    everything = b"".join(streams[name] for name in ("old_client", "new_client", "call", "empty", "long_length"))
    save("multiprocessing", "all", b"\0" + everything)
    save("multiprocessing", "all_in_pieces", b"\3" + bytes([0, 3, 12]) + everything)
    save("multiprocessing", "byte_by_byte", b"\1\0" + streams["new_server"] + streams["long_length"])


def record_zmtp():
    greeting = b"\xff\0\0\0\0\0\0\0\1\x7f\3\1NULL" + bytes(48)

    def ready(kind):
        return b"\4%c\5READY\x0bSocket-Type\0\0\0%c%s" % (22 + len(kind), len(kind), kind)

    def sent(kind, peer, *messages, **options):
        """What a socket of pyzmq sends to one of the other type that is there and says nothing more."""
        with socket.create_server(("127.0.0.1", 0)) as listener, zmq.Context() as context:
            with context.socket(kind) as ours:
                ours.linger = 0
                for name, value in options.items():
                    setattr(ours, name, value)
                ours.connect("tcp://127.0.0.1:%d" % listener.getsockname()[1])
                for message in messages:
                    ours.send_multipart(message)
                theirs, _ = listener.accept()
                theirs.settimeout(0.5)
                theirs.sendall(greeting + ready(peer))
                data = b""
                try:
                    while piece := theirs.recv(1 << 16):
                        data += piece
                except (TimeoutError, ConnectionError):
                    pass
                theirs.close()
        return data

    call = ("add", (2, 3), {})
    streams = {
        "req_pickle": sent(zmq.REQ, b"REP", [pickle.dumps(call)]),
        "req_json": sent(zmq.REQ, b"REP", [json.dumps(call).encode()]),
        "req_long": sent(zmq.REQ, b"ROUTER", [b"x" * 1000]),
        "dealer": sent(zmq.DEALER, b"REP", [b"", b"1"], [b"id", b"", b"2"], [b"3"], [b""], routing_id=b"somebody"),
        "router_to_dealer": sent(zmq.DEALER, b"ROUTER", [b"\0abcd", b"", b"4"]),
        "rep": sent(zmq.REP, b"REQ"),
        "heartbeats": sent(zmq.DEALER, b"REP", [b"", b"5"], heartbeat_ivl=100, heartbeat_ttl=1000),
        "sub": sent(zmq.SUB, b"REP"),
        "plain": sent(zmq.REQ, b"REP", plain_username=b"admin", plain_password=b"secret"),
    }
    opened = greeting + ready(b"REQ")
    streams |= {
        "error": greeting + b"\4\x0a\5ERROR\3bad",
        "http": b"GET / HTTP/1.1\r\n\r\n",
        "too_long": opened + b"\2\x7f" + b"\xff" * 7,
        "too_many_parts": opened + b"\1\0" * 300,
        "flags": opened + b"\x08\0",
        "message_too_early": greeting + b"\1\0\0\1x",
        "pings": opened + b"\4\x0a\4PING\0\5abc\4\5\4PONG",
    }
    for name, data in streams.items():
        save("zmtp", name, b"\0" + data)
    save("zmtp", "in_pieces", b"\3" + bytes([0, 3, 12]) + streams["dealer"] + streams["pings"][len(opened):])


def record_amqp():
    """What RabbitMQ sends, as py-amqp encodes it."""
    def frame(kind, channel, payload):
        return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"

    def method(channel, number, form="", *values):
        return frame(1, channel, struct.pack(">HH", *number) + amqp.serialization.dumps(form, values))

    def content(channel, body, **properties):
        header = amqp.Message(body, **properties)._serialize_properties()
        parts = [frame(3, channel, body[at:at + 100]) for at in range(0, len(body), 100)]
        return frame(2, channel, struct.pack(">HHQ", 60, 0, len(body)) + header) + b"".join(parts)

    headers = {"lang": "py", "task": "tasks.add", "id": "1", "eta": None, "retries": 0, "timelimit": [None, 1.5], "flag": True,
               "deep": {"a": [{"b": [1, 2**40]}]}, "decimal": decimal.Decimal("1.50"), "time": datetime.datetime(2024, 2, 29),
               "bytes": b"\xff\xfe", "text": "\u00e9"}
    every = dict(content_type="application/json", content_encoding="utf-8", application_headers=headers, delivery_mode=2, priority=9,
                 correlation_id="1", reply_to="answers", expiration="1000", message_id="m", timestamp=2**33,
                 type="t", user_id="guest", app_id="a", cluster_id="c")
    deliver = method(3, (60, 60), "sLbss", "tag", 1, True, "", "celery")
    capabilities = {"publisher_confirms": True, "basic.nack": True}
    streams = {
        "opening": method(0, (10, 10), "ooFSS", 0, 9, {"product": "RabbitMQ", "capabilities": capabilities}, b"PLAIN AMQPLAIN", b"en_US")
        + method(0, (10, 30), "BlB", 2047, 131072, 60) + method(0, (10, 41), "s", ""),
        "delivery": deliver + content(3, b"x" * 250, **every),
        "deliveries": (deliver + content(3, b"[[], {}, {}]", application_headers={})) * 3,
        "empty": deliver + content(3, b""),
        "got": method(1, (60, 71), "Lbssl", 7, False, "celery", "celery", 3) + content(1, b"{}", **every) + method(1, (60, 72), "s", ""),
        "returned": method(2, (60, 50), "Bsss", 312, "NO_ROUTE", "", "nowhere") + content(2, b"{}"),
        "replies": method(1, (20, 11), "S", b"") + method(1, (50, 11), "sll", "celery", 3, 1) + method(1, (50, 21))
        + method(1, (60, 11)) + method(3, (60, 21), "s", "tag") + method(1, (85, 11)) + method(2, (60, 80), "Lb", 9, True)
        + method(2, (60, 120), "Lbb", 10, False, False) + method(3, (60, 30), "sb", "tag", True) + method(1, (20, 20), "b", True),
        "closings": method(3, (20, 40), "BsBB", 404, "NOT_FOUND - no exchange 'x' in vhost '/'", 60, 40) + method(3, (20, 41))
        + method(0, (10, 60), "s", "low on memory") + method(0, (10, 61)) + frame(8, 0, b"")
        + method(0, (10, 50), "BsBB", 320, "CONNECTION_FORCED", 0, 0) + method(0, (10, 51)),
        "other_version": b"AMQP\0\0\x09\0",
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "long_length": struct.pack(">BHI", 1, 0, 2**32 - 1) + b"x",
        "unended": frame(8, 0, b"")[:-1] + b"\0",
    }
    for name, data in streams.items():
        save("amqp", name, b"\0" + data)
    save("amqp", "in_pieces", b"\3" + bytes([0, 3, 12]) + streams["opening"] + streams["delivery"] + streams["closings"])


DOCUMENTS = {
    "block": "a:\n- 1\n- b: |\n    text\n      more\n  c: >-\n    folded\n    text\n? - complex\n: 2\n",
    "aliases": "- &a [1, 2]\n- *a\n- &b {x: *a}\n- <<: *b\n  y: 3\n- <<: [*b, {z: 1}]\n",
    "scalars": "[yes, No, ~, null, 0x1F, 012, 0b1, 1_000, 12:30:45, 1.5e+3, .inf, -.INF, .NaN, 190:20:30.15, '', \"\\x41\\u20ac\"]",
    "times": "[2001-12-14t21:59:43.10-05:00, 2001-12-14 21:59:43.10 -5, 2002-12-14, 2001-12-15 2:59:43Z]",
    "tags": "[!!str 1, !!int '2', !!float 1, !!binary YWJj, !!set {a, b}, !!omap [a: 1], !!pairs [a: 1, a: 2], !!null x, ! y]",
    "refused": "!!python/object/apply:os.system [ls]",
    "directives": "%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n---\n!e!str x\n...\n",
    "call": "[obj, add, [2, 3], {}]",
}


def record_yaml():
    for name, text in DOCUMENTS.items():
        save("yaml", name, text.encode())
    for name, value in VALUES.items():
        for suffix, style in [("", {}), ("_flow", {"default_flow_style": True}), ("_quoted", {"default_style": '"'})]:
            try:
                save("yaml", name + suffix, yaml.safe_dump(value, **style).encode("utf-8", "surrogatepass"))
            except yaml.YAMLError:
                pass


def record_celery():
    """Out of what crates/wire/record/celery_messages.py has recorded."""
    recorded = (CORPUS.parent.parent / "crates/wire/src/celery/recorded.rs").read_text()
    serializers = {"json": 0, "msgpack": 1, "x-yaml": 2, "serialize": 3}
    compressions = {"application/x-gzip": 0, "application/x-bz2": 1, "application/x-lzma": 2, "application/zstd": 3}
    for name, literal in re.findall(r'const (\w+): &\[u8\] =\s*(b".*");', recorded):
        data, name = ast.literal_eval(literal), name.lower()
        if data.startswith(b'{"body"'):
            save("envelope", name, data)
            envelope = json.loads(data)
            kind = next(at for end, at in serializers.items() if envelope["content-type"].endswith(end))
            how = kind << 4 | compressions.get(envelope["headers"].get("compression"), 7)
            save("task", name, bytes([how]) + base64.b64decode(envelope["body"]))
        else:
            kind = {"msgpack": 1, "yaml": 2, "pickle": 3}.get(name.rsplit("_")[-1], 0)
            save("task", name, bytes([kind << 4 | 7]) + data)


record_codecs()
record_http()
record_celery()
record_yaml()
record_multiprocessing()
record_zmtp()
record_pickle()
record_xmlrpc()
record_wire()
record_wire_pyro4()
record_uris()
record_patterns()
record_amqp()
