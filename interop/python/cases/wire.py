"""What depends on the settings of either side: compression, sizes, limits, addresses."""

import Pyro5.api
import Pyro5.errors

from .support import case, gave, raised


@case
def compressed_requests_are_read(at):
    Pyro5.config.COMPRESSION = True
    try:
        data = {"text": "abc" * 10000, "list": list(range(1000))}
        assert at.proxy().echo(data) == data
    finally:
        Pyro5.config.COMPRESSION = False


@case
def compressed_replies_are_sent_where_the_daemon_is_told_to(at):
    proxy = at.proxy()
    proxy._pyroBind()
    received = []
    receive = proxy._pyroConnection.recv
    proxy._pyroConnection.recv = lambda size: received.append(size) or receive(size)
    text = "abc" * 10000
    assert proxy.echo(text) == text
    assert sum(received) < len(text) / 2, "the reply is compressed"
    received.clear()
    assert proxy.echo("short") == "short"


@case
def compression_and_annotations_go_together(at):
    proxy = at.proxy()
    Pyro5.config.COMPRESSION = True
    Pyro5.api.current_context.annotations = {"TEST": b"z" * 500}
    try:
        assert proxy.context()["annotations"]["TEST"] == [122] * 500
    finally:
        Pyro5.config.COMPRESSION = False


@case
def a_request_beyond_the_daemons_limit_closes_the_connection(at):
    proxy = at.proxy()
    proxy._pyroBind()
    assert isinstance(raised(proxy.size, "x" * 300_000), Pyro5.errors.CommunicationError)
    assert at.proxy().size("x" * 1000) == 1000


@case
def a_reply_beyond_the_daemons_limit_is_not_sent(at):
    """Pyro5 closes the connection; ours tells what is wrong, and the connection lives."""
    proxy = at.proxy()
    error = raised(proxy.repeat, "x", 300_000)
    assert isinstance(error, Pyro5.errors.CommunicationError), repr(error)
    assert at.proxy().repeat("x", 3) == "xxx"


@case
def a_request_beyond_the_clients_own_limit_is_not_sent(at):
    proxy = at.proxy()
    proxy._pyroBind()
    before, Pyro5.config.MAX_MESSAGE_SIZE = Pyro5.config.MAX_MESSAGE_SIZE, 1000
    try:
        error = raised(proxy.size, "x" * 2000)
        assert isinstance(error, Pyro5.errors.ProtocolError)
        # In Pyro4's words, or in Pyro5's.
        assert "max message size exceeded" in str(error) or "message too large" in str(error)
    finally:
        Pyro5.config.MAX_MESSAGE_SIZE = before
    assert proxy.size("x" * 2000) == 2000


@case
def the_address_is_one_of_ipv6(at):
    proxy = at.proxy()
    assert proxy.add(1, 2) == 3
    assert proxy._pyroUri.host == "::1" and proxy.context()["client"] == "::1"


@case
def a_socket_file_is_an_address(at):
    proxy = at.proxy()
    assert proxy.add(1, 2) == 3
    assert proxy._pyroUri.sockname
    # There is no address to tell; what Pyro5 gives for it is the file's name or nothing.
    assert not proxy.context()["port"]


@case
def uris_carry_the_outer_address_where_there_is_one(at):
    """Set-up by NATHOST and NATPORT; the client still goes where it is told."""
    proxy = at.proxy(Pyro5.core.DAEMON_NAME)
    assert "NAT outer.example:4321," in proxy.info()


@case
def messages_are_logged_without_harm(at):
    """With LOGWIRE on."""
    proxy = at.proxy()
    assert proxy.echo({"a": b"b", "c": [1]} if at.serializer == "marshal" else {"c": [1]})["c"] == [1]
    assert type(gave(proxy.divide, 1, 0)) is ZeroDivisionError


@case
def a_silent_connection_is_closed_after_the_daemons_timeout(at):
    """With COMMTIMEOUT set for the daemon."""
    proxy = at.proxy()
    assert proxy.add(1, 2) == 3
    proxy._pyroConnection.sock.settimeout(20)
    assert proxy._pyroConnection.sock.recv(1) == b""
    proxy._pyroRelease()
    assert proxy.add(3, 4) == 7
