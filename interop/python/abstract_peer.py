"""Sockets with names that are no files: a zero byte stands in front, written \\x00 here.

abstract_peer.py client URI       calls `thing` and prints the sum of 2 and 3
abstract_peer.py daemon NAME      serves `thing` under a name without the zero byte, and prints its URI
"""

import os
import sys
import threading

import Pyro5.api

import thing


def main():
    role, where = sys.argv[1:]
    if role == "client":
        with Pyro5.api.Proxy(where.replace("\\x00", "\x00")) as proxy:
            print(proxy.add(2, 3))
        return
    daemon = Pyro5.api.Daemon(unixsocket="\x00" + where)
    thing.register(daemon)
    print(str(daemon.uriFor("thing")).replace("\x00", "\\x00"), flush=True)
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
