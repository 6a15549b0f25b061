"""Pyro4 under the names that Pyro5 gave the same things, so that both run the same cases and serve the same objects.

With the folder of this package first in the path, `import Pyro5` gives Pyro4: nothing of Pyro5 is there then. What Pyro4 has no counterpart
of is missing here too, and cases that need it are left out by name.
"""

import warnings

warnings.simplefilter("ignore", DeprecationWarning)

from Pyro4 import config  # noqa: E402,F401

__version__ = "Pyro4"

from . import api, callcontext, client, core, errors, protocol, serializers, server  # noqa: E402,F401
