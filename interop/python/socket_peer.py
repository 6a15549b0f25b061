"""One end of a pair of connected sockets, which is this process's standard input.

socket_peer.py client [--tls CERTIFICATES]           calls the object `thing` at the other end and prints what it gives
socket_peer.py daemon [--tls CERTIFICATE KEY]        serves `thing` to the other end until that is closed
"""

import json
import socket
import ssl
import sys

import Pyro5.api

import thing


def main():
    role, tls = sys.argv[1], sys.argv[3:]
    sock = socket.socket(fileno=0)
    if role == "client":
        if tls:
            sock = ssl.create_default_context(cafile=tls[0]).wrap_socket(sock, server_hostname="localhost")
        seen = []
        for _ in range(2):
            # The second proxy uses the same socket: none closes it.
            with Pyro5.api.Proxy("thing", connected_socket=sock) as proxy:
                seen += [proxy.add(2, 3), proxy.echo("hello"), list(proxy.count_to(3))]
                try:
                    proxy.divide(1, 0)
                except ZeroDivisionError as error:
                    seen.append(str(error))
        print(json.dumps(seen), flush=True)
    else:
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*tls)
            sock = context.wrap_socket(sock, server_side=True)
        daemon = Pyro5.api.Daemon(connected_socket=sock)
        thing.register(daemon)
        print(daemon.locationStr, flush=True)
        daemon.requestLoop()


if __name__ == "__main__":
    main()
