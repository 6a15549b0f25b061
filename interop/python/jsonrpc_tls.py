"""JSON-RPC over TLS, by Python's own means: jsonrpc_tls.py PORT AUTHORITY CERTIFICATE KEY. Prints a line for each transport."""

import json
import socket
import ssl
import sys
import urllib.request

from websockets.sync.client import connect

port, authority, certificate, key = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.load_cert_chain(certificate, key)
message = json.dumps({"jsonrpc": "2.0", "method": "sum", "params": [1, 2], "id": 1})
url = f"https://localhost:{port}/jsonrpc"


def posted(context):
    request = urllib.request.Request(url, message.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60, context=context) as answer:
        return json.loads(answer.read())["result"]


print("https", posted(context))
with connect(f"wss://localhost:{port}/jsonrpc", ssl=context, proxy=None) as websocket:
    websocket.send(message)
    print("wss", json.loads(websocket.recv(timeout=60))["result"])
with socket.create_connection(("localhost", int(port)), timeout=60) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as secured:
        secured.sendall(message.encode() + b"\n")
        print("lines", json.loads(secured.makefile().readline())["result"])
try:
    print("no certificate:", posted(ssl.create_default_context(cafile=authority)))
except OSError:
    print("no certificate: refused")
