"""Many calls in one message."""

import Pyro5.api
import Pyro5.errors

from .support import WITHOUT_MARSHAL, case, key, raised


def batch(at, name="thing"):
    return Pyro5.api.BatchProxy(at.proxy(name))


@case(serializers=WITHOUT_MARSHAL)
def a_batch_gives_its_results_in_order(at):
    calls = batch(at)
    calls.add(1, 2)
    calls.greet("Ada", mark="?")
    calls.echo([1, "two", None])
    calls.nothing()
    return list(calls())


@case(serializers=WITHOUT_MARSHAL)
def a_batch_ends_with_the_first_exception(at):
    calls, note = batch(at), key()
    calls.write_note(note, "before")
    calls.divide(1, 0)
    calls.write_note(note, "after")
    results = calls()
    assert next(results) == 1
    assert type(raised(next, results)) is ZeroDivisionError
    assert at.proxy().notes(note, 1) == ["before"]


@case(serializers=WITHOUT_MARSHAL)
def an_exception_in_a_batch_has_its_traceback(at):
    calls = batch(at)
    calls.raise_builtin("KeyError", ["gone"])
    error = raised(next, calls())
    assert type(error) is KeyError and error.args == ("gone",)
    assert "KeyError: 'gone'" in "".join(error._pyroTraceback)


@case(serializers=WITHOUT_MARSHAL)
def attributes_of_an_exception_in_a_batch_arrive(at):
    calls = batch(at)
    calls.raise_with_attributes()
    return raised(next, calls())


@case(serializers=WITHOUT_MARSHAL)
def an_empty_batch_gives_nothing(at):
    return list(batch(at)())


@case(serializers=WITHOUT_MARSHAL)
def an_unknown_method_fails_the_batch(at):
    calls = batch(at)
    calls.add(1, 2)
    calls.nonsense()
    return raised(calls)


@case(serializers=WITHOUT_MARSHAL)
def a_private_method_fails_the_batch(at):
    proxy = at.proxy()
    return raised(proxy._pyroInvokeBatch, [("_private", (), {})])


@case(serializers=WITHOUT_MARSHAL)
def wrong_arguments_in_a_batch_are_an_exception_among_the_results(at):
    calls = batch(at)
    calls.add(1, 2)
    calls.add(1)
    results = calls()
    assert next(results) == 3
    return raised(next, results)


@case(serializers=WITHOUT_MARSHAL)
def a_oneway_batch_is_made_and_not_waited_for(at):
    calls, note = batch(at), key()
    for number in range(3):
        calls.write_note(note, f"{number}")
    assert calls(oneway=True) is None
    assert at.proxy().notes(note, 3) == ["0", "1", "2"]


@case(serializers=WITHOUT_MARSHAL)
def a_batch_may_be_used_again(at):
    calls = batch(at)
    calls.add(1, 2)
    assert list(calls()) == [3]
    calls.add(3, 4)
    assert list(calls()) == [7]


@case(serializers=WITHOUT_MARSHAL)
def a_batch_of_many_calls_is_made(at):
    calls = batch(at)
    for number in range(2000):
        calls.add(number, 1)
    assert list(calls()) == list(range(1, 2001))


@case(serializers=WITHOUT_MARSHAL)
def methods_that_wait_are_made_in_their_order_in_a_batch(at):
    calls, note = batch(at), key()
    calls.write_note(note, "first")
    calls.later(0.02)
    calls.write_note(note, "second")
    calls.block(0.01)
    calls.divide(9, 3)
    assert list(calls()) == [1, 0.02, 2, 0.01, 3]


@case(serializers=WITHOUT_MARSHAL)
def a_batch_counts_on_one_counter(at):
    calls = batch(at, at.own("counter"))
    for _ in range(50):
        calls.increment()
    assert list(calls()) == list(range(1, 51))


@case(serializers=WITHOUT_MARSHAL)
def a_batch_leaves_the_proxy_usable(at):
    proxy = at.proxy()
    calls = Pyro5.api.BatchProxy(proxy)
    calls.divide(1, 0)
    assert type(raised(lambda: list(calls()))) is ZeroDivisionError
    assert proxy.add(1, 1) == 2


@case(serializers=WITHOUT_MARSHAL)
def the_reply_to_a_batch_is_marked_as_one(at):
    proxy = at.proxy()
    proxy._pyroBind()
    proxy._pyroRawWireResponse = True
    reply = proxy._pyroInvokeBatch([("add", (1, 2), {})])
    assert reply.flags & 8 and reply.type == 5
    reply = proxy._pyroInvoke("add", (1, 2), {})
    assert not reply.flags & 8
