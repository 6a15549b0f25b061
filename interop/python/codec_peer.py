"""The reference side of the differential test of the codecs: Python's own serializers, asked over stdin and stdout.

Asked `values SEED FIRST COUNT CODEC...`, it makes values, describes them, and tells what the library makes of each:
the bytes, and what the library itself decodes from them, or the class of the exception that it refuses with. Asked
`decode COUNT`, it decodes bytes of the other side. Started with the argument `kombu`, it does so with kombu's serializers. Everything goes in fields: a length of four bytes, little-endian,
and the bytes.
"""

import marshal
import struct
import sys

import json
import msgpack
import serpent
from Pyro5.serializers import serializers

import kombu_codecs
import pickled
import xml_rpc
from describe import describe, describe_decoded
from random_values import Maker


serializers["pickle"] = pickled
serializers["xmlrpc"] = xml_rpc


KOMBU = sys.argv[1:] == ["kombu"]
if KOMBU:
    serializers = kombu_codecs.SERIALIZERS


def main():
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    while True:
        request = stdin.readline().decode().split()
        if not request:
            return
        fields = Fields()
        if request[0] == "values":
            seed, first, count = map(int, request[1:4])
            for index in range(first, first + count):
                tell_value(fields, seed, index, request[4:])
        elif request[0] == "decode":
            for _ in range(int(request[1])):
                codec, is_call, data = read_field(stdin).decode(), read_field(stdin), read_field(stdin)
                tell_decoded(fields, codec, bool(is_call), data)
        reply = fields.bytes()
        stdout.write(struct.pack("<I", len(reply)) + reply)
        stdout.flush()


def tell_value(fields, seed, index, codecs):
    """A value or a call, and what each of the serializers makes of it."""
    kind = kombu_codecs.KombuMaker if KOMBU else xml_rpc.XmlRpcMaker if codecs == ["xmlrpc"] else Maker
    maker = kind(seed << 32 | index)
    is_call = index % 5 == 0 and not KOMBU
    value = maker.call() if is_call else maker.value()
    fields.add(b"call" if is_call else b"value")
    fields.add(describe(value))
    for codec in codecs:
        serializer = serializers[codec]
        try:
            data = serializer.dumpsCall(*value) if is_call else serializer.dumps(value)
        except Exception as error:
            fields.refused(error)
            continue
        fields.add(b"done")
        fields.add(data)
        tell_decoded(fields, codec, is_call, data)
        others = [] if is_call else other_forms(codec, value, data, index)
        fields.add(b"%d" % len(others))
        for other in others:
            fields.add(other)
            tell_decoded(fields, codec, False, other)


def other_forms(codec, value, data, index):
    """What the library writes with other settings, or an older version of it wrote; now and then."""
    if KOMBU:
        return kombu_codecs.other_forms(codec, value, index)
    if index % 8 != 1:
        return []
    forms = []
    try:
        if codec == "xmlrpc":
            forms = xml_rpc.other_forms(data, index)
        elif codec == "marshal":
            plain = serializers[codec].convert_obj_into_marshallable(value)
            forms = [marshal.dumps(plain, version) for version in range(4)] + [data + b"trailing"]
        elif codec == "msgpack":
            pack = serializers[codec].default
            forms = [
                msgpack.packb(value, default=pack, use_single_float=True),
                msgpack.packb(value, default=pack, use_bin_type=False),
                msgpack.packb([value, msgpack.Timestamp(index, index * 1000)], default=pack),
                data + b"\xc0",
            ]
        elif codec == "json":
            default = serializers[codec].default
            forms = [
                json.dumps(value, default=default).encode(),
                json.dumps(value, default=default, indent=3).encode(),
                json.dumps(value, default=default, ensure_ascii=False, separators=(" ,", " :\t")).encode(),
                data + b" \n",
                data + b" x",
            ]
        elif codec == "pickle":
            forms = [pickled.dumps(value, protocol) for protocol in range(5)] + [data + b"trailing"]
        elif codec == "serpent":
            forms = [
                serpent.dumps(value, module_in_classname=True, bytes_repr=True),
                serpent.dumps(value, module_in_classname=True, indent=True),
                serpent.dumps(value, module_in_classname=True) + b"\n# comment\n",
            ]
    except Exception:
        pass  # Some of the other settings refuse what the usual ones write.
    return forms


def load(codec, data):
    """What the library decodes, before Pyro recreates classes."""
    if KOMBU:
        return serializers[codec].loads(data)
    if codec == "serpent":
        return serpent.loads(data)
    if codec == "marshal":
        return marshal.loads(data)
    if codec == "json":
        return json.loads(data.decode("utf-8"))
    if codec in ("pickle", "xmlrpc"):
        return serializers[codec].loads(data)
    return msgpack.unpackb(data, raw=False, ext_hook=serializers[codec].ext_hook)


def load_call(codec, data):
    """The parts of a call."""
    if codec == "xmlrpc":
        return xml_rpc.loads_call(data)
    call = load(codec, data)
    if codec == "json":
        return call["object"], call["method"], call["params"], call["kwargs"]
    obj, method, args, kwargs = call
    return obj, method, args, kwargs


def tell_decoded(fields, codec, is_call, data):
    try:
        value = load_call(codec, data) if is_call else load(codec, data)
        description = describe_decoded(value, nan_dicts=codec == "serpent", class_dicts=not KOMBU and codec not in ("pickle", "xmlrpc"))
    except Exception as error:
        fields.refused(error)
        return
    fields.add(b"done")
    fields.add(description)


class Fields:
    """Fields of a reply."""

    def __init__(self):
        self.parts = []

    def add(self, data):
        self.parts.append(struct.pack("<I", len(data)))
        self.parts.append(data)

    def refused(self, error):
        self.add(b"refused")
        self.add("{0.__module__}.{0.__qualname__}".format(type(error)).encode())
        self.add(str(error).encode("utf-8", "replace"))

    def bytes(self):
        return b"".join(self.parts)


def read_field(stream):
    (length,) = struct.unpack("<I", stream.read(4))
    return stream.read(length)


if __name__ == "__main__":
    main()
