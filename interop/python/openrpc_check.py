"""Checks the OpenRPC document on its standard input by the models of python-openrpc, and its schemas by the meta schema of JSON Schema."""

import json
import sys

import jsonschema
from openrpc import OpenRPC

document = json.load(sys.stdin)
model = OpenRPC.model_validate(document)
known = model.model_dump(by_alias=True, exclude_unset=True, mode="json")


def check(given, known, path="$"):
    """The models pass over fields that they do not know; then they are not there any more."""
    if isinstance(given, dict) and path.endswith(".schema"):
        jsonschema.Draft7Validator.check_schema(given)
    elif isinstance(given, dict):
        for name, value in given.items():
            if name.startswith("x-"):
                continue
            if name not in known:
                sys.exit(f"{path} has no {name}")
            check(value, known[name], f"{path}.{name}")
    elif isinstance(given, list):
        if len(given) != len(known):
            sys.exit(f"{path} has lost something")
        for index, (one, other) in enumerate(zip(given, known)):
            check(one, other, f"{path}[{index}]")
    elif given != known:
        sys.exit(f"{path}: {given!r} is read as {known!r}")


check(document, known)
names = [method["name"] for method in document["methods"]]
if len(set(names)) != len(names):
    sys.exit("a name is there twice")
print(len(names), "methods")
