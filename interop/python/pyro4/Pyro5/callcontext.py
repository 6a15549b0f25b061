from Pyro4.core import current_context  # noqa: F401
