"""Runs one case with the Python client: against a Python daemon, which shows that the case is right, and against ours.

client.py CASE SERIALIZERS THEIR_URI OUR_URI    (the URIs of the object `thing`)
client.py --list

A case that gives something has it compared: both daemons have to give the same, type by type.
"""

import faulthandler
import importlib.util
import pkgutil
import sys
import traceback

import Pyro5.api

import cases
from cases.support import CASES, At, described

for module in pkgutil.iter_modules(cases.__path__):
    __import__(f"cases.{module.name}")
# Where Pyro4 takes the place of Pyro5 there are more.
if importlib.util.find_spec("pyro4_cases"):
    import pyro4_cases  # noqa: F401


# Whatever takes longer than this hangs; then it is said where.
PATIENCE = 60


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(sorted(CASES)))
        return 0
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    name, serializers, theirs, ours = sys.argv[1:]
    case = CASES[name]
    for serializer in serializers.split(","):
        if case.serializers and serializer not in case.serializers:
            continue
        seen = []
        for who, uri in (("Pyro5", theirs), ("ours", ours)):
            at = At(uri, serializer, who == "ours")
            Pyro5.config.SERIALIZER = serializer
            try:
                seen.append(described(case.run(at)))
            except Exception:
                print(f"--- {name} with {serializer} against {who} fails:")
                traceback.print_exc(file=sys.stdout)
                print("".join(Pyro5.errors.get_pyro_traceback()))
                return 1
            finally:
                at.close()
        if seen[0] != seen[1]:
            print(f"--- {name} with {serializer}: the daemons differ")
            print(f"Pyro5 gives {seen[0]}")
            print(f"ours gives  {seen[1]}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
