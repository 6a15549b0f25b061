"""Servers of JSON-RPC on a free port of 127.0.0.1, which is printed: json-rpc's messages over HTTP, lines or a WebSocket, or
jsonrpclib-pelix over HTTP. They end with their standard input."""

import http.server
import logging
import os
import socketserver
import sys
import threading

from jsonrpc import Dispatcher, JSONRPCResponseManager
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer
from websockets.sync.server import serve


def subtract(minuend, subtrahend):
    return minuend - subtrahend


def echo(value):
    return value


def fail(message):
    raise ValueError(message)


FUNCTIONS = {"subtract": subtract, "echo": echo, "fail": fail}
DISPATCHER = Dispatcher(FUNCTIONS)


def answered(text):
    response = JSONRPCResponseManager.handle(text, DISPATCHER)
    return None if response is None else response.json


class Post(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        answer = answered(self.rfile.read(int(self.headers["Content-Length"])).decode())
        body = (answer or "").encode()
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            answer = answered(line.decode())
            if answer is not None:
                self.wfile.write(answer.encode() + b"\n")


def socket(connection):
    for message in connection:
        answer = answered(message)
        if answer is not None:
            connection.send(answer)


def pelix():
    server = SimpleJSONRPCServer(("127.0.0.1", 0), logRequests=False)
    for name, function in FUNCTIONS.items():
        server.register_function(function, name)
    return server, server.server_address[1]


def of(kind):
    if kind == "pelix":
        return pelix()
    if kind == "http":
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Post)
    elif kind == "tcp":
        socketserver.ThreadingTCPServer.daemon_threads = True
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Lines)
    else:
        server = serve(socket, "127.0.0.1", 0, subprotocols=["jsonrpc"])
        return server, server.socket.getsockname()[1]
    return server, server.server_address[1]


# What methods raise is no news.
logging.disable()
SERVER, PORT = of(sys.argv[1])
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
print(PORT, flush=True)
sys.stdin.read()
os._exit(0)
