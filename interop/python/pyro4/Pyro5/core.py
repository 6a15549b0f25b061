from Pyro4.constants import DAEMON_NAME, NAMESERVER_NAME  # noqa: F401
from Pyro4.core import URI  # noqa: F401
