"""Results that come item by item."""

import gc

import Pyro5.errors
import Pyro5.protocol
from Pyro5.api import current_context

from .support import case, invoke, key, raised


@case
def items_of_a_generator_come_one_by_one(at):
    items = at.proxy().count_to(5)
    assert type(items).__name__ == "_StreamResultIterator"
    assert [next(items), next(items)] == [0, 1]
    assert list(items) == [2, 3, 4]


@case
def items_that_take_time_come_as_well(at):
    assert list(at.proxy().count_async(4)) == [0, 1, 2, 3]


@case
def items_come_with_annotations(at):
    for number in at.proxy().annotated_items(4):
        assert bytes(current_context.response_annotations["ITEM"]) == bytes([number])


@case
def a_stream_may_be_empty(at):
    assert list(at.proxy().count_to(0)) == []


@case
def the_end_of_a_stream_is_heard_again_and_again(at):
    items = at.proxy().count_to(1)
    assert list(items) == [0]
    assert type(raised(next, items)) is StopIteration
    assert type(raised(next, items)) is StopIteration


@case
def a_stream_closed_early_ends_on_the_other_side(at):
    note, proxy = key(), at.proxy()
    items = proxy.endless(note)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    items.close()
    assert type(raised(next, items)) is StopIteration
    assert at.proxy().notes(note, 1) == ["closed"]


@case
def a_stream_thrown_away_ends_on_the_other_side(at):
    note, proxy = key(), at.proxy()
    items = proxy.endless(note)
    next(items)
    del items
    gc.collect()
    assert at.proxy().notes(note, 1) == ["closed"]


@case
def an_exception_in_a_stream_comes_behind_its_items(at):
    items = at.proxy().count_and_fail(2)
    assert [next(items), next(items)] == [0, 1]
    error = raised(next, items)
    assert type(error) is ValueError and error.args == ("enough is enough",)
    assert "enough is enough" in "".join(error._pyroTraceback)
    return raised(next, items)


@case
def an_exception_before_the_first_item_is_one_of_the_call(at):
    assert type(raised(at.proxy().fail_before_stream)) is ValueError


@case
def two_streams_take_turns(at):
    proxy = at.proxy()
    one, two = proxy.count_to(3), proxy.count_to(3)
    assert [next(one), next(two), next(one), next(two)] == [0, 0, 1, 1]
    assert (list(two), list(one)) == ([2], [2])


@case
def calls_may_be_made_between_items(at):
    proxy = at.proxy()
    items = proxy.count_to(3)
    assert next(items) == 0
    assert proxy.add(1, 2) == 3
    assert next(items) == 1
    items.close()
    assert proxy.add(1, 2) == 3


@case
def a_stream_waits_for_its_client_to_come_back(at):
    proxy = at.proxy()
    items = proxy.count_to(4)
    assert next(items) == 0
    proxy._pyroRelease()
    assert type(raised(next, items)) is Pyro5.errors.ConnectionClosedError
    proxy._pyroReconnect()
    assert list(items) == [1, 2, 3]


@case
def an_unknown_stream_is_over(at):
    proxy = at.proxy(Pyro5.core.DAEMON_NAME)
    return raised(proxy.get_next_stream_item, "nonsense")


@case
def closing_an_unknown_stream_does_nothing(at):
    assert at.proxy(Pyro5.core.DAEMON_NAME).close_stream("nonsense") is None


@case
def a_stream_that_is_over_is_unknown(at):
    proxy = at.proxy()
    items = proxy.count_to(1)
    stream = items.streamId
    assert list(items) == [0]
    proxy._pyroBind()
    return raised(proxy._pyroInvoke, "get_next_stream_item", [stream], {}, objectId=Pyro5.core.DAEMON_NAME)


@case
def the_reply_of_a_stream_has_its_flags_and_id(at):
    proxy = at.proxy()
    proxy._pyroBind()
    proxy._pyroRawWireResponse = True
    reply = proxy._pyroInvoke("count_to", (3,), {})
    # An exception for clients that know no streams, and its id for those that do.
    assert reply.flags & 1 and reply.flags & Pyro5.protocol.FLAGS_ITEMSTREAMRESULT
    assert len(bytes(reply.annotations["STRM"]).decode()) == 36


@case
def a_oneway_call_of_a_stream_opens_none(at):
    proxy = at.proxy()
    proxy._pyroBind()
    assert proxy._pyroInvoke("count_to", (3,), {}, flags=4) is None
    assert proxy.add(1, 2) == 3


@case
def a_stream_in_a_batch_is_an_error(at):
    proxy = at.proxy()
    if at.serializer == "serpent":
        # Serpent writes a generator out, as a list of its own making.
        return None
    assert isinstance(raised(proxy._pyroInvokeBatch, [("count_to", (3,), {})]), Exception)
    assert proxy.add(1, 2) == 3


@case
def many_streams_are_open_at_once(at):
    proxy = at.proxy()
    streams = [proxy.count_to(3) for _ in range(50)]
    assert [next(items) for items in streams] == [0] * 50
    assert [list(items) for items in streams] == [[1, 2]] * 50


@case
def a_list_is_no_stream(at):
    assert at.proxy().echo([1, 2]) == [1, 2]


@case
def streams_are_refused_where_they_are_switched_off(at):
    error = raised(at.proxy().count_to, 3)
    assert type(error) is Pyro5.errors.ProtocolError
    assert str(error) == "result of call is an iterator, but the server is not configured to allow streaming"
    assert at.proxy().add(1, 2) == 3


@case
def streams_end_with_their_connection_where_they_may_not_linger(at):
    note, proxy = key(), at.proxy()
    items = proxy.endless(note)
    assert next(items) == 0
    proxy._pyroRelease()
    assert at.proxy().notes(note, 1) == ["closed"]
    proxy._pyroReconnect()
    return raised(next, items)


@case
def streams_end_with_their_lifetime(at):
    note, proxy = key(), at.proxy()
    items = proxy.endless(note)
    assert next(items) == 0
    assert at.proxy().notes(note, 1) == ["closed"]
    return raised(next, items)


@case
def an_item_that_cannot_be_serialized_is_an_error(at):
    if at.ours:
        # A lock is no value in Rust to begin with.
        return
    items = at.proxy().stream_unserializable()
    assert next(items) == 1
    assert isinstance(raised(next, items), Exception)
