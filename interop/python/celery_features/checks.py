"""All checks, by the names of their features."""
ALL = {}


def feature(name):
    """What checks this feature. It raises where it does not hold."""

    def register(check):
        assert name not in ALL, name
        ALL[name] = check
        return check

    return register


import calling  # noqa: E402, F401
import options  # noqa: E402, F401
import outcomes  # noqa: E402, F401
import fields  # noqa: E402, F401
import results  # noqa: E402, F401
import routing  # noqa: E402, F401
import settings  # noqa: E402, F401
import values  # noqa: E402, F401
