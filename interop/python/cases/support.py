"""What the cases are made of."""

import contextlib
import dataclasses
import typing
import uuid

import Pyro5.api
import Pyro5.errors
from Pyro5.api import current_context

CASES = {}

# Pickle has the names of classes where the others have dicts.
CLASS_DICTS = ("serpent", "marshal", "json", "msgpack")

# The client sends None in the place of keyword arguments with batches and attributes, which its marshal cannot write.
WITHOUT_MARSHAL = ("serpent", "json", "msgpack", "pickle")


@dataclasses.dataclass
class Case:
    run: typing.Callable
    serializers: tuple


def case(run=None, *, serializers=()):
    """Marks a function as a case; for some serializers only, if these are named."""
    if run is None:
        return lambda run: case(run, serializers=serializers)
    CASES[run.__name__] = Case(run, serializers)
    return run


class At:
    """A daemon to try, with one serializer."""

    def __init__(self, uri, serializer, ours):
        self.uri = Pyro5.api.URI(uri)
        self.serializer = serializer
        self.ours = ours
        self._proxies = []
        current_context.correlation_id = None
        current_context.annotations = {}

    def proxy(self, name="thing"):
        """A new proxy for one of the objects."""
        uri = Pyro5.api.URI(str(self.uri))
        uri.object = name
        proxy = Pyro5.api.Proxy(uri)
        proxy._pyroSerializer = self.serializer
        self._proxies.append(proxy)
        return proxy

    def own(self, kind):
        """The id of a new object that no other case uses: a shelf, a counter or a row."""
        return self.proxy().make(kind)

    def close(self):
        for proxy in self._proxies:
            with contextlib.suppress(Exception):
                proxy._pyroClaimOwnership()
                proxy._pyroRelease()


def key():
    """A key for notes that nobody else uses."""
    return uuid.uuid4().hex


def raised(work, *args, **kwargs):
    """The exception that a call raises."""
    try:
        result = work(*args, **kwargs)
    except Exception as error:
        return error
    raise AssertionError(f"nothing was raised, the result is {result!r}")


def gave(work, *args, **kwargs):
    """What a call gives or raises."""
    try:
        return work(*args, **kwargs)
    except Exception as error:
        return error


def answered():
    """The annotations of the last reply, but for the correlation id, which is one of them in Pyro4."""
    annotations = current_context.response_annotations
    return {key: bytes(value) for key, value in annotations.items() if key != "CORR"}


def invoke(proxy, method, *args, **kwargs):
    """A call that the client does not check beforehand."""
    proxy._pyroBind()
    return proxy._pyroInvoke(method, args, kwargs)


def described(value):
    """A value in a form that can be compared, types and all; the order of sets and the place of tracebacks left out."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, (list, tuple)):
        return [name, *map(described, value)]
    if isinstance(value, dict):
        return [name, *([described(key), described(item)] for key, item in value.items())]
    if isinstance(value, (set, frozenset)):
        return [name, *sorted(map(described, value), key=repr)]
    if isinstance(value, BaseException):
        attributes = {key: item for key, item in vars(value).items() if key != "_pyroTraceback"}
        return [name, described(value.args), described(attributes)]
    if isinstance(value, (Pyro5.api.Proxy, Pyro5.api.URI)):
        return [name, described(value.__getstate__())]
    return [name, repr(value)]
