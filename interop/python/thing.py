"""The objects that tests call, as Python has them. `interop/src/thing.rs` has the same in Rust."""

import builtins
import decimal
import threading
import time

import Pyro5.api
import Pyro5.errors
from Pyro5.api import current_context

import office


class CustomError(Exception):
    """An exception that the other side does not know."""


# What objects of all sessions share, by keys that the tests choose.
_notes = {}
_notes_changed = threading.Condition()


@Pyro5.api.expose
class Thing:
    """An object with one member of every kind."""

    def __init__(self):
        self._velocity = 0
        self.hidden = "an attribute that is no property"

    # arguments and results

    def echo(self, value):
        """Gives its argument back."""
        return value

    def nothing(self):
        """Gives nothing."""

    def add(self, x, y):
        return x + y

    def half(self, number):
        return number / 2

    def greet(self, name, greeting="hello", mark="!"):
        return f"{greeting} {name}{mark}"

    def maybe(self, value=None):
        return value

    def collect(self, first, *args, **kwargs):
        return [first, list(args), kwargs]

    def repeat(self, text, times):
        return text * times

    def size(self, data):
        return len(data)

    # properties

    @property
    def velocity(self):
        return self._velocity

    @velocity.setter
    def velocity(self, velocity):
        self._velocity = velocity

    @property
    def name(self):
        return "thing"

    @property
    def failing(self):
        raise ValueError("no such luck")

    # what takes time

    def later(self, seconds):
        time.sleep(seconds)
        return seconds

    def block(self, seconds):
        time.sleep(seconds)
        return seconds

    # one-way

    @Pyro5.api.oneway
    def note(self, key, text):
        with _notes_changed:
            _notes.setdefault(key, []).append(text)
            _notes_changed.notify_all()

    @Pyro5.api.oneway
    def note_after(self, key, text, other):
        """Notes something as soon as something else is noted."""
        self.notes(other, 1)
        self.note(key, text)

    @Pyro5.api.oneway
    def fail_oneway(self):
        raise ValueError("nobody hears this")

    def write_note(self, key, text):
        self.note(key, text)
        return len(_notes[key])

    def notes(self, key, count):
        """What has been noted under a key, as soon as that are so many."""
        with _notes_changed:
            _notes_changed.wait_for(lambda: len(_notes.get(key, [])) >= count, timeout=20)
            return list(_notes.get(key, []))

    def meet(self, key, count):
        """Returns when so many are here at once."""
        self.note(key, "here")
        return len(self.notes(key, count))

    def meet_blocking(self, key, count):
        return self.meet(key, count)

    # exceptions

    def raise_builtin(self, name, args):
        raise getattr(builtins, name)(*args)

    def raise_pyro(self, name, message):
        raise getattr(Pyro5.errors, name)(message)

    def raise_with_attributes(self):
        error = ValueError("with more to say")
        error.code = 42
        error.details = ["a", "b"]
        raise error

    def raise_custom(self):
        raise CustomError("unheard of")

    def raise_unserializable(self, kind):
        if kind == "decimal":
            raise ValueError(decimal.Decimal("1.5"))
        raise ValueError(b"\x00\x01")

    def divide(self, x, y):
        return x // y

    # streams

    def count_to(self, limit):
        for number in range(limit):
            yield number

    def count_async(self, limit):
        for number in range(limit):
            time.sleep(0.001)
            yield number

    def endless(self, key):
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            self.note(key, "closed")

    def count_and_fail(self, limit):
        for number in range(limit):
            yield number
        raise ValueError("enough is enough")

    def stream_unserializable(self):
        yield 1
        yield threading.Lock()

    def fail_before_stream(self):
        raise ValueError("not even one")

    # the context

    def context(self):
        address = current_context.client_sock_addr
        return {
            "client": address[0] if address else None,
            "port": address[1] if address else None,
            "correlation_id": str(current_context.correlation_id),
            "annotations": {key: list(bytes(value)) for key, value in current_context.annotations.items()},
        }

    def annotated_items(self, limit):
        for number in range(limit):
            current_context.response_annotations = {"ITEM": bytes([number])}
            yield number

    def annotate(self, annotations):
        current_context.response_annotations = {key: bytes(value) for key, value in annotations.items()}
        return len(annotations)

    def annotate_and_fail(self):
        current_context.response_annotations = {"FAIL": b"told before"}
        raise ValueError("annotated")

    # places

    def uri(self):
        return Pyro5.api.URI("PYRO:some.object@localhost:9999")

    def uri_text(self, uri):
        return str(uri)

    def uri_of_proxy(self, proxy):
        return str(proxy._pyroUri)

    def proxy(self):
        proxy = Pyro5.api.Proxy("PYRO:some.object@localhost:9999")
        proxy._pyroMethods = {"a", "b"}
        return proxy

    def call_back(self, uri, method, argument):
        """Calls another object while it is called."""
        with Pyro5.api.Proxy(uri) as proxy:
            proxy._pyroSerializer = office.serializer_of_call()
            return getattr(proxy, method)(argument)

    def call_back_blocking(self, uri, method, argument):
        return self.call_back(uri, method, argument)

    def make(self, kind):
        """Registers an object that nobody else uses, and gives its id."""
        made = {"shelf": Shelf, "counter": Counter, "row": Row}[kind]()
        return self._pyroDaemon.register(made).object

    def _private(self):
        return "never to be seen"


def _unexposed(self):
    return "never to be seen"


# The decorator of the class exposes all that stands in it.
Thing.unexposed = _unexposed
Thing.unexposed_property = property(_unexposed)


@Pyro5.api.expose
class Shelf:
    """A container: what Python calls by syntax."""

    def __init__(self):
        self._items = {}

    def __len__(self):
        return len(self._items)

    def __getitem__(self, key):
        return self._items[key]

    def __setitem__(self, key, value):
        self._items[key] = value

    def __delitem__(self, key):
        del self._items[key]

    def __iter__(self):
        return iter(list(self._items))

    def __contains__(self, key):
        return key in self._items

    def clear(self):
        self._items.clear()


@Pyro5.api.expose
class Row:
    """A sequence without an iterator of its own."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return ["a", "b", "c"][index]


@Pyro5.api.expose
class Counter:
    """Counts for all clients, one call at a time."""

    def __init__(self):
        self._count = 0
        self._lock = threading.Lock()

    def increment(self):
        with self._lock:
            self._count += 1
            return self._count

    def increment_later(self, seconds):
        with self._lock:
            count = self._count
            time.sleep(seconds)
            self._count = count + 1
            return self._count

    @property
    def count(self):
        return self._count

    @count.setter
    def count(self, count):
        self._count = count


def register(daemon):
    """Registers the object that makes most others, and those that come and go."""
    office.register(daemon)
    return daemon.register(Thing, "thing")
