"""Connects to an object as the environment says, and tells what became of it in one line of JSON.

tls_client.py URI [--echo VALUE]

{"result": ..., "handshake": ..., "server": [common name, serial number]}, or {"error": "class: message"}
"""

import argparse
import json

import Pyro5.api
import Pyro5.errors


def told(certificate):
    """The common name and serial number of what getpeercert() gives."""
    if not certificate:
        return None
    names = dict(part[0] for part in certificate["subject"])
    return [names["commonName"], certificate["serialNumber"]]


class Looking(Pyro5.api.Proxy):
    """Looks at the daemon's certificate, where Pyro's examples do it."""

    seen = None

    def _pyroValidateHandshake(self, response):
        Looking.seen = (response, told(self._pyroConnection.getpeercert()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("--echo", default="hello")
    options = parser.parse_args()
    try:
        with Looking(options.uri) as proxy:
            proxy._pyroTimeout = 20
            result = proxy.echo(options.echo)
            handshake, server = Looking.seen
            print(json.dumps({"result": result, "handshake": handshake, "server": server}))
    except Exception as error:
        cause = error.__cause__ or error.__context__
        print(json.dumps({"error": f"{type(error).__name__}: {error}", "cause": f"{type(cause).__name__}: {cause}"}))


if __name__ == "__main__":
    main()
