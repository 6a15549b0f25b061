from Pyro4.errors import *  # noqa: F401,F403
from Pyro4.errors import (  # noqa: F401
    CommunicationError,
    ConnectionClosedError,
    DaemonError,
    MessageTooLargeError,
    NamingError,
    ProtocolError,
    PyroError,
    SecurityError,
    SerializeError,
    TimeoutError,
)
from Pyro4.util import getPyroTraceback as get_pyro_traceback  # noqa: F401
