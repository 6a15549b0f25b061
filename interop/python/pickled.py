"""Pickle as Pyro4's serializer writes it, with Pyro4's classes in the place of Pyro5's, and of instances only those that both sides know."""

import copyreg
import datetime
import decimal
import io
import pickle
import uuid

import Pyro4.core
import Pyro4.errors
import Pyro5.core
import Pyro5.errors

_KNOWN = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone, decimal.Decimal, uuid.UUID)
_BUILT_IN = (set, frozenset, bytearray, complex, bytes, type, type(len), type(lambda: None))


class _Pickler(pickle.Pickler):
    def reducer_override(self, value):
        kind = type(value)
        if isinstance(value, Pyro5.core.URI):
            return copyreg._reconstructor, (Pyro4.core.URI, object, None), value.__getstate__()
        if isinstance(value, Pyro5.errors.PyroError):
            return getattr(Pyro4.errors, kind.__name__), value.args, vars(value) or None
        if kind in _KNOWN or kind in _BUILT_IN or isinstance(value, BaseException) and kind.__module__ == "builtins":
            return NotImplemented
        raise Pyro5.errors.SerializeError(f"an instance of {kind}")


def dumps(value, protocol=pickle.HIGHEST_PROTOCOL):
    out = io.BytesIO()
    _Pickler(out, protocol).dump(value)
    return out.getvalue()


def dumpsCall(obj, method, vargs, kwargs):
    return dumps((obj, method, vargs, kwargs))


loads = pickle.loads
