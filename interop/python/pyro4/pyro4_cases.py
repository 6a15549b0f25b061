"""What Pyro4 has and Pyro5 has not."""

import contextlib
import os
import tempfile

import Pyro4
import Pyro4.errors
import Pyro4.futures
import Pyro4.message
import Pyro4.util

from cases.support import WITHOUT_MARSHAL, case, gave, key, raised

KEY = "the key of these tests"


# futures


@case
def an_asynchronous_call_gives_a_future(at):
    proxy = at.proxy()
    proxy._pyroAsync()
    results = [proxy.add(number, 1) for number in range(8)]
    assert [result.value for result in results] == list(range(1, 9))
    assert all(result.ready for result in results)
    slow = proxy.later(0.05)
    assert slow.wait(20) and slow.value == 0.05


@case
def what_comes_of_a_future_goes_on_to_functions(at):
    proxy = at.proxy()
    proxy._pyroAsync()
    result = proxy.later(0.05).then(lambda seconds, more: [seconds, more], "more")
    assert result.value == [0.05, "more"]


@case
def an_asynchronous_call_that_fails_raises_where_its_value_is_wanted(at):
    proxy, failed = at.proxy(), []
    proxy._pyroAsync()
    result = proxy.divide(1, 0).iferror(failed.append)
    assert type(raised(lambda: result.value)) is ZeroDivisionError


@case
def a_function_of_a_future_may_be_remote(at):
    proxy = at.proxy()
    future = Pyro4.Future(proxy.add).then(lambda total: total * 10)
    assert future(1, 2).value == 30


@case(serializers=WITHOUT_MARSHAL)
def an_asynchronous_batch_gives_its_results(at):
    batch = Pyro4.batch(at.proxy())
    batch.add(1, 2)
    batch.later(0.02)
    assert list(batch(asynchronous=True).value) == [3, 0.02]


# clients that do not ask for metadata


@contextlib.contextmanager
def without_metadata():
    Pyro4.config.METADATA = False
    try:
        yield
    finally:
        Pyro4.config.METADATA = True


@case
def a_client_without_metadata_calls_by_name(at):
    with without_metadata():
        proxy = at.proxy()
        assert proxy.add(1, 2) == 3
        assert proxy._pyroMethods == set()
        return [gave(proxy.nonsense), gave(proxy._pyroInvoke, "_private", (), {}), gave(proxy.unexposed)]


@case
def a_client_without_metadata_connects_for_an_object_that_is_not_there(at):
    """What is wrong shows with the first call."""
    with without_metadata():
        proxy = at.proxy("nobody")
        proxy._pyroBind()
        return raised(proxy.add, 1, 2)


@case(serializers=WITHOUT_MARSHAL)
def a_client_without_metadata_reads_no_attributes(at):
    with without_metadata():
        proxy = at.proxy()
        proxy._pyroBind()
        assert proxy._pyroInvoke("__setattr__", ("velocity", 7), None) is None
        return proxy._pyroInvoke("__getattr__", ("velocity",), None)


@case
def metadata_may_be_asked_for_as_lists(at):
    daemon = at.proxy(Pyro4.constants.DAEMON_NAME)
    lists = daemon.get_metadata(at.own("counter"), as_lists=True)
    assert all(type(names) is list for names in lists.values()), lists
    return {kind: sorted(names) for kind, names in lists.items()}


# pickle


class Unknown:
    """A class that no daemon knows."""


class Evil:
    """What has something run where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@case(serializers=("pickle",))
def a_pickle_of_an_unknown_class_is_refused_by_ours(at):
    proxy = at.proxy()
    error = gave(proxy.size, [Unknown()])
    if at.ours:
        assert type(error) is Pyro4.errors.SecurityError, repr(error)
        assert "pyro4_cases.Unknown, which is not accepted" in str(error)
    assert proxy.add(1, 2) == 3


@case(serializers=("pickle",))
def nothing_in_a_pickle_is_run_by_ours(at):
    path = os.path.join(tempfile.gettempdir(), key())
    proxy = at.proxy()
    error = gave(proxy.nothing, Evil(path))
    if at.ours:
        assert type(error) is Pyro4.errors.SecurityError, repr(error)
    # The Python daemon shows that it would have been.
    assert os.path.exists(path) != at.ours
    with contextlib.suppress(OSError):
        os.rmdir(path)


@case(serializers=("pickle",))
def all_protocols_of_pickle_are_read(at):
    value = {"text": "\xe4\u20ac", "data": b"\x00\xff", "numbers": [1, 2**70, 1.5, True, None], "set": {1}, "tuple": ((), (1,))}
    before = Pyro4.config.PICKLE_PROTOCOL_VERSION
    try:
        for protocol in range(6):
            Pyro4.config.PICKLE_PROTOCOL_VERSION = protocol
            assert at.proxy().echo(value) == value, protocol
    finally:
        Pyro4.config.PICKLE_PROTOCOL_VERSION = before


@case(serializers=("pickle",))
def what_a_pickle_shares_arrives_as_often_as_it_stands_there(at):
    shared = ["shared"]
    return at.proxy().echo([shared, {"again": shared}, (shared, shared)])


@case(serializers=("pickle",))
def what_is_inside_of_itself_is_refused_by_ours(at):
    value = []
    value.append(value)
    error = gave(at.proxy().size, value)
    if at.ours:
        assert type(error) is ValueError, repr(error)


@case(serializers=("pickle",))
def a_serializer_that_is_not_accepted_is_refused(at):
    error = raised(at.proxy()._pyroBind)
    assert type(error) is Pyro4.errors.CommunicationError
    assert str(error).endswith("rejected: message used serializer that is not accepted: 4"), error


@case(serializers=("serpent",))
def a_call_in_a_serializer_that_is_not_accepted_is_refused(at):
    """The client was let in with another."""
    proxy = at.proxy()
    assert proxy.add(1, 2) == 3
    proxy._pyroSerializer = "pickle"
    return raised(proxy.add, 1, 2)


# keys


def keyed(at, secret=KEY):
    proxy = at.proxy()
    proxy._pyroHmacKey = secret
    return proxy


@case(serializers=WITHOUT_MARSHAL)
def who_has_the_key_is_served(at):
    proxy = keyed(at)
    assert proxy.add(1, 2) == 3
    assert type(raised(proxy.divide, 1, 0)) is ZeroDivisionError
    assert list(proxy.count_to(3)) == [0, 1, 2]
    batch = Pyro4.batch(proxy)
    batch.add(1, 2)
    batch.greet("Ada")
    assert list(batch()) == [3, "hello Ada!"]
    proxy.velocity = 5
    assert proxy.velocity == 5
    Pyro4.current_context.annotations = {"ZZZZ": b"last", "AAAA": b"first"}
    annotations = proxy.context()["annotations"]
    assert annotations["ZZZZ"] == list(b"last") and annotations["AAAA"] == list(b"first")
    assert proxy.size("x" * 100_000) == 100_000
    Pyro4.config.COMPRESSION = True
    try:
        assert proxy.echo("y" * 10_000) == "y" * 10_000
    finally:
        Pyro4.config.COMPRESSION = False


@case
def who_has_no_key_is_refused(at):
    error = raised(at.proxy()._pyroBind)
    assert "hmac key config not symmetric" in str(error), repr(error)


@case
def who_has_another_key_is_refused(at):
    error = raised(keyed(at, "another key")._pyroBind)
    assert "message hmac mismatch" in str(error), repr(error)


@case
def who_has_a_key_where_there_is_none_is_refused(at):
    error = raised(keyed(at)._pyroBind)
    assert "hmac key config not symmetric" in str(error), repr(error)


@case
def a_message_that_was_changed_on_its_way_is_refused(at):
    proxy, note = keyed(at), key()
    proxy._pyroBind()
    marshal = Pyro4.util.get_serializer("marshal")
    data = marshal.dumpsCall("thing", "write_note", (note, "as sent"), {})
    message = Pyro4.message.Message(4, data, marshal.serializer_id, 0, 1, hmac_key=KEY.encode()).to_bytes()
    proxy._pyroConnection.send(message.replace(b"as sent", b"changed"))
    error = raised(Pyro4.message.Message.recv, proxy._pyroConnection, [5], hmac_key=KEY.encode())
    assert isinstance(error, (Pyro4.errors.ConnectionClosedError, Pyro4.errors.CommunicationError)), repr(error)
    other = keyed(at)
    assert other.write_note(note, "after") == 1
