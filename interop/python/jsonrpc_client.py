"""Clients of JSON-RPC against a server on a port of 127.0.0.1: jsonrpcclient's messages over HTTP, a plain connection and a WebSocket,
and jsonrpclib-pelix. Prints a line for each case."""

import contextlib
import json
import socket
import sys
import urllib.request

import jsonrpclib
from jsonrpcclient import Error, Ok, notification, parse, request
from websockets.sync.client import connect

PORT = int(sys.argv[1])
URL = f"http://127.0.0.1:{PORT}/jsonrpc"
STACK = contextlib.ExitStack()


class Posting:
    """A connection for each message."""

    def exchange(self, message):
        headers = {"Content-Type": "application/json"}
        posted = urllib.request.Request(URL, json.dumps(message).encode(), headers)
        with urllib.request.urlopen(posted, timeout=60) as answer:
            body = answer.read()
            return json.loads(body) if body else None

    tell = exchange


class Lines:
    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=60)
        self.file = self.socket.makefile("rwb")

    def tell(self, message):
        self.file.write(json.dumps(message).encode() + b"\n")
        self.file.flush()

    def listen(self):
        return json.loads(self.file.readline())

    def exchange(self, message):
        self.tell(message)
        return self.listen()


class Socket:
    def __init__(self):
        self.socket = STACK.enter_context(connect(f"ws://127.0.0.1:{PORT}/jsonrpc", subprotocols=["jsonrpc"]))
        assert self.socket.subprotocol == "jsonrpc"

    def tell(self, message):
        self.socket.send(json.dumps(message))

    def listen(self):
        return json.loads(self.socket.recv(timeout=60))

    def exchange(self, message):
        self.tell(message)
        return self.listen()


def case_positional(transport):
    answer = parse(transport.exchange(request("subtract", params=(42, 23))))
    assert isinstance(answer, Ok) and answer.result == 19


def case_named(transport):
    answer = parse(transport.exchange(request("subtract", params={"subtrahend": 23, "minuend": 42})))
    assert isinstance(answer, Ok) and answer.result == 19


def case_methods(transport):
    assert parse(transport.exchange(request("some.thing.twice", params=("ab",)))).result == "abab"


def case_notification(transport):
    transport.tell(notification("notify_hello", params=(7,)))
    assert parse(transport.exchange(request("get_data"))).result == ["hello", 5]


def case_errors(transport):
    for message, code in [
        (request("nothing"), -32601),
        (request("subtract", params=(1,)), -32602),
        (request("fail", params=("no",)), -32000),
        ({"foo": "boo"}, -32600),
    ]:
        answer = parse(transport.exchange(message))
        assert isinstance(answer, Error) and answer.code == code, answer
    answer = parse(transport.exchange(request("fail", params=("no",))))
    assert answer.data["class"] == "builtins.ValueError" and answer.data["args"] == ["no", 7]


def case_batch(transport):
    answers = transport.exchange([request("sum", params=(1, 2)), notification("sum"), request("nothing")])
    first, second = list(parse(answers))
    assert first.result == 3 and second.code == -32601


def case_values(transport):
    for value in [None, True, 1.5, "a\n\"é€😀", [], {}, [1, [2, {"a": None}]], 2**200, "\ud800"]:
        assert parse(transport.exchange(request("echo", params=(value,)))).result == value
    assert parse(transport.exchange(request("factorial", params=(30,)))).result == 265252859812191058636308480000000
    assert parse(transport.exchange(request("echo", params={"value": "x" * 1_000_000}))).result == "x" * 1_000_000


def case_discovery(transport):
    document = parse(transport.exchange(request("rpc.discover"))).result
    assert document["openrpc"] == "1.3.2" and any(method["name"] == "subtract" for method in document["methods"])


def case_stream(transport):
    answer = parse(transport.exchange(request("count", params=(3,)))).result
    if isinstance(transport, Posting):
        assert answer == [0, 1, 2]
        return
    for item in range(3):
        told = transport.listen()
        assert told == {"jsonrpc": "2.0", "method": "count", "params": {"subscription": answer, "result": item}}
    assert transport.listen()["params"] == {"subscription": answer, "end": True}


def case_unsubscribing(transport):
    if isinstance(transport, Posting):
        return
    number = parse(transport.exchange(request("endless", params=("x" * 10_000,)))).result
    transport.listen()
    transport.tell(request("rpc.unsubscribe", params=(number,), id="end"))
    while transport.listen().get("id") != "end":
        pass
    assert parse(transport.exchange(request("get_data"))).result == ["hello", 5]


def pelix_calls():
    server = jsonrpclib.ServerProxy(URL)
    assert server.subtract(42, 23) == 19
    assert server.subtract(subtrahend=23, minuend=42) == 19
    assert server.some.thing.twice("ab") == "abab"
    assert server._notify.notify_hello(7) is None
    assert server.get_data() == ["hello", 5]


def pelix_errors():
    server = jsonrpclib.ServerProxy(URL)
    for call, code in [(lambda: server.nothing(), -32601), (lambda: server.subtract(1), -32602)]:
        try:
            call()
        except jsonrpclib.ProtocolError as error:
            assert error.args[0][0] == code, error
        else:
            raise AssertionError(code)
    try:
        server.fail("no")
    except jsonrpclib.ProtocolError as error:
        assert error.args[0][0] == -32000, error


def pelix_batch():
    batch = jsonrpclib.MultiCall(jsonrpclib.ServerProxy(URL))
    batch.sum(1, 2)
    batch._notify.notify_hello(1)
    batch.subtract(minuend=5, subtrahend=1)
    assert list(batch()) == [3, 4]


def case_ids(transport):
    for number in [1, "x", 1.5, 2**70]:
        assert transport.exchange(request("get_data", id=number))["id"] == number


def main():
    for transport in [Posting(), Lines(), Socket()]:
        for name, case in list(globals().items()):
            if name.startswith("case_"):
                case(transport)
                print(f"jsonrpcclient, {type(transport).__name__}: {name[5:]}", flush=True)
    for case in [pelix_calls, pelix_errors, pelix_batch]:
        case()
        print(f"jsonrpclib-pelix: {case.__name__[6:]}", flush=True)


with STACK:
    main()
