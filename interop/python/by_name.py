"""Calls the object `thing` by its name, with either generation of Pyro, and shows what class its URIs are of.

by_name.py PYRONAME_URI
"""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as thing:
    assert thing.add(1, 2) == 3
    uri = thing.uri()
    assert thing.uri_text(uri) == str(uri)
    print(type(uri).__module__ + "." + type(uri).__name__, uri)
