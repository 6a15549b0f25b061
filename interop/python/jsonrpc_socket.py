"""A WebSocket of Python's to our server, seen from below: pings, and how it ends. jsonrpc_socket.py PORT; it prints a line for each case,
and `stop me` when the server is to stop."""

import json
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

PORT = int(sys.argv[1])


def opened():
    return connect(f"ws://127.0.0.1:{PORT}/jsonrpc", subprotocols=["jsonrpc"], proxy=None, ping_interval=None)


def call(socket, method, *params):
    socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}))
    return json.loads(socket.recv(timeout=60))


def end(socket):
    try:
        while True:
            socket.recv(timeout=60)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


with opened() as socket:
    assert socket.subprotocol == "jsonrpc"
    print("pong", socket.ping(b"hello").wait(60))
    print("pong between calls", call(socket, "sum", 1, 2)["result"], socket.ping().wait(60), call(socket, "sum", 3)["result"])
with opened() as socket:
    socket.send([b'{"jsonrpc": "2.0", "met', b'hod": "sum", "params": [2], "id": 1}'])
    print("fragments", json.loads(socket.recv(timeout=60))["result"])
with opened() as socket:
    socket.close(4000, "enough")
    print("ours to close", socket.protocol.close_rcvd.code)
with opened() as socket:
    socket.send("x" * 2000)
    answer = json.loads(socket.recv(timeout=60))
    print("too large", answer["error"]["code"], end(socket))
with opened() as socket:
    socket.send("no json")
    print("no JSON", json.loads(socket.recv(timeout=60))["error"]["code"], call(socket, "sum", 1)["result"])
with opened() as socket:
    print("before the end", call(socket, "sum", 5)["result"])
    print("stop me", flush=True)
    print("stopped", end(socket))
