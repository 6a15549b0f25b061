"""Asks the object of the greetings for a fortune: by its URI, if one is given, else by its name."""

import sys

import Pyro5.api

uri = sys.argv[1] if len(sys.argv) > 1 else "PYRONAME:example.greeting"
with Pyro5.api.Proxy(uri) as greeting:
    print(greeting.get_fortune("Ada"))
