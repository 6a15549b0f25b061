"""Both ends of calls over multiprocessing.connection, as the recipe has them, driven by the same lines as the other processes of a
measurement.

    connections.py server [cpu=N]
    connections.py client address=HOST:PORT load=sequential [cpu=N]
"""

import os
import pickle
import sys
import threading
import time
from multiprocessing.connection import Client, Listener

SUM = (1_234_567, 7_654_321, 8_888_888)

FUNCTIONS = {"add": lambda x, y: x + y}


def handle(connection):
    try:
        while True:
            name, args, kwargs = pickle.loads(connection.recv())
            try:
                result = FUNCTIONS[name](*args, **kwargs)
                connection.send(pickle.dumps(result))
            except Exception as e:
                connection.send(pickle.dumps(e))
    except EOFError:
        pass


def server():
    def until_input_ends():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=until_input_ends, daemon=True).start()
    listener = Listener(("127.0.0.1", 0))
    print("ready %s:%s" % listener.address, flush=True)
    while True:
        threading.Thread(target=handle, args=(listener.accept(),), daemon=True).start()


def client(args):
    host, port = args["address"].split(":")
    connection = Client((host, int(port)))
    x, y, expected = SUM
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        until = start + float(line.split()[1])
        operations = 0
        try:
            while time.perf_counter() < until:
                for _ in range(16):
                    connection.send(pickle.dumps(("add", (x, y), {})))
                    result = pickle.loads(connection.recv())
                    if isinstance(result, Exception):
                        raise result
                    if result != expected:
                        raise ValueError("a sum is wrong")
                operations += 16
        except Exception as e:
            print("failed", type(e).__name__, str(e).replace("\n", " "), flush=True)
            return
        print("done", operations, time.perf_counter() - start, flush=True)


def main():
    args = dict(arg.split("=", 1) for arg in sys.argv[2:])
    if "cpu" in args:
        os.sched_setaffinity(0, {int(args["cpu"])})
    if sys.argv[1] == "server":
        server()
    else:
        client(args)


main()
