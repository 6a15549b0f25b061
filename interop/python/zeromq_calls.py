"""The Python ends of calls over ZeroMQ, with pyzmq. What is called, and what the calls are, stands in connections.py.

    zeromq_calls.py serve TYPE FORM             a server of the recipe as a REP or ROUTER; prints where it is
    zeromq_calls.py call TYPE LOCATION FORM     a client of the recipe as a REQ or DEALER; prints what it got, as JSON
    zeromq_calls.py values LOCATION             has values of all types sent back by calls, and compares them
    zeromq_calls.py device LOCATION             a ROUTER in front of a DEALER that is connected there; prints where it is
    zeromq_calls.py many TYPE LOCATION COUNT    calls `add` so many times before it reads the first reply; prints in which order they came
    zeromq_calls.py later LOCATION              as a DEALER, asks for two replies, the slower first; prints in which order they came
    zeromq_calls.py patient LOCATION            as a REQ with heartbeats that the call takes longer than; prints the reply, and what happened
    zeromq_calls.py refused MECHANISM LOCATION  connects with another mechanism (or, for SUB, another type); prints what became of it
"""

import json
import pickle
import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

from connections import RPCProxy, compare_values, handler_of, show_calls

CONTEXT = zmq.Context.instance()

# Nobody waits longer than this for anything.
PATIENCE = 60_000


class Connection:
    """A socket as connections.py wants it."""

    def __init__(self, socket):
        self.socket = socket
        self.envelope = []

    def send_bytes(self, data):
        if self.socket.socket_type == zmq.DEALER:
            self.envelope = [b""]
        self.socket.send_multipart(self.envelope + [data])

    def recv_bytes(self):
        *self.envelope, data = self.socket.recv_multipart()
        if self.socket.socket_type == zmq.DEALER:
            assert self.envelope == [b""], self.envelope
        return data

    def send(self, value):
        self.send_bytes(pickle.dumps(value))

    def recv(self):
        return pickle.loads(self.recv_bytes())


def connected(kind, location, **options):
    socket = CONTEXT.socket(getattr(zmq, kind))
    socket.linger, socket.rcvtimeo, socket.sndtimeo = 0, PATIENCE, PATIENCE
    for name, value in options.items():
        setattr(socket, name, value)
    socket.connect(at(location))
    return socket


def at(location):
    return "ipc://" + location if "/" in location else "tcp://" + location


def bound(kind):
    socket = CONTEXT.socket(getattr(zmq, kind))
    socket.bind("tcp://127.0.0.1:*")
    print(socket.last_endpoint.decode().removeprefix("tcp://"), flush=True)
    return socket


def serve(kind, form):
    handler_of(form).handle_connection(Connection(bound(kind)))


def call(kind, location, form):
    show_calls(RPCProxy(Connection(connected(kind, location)), form))


def values(location):
    compare_values(RPCProxy(Connection(connected("REQ", location)), "pickle"))


def device(location):
    zmq.proxy(bound("ROUTER"), connected("DEALER", location))


def many(kind, location, count):
    socket = connected(kind, location)
    for number in range(int(count)):
        socket.send_multipart([b"%d" % number, b"", json.dumps(["add", [number, 1], {}]).encode()])
    replies = [socket.recv_multipart() for _ in range(int(count))]
    assert all(int(reply) == int(number) + 1 and empty == b"" for number, empty, reply in replies)
    numbers = [int(number) for number, _, _ in replies]
    assert sorted(numbers) == list(range(int(count)))
    print("in order" if numbers == sorted(numbers) else "in another order")


def later(location):
    socket = connected("DEALER", location)
    for name in ["pass", "open"]:
        socket.send_multipart([name.encode(), json.dumps(["gate." + name, [], {}]).encode()])
    print(*[b" ".join(socket.recv_multipart()).decode() for _ in range(2)])


def patient(location):
    socket = connected("REQ", location, heartbeat_ivl=50, heartbeat_timeout=PATIENCE, heartbeat_ttl=PATIENCE)
    monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    socket.send_json(["later", [1000], {}])
    print(socket.recv_json(), "disconnected" if monitor.poll(0) else "connected")


def refused(mechanism, location):
    options = {}
    if mechanism == "PLAIN":
        options = {"plain_username": b"admin", "plain_password": b"secret"}
    if mechanism == "CURVE":
        public, secret = zmq.curve_keypair()
        options = {"curve_serverkey": public, "curve_publickey": public, "curve_secretkey": secret}
    socket = CONTEXT.socket(zmq.SUB if mechanism == "SUB" else zmq.REQ)
    socket.linger = 0
    for name, value in options.items():
        setattr(socket, name, value)
    monitor = socket.get_monitor_socket()
    socket.connect(at(location))
    while True:
        assert monitor.poll(PATIENCE), "nothing happens"
        event = recv_monitor_message(monitor)["event"]
        assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED, event
        if event in (zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL, zmq.EVENT_DISCONNECTED):
            print("refused")
            return


ROLES = {
    "serve": serve,
    "call": call,
    "values": values,
    "device": device,
    "many": many,
    "later": later,
    "patient": patient,
    "refused": refused,
}

if __name__ == "__main__":
    ROLES[sys.argv[1]](*sys.argv[2:])
