"""What travels with a call, and how messages follow one another."""

import uuid

import Pyro5.api
import Pyro5.protocol
from Pyro5.api import current_context

from .support import answered, case, invoke, raised


@case
def the_client_has_an_address(at):
    proxy = at.proxy()
    context = proxy.context()
    host, port = proxy._pyroLocalSocket[:2]
    assert (context["client"], context["port"]) == (host, port)


@case
def a_correlation_id_arrives(at):
    current_context.correlation_id = uuid.uuid4()
    assert at.proxy().context()["correlation_id"] == str(current_context.correlation_id)


@case
def a_correlation_id_is_made_where_there_is_none(at):
    proxy = at.proxy()
    first, second = (uuid.UUID(proxy.context()["correlation_id"]) for _ in range(2))
    assert first != second and first.int != 0


@case
def the_reply_has_the_correlation_id_of_the_call(at):
    proxy = at.proxy()
    proxy._pyroBind()
    current_context.correlation_id = uuid.uuid4()
    proxy._pyroRawWireResponse = True
    reply = proxy._pyroInvoke("add", (1, 2), {})
    # Pyro4 has an annotation for it.
    if "CORR" not in reply.annotations:
        assert reply.flags & Pyro5.protocol.FLAGS_CORR_ID
    correlation_id = reply.annotations.get("CORR") or reply.corr_id
    assert uuid.UUID(bytes=bytes(correlation_id)) == current_context.correlation_id


@case
def a_correlation_id_is_passed_on_to_calls_within_calls(at):
    current_context.correlation_id = uuid.uuid4()
    proxy = at.proxy()
    # `echo` of the same object, called by the daemon; the id it sees is the one that came.
    assert proxy.call_back(str(proxy._pyroUri), "echo", "x") == "x"


@case
def annotations_arrive(at):
    current_context.annotations = {"TEST": b"abc", "NONE": b"", "BINA": bytes(range(256))}
    annotations = at.proxy().context()["annotations"]
    assert annotations["TEST"] == [97, 98, 99]
    assert annotations["NONE"] == [] and annotations["BINA"] == list(range(256))


@case
def large_annotations_arrive(at):
    current_context.annotations = {"HUGE": b"x" * 200_000}
    assert len(at.proxy().context()["annotations"]["HUGE"]) == 200_000


@case(serializers=("serpent", "marshal", "msgpack"))
def annotations_come_back(at):
    proxy = at.proxy()
    if at.serializer == "serpent":
        return
    assert proxy.annotate({"BACK": b"there", "MORE": b""}) == 2
    assert answered() == {"BACK": b"there", "MORE": b""}


@case(serializers=("marshal", "msgpack"))
def annotations_belong_to_one_reply(at):
    proxy = at.proxy()
    proxy.annotate({"BACK": b"there"})
    assert "BACK" in current_context.response_annotations
    proxy.add(1, 2)
    assert answered() == {}


@case(serializers=("marshal", "msgpack"))
def large_annotations_come_back(at):
    proxy = at.proxy()
    proxy.annotate({"HUGE": b"y" * 200_000})
    assert bytes(current_context.response_annotations["HUGE"]) == b"y" * 200_000


@case
def annotations_come_with_an_exception_too(at):
    """Pyro5's daemon keeps them for the reply that follows; ours sends them with the exception that they belong to."""
    proxy = at.proxy()
    assert type(raised(proxy.annotate_and_fail)) is ValueError
    if at.ours:
        assert bytes(current_context.response_annotations["FAIL"]) == b"told before"


@case
def sequence_numbers_go_round(at):
    proxy = at.proxy()
    proxy._pyroBind()
    proxy._pyroSeq = 65_530
    assert [proxy.add(number, 0) for number in range(20)] == list(range(20))
    assert proxy._pyroSeq == 14


@case
def the_reply_has_the_serializer_of_the_call(at):
    proxy = at.proxy()
    proxy._pyroBind()
    proxy._pyroRawWireResponse = True
    reply = proxy._pyroInvoke("add", (1, 2), {})
    assert reply.serializer_id == Pyro5.serializers.serializers[at.serializer].serializer_id


@case
def a_ping_is_answered(at):
    proxy = at.proxy()
    proxy._pyroBind()
    Pyro5.protocol.SendingMessage.ping(proxy._pyroConnection)
    assert proxy.add(1, 2) == 3
    Pyro5.protocol.SendingMessage.ping(proxy._pyroConnection)


@case
def a_ping_is_answered_with_its_own_numbers(at):
    proxy = at.proxy()
    proxy._pyroBind()
    ping = Pyro5.protocol.SendingMessage(Pyro5.protocol.MSG_PING, 0, 1234, 42, b"any data at all")
    proxy._pyroConnection.send(ping.data)
    pong = Pyro5.protocol.recv_stub(proxy._pyroConnection, [Pyro5.protocol.MSG_PING])
    assert (pong.seq, pong.serializer_id, bytes(pong.data)) == (1234, 42, b"pong")


@case
def the_serializer_may_change_from_call_to_call(at):
    proxy = at.proxy()
    proxy._pyroBind()
    for serializer in ("marshal", "msgpack", at.serializer):
        proxy._pyroSerializer = serializer
        assert proxy.echo({"a": [1, None, 2.5]}) == {"a": [1, None, 2.5]}


@case
def the_handshake_is_hello(at):
    seen = []

    class Listening(Pyro5.api.Proxy):
        def _pyroValidateHandshake(self, response):
            seen.append(response)

    with Listening(str(at.uri)) as proxy:
        object.__setattr__(proxy, "_pyroSerializer", at.serializer)
        assert proxy.add(1, 2) == 3
    assert seen == ["hello"]


@case
def a_oneway_call_has_no_reply(at):
    """What comes next on the wire is the reply to the next call."""
    proxy = at.proxy()
    proxy._pyroBind()
    assert proxy._pyroInvoke("add", (1, 2), {}, flags=Pyro5.protocol.FLAGS_ONEWAY) is None
    assert proxy._pyroInvoke("add", (3, 4), {}) == 7


@case
def handshake_data_is_seen(at):
    seen = []

    class Listening(Pyro5.api.Proxy):
        def _pyroValidateHandshake(self, response):
            seen.append(response)

    for data in ("a password", 3, [1, "two"], {"user": "ada"}, None):
        with Listening(str(at.uri)) as proxy:
            proxy._pyroSerializer, proxy._pyroHandshake = at.serializer, data
            proxy._pyroBind()
    assert seen == [{"you said": data} for data in ("a password", 3, [1, "two"], {"user": "ada"}, None)]


@case
def a_handshake_may_be_refused(at):
    proxy = at.proxy()
    proxy._pyroHandshake = "refuse me"
    error = raised(proxy._pyroBind)
    assert type(error) is Pyro5.errors.CommunicationError
    assert str(error).endswith("rejected: you asked for it"), error
    # Whoever behaves is let in afterwards.
    proxy._pyroHandshake = "hello"
    assert proxy.add(1, 2) == 3


@case
def a_handshake_may_be_answered_with_nothing(at):
    proxy = at.proxy()
    proxy._pyroHandshake = "be silent"
    assert proxy.add(1, 2) == 3
