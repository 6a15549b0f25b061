"""Values there and back: what comes back from ours is what comes back from Pyro5, type by type."""

import array
import collections
import datetime
import decimal
import enum
import uuid

import Pyro5.api

from .support import CLASS_DICTS, case, gave


def echoed(at, *values):
    """Each value as it comes back, or the exception that sending it raises."""
    proxy = at.proxy()
    return [gave(proxy.echo, value) for value in values]


@case
def none_and_truth_values(at):
    return echoed(at, None, True, False)


@case
def integers_around_every_boundary(at):
    powers = [7, 8, 15, 16, 30, 31, 32, 45, 62, 63, 64]
    numbers = [sign * (2**power + step) for power in powers for sign in (1, -1) for step in (-1, 0, 1)]
    return echoed(at, 0, *numbers)


@case
def integers_of_any_size(at):
    return echoed(at, 10**40, -(10**40), 2**1000, -(3**700), 10**4000)


@case
def integers_beyond_the_limit_on_digits(at):
    return [type(value).__name__ for value in echoed(at, 10**4299, 10**4300, -(10**4400))]


@case
def floats(at):
    return echoed(at, 0.0, -0.0, 1.5, -2.25, 1e300, 5e-324, 0.1, 1 / 3, 1e16, 123456789.123456789, 1e22, 1e-7)


@case
def floats_that_are_no_numbers(at):
    return echoed(at, float("nan"), float("inf"), float("-inf"), [float("nan")], {"x": float("inf")})


@case
def complex_numbers(at):
    return echoed(at, 1 + 2j, -0.5j, complex(1e300, -1e-300), complex(0, 0), [3j], complex(float("inf"), 1))


@case
def text(at):
    return echoed(at, "", "a", "hello\nworld\t\\ '\" \0 \x7f", "x" * 300, "x" * 70000)


@case
def text_in_any_script(at):
    return echoed(at, "héllo", "ﬁ ß ſ", "日本語", "\u20ac", "😀👩‍👩‍👧", "\u2028\u2029\ufeff", "e\u0301", "\u0085\u00a0")


@case
def text_with_lone_surrogates(at):
    return echoed(at, "\ud800", "a\udfffb", "\udc80")


@case
def bytes_as_the_serializer_carries_them(at):
    return echoed(at, b"", b"abc", bytes(range(256)), b"x" * 70000)


@case
def byte_arrays(at):
    return echoed(at, bytearray(b""), bytearray(b"abc\0"), memoryview(b"abc"))


@case
def lists(at):
    return echoed(at, [], [1], [1, "two", 3.0, None, True], [[], [[]], [1, [2, [3]]]], list(range(1000)))


@case
def tuples(at):
    return echoed(at, (), (1,), (1, 2, "three"), ((), ((1,),)), [(1, 2), [3, 4]])


@case
def sets(at):
    return echoed(at, set(), {1}, {1, 2, 3}, {"a", "b"}, [{1}], {(1, 2)})


@case
def frozen_sets(at):
    return echoed(at, frozenset(), frozenset([1, 2]), [frozenset(["x"])])


@case
def dicts_with_text_keys(at):
    return echoed(at, {}, {"a": 1}, {"b": [1], "a": {"c": None}}, {"": "empty"}, {str(n): n for n in range(300)})


@case
def dicts_with_other_keys(at):
    return echoed(at, {1: "one", 2: "two"}, {1.5: "x"}, {None: 1}, {True: "yes", False: "no"}, {-1: 0})


@case
def dicts_with_keys_of_bytes_and_tuples(at):
    return echoed(at, {(1, 2): "tuple"}, {b"bytes": 1}, {(1, ("a",)): [1]}, {frozenset([1]): 2})


@case
def dicts_keep_their_order(at):
    return echoed(at, {"z": 1, "a": 2, "m": 3})


@case
def nested_data(at):
    return echoed(
        at,
        {"list": [1, {"deep": (1, 2, [{"deeper": {"x": None}}])}], "tuple": ({"a": [1.5]},)},
        [[[[[[[[[["deep"]]]]]]]]]],
        [{"a": [{"b": [{"c": {}}]}]}] * 3,
    )


@case
def deep_nesting_within_the_limits(at):
    value = []
    for _ in range(60):
        value = [value]
    return echoed(at, value)


@case
def shared_values_are_values(at):
    shared = [1, 2]
    return echoed(at, [shared, shared], {"a": shared, "b": (shared,)})


@case
def dates_and_times(at):
    return echoed(
        at,
        datetime.datetime(2024, 2, 29, 12, 34, 56),
        datetime.datetime(2024, 7, 1, 12, 34, 56, 789012),
        datetime.datetime(1970, 1, 1),
        [datetime.datetime(2000, 1, 1)],
    )


@case
def dates(at):
    return echoed(at, datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31))


@case
def times_of_day_and_spans_of_time(at):
    return echoed(at, datetime.time(12, 34, 56), datetime.time(1, 2, 3, 4), datetime.timedelta(days=2, seconds=3.5))


@case
def times_with_a_zone(at):
    utc, east = datetime.timezone.utc, datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    return echoed(at, datetime.datetime(2024, 1, 1, tzinfo=utc), datetime.datetime(2024, 1, 1, 1, 2, 3, tzinfo=east))


@case
def decimals(at):
    return echoed(at, decimal.Decimal("1.10"), decimal.Decimal("-0"), decimal.Decimal("1E+30"), decimal.Decimal("NaN"))


@case
def uuids(at):
    return echoed(at, uuid.UUID(int=0), uuid.UUID("12345678-1234-5678-1234-567812345678"), [uuid.UUID(int=1)])


@case
def uris_as_arguments(at):
    """As text: what a method makes of it; marshal converts the outermost."""
    uri = Pyro5.api.URI("PYRO:obj@host:55")
    return at.proxy().uri_text(uri), gave(at.proxy().echo, uri)


@case
def uris_as_results(at):
    uri = at.proxy().uri()
    assert type(uri) is Pyro5.api.URI and str(uri) == "PYRO:some.object@localhost:9999"
    return uri


@case
def proxies_as_arguments(at):
    with Pyro5.api.Proxy("PYRO:obj@host:55") as proxy:
        return at.proxy().uri_of_proxy(proxy)


@case
def proxies_as_results(at):
    proxy = at.proxy().proxy()
    assert type(proxy) is Pyro5.api.Proxy and str(proxy._pyroUri) == "PYRO:some.object@localhost:9999"
    assert proxy._pyroMethods == {"a", "b"}


@case
def name_server_uris(at):
    return echoed(at, Pyro5.api.URI("PYRONAME:some.name"), Pyro5.api.URI("PYROMETA:a,b@host:99"))


@case(serializers=CLASS_DICTS)
def arrays(at):
    return echoed(at, array.array("i", [1, 2, 3]), array.array("d", [0.5]), array.array("u", "text"))


@case(serializers=CLASS_DICTS)
def collections_of_the_library(at):
    return echoed(
        at,
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.defaultdict(int, {"x": 1}),
        collections.Counter("aab"),
        collections.deque([1, 2]),
    )


class Color(enum.Enum):
    RED = 1


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


@case(serializers=CLASS_DICTS)
def instances_of_unknown_classes(at):
    """They arrive at the daemon; Pyro5's refuses what it does not know, ours passes data on, and the client refuses it."""
    return [isinstance(value, Exception) for value in echoed(at, Point(1, 2), Color.RED, object())]


@case
def dicts_that_claim_to_be_of_a_class(at):
    return [isinstance(value, Exception) for value in echoed(at, {"__class__": "shop.Order", "n": 1})]


@case
def classes_with_double_underscores_are_refused(at):
    return [type(value).__name__ for value in echoed(at, {"__class__": "__main__.X"})]


@case(serializers=CLASS_DICTS)
def instances_that_both_sides_know(at):
    """A class that client and server have registered converters for travels by them."""
    register = Pyro5.api.SerializerBase
    register.register_class_to_dict(Point, lambda point: {"__class__": "test.Point", "x": point.x, "y": point.y})
    register.register_dict_to_class("test.Point", lambda name, data: (name, data["x"], data["y"]))
    try:
        # The Python daemon of this case knows the class no more than ours does: both take it as data or refuse it.
        value = gave(at.proxy().echo, Point(1, 2))
        if at.ours:
            assert value == ("test.Point", 1, 2), repr(value)
    finally:
        register.unregister_class_to_dict(Point)
        register.unregister_dict_to_class("test.Point")


@case
def special_floats_inside_of_containers(at):
    return echoed(at, (float("inf"), -0.0), {"nan": float("nan"), "list": [float("-inf")]})


@case
def many_values_of_all_kinds_in_one(at):
    value = {"none": None, "bool": True, "int": -5, "big": 2**70, "float": 1.25, "text": "ü", "list": [1], "dict": {"x": {}}}
    return echoed(at, value, [value] * 50)
