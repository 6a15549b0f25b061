"""Python's own server of XML-RPC, with the functions that the Rust side of the tests has too. Prints its port.

xmlrpc_server.py [--allow-none] [--tls CERTIFICATE KEY] [--user NAME:PASSWORD] [--http11]
"""

import base64
import socketserver
import ssl
import sys
import threading
import xmlrpc.server


class Server(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    daemon_threads = True


class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
    connections = set()
    user = None

    def do_POST(self):
        self.connections.add(self.client_address)
        wanted = self.user and "Basic " + base64.b64encode(self.user.encode()).decode()
        if wanted and self.headers["Authorization"] != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="XML-RPC"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.last_encoding = self.headers.get("content-encoding", "identity")
        LAST["encoding"] = self.last_encoding
        super().do_POST()


LAST = {}


def echo(value):
    """Gives its argument back."""
    return value


def add(x, y):
    return x + y


def sub(x, y):
    """`x - y`"""
    return x - y


def count(*values):
    return len(values)


def fail(kind, text):
    raise {"ValueError": ValueError, "KeyError": KeyError, "ZeroDivisionError": ZeroDivisionError}[kind](text)


def fault(code, text):
    raise xmlrpc.client.Fault(code, text)


def nothing():
    return None


def letters(length):
    return "x" * length


def long():
    return 2**31


def slow():
    threading.Event().wait(30)


def main():
    arguments = sys.argv[1:]
    if "--http11" in arguments:
        Handler.protocol_version = "HTTP/1.1"
    if "--user" in arguments:
        Handler.user = arguments[arguments.index("--user") + 1]
    server = Server(("127.0.0.1", 0), Handler, logRequests=False, allow_none="--allow-none" in arguments, use_builtin_types=True)
    if "--tls" in arguments:
        at = arguments.index("--tls")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*arguments[at + 1 : at + 3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.register_introspection_functions()
    server.register_multicall_functions()
    for function in (echo, add, sub, count, fail, fault, nothing, letters, long, slow):
        server.register_function(function)
    server.register_function(echo, "some.thing.echo")
    server.register_function(lambda: len(Handler.connections), "connections")
    server.register_function(lambda: LAST["encoding"], "last_encoding")
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
