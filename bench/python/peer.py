"""Pyro5's own client and server, driven by the same lines as the other processes of a measurement.

    peer.py server [cpu=N]
    peer.py client address=URI codec=NAME load=LOAD [count=N] [cpu=N]
"""

import os
import sys
import threading
import time

import Pyro5.api
import serpent

SUM = (1_234_567, 7_654_321, 8_888_888)


class Subject:
    @Pyro5.api.expose
    def add(self, x, y):
        return x + y

    @Pyro5.api.expose
    def size(self, data):
        # Bytes come as base 64 by serpent.
        return len(serpent.tobytes(data))

    @Pyro5.api.expose
    def count(self, n):
        return iter(range(n))


def server():
    daemon = Pyro5.api.Daemon(host="127.0.0.1", port=0)
    uri = daemon.register(Subject(), "bench")

    def until_input_ends():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=until_input_ends, daemon=True).start()
    print(f"ready {uri}", flush=True)
    daemon.requestLoop()


def sequential(proxy, count):
    x, y, expected = SUM
    for _ in range(16):
        if proxy.add(x, y) != expected:
            raise ValueError("a sum is wrong")
    return 16


def batch(proxy, count):
    x, y, expected = SUM
    calls = Pyro5.api.BatchProxy(proxy)
    for _ in range(count):
        calls.add(x, y)
    for total in calls():
        if total != expected:
            raise ValueError("a sum is wrong")
    return count


def transfer(data):
    def step(proxy, count):
        if proxy.size(data) != count:
            raise ValueError("some bytes are missing")
        return 1
    return step


def stream(items):
    def step(proxy, count):
        for _ in range(16):
            next(items)
        return 16
    return step


def client(args):
    Pyro5.api.config.SERIALIZER = args["codec"]
    count = int(args.get("count", 1))
    proxy = Pyro5.api.Proxy(args["address"])
    proxy._pyroBind()
    load = args["load"]
    if load == "sequential":
        step = sequential
    elif load == "batch":
        step = batch
    elif load == "bytes":
        step = transfer(bytes(range(256)) * (count // 256))
    elif load == "stream":
        step = stream(proxy.count(1 << 62))
    else:
        raise ValueError(f"there is no load {load}")
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        until = start + float(line.split()[1])
        operations = 0
        try:
            while time.perf_counter() < until:
                operations += step(proxy, count)
        except Exception as x:
            print("failed", type(x).__name__, str(x).replace("\n", " "), flush=True)
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
