from Pyro4.core import Proxy  # noqa: F401
