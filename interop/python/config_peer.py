"""What Pyro5 makes of settings: for each line of JSON, an object of environment variables, the settings that differ from the
defaults, or the error, as a line of JSON."""

import json
import os
import sys

import Pyro5

DEFAULTS = {**Pyro5.config.as_dict()}


def main():
    for line in sys.stdin:
        variables = json.loads(line)
        for name in [name for name in os.environ if name.startswith("PYRO_")]:
            del os.environ[name]
        os.environ.update(variables)
        try:
            Pyro5.config.reset()
            lines = Pyro5.config.dump().split("Currently active global configuration settings:\n")[1].split("\n")
            print(json.dumps({"lines": lines}), flush=True)
        except ValueError as error:
            print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    main()
