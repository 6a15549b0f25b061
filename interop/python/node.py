"""A daemon in a process of its own; `interop/src/bin/node.rs` is the same in Rust.

node.py NAME

Prints the URI of its object `node`, and ends when its standard input does.
"""

import os
import sys
import threading

import Pyro5.api


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Node:
    def travel(self, route, seen):
        seen = [*seen, sys.argv[1]]
        if not route:
            return seen
        with Pyro5.api.Proxy(route[0]) as proxy:
            return proxy.travel(route[1:], seen)


def main():
    daemon = Pyro5.api.Daemon(host="127.0.0.1")
    print(daemon.register(Node, "node"), flush=True)
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
