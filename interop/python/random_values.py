"""Random values of all types that Pyro carries, each made from its own seed."""

import datetime
import decimal
import random
import struct
import uuid

import Pyro5.core
import Pyro5.errors


class Thing:
    """An instance with attributes."""


class Slotted:
    """An instance without a dict."""

    __slots__ = ("left", "right")


class SoldOut(Exception):
    """An exception that Pyro does not know."""


# What a value is made of: kinds of scalars, of containers, and of keys and members of sets. A format refuses most of
# the others, and a value of all kinds is hardly ever accepted, so most values keep to what one format carries.
_NUMBERS = ("none", "bool", "int", "float")
_BINARY = ("bytes", "bytearray", "complex")
_TIMES = ("datetime", "date", "decimal", "uuid")
_TEXT_KEYS = ("text",) * 8
PALETTES = {
    "json": (_NUMBERS + ("text",) * 2, ("list", "tuple", "set", "dict", "dict"), _TEXT_KEYS + _NUMBERS),
    "marshal": (
        _NUMBERS + _BINARY + ("text", "text", "surrogates", "huge"),
        ("list", "tuple", "set", "frozenset", "dict"),
        _TEXT_KEYS + _NUMBERS + ("complex", "bytes", "surrogates", "tuple", "frozenset"),
    ),
    "msgpack": (
        _NUMBERS + _BINARY + _TIMES + ("text", "text", "huge"),
        ("list", "tuple", "set", "dict", "dict", "instance", "exception"),
        _TEXT_KEYS * 4 + ("bytes",),
    ),
    "serpent": (
        _NUMBERS + _BINARY + _TIMES + ("text", "text", "surrogates", "aware", "time", "timedelta"),
        ("list", "tuple", "set", "frozenset", "dict", "instance", "exception"),
        _TEXT_KEYS + _NUMBERS + ("complex", "bytes", "tuple", "decimal"),
    ),
}
_ALL_KEYS = _TEXT_KEYS + _NUMBERS + _TIMES + ("huge", "complex", "bytes", "surrogates", "tuple", "frozenset")
_ALL_KEYS += ("aware", "time", "timedelta")
PALETTES["all"] = (
    _NUMBERS + _BINARY + _TIMES + ("text", "surrogates", "huge", "aware", "time", "timedelta"),
    ("list", "tuple", "set", "frozenset", "dict", "instance", "exception", "uri"),
    _ALL_KEYS,
)
_PALETTE_NAMES = sorted(PALETTES)

_FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, float("inf"), float("-inf"), float("nan"), 5e-324, 2.2250738585072014e-308)
_FLOATS += (1e-5, 1e-4, 123456789012345.6, 1e15, 1e16, 1e17, 1e22, 1e23, 1.7976931348623157e308, 1e100, -(2.0**63))
_DECIMALS = ("NaN", "-NaN12", "sNaN", "Infinity", "-Infinity", "-0", "0.00", "0E-20", "1E+5", "1.50", "-1E-7")
_NAMES = ("a", "b", "name", "value", "items", "__class__x", "data", "encoding", "state", "args", "id", "é")
_TRICKY = "'\"\\\n\r\t\0\x01\x1f\x7f\x80\x85\xa0\xad\u0378\u200b\u2028\ue000\ufeff\ufffe{}()[],:#\u0300"
_ASTRAL = "\U00010348\U0001f600\U000e0001\U000f0000\U0010ffff"
_LENGTHS = (15, 16, 31, 32, 255, 256, 1000)


class Maker:
    """Makes values: the same seed gives the same value, but for the order of sets with None or NaN among them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.budget = self.random.choice((4, 10, 30, 60))
        self.made = []

    def value(self):
        """A value of a random palette, or a bare scalar."""
        self.scalars, self.containers, self.keys = PALETTES[self.random.choice(_PALETTE_NAMES)]
        if self.random.random() < 0.15:
            return self.scalar(PALETTES["all"][0])
        return self.container(0)

    def call(self):
        """The arguments of a call."""
        args = tuple(self.value() for _ in range(self.random.choice((0, 1, 1, 2, 3))))
        kwargs = {name: self.value() for name in self.random.sample(_NAMES, self.random.choice((0, 0, 1, 2)))}
        return self.text(), self.text(), args, kwargs

    def item(self, depth):
        self.budget -= 1
        chance = self.random.random()
        if self.made and chance < 0.06:
            # The same object once more: marshal refers to it.
            return self.random.choice(self.made)
        if chance < 0.35 and depth < 5 and self.budget > 0:
            made = self.container(depth)
        else:
            made = self.scalar(self.scalars)
        if chance > 0.9:
            self.made.append(made)
        return made

    def items(self, depth):
        count = self.random.choice((0, 1, 2, 3, 5, 9))
        return [self.item(depth + 1) for _ in range(min(count, max(self.budget, 0)))]

    def container(self, depth):
        return getattr(self, "make_" + self.random.choice(self.containers))(depth)

    def scalar(self, kinds):
        return getattr(self, "make_" + self.random.choice(kinds))(0)

    def key(self, depth=0):
        kind = self.random.choice(self.keys)
        if kind in ("tuple", "frozenset"):
            members = [self.key(depth + 1) for _ in range(self.random.randrange(3))] if depth < 2 else []
            return tuple(members) if kind == "tuple" else frozenset(members)
        key = getattr(self, "make_" + kind)(0)
        # Not equal to itself: where it goes is a matter of which object it is.
        return 0 if isinstance(key, decimal.Decimal) and key.is_nan() else key

    # Containers

    def make_list(self, depth):
        if self.random.random() < 0.01:
            return [self.scalar(self.scalars)] * self.random.choice(_LENGTHS)
        return self.items(depth)

    def make_tuple(self, depth):
        return tuple(self.items(depth))

    def make_set(self, _depth):
        return {self.key() for _ in range(self.random.choice((0, 1, 2, 5)))}

    def make_frozenset(self, depth):
        return frozenset(self.make_set(depth))

    def make_dict(self, depth):
        made = {self.key(): item for item in self.items(depth)}
        if self.random.random() < 0.02:
            made["__class__"] = self.random.choice(("x.Y", 5, None, "float", "builtins.ValueError"))
        return made

    def make_instance(self, depth):
        if self.random.random() < 0.2:
            made = Slotted()
            made.left, made.right = self.item(depth + 1), self.item(depth + 1)
            return made
        made = Thing()
        for item in self.items(depth):
            setattr(made, self.random.choice(_NAMES), item)
        return made

    def make_exception(self, depth):
        kinds = (ValueError, KeyError, ZeroDivisionError, SoldOut, Pyro5.errors.NamingError)
        made = self.random.choice(kinds)(*self.items(depth)[:3])
        for item in self.items(depth)[:2]:
            setattr(made, self.random.choice(_NAMES[:3]), item)
        return made

    def make_uri(self, _depth):
        return Pyro5.core.URI("PYRO:obj_%x@host:%d" % (self.random.getrandbits(32), self.random.randrange(1, 65536)))

    # Scalars

    def make_none(self, _depth):
        return None

    def make_bool(self, _depth):
        return self.random.random() < 0.5

    def make_int(self, _depth):
        chance = self.random.random()
        if chance < 0.4:
            return self.random.randrange(-200, 200)
        if chance < 0.7:
            number = (1 << self.random.randrange(70)) + self.random.randrange(-2, 3)
        else:
            number = self.random.getrandbits(64)
        return -number if self.random.random() < 0.5 else number

    def make_huge(self, _depth):
        number = self.random.getrandbits(self.random.choice((65, 100, 300, 2000)))
        if self.random.random() < 0.03:
            number = 10 ** self.random.choice((4299, 4300, 4301)) - self.random.randrange(2)
        return -number if self.random.random() < 0.5 else number

    def make_float(self, _depth):
        chance = self.random.random()
        if chance < 0.3:
            return self.random.choice(_FLOATS)
        if chance < 0.6:
            return struct.unpack("<d", self.random.randbytes(8))[0]
        if chance < 0.8:
            return round(self.random.uniform(-1000, 1000), self.random.randrange(6))
        return self.random.random() * 10.0 ** self.random.randrange(-10, 20)

    def make_complex(self, depth):
        return complex(self.make_float(depth), self.make_float(depth))

    def make_text(self, _depth=0):
        chance = self.random.random()
        if chance < 0.25:
            return self.random.choice(_NAMES)
        if chance < 0.3:
            return "x" * self.random.choice(_LENGTHS)
        if chance < 0.301:
            return "é" * self.random.choice((32767, 32768, 40000))
        length = self.random.randrange(20)
        if chance < 0.6:
            return "".join(map(chr, self.random.choices(range(32, 127), k=length)))
        if chance < 0.8:
            return "".join(self.random.choices(_TRICKY, k=length))
        if chance < 0.9:
            return "".join(self.random.choices("aé€" + _ASTRAL + _TRICKY, k=length))
        limit = self.random.choice((0x100, 0x3000, 0xD800, 0x110000))
        code_points = [self.random.randrange(limit) for _ in range(length)]
        return "".join(chr(c) for c in code_points if not 0xD800 <= c < 0xE000)

    text = make_text

    def make_surrogates(self, depth):
        return self.text(depth) + chr(self.random.randrange(0xD800, 0xE000)) + self.random.choice(("", "\udc00", "x"))

    def make_bytes(self, _depth):
        if self.random.random() < 0.02:
            return self.random.randbytes(self.random.choice((255, 256, 40000, 70000)))
        return self.random.randbytes(self.random.randrange(40))

    def make_bytearray(self, depth):
        return bytearray(self.make_bytes(depth))

    def make_datetime(self, _depth):
        chance = self.random.random()
        if chance < 0.03:
            return self.random.choice((datetime.datetime.min, datetime.datetime.max, datetime.datetime(1, 1, 2)))
        micros = self.random.choice((0, 0, 1, 500000, self.random.randrange(1000000)))
        if chance < 0.3:
            # Around the hours at which clocks change.
            day = self.random.choice((datetime.datetime(2021, 3, 28), datetime.datetime(2040, 10, 28)))
            return day + datetime.timedelta(minutes=self.random.randrange(300), microseconds=micros)
        if chance < 0.7:
            start, seconds = datetime.datetime(1970, 1, 1), self.random.randrange(-(2**32), 2**32)
        else:
            start, seconds = datetime.datetime.min, self.random.randrange(315537897600)
        return start + datetime.timedelta(seconds=seconds, microseconds=micros)

    def offset(self):
        unit = self.random.choice((0, 60000000, 60000000, 1000000, 1))
        micros = self.random.randrange(-86340 * 1000000, 86400 * 1000000)
        return datetime.timezone(datetime.timedelta(microseconds=micros // unit * unit if unit else 0))

    def make_aware(self, depth):
        return self.make_datetime(depth).replace(tzinfo=self.offset())

    def make_date(self, _depth):
        return datetime.date.fromordinal(self.random.choice((1, 719163, 3652059, self.random.randrange(1, 3652060))))

    def make_time(self, depth):
        made = self.make_datetime(depth).time()
        return made.replace(tzinfo=self.offset()) if self.random.random() < 0.3 else made

    def make_timedelta(self, _depth):
        chance = self.random.random()
        if chance < 0.1:
            delta = datetime.timedelta
            return self.random.choice((delta.min, delta.max, delta.resolution, delta()))
        limit = 10**6 if chance < 0.5 else 10**13 if chance < 0.8 else 86399999999999999999
        return datetime.timedelta(microseconds=self.random.randrange(-limit, limit))

    def make_decimal(self, _depth):
        if self.random.random() < 0.3:
            return decimal.Decimal(self.random.choice(_DECIMALS))
        digits = str(self.random.getrandbits(self.random.choice((8, 40, 150))))
        return decimal.Decimal("%s%se%d" % (self.random.choice(("", "-")), digits, self.random.randrange(-45, 12)))

    def make_uuid(self, _depth):
        return uuid.UUID(int=self.random.getrandbits(128))
