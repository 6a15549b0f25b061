"""Objects that come and go: instances by mode, objects handed over, blobs, resources."""

import threading
import uuid

import Pyro5.api
import Pyro5.errors

import office

from .support import CLASS_DICTS, WITHOUT_MARSHAL, case, raised


@case
def a_single_instance_serves_all(at):
    one, two = at.proxy("single"), at.proxy("single")
    counts = [one.visit(), two.visit(), one.visit()]
    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


@case
def a_session_has_an_instance_of_its_own(at):
    one, two = at.proxy("session"), at.proxy("session")
    assert [one.visit(), one.visit(), two.visit(), one.visit()] == [11, 12, 11, 13]
    one._pyroRelease()
    assert one.visit() == 11


@case
def each_call_has_an_instance_of_its_own(at):
    proxy = at.proxy("percall")
    assert [proxy.visit(), proxy.visit(), proxy.visit()] == [1, 1, 1]


@case(serializers=WITHOUT_MARSHAL)
def a_batch_is_one_call_to_its_instance(at):
    batch = Pyro5.api.BatchProxy(at.proxy("percall"))
    for _ in range(3):
        batch.visit()
    assert list(batch()) == [1, 2, 3]


@case
def an_instance_that_cannot_be_made_is_a_failed_call(at):
    proxy = at.proxy("unlucky")
    for _ in range(2):
        error = raised(proxy.visit)
        assert type(error) is ValueError and str(error) == "no instance today"


@case(serializers=WITHOUT_MARSHAL)
def a_registered_object_as_a_result_is_a_proxy(at):
    account = at.proxy("desk").open(5)
    with account:
        assert type(account) is Pyro5.api.Proxy
        assert account.deposit(3) == 8
    assert sorted(account._pyroMethods) == ["deposit"] and sorted(account._pyroAttrs) == ["balance"]
    return type(account).__name__, account._pyroHandshake, account._pyroSerializer


@case(serializers=WITHOUT_MARSHAL)
def proxies_stand_anywhere_in_a_result(at):
    opened = at.proxy("desk").open_two()
    accounts = [opened["first"], *opened["all"]]
    counts = []
    for account in accounts:
        with account:
            counts.append(account.deposit(10))
    return counts


@case(serializers=WITHOUT_MARSHAL)
def an_object_that_was_handed_over_comes_home(at):
    desk = at.proxy("desk")
    account = desk.open(5)
    assert desk.deposit_into(account, 2) == 7
    with account:
        assert account.deposit(1) == 8


@case(serializers=WITHOUT_MARSHAL)
def an_object_that_was_taken_out_is_unknown(at):
    desk = at.proxy("desk")
    account = desk.open(5)
    desk.close(account)
    error = raised(account.deposit, 1)
    assert type(error) is Pyro5.errors.CommunicationError, error
    assert str(error).endswith("rejected: unknown object"), error


@case
def an_object_that_nobody_keeps_is_unknown(at):
    name = uuid.uuid4().hex
    uri = at.proxy("desk").weak(name)
    error = raised(Pyro5.api.Proxy(uri)._pyroBind)
    assert str(error).endswith("rejected: unknown object"), error
    # Its name is free again.
    at.proxy("desk").weak(name)


class Listener:
    """A client's own object, to be called back."""

    def __init__(self):
        self.heard = []

    @Pyro5.api.expose
    @Pyro5.api.callback
    def hear(self, text):
        self.heard.append(text)
        if text == "fail":
            raise ValueError("the listener does not like it")
        return f"heard {text}"


@case(serializers=WITHOUT_MARSHAL)
def a_client_is_called_back(at):
    listener = Listener()
    with Pyro5.api.Daemon(host="127.0.0.1") as daemon:
        daemon.register(listener)
        threading.Thread(target=daemon.requestLoop, daemon=True).start()
        try:
            desk = at.proxy("desk")
            assert desk.tell(listener, "news") == "heard news"
            error = raised(desk.tell, listener, "fail")
            assert type(error) is ValueError and error.args == ("the listener does not like it",)
        finally:
            daemon.shutdown()
    assert listener.heard == ["news", "fail"]


@case(serializers=CLASS_DICTS)
def instances_of_own_classes_go_both_ways(at):
    order = at.proxy("desk").order_again(office.Order(7, ["tea", "milk"]))
    assert type(order) is office.Order
    assert (order.number, order.items) == (8, ["tea", "milk"])


@case(serializers=CLASS_DICTS)
def an_instance_of_another_class_is_refused(at):
    error = raised(at.proxy("desk").order_again, {"number": 7, "items": []})
    assert type(error) is TypeError, error


@case(serializers=CLASS_DICTS)
def exceptions_of_own_classes_arrive(at):
    error = raised(at.proxy("desk").order_again, office.Order(7, ["nothing"]))
    assert type(error) is office.SoldOut
    assert (error.args, error.item, error.left) == (("nothing is left",), "nothing", 0)


@case
def a_blob_arrives_undecoded(at):
    """Pyro5's own daemon gives the word "params" for whatever came as JSON."""
    blob = Pyro5.api.SerializedBlob("label", [1, "two", {"three": 3.5}])
    info, data = at.proxy("desk").weigh(blob)
    expected = [1, "two", {"three": 3.5}] if at.ours or at.serializer != "json" else "params"
    assert (info, data) == ("label", expected)


# Pyro5's client makes a list of whatever goes as marshal; of JSON see above.
WHOLE_BLOBS = ("serpent", "msgpack", "pickle")


@case(serializers=WHOLE_BLOBS)
def a_blob_of_any_data_arrives(at):
    desk = at.proxy("desk")
    for data in ("text", 12345678901234567890, None, [], {"a": [True]}, "ünï" * 1000):
        if at.serializer == "msgpack" and isinstance(data, int):
            continue
        assert desk.weigh(Pyro5.api.SerializedBlob(str(type(data)), data))[1] == data


@case(serializers=WHOLE_BLOBS)
def a_blob_is_passed_on_as_it_came(at):
    uri = Pyro5.api.URI(str(at.uri))
    uri.object = "desk"
    info, data = at.proxy("desk").relay(Pyro5.api.SerializedBlob(str(uri), {"cargo": [1, 2, 3]}))
    assert (info, data) == (str(uri), {"cargo": [1, 2, 3]})


@case(serializers=WHOLE_BLOBS)
def a_compressed_blob_arrives(at):
    Pyro5.config.COMPRESSION = True
    try:
        assert at.proxy("desk").weigh(Pyro5.api.SerializedBlob("big", ["x" * 100] * 1000))[1] == ["x" * 100] * 1000
    finally:
        Pyro5.config.COMPRESSION = False


@case
def resources_are_freed_when_their_client_leaves(at):
    names = [uuid.uuid4().hex for _ in range(3)]
    desk, other = at.proxy("desk"), at.proxy("desk")
    desk.keep(names)
    desk.give_back(names[1])
    assert other.freed_now(names) == []
    desk._pyroRelease()
    assert other.freed([names[0], names[2]]) == [names[0], names[2]]
    assert other.freed_now(names) == [names[0], names[2]]
