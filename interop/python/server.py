"""A Pyro5 daemon with the objects of `thing.py`. Settings come by Pyro's own environment variables.

server.py [--host HOST] [--port PORT] [--unix PATH] [--greeter | --certificates]

Prints the URI of the object `thing`, and ends when its standard input does.
"""

import argparse
import os
import sys
import threading

import Pyro5.api

import thing


class Greeter(Pyro5.api.Daemon):
    """Looks at what clients say when they connect."""

    def validateHandshake(self, conn, data):
        if data == "refuse me":
            raise ValueError("you asked for it")
        if data == "be silent":
            return None
        return {"you said": data}


class Looking(Pyro5.api.Daemon):
    """Answers handshakes with the common name and serial number of the client's certificate."""

    def validateHandshake(self, conn, data):
        certificate = conn.getpeercert()
        if not certificate:
            return None
        names = dict(part[0] for part in certificate["subject"])
        return [names["commonName"], certificate["serialNumber"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--unix")
    parser.add_argument("--greeter", action="store_true")
    parser.add_argument("--key", help="the HMAC key, of Pyro4")
    parser.add_argument("--certificates", action="store_true")
    options = parser.parse_args()
    kind = Greeter if options.greeter else Looking if options.certificates else Pyro5.api.Daemon
    if options.unix:
        daemon = kind(unixsocket=options.unix)
    else:
        daemon = kind(host=options.host, port=options.port)
    if options.key:
        daemon._pyroHmacKey = options.key
    thing.register(daemon)
    print(daemon.uriFor("thing", nat=False), flush=True)
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
