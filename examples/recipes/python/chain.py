"""Sends a message round the circle of chain.rs; the URI of one of its objects is given."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as chain:
    print(" -> ".join(chain.process(["hello"])))
