"""Pyro4's name server, and what its clients ask of one.

names.py serve [KEY]             runs a name server and prints its URI; ends with its standard input
names.py ask HOST PORT [KEY]     asks for all that a name server can do, and prints the answers
"""

import os
import sys
import threading

import Pyro4
import Pyro4.errors
import Pyro4.naming


def serve(key=None):
    uri, daemon, _ = Pyro4.naming.startNS("127.0.0.1", 0, enableBroadcast=False, hmac=key)
    print(uri, flush=True)
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def ask(host, port, key=None):
    for serializer in ("serpent", "json", "marshal"):
        Pyro4.config.SERIALIZER = serializer
        with Pyro4.locateNS(host, int(port), hmac_key=key) as names:
            ask_all(names, serializer)


def told(value):
    """What can be compared: the order of tags is no part of them."""
    if isinstance(value, dict):
        return {name: told(item) for name, item in sorted(value.items())}
    # Pyro4 has lists of tags; of sets, an empty one is an empty tuple in serpent, and any is a list in JSON.
    if isinstance(value, (set, frozenset, list)) or value == ():
        return sorted(value)
    if isinstance(value, tuple):
        return tuple(told(item) for item in value)
    return value if value is None or isinstance(value, (str, int)) else f"{type(value).__module__} {value}"


def ask_all(names, serializer):
    def show(what, work):
        try:
            print(serializer, what, told(work()))
        except Exception as error:
            print(serializer, what, type(error).__module__, type(error).__name__, error)

    uri = Pyro4.URI("PYRO:some.object@localhost:4444")
    show("ping", names.ping)
    show("register", lambda: names.register("test.one", uri))
    show("register text", lambda: names.register("test.two", "PYRO:other@localhost:5555", metadata=["a", "b"]))
    show("register tags", lambda: names.register("plain", uri, safe=True, metadata=["b", "c"]))
    show("register safe", lambda: names.register("plain", uri, safe=True))
    show("register wrong", lambda: names.register("wrong", "no uri"))
    show("register tag", lambda: names.register("wrong", uri, metadata="a"))
    show("lookup", lambda: names.lookup("test.one"))
    show("lookup unknown", lambda: names.lookup("nobody"))
    show("lookup metadata", lambda: names.lookup("test.two", return_metadata=True))
    show("lookup no metadata", lambda: names.lookup("test.one", return_metadata=True))
    mine = lambda listed: {name: item for name, item in listed.items() if name != "Pyro.NameServer"}
    show("list", lambda: mine(names.list()))
    show("list metadata", lambda: mine(names.list(return_metadata=True)))
    show("list prefix", lambda: names.list(prefix="test."))
    show("list regex", lambda: names.list(regex=r"t.*\.two"))
    show("list bad regex", lambda: type(names.list(regex="(")))
    show("list all", lambda: names.list(metadata_all=["a", "b"]))
    show("list all metadata", lambda: names.list(metadata_all=["b"], return_metadata=True))
    show("list any", lambda: names.list(metadata_any=["a", "c"]))
    show("list none of all", lambda: names.list(metadata_all=["a", "c"]))
    show("list two filters", lambda: names.list(prefix="x", metadata_all=["a"]))
    show("list two tags", lambda: names.list(metadata_all=["a"], metadata_any=["b"]))
    show("list wrong tags", lambda: names.list(metadata_any="a"))
    show("set_metadata", lambda: names.set_metadata("test.one", ["new"]))
    show("set_metadata unknown", lambda: names.set_metadata("nobody", ["new"]))
    show("lookup new metadata", lambda: names.lookup("test.one", True))
    show("count", names.count)
    show("remove", lambda: names.remove("test.one"))
    show("remove unknown", lambda: names.remove("test.one"))
    show("remove prefix", lambda: names.remove(prefix="test."))
    show("remove regex", lambda: names.remove(regex="pl"))
    show("remove itself", lambda: names.remove("Pyro.NameServer"))
    show("resolve unknown", lambda: Pyro4.resolve(f"PYRONAME:nobody@{names._pyroUri.location}", names._pyroHmacKey))


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
