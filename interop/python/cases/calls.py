"""When methods run: one-way, slow, many at once, and for many clients."""

import threading

import Pyro5.api
import Pyro5.errors

from .support import WITHOUT_MARSHAL, case, key, raised


def in_threads(count, work):
    """Runs `work(number)` in so many threads, and gives what they give."""
    results, errors = [None] * count, []

    def run(number):
        try:
            results[number] = work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    return results


@case
def a_oneway_method_is_not_waited_for(at):
    """It ends only after a call that comes behind it."""
    proxy, note, signal = at.proxy(), key(), key()
    assert proxy.note_after(note, "x", signal) is None
    proxy.write_note(signal, "now")
    assert proxy.notes(note, 1) == ["x"]


@case
def a_oneway_call_may_be_asked_for(at):
    """Any method is one-way if the client says so."""
    proxy, note = at.proxy(), key()
    proxy._pyroOneway.add("write_note")
    proxy._pyroBind()
    proxy._pyroOneway.add("write_note")
    assert proxy.write_note(note, "x") is None
    proxy._pyroOneway.clear()
    assert proxy.notes(note, 1) == ["x"]


@case
def exceptions_of_oneway_calls_are_not_heard(at):
    proxy = at.proxy()
    assert proxy.fail_oneway() is None
    assert proxy.add(1, 2) == 3


@case
def wrong_oneway_calls_are_not_heard(at):
    proxy = at.proxy()
    proxy._pyroBind()
    for method, args in (("nonsense", ()), ("_private", ()), ("add", (1,)), ("__getattr__", ("nonsense",))):
        assert proxy._pyroInvoke(method, args, {}, flags=4) is None
    assert proxy.add(1, 2) == 3


@case
def oneway_calls_run_side_by_side(at):
    proxy, note, signal = at.proxy(), key(), key()
    for number in range(5):
        proxy.note_after(note, f"{number}", signal)
    assert proxy.write_note(signal, "now") == 1
    assert sorted(proxy.notes(note, 5)) == ["0", "1", "2", "3", "4"]


@case
def async_methods_are_awaited(at):
    assert at.proxy().later(0.01) == 0.01


@case
def methods_may_block(at):
    assert at.proxy().block(0.01) == 0.01


@case
def async_methods_run_side_by_side(at):
    note = key()
    assert in_threads(8, lambda number: at.proxy().meet(note, 8)) == [8] * 8


@case
def blocking_methods_run_side_by_side(at):
    note = key()
    assert in_threads(8, lambda number: at.proxy().meet_blocking(note, 8)) == [8] * 8


@case
def many_clients_call_at_once(at):
    def work(number):
        proxy = at.proxy()
        return [proxy.add(number, step) for step in range(50)]

    assert in_threads(16, work) == [[number + step for step in range(50)] for number in range(16)]


@case(serializers=WITHOUT_MARSHAL)
def one_object_counts_for_all_clients(at):
    counter = at.own("counter")

    def work(number):
        proxy = at.proxy(counter)
        return [proxy.increment() for _ in range(25)]

    counts = sorted(count for counts in in_threads(8, work) for count in counts)
    assert counts == list(range(1, 201))
    assert at.proxy(counter).count == 200


@case(serializers=WITHOUT_MARSHAL)
def a_method_that_waits_keeps_others_out_of_its_object(at):
    counter = at.own("counter")
    in_threads(5, lambda number: at.proxy(counter).increment_later(0.02))
    assert at.proxy(counter).count == 5


@case(serializers=WITHOUT_MARSHAL)
def a_property_of_a_locked_object_is_set(at):
    proxy = at.proxy(at.own("counter"))
    proxy.count = 41
    assert proxy.increment() == 42


@case
def a_proxy_belongs_to_its_thread(at):
    proxy = at.proxy()
    assert proxy.add(1, 2) == 3

    def use(number):
        error = raised(proxy.add, 1, 2)
        assert type(error) is Pyro5.errors.PyroError and "not the owner" in str(error)
        proxy._pyroClaimOwnership()
        return proxy.add(3, 4)

    assert in_threads(1, use) == [7]


@case
def copies_of_a_proxy_have_connections_of_their_own(at):
    import copy

    proxy = at.proxy()
    assert proxy.add(1, 2) == 3
    other = copy.copy(proxy)
    assert other.add(3, 4) == 7
    assert other._pyroLocalSocket != proxy._pyroLocalSocket
    other._pyroRelease()


@case
def a_proxy_connects_again_after_it_was_released(at):
    proxy = at.proxy()
    for number in range(3):
        assert proxy.add(number, 1) == number + 1
        proxy._pyroRelease()


@case
def an_object_may_call_another_while_it_is_called(at):
    proxy, counter = at.proxy(), at.own("counter")
    uri = Pyro5.api.URI(str(at.uri))
    assert proxy.call_back(str(uri), "echo", [1, 2]) == [1, 2]
    uri.object = counter
    assert type(raised(proxy.call_back, str(uri), "increment", 1)) is TypeError


@case
def a_timeout_is_the_clients_own(at):
    proxy, note = at.proxy(), key()
    proxy._pyroTimeout = 0.1
    assert type(raised(proxy.notes, note, 1)) is Pyro5.errors.TimeoutError
    proxy._pyroTimeout = None
    assert proxy.write_note(note, "enough waited") == 1


@case
def a_call_that_timed_out_is_made_again(at):
    proxy, note = at.proxy(), key()
    proxy._pyroMaxRetries, proxy._pyroTimeout = 2, 0.2
    # Each attempt notes that it was there; the fourth would be one too many.
    assert type(raised(proxy.meet, note, 4)) is Pyro5.errors.TimeoutError
    assert at.proxy().write_note(note, "enough waited") == 4


@case
def a_client_that_vanishes_takes_nobody_with_it(at):
    proxy = at.proxy()
    proxy._pyroBind()
    marshal = Pyro5.serializers.serializers["marshal"]
    message = Pyro5.protocol.SendingMessage(
        Pyro5.protocol.MSG_INVOKE, 0, 1, marshal.serializer_id, marshal.dumpsCall("thing", "later", (0.2,), {})
    )
    proxy._pyroConnection.send(message.data)
    proxy._pyroConnection.sock.close()
    assert at.proxy().add(1, 2) == 3


@case
def a_call_goes_on_when_its_client_is_gone(at):
    proxy, note = at.proxy(), key()
    proxy._pyroBind()
    signal = key()
    marshal = Pyro5.serializers.serializers["marshal"]
    data = marshal.dumpsCall("thing", "note_after", (note, "done", signal), {})
    message = Pyro5.protocol.SendingMessage(Pyro5.protocol.MSG_INVOKE, 0, 1, marshal.serializer_id, data)
    proxy._pyroConnection.send(message.data)
    proxy._pyroRelease()
    at.proxy().write_note(signal, "now")
    assert at.proxy().notes(note, 1) == ["done"]


@case
def a_reply_that_nobody_waits_for_is_thrown_away(at):
    """After a timeout the connection is closed, so that no answer is taken for another's."""
    proxy = at.proxy()
    for _ in range(3):
        note = key()
        proxy._pyroTimeout = 0.1
        assert type(raised(proxy.notes, note, 1)) is Pyro5.errors.TimeoutError
        proxy._pyroTimeout = None
        proxy.write_note(note, "enough waited")
        assert [proxy.echo(number) for number in range(10)] == list(range(10))


@case
def hundreds_of_idle_clients_do_no_harm(at):
    """Pyro5's thread pool is smaller than that."""
    proxies = [at.proxy() for _ in range(300 if at.ours else 30)]
    for proxy in proxies:
        proxy._pyroBind()
    assert at.proxy().add(1, 2) == 3
    assert proxies[0].add(3, 4) == 7
