"""Checks the OpenRPC document on its standard input by OpenRPC's meta schema and by the models of python-openrpc, and its schemas by the meta
schema of JSON Schema.
"""

import json
import pathlib
import sys

import jsonschema
from jsonschema_specifications import REGISTRY
from openrpc import OpenRPC
from referencing.jsonschema import DRAFT7

document = json.load(sys.stdin)

META = pathlib.Path(__file__).parent.parent / "vendored/openrpc/schema.json"
meta = json.loads(META.read_text())
# The release leaves out which versions there are.
meta["properties"]["openrpc"]["enum"] = ["1.3.2"]
# It names the meta schema of JSON Schema by an address of its own.
json_schema = {
    "allOf": [{"$ref": "http://json-schema.org/draft-07/schema#"}],
    "definitions": {"JSONSchemaObject": {"properties": {"$ref": {"type": "string"}}}},
}
known = [(f"https://meta.json-schema.tools{end}", DRAFT7.create_resource(json_schema)) for end in ("", "/")]
jsonschema.Draft7Validator(meta, registry=REGISTRY.with_resources(known)).validate(document)

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
