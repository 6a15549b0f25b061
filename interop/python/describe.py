"""A neutral description of values: exact in types, in order, and the same bytes on the Rust side.

Every value is a letter and what belongs to it:

    N T F                   None, True, False
    i<hex>;                 int, with a minus where it is negative
    f<8 bytes>              float, big-endian
    c<16 bytes>             complex, big-endian
    s b a <length>:<bytes>  str (UTF-8, surrogates too), bytes, bytearray
    l t S Z ... e           list, tuple, set, frozenset and their items
    d ... e                 dict: key, value, key, value
    o ... e                 instance of a class: the dict that stands for it
    E<class><args><dict>    exception: str, tuple, dict of its attributes
    D<micros>,<offset>;     datetime: microseconds since 1970 on its own clock, offset in microseconds or n
    y<ordinal>;             date
    h<micros>,<offset>;     time
    x<micros>;              timedelta
    m<length>:<text>        Decimal
    u<16 bytes>             UUID

Of values, sets keep the order in which they are iterated; of what a library decoded, members of sets are sorted by
their descriptions, since the order of a set is no part of its value.
"""

import datetime
import decimal
import struct
import uuid

import msgpack
from Pyro5.serializers import SerializerBase

_EPOCH = datetime.datetime(1970, 1, 1)
_MICROSECOND = datetime.timedelta(microseconds=1)
_pack_double = struct.Struct(">d").pack
_pack_doubles = struct.Struct(">dd").pack


def describe(value):
    """The description of a value, instances of classes among it."""
    return _Description(False, False).of(value)


def describe_decoded(value, nan_dicts=False, class_dicts=True):
    """The description of what a library decoded; classes are not recreated, but recognised.

    With nan_dicts, the dict that serpent writes in place of NaN is one. Without class_dicts, a dict is never an instance: the format
    has instances of its own.
    """
    return _Description(True, nan_dicts, class_dicts).of(value)


class _Description:
    def __init__(self, decoded, nan_dicts, class_dicts=True):
        self.decoded = decoded
        self.class_dicts = class_dicts
        self.nan_dicts = nan_dicts
        self.out = []

    def of(self, value):
        self.put(value)
        return b"".join(self.out)

    def put(self, value):
        handler = self.handlers.get(type(value), _Description.put_instance)
        handler(self, value)

    def put_none(self, _value):
        self.out.append(b"N")

    def put_bool(self, value):
        self.out.append(b"T" if value else b"F")

    def put_int(self, value):
        self.out.append(b"i%x;" % value)

    def put_float(self, value):
        self.out.append(b"f" + _pack_double(value))

    def put_complex(self, value):
        self.out.append(b"c" + _pack_doubles(value.real, value.imag))

    def put_str(self, value):
        data = value.encode("utf-8", "surrogatepass")
        self.out.append(b"s%d:%b" % (len(data), data))

    def put_bytes(self, value):
        self.out.append(b"b%d:%b" % (len(value), value))

    def put_bytearray(self, value):
        self.out.append(b"a%d:%b" % (len(value), value))

    def put_list(self, value):
        self.put_items(b"l", value)

    def put_tuple(self, value):
        self.put_items(b"t", value)

    def put_set(self, value):
        self.put_members(b"S", value)

    def put_frozenset(self, value):
        self.put_members(b"Z", value)

    def put_items(self, letter, items):
        self.out.append(letter)
        for item in items:
            self.put(item)
        self.out.append(b"e")

    def put_members(self, letter, members):
        if not self.decoded:
            self.put_items(letter, members)
            return
        described = sorted(_Description(True, self.nan_dicts, self.class_dicts).of(member) for member in members)
        self.out.append(letter + b"".join(described) + b"e")

    def put_dict(self, value):
        letter = b"d"
        if self.decoded and self.class_dicts and "__class__" in value:
            if self.nan_dicts and value["__class__"] == "float":
                self.put_float(float(value["value"]))
                return
            if _is_exception(value):
                self.put_exception(value["__class__"], tuple(value["args"]), value.get("attributes", {}))
                return
            if _is_text(value["__class__"]):
                letter = b"o"
        self.out.append(letter)
        for key, item in value.items():
            self.put(key)
            self.put(item)
        self.out.append(b"e")

    def put_exception(self, class_name, args, attributes):
        self.out.append(b"E")
        self.put_str(class_name)
        self.put_tuple(args)
        self.put_dict(attributes)

    def put_datetime(self, value):
        micros = (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
        self.out.append(b"D%d,%b;" % (micros, _offset(value)))

    def put_timestamp(self, value):
        """What Pyro leaves as it is, and ours reads as the same moment in UTC."""
        self.out.append(b"D%d,0;" % (value.to_unix_nano() // 1000))

    def put_date(self, value):
        self.out.append(b"y%d;" % value.toordinal())

    def put_time(self, value):
        micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1000000 + value.microsecond
        self.out.append(b"h%d,%b;" % (micros, _offset(value)))

    def put_timedelta(self, value):
        self.out.append(b"x%d;" % (value // _MICROSECOND))

    def put_decimal(self, value):
        data = str(value).encode()
        self.out.append(b"m%d:%b" % (len(data), data))

    def put_uuid(self, value):
        self.out.append(b"u" + value.bytes)

    def put_instance(self, value):
        """Any other type: what Pyro makes of an instance."""
        if isinstance(value, BaseException):
            # Pyro4's are Pyro5's on the Rust side.
            name = type(value).__module__.replace("Pyro4", "Pyro5") + "." + type(value).__name__
            self.put_exception(name, value.args, vars(value))
            return
        if type(value).__module__ == "Pyro4.core":
            self.out.append(b"o")
            for part in ("__class__", "Pyro5.core." + type(value).__name__, "state", value.__getstate__()):
                self.put(part)
            self.out.append(b"e")
            return
        self.out.append(b"o")
        for key, item in SerializerBase.class_to_dict(value).items():
            self.put(key)
            self.put(item)
        self.out.append(b"e")

    handlers = {
        type(None): put_none,
        bool: put_bool,
        int: put_int,
        float: put_float,
        complex: put_complex,
        str: put_str,
        bytes: put_bytes,
        bytearray: put_bytearray,
        list: put_list,
        tuple: put_tuple,
        set: put_set,
        frozenset: put_frozenset,
        dict: put_dict,
        datetime.datetime: put_datetime,
        datetime.date: put_date,
        datetime.time: put_time,
        datetime.timedelta: put_timedelta,
        decimal.Decimal: put_decimal,
        uuid.UUID: put_uuid,
        msgpack.Timestamp: put_timestamp,
    }


def _offset(value):
    offset = value.utcoffset()
    return b"n" if offset is None else b"%d" % (offset // _MICROSECOND)


def _is_text(value):
    """A str that Rust can hold as one."""
    if type(value) is not str:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_exception(value):
    attributes = value.get("attributes", {})
    return (
        _is_text(value["__class__"])
        and bool(value.get("__exception__"))
        and type(value.get("args")) in (list, tuple)
        and type(attributes) is dict
        and not _is_text(attributes.get("__class__"))
        and all(key in ("__class__", "__exception__", "args", "attributes") for key in value)
    )
