"""What travels, by each serializer: values go to our worker, which says what they are, and come back."""
import datetime
import math
import uuid
from decimal import Decimal

from checks import feature

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
ID = uuid.UUID("1b4e28ba-2fa1-11d2-883f-0016d3cca427")


def shown(value):
    """As our side shows it too: as Python does, but for times."""
    if isinstance(value, datetime.timedelta):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)


def nested(levels):
    value = "inside"
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


# Of each serializer: what is sent, and what comes out where that is not the same.
COMMON = {
    "None": None,
    "booleans": [True, False],
    "integers": [0, -1, 127, 128, 2**31, -(2**53), 2**63 - 1, -(2**63)],
    "floats": [0.1, -2.5, 1e300, 5e-324, 3.0],
    "infinities": [math.inf, -math.inf],
    "text": "plain",
    "text beyond ASCII": "\u00e9t\u00e9 \u2713 \u65e5\u672c",
    "text beyond the BMP": "\U0001f600\U0001f98e",
    "text with quotes and lines": "it's \"a\"\\\n\ttext",
    "what is empty": ["", [], {}],
    "lists": [1, [2, [3, []]]],
    # In this order, in which PyYAML writes them.
    "dicts": {"": 1, "a": {"b": {"c": None}}, "\u00e9": [2]},
    "deep nesting": nested(90),
}
LONG = {
    "long text": "long text " * 20_000,
    "long lists": list(range(20_000)),
}
TUPLES = {"tuples as lists": ((1, (2, "x")), [1, [2, "x"]])}
VALUES = {
    "json": COMMON | LONG | TUPLES | {
        "integers of any size": [10**100, -(2**64)],
        "control characters": "\x00\x01\x1f\x7f",
        "lone surrogates": "\ud800 and \udfff",
        "keys as text": ({3: "a", None: "b", True: "c", 2.5: "d"}, {"3": "a", "null": "b", "true": "c", "2.5": "d"}),
        "datetime without a zone": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901),
        "datetime in UTC": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "datetime in another zone": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=EAST),
        "date": datetime.date(2026, 1, 2),
        "time": datetime.time(3, 4, 5, 678901),
        "Decimal": [Decimal("1.50"), Decimal("-1E+30"), Decimal("Infinity")],
        "UUID": ID,
        "bytes that are text": "b\u00e9".encode(),
        "bytes that are none": bytes(range(256)),
    },
    "msgpack": COMMON | LONG | TUPLES | {
        "integers of 64 bits": 2**64 - 1,
        "control characters": "\x00\x01\x1f\x7f",
        "bytes": bytes(range(256)),
    },
    "yaml": COMMON | TUPLES | {
        "integers of any size": [10**100, -(2**64)],
        "text that looks like something else": ["yes", "null", "1.5", "2026-01-02", "~", "- a", "a: b", "#", " x "],
        "keys of any type": {1: "a", None: "b", 2.5: "c"},
        "datetime without a zone": datetime.datetime(2026, 1, 2, 3, 4, 5, 678901),
        "datetime in UTC": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "date": datetime.date(2026, 1, 2),
        "bytes": bytes(range(256)),
        "sets": {1, 2, 3},
    },
    "pickle": COMMON | LONG | {
        "integers of any size": [10**100, -(2**64)],
        "control characters": "\x00\x01\x1f\x7f",
        "lone surrogates": "\ud800 and \udfff",
        "tuples": (1, (2, ()), [3]),
        "sets": {1, 2, 3},
        "frozensets": frozenset([1, 2]),
        "keys of any type": {1: "a", (1, 2): "b", None: "c"},
        "bytes": bytes(range(256)),
        "bytearray": bytearray(b"\x00abc"),
        "complex numbers": 1.5 - 2j,
        "datetime in another zone": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=EAST),
        "date": datetime.date(2026, 1, 2),
        "time": datetime.time(3, 4, 5, 678901),
        "timedelta": datetime.timedelta(days=-1, seconds=5, microseconds=7),
        "Decimal": [Decimal("1.50"), Decimal("-1E+30")],
        "UUID": ID,
        "exceptions as values": None,
    },
}


def check(serializer, value, expected):
    def run(client):
        # Results come back by the serializer of our worker.
        own = client.configured(result_serializer=serializer)
        found, text = own.run("f.shown", value, serializer=serializer)
        assert found == expected and repr(found) == repr(expected), f"{found!r:.300} instead of {expected!r:.300}"
        assert text == shown(expected), f"there it is {text:.300} instead of {shown(expected):.300}"

    return run


for serializer, values in VALUES.items():
    for name, value in values.items():
        if name != "exceptions as values":
            sent, expected = value if name in ("tuples as lists", "keys as text") else (value, value)
            feature(f"{serializer}: {name}")(check(serializer, sent, expected))
    # No number is equal to this one.

    @feature(f"{serializer}: not a number")
    def nan(client, serializer=serializer):
        found, text = client.configured(result_serializer=serializer).run("f.shown", math.nan, serializer=serializer)
        assert math.isnan(found) and text == "nan", (found, text)


@feature("pickle: exceptions as values")
def exceptions(client):
    found, text = client.configured(result_serializer="pickle").run("f.shown", KeyError("k", 2), serializer="pickle")
    assert type(found) is KeyError and found.args == ("k", 2), found
    assert text == "KeyError('k', 2)", text


def refused(client, serializer, value):
    from kombu.exceptions import EncodeError

    try:
        client.send("f.same", value, serializer=serializer)
    except (EncodeError, TypeError):
        return
    raise AssertionError(f"{serializer} took {value!r}")


@feature("json: sets are refused when sent")
def json_sets(client):
    # The other side is shown by what we send: a result that JSON cannot carry fails there.
    refused(client, "json", {1, 2})
    error, _ = client.fails("f.unserializable")
    assert "JSON" in str(error) or "serializ" in str(error).lower() or "encode" in str(error).lower(), repr(error)
