"""Messages as Pyro5 makes them, of Pyro4's protocol."""

from Pyro4.message import *  # noqa: F401,F403
from Pyro4.message import (  # noqa: F401
    FLAGS_BATCH,
    FLAGS_COMPRESSED,
    FLAGS_EXCEPTION,
    FLAGS_ITEMSTREAMRESULT,
    FLAGS_KEEPSERIALIZED,
    FLAGS_ONEWAY,
    MSG_CONNECT,
    MSG_INVOKE,
    MSG_PING,
    MSG_RESULT,
    Message,
)


class SendingMessage:
    def __init__(self, msgtype, flags, seq, serializer_id, payload, annotations=None):
        self.data = Message(msgtype, payload, serializer_id, flags, seq, annotations=annotations).to_bytes()

    @staticmethod
    def ping(connection):
        Message.ping(connection)


def recv_stub(connection, accepted=None):
    return Message.recv(connection, accepted)
