"""What most programs use."""

from Pyro4 import (  # noqa: F401
    Daemon,
    Proxy,
    URI,
    behavior,
    callback,
    config,
    current_context,
    expose,
    locateNS,
    oneway,
)
from Pyro4.core import SerializedBlob, _BatchProxyAdapter as BatchProxy  # noqa: F401
from Pyro4.util import SerializerBase  # noqa: F401

# A new proxy of Pyro4 throws away the annotations of the context.
_make = Proxy.__init__


def _make_quietly(self, *args, **kwargs):
    annotations = current_context.annotations
    _make(self, *args, **kwargs)
    current_context.annotations = annotations


Proxy.__init__ = _make_quietly

# Any thread may use a proxy of Pyro4.
Proxy._pyroClaimOwnership = lambda self: None
Proxy._pyroLocalSocket = property(lambda self: self._pyroConnection.sock.getsockname())

locate_ns = locateNS
register_class_to_dict = SerializerBase.register_class_to_dict
register_dict_to_class = SerializerBase.register_dict_to_class
unregister_class_to_dict = SerializerBase.unregister_class_to_dict
unregister_dict_to_class = SerializerBase.unregister_dict_to_class
