"""The Python ends of multiprocessing connections, of the standard library alone, so that any Python from 3.8 on will do.

    connections.py serve LOCATION KEY FORM      a server of the recipe; prints where it is
    connections.py call LOCATION KEY FORM       a client of the recipe; prints what it got, as JSON
    connections.py echo LOCATION KEY            sends back what comes: bytes as bytes, by a listener
    connections.py chat LOCATION KEY            sends bytes and objects of all sizes to one that sends them back
    connections.py refused LOCATION KEY         connects, and prints the class of what is raised
    connections.py values LOCATION KEY          has values of all types sent back by calls, and compares them

A location is host:port or a path; "-" for KEY is no key. FORM is how messages look inside of their frames.
"""

import datetime
import decimal
import json
import math
import pickle
import random
import struct
import sys
import threading
import uuid
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener


def address(location):
    if "/" in location:
        return location
    host, _, port = location.rpartition(":")
    return host, int(port)


def authkey(key):
    return None if key == "-" else key.encode()


# Each form: how a message is sent, and how one that came is opened.
FORMS = {
    "pickle-in-pickle": (lambda c, v: c.send(pickle.dumps(v)), lambda c: pickle.loads(c.recv())),
    "old-pickle-in-pickle": (lambda c, v: c.send(pickle.dumps(v, protocol=0)), lambda c: pickle.loads(c.recv())),
    "pickle": (lambda c, v: c.send(v), lambda c: c.recv()),
    "old-pickle": (lambda c, v: c.send_bytes(pickle.dumps(v, protocol=1)), lambda c: c.recv()),
    "json-text": (lambda c, v: c.send(json.dumps(v)), lambda c: json.loads(c.recv())),
    "json-in-pickle": (lambda c, v: c.send(json.dumps(v).encode()), lambda c: json.loads(c.recv().decode())),
    "json": (lambda c, v: c.send_bytes(json.dumps(v).encode()), lambda c: json.loads(c.recv_bytes().decode())),
}


class RPCHandler:
    def __init__(self, form):
        self._functions = {}
        self._send, self._receive = FORMS[form]
        self._json = form.startswith("json")

    def register_function(self, func, name=None):
        self._functions[name or func.__name__] = func

    def handle_connection(self, connection):
        try:
            while True:
                name, args, kwargs = self._receive(connection)
                try:
                    self._send(connection, self._functions[name](*args, **kwargs))
                except Exception as e:
                    self._send(connection, str(e) if self._json else e)
        except EOFError:
            pass


class RPCProxy:
    def __init__(self, connection, form="pickle-in-pickle"):
        self._connection = connection
        self._send, self._receive = FORMS[form]

    def __getattr__(self, name):
        def do_rpc(*args, **kwargs):
            self._send(self._connection, (name, args, kwargs))
            result = self._receive(self._connection)
            if isinstance(result, Exception):
                raise result
            return result

        return do_rpc


class Unknown(Exception):
    """Whose class nobody else has."""


def add(x, y):
    return x + y


def sub(x, y):
    return x - y


def div(x, y=2):
    return x / y


def echo(value):
    return value


def fail(kind):
    if kind == "unknown":
        raise Unknown("of a class of its own")
    if kind == "key":
        raise KeyError("spam")
    if kind == "unicode":
        return b"\xff".decode()
    if kind == "file":
        raise FileNotFoundError(2, "No such file or directory", "nowhere")
    error = ValueError("bad", 3)
    error.code = 7
    raise error


def handler_of(form):
    handler = RPCHandler(form)
    for function in (add, sub, div, echo, fail):
        handler.register_function(function)
    handler.register_function(div, "math.div")
    return handler


def serve(location, key, form):
    handler = handler_of(form)
    with Listener(address(location), authkey=authkey(key)) as listener:
        tell(listener)
        while True:
            try:
                client = listener.accept()
            except (AuthenticationError, EOFError, OSError) as e:
                print(type(e).__name__, flush=True)
                continue
            threading.Thread(target=handler.handle_connection, args=(client,), daemon=True).start()


def tell(listener):
    where = listener.address
    print(where if isinstance(where, str) else "%s:%s" % where[:2], flush=True)


def call(location, key, form):
    show_calls(RPCProxy(Client(address(location), authkey=authkey(key)), form))


def show_calls(proxy):
    got = []

    def note(function):
        try:
            result = function()
        except Exception as e:
            got.append([type(e).__name__, [repr(arg) for arg in e.args]])
        else:
            got.append(result)

    note(lambda: proxy.add(2, 3))
    note(lambda: proxy.sub([1, 2], 4))
    note(lambda: proxy.add(x=2, y=3))
    note(lambda: proxy.add("a", y="b"))
    note(lambda: proxy.add(1))
    note(lambda: proxy.nothing(1))
    note(lambda: getattr(proxy, "example.calculator.add")(2**70, 1))
    note(lambda: getattr(proxy, "example.calculator.nothing")())
    note(lambda: getattr(proxy, "Pyro.Daemon.ping")())
    print(json.dumps(got))


def echoing(location, key):
    with Listener(address(location), authkey=authkey(key)) as listener:
        tell(listener)
        while True:
            connection = listener.accept()
            try:
                while True:
                    connection.send_bytes(connection.recv_bytes())
            except EOFError:
                pass


SIZES = [0, 1, 3, 255, 256, 16383, 16384, 16385, 65535, 65536, 1 << 20, (1 << 23) + 1]


def chat(location, key):
    connection = Client(address(location), authkey=authkey(key))
    for size in SIZES:
        data = random.Random(size).getrandbits(8 * size).to_bytes(size, "big") if size else b""
        connection.send_bytes(data)
        assert connection.recv_bytes() == data, size
    # The long length for short messages, as it could be sent.
    for data in [b"", b"abc"]:
        connection._send(struct.pack("!iQ", -1, len(data)) + data)
        assert connection.recv_bytes() == data
    # Many at once, before the first is read.
    for number in range(100):
        connection.send(number)
    for number in range(100):
        assert connection.recv() == number
    print("ok")


def refused(location, key):
    try:
        connection = Client(address(location), authkey=authkey(key))
        if key != "-":
            print("accepted")
            return
        connection.send(pickle.dumps(("add", (2, 3), {})))
        print(type(connection.recv()).__name__, end=" ")
        print(type(connection.recv()).__name__)
    except Exception as e:
        print(type(e).__name__)


VALUES = [
    None, True, False, 0, -1, 255, 256, 2**31, -(2**31), 2**63 - 1, 2**63, -(2**63) - 1, 2**1000, 0.0, -0.0, 1.5, math.inf, -math.inf,
    1 + 2j, "", "abc", "\u00e4\u20ac\U0001f600", "\ud800", "x" * 300, "y" * 70000, b"", b"abc\x00\xff", b"z" * 300, b"w" * 70000,
    bytearray(b"abc"), (), (1,), (1, 2, 3, 4), [], [1, [2, [3]]], set(), {1, "a"}, frozenset(), frozenset([1, (2, 3)]), {}, {"a": 1},
    {1: 2, (3, 4): [5], None: b"6", 1.5: True}, datetime.datetime(2024, 2, 29, 12, 34, 56, 789),
    datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
    datetime.date(1, 1, 1), datetime.time(23, 59, 59, 999999), datetime.timedelta(days=-1, seconds=1, microseconds=1),
    decimal.Decimal("-12.340E+20"), decimal.Decimal("NaN"), uuid.UUID("12345678-1234-5678-1234-567812345678"), range(1, 10, 2),
]


def values(location, key):
    compare_values(RPCProxy(Client(address(location), authkey=authkey(key))))


def compare_values(proxy):
    for value in VALUES + [VALUES, tuple(VALUES)]:
        back = proxy.echo(value)
        assert type(back) is type(value) and repr(back) == repr(value), (value, back)
    for error in [KeyError("spam"), ValueError("bad", 3), OSError(2, "gone"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad")]:
        error.code = 7
        try:
            proxy.fail(error)
        except type(error) as back:
            assert back.args == error.args and vars(back) == vars(error), (vars(back), vars(error))
        else:
            raise AssertionError(error)
    for made_up in ["shop.SoldOut", "Pyro5.errors.NamingError", "builtins.eval", "builtins.UnicodeDecodeError"]:
        try:
            proxy.fail_as(made_up)
        except (RuntimeError, LookupError) as back:
            assert type(back).__module__ == "builtins" and "what is wrong" in str(back), back
        else:
            raise AssertionError(made_up)
    try:
        proxy.echo(Unknown("x"))
    except Exception as back:
        assert type(back).__module__ == "builtins" and "Unknown" in str(back), back
    else:
        raise AssertionError("an instance of a class that nobody knows")
    # The connection is as good as before.
    assert proxy.echo(5) == 5
    print("ok", "Pyro5" in sys.modules or "Pyro4" in sys.modules)


ROLES = {"serve": serve, "call": call, "echo": echoing, "chat": chat, "refused": refused, "values": values}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
