"""Python's own client and server of XML-RPC, driven by the same lines as the other processes of a measurement.

    xmlrpc_peer.py server [http=1.0|1.1] [cpu=N]
    xmlrpc_peer.py client address=URL [cpu=N]
"""

import os
import sys
import threading
import time
import xmlrpc.client
import xmlrpc.server

SUM = (1_234_567, 7_654_321, 8_888_888)


def server(args):
    class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
        protocol_version = "HTTP/" + args.get("http", "1.0")

    served = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), Handler, logRequests=False)
    served.register_function(lambda x, y: x + y, "add")

    def until_input_ends():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=until_input_ends, daemon=True).start()
    print(f"ready http://127.0.0.1:{served.server_address[1]}", flush=True)
    served.serve_forever()


def client(args):
    proxy = xmlrpc.client.ServerProxy(args["address"])
    x, y, expected = SUM
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        until = start + float(line.split()[1])
        operations = 0
        try:
            while time.perf_counter() < until:
                for _ in range(16):
                    if proxy.add(x, y) != expected:
                        raise ValueError("a sum is wrong")
                operations += 16
        except Exception as x:
            print("failed", type(x).__name__, str(x).replace("\n", " "), flush=True)
            return
        print("done", operations, time.perf_counter() - start, flush=True)


def main():
    args = dict(arg.split("=", 1) for arg in sys.argv[2:])
    if "cpu" in args:
        os.sched_setaffinity(0, {int(args["cpu"])})
    server(args) if sys.argv[1] == "server" else client(args)


main()
