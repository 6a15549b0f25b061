from Pyro4.core import Daemon, behavior, callback, expose, oneway  # noqa: F401
