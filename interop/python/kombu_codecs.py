"""kombu's serializers as the differential test of the codecs asks for them, and values of the kind that they carry."""

import json

import kombu.utils.json
import yaml
from kombu import serialization
from kombu.exceptions import DecodeError, EncodeError

from random_values import _TEXT_KEYS, _NUMBERS, _TIMES, Maker

serialization.enable_insecure_serializers(["json", "yaml", "msgpack"])

_PALETTES = {
    "json": (
        _NUMBERS + _TIMES + ("text", "text", "bytes", "surrogates", "huge", "aware", "time"),
        ("list", "tuple", "dict", "dict"),
        _TEXT_KEYS + _NUMBERS + ("surrogates",),
    ),
    "msgpack": (_NUMBERS + ("text", "text", "bytes"), ("list", "tuple", "dict", "dict"), _TEXT_KEYS * 4 + ("bytes",)),
    "yaml": (
        _NUMBERS + ("text", "text", "bytes", "huge", "datetime", "aware", "date"),
        ("list", "tuple", "set", "dict", "dict"),
        _TEXT_KEYS + _NUMBERS + ("bytes", "date", "datetime"),
    ),
    "all": (
        _NUMBERS + _TIMES + ("text", "bytes", "surrogates", "huge", "complex", "bytearray", "timedelta", "time", "aware"),
        ("list", "tuple", "set", "frozenset", "dict"),
        _TEXT_KEYS + _NUMBERS + _TIMES + ("bytes",),
    ),
}

# What looks like something else, to JSON's types or to YAML.
_LOOKS = ("yes", "No", "null", "~", "0x1F", "012", "1_000", "12:30", "1.5e3", "1e5", ".inf", "2026-01-02", "<<", "=", "- a", "a: b")
_LOOKS += ("__type__", "__value__", "&a", "*a", "!x", "| x", "> x", "%x", "@x", "# x", " x", "x ", "x\n", "\n", "", "---", "...", "?")


class KombuMaker(Maker):
    """Values without instances of classes."""

    def value(self):
        self.scalars, self.containers, self.keys = _PALETTES[self.random.choice(sorted(_PALETTES))]
        return self.scalar(self.scalars) if self.random.random() < 0.15 else self.container(0)

    def make_text(self, depth=0):
        return self.random.choice(_LOOKS) if self.random.random() < 0.2 else super().make_text(depth)

    text = make_text


def _cause(error):
    return error.__cause__ or error.__context__ or error


class Serializer:
    """One of kombu's."""

    def __init__(self, name):
        self.name = name

    def dumps(self, value):
        try:
            data = serialization.dumps(value, serializer=self.name)[2]
        except EncodeError as error:
            raise _cause(error) from None
        return data.encode("utf-8") if isinstance(data, str) else data

    def loads(self, data):
        content_type = serialization.registry.name_to_type[self.name]
        encoding = "utf-8" if self.name in ("json", "yaml") else "binary"
        if self.name == "yaml" and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            # A mark says what it is, to PyYAML; a message would say so by this.
            encoding = "binary"
        if not data:
            return {"json": None, "yaml": None}.get(self.name)
        try:
            return serialization.loads(data, content_type, encoding, force=True)
        except DecodeError as error:
            raise _cause(error) from None


SERIALIZERS = {name: Serializer(name) for name in ("json", "msgpack", "yaml")}


def other_forms(name, value, index):
    """The same value as other settings write it; now and then."""
    forms = []
    if name == "yaml":
        # Text that is not escaped, and block scalars that are empty, are other things in YAML 1.2, which our parser reads: there U+0085 and
        # U+2028 end no line. kombu writes neither.
        styles = [
            {"default_flow_style": True, "width": 30},
            {"default_style": '"'},
            {"default_style": "'", "width": 20},
            {"canonical": True},
            {"explicit_start": True, "explicit_end": True, "indent": 6, "sort_keys": False},
            {"encoding": "utf-16-le"},
            {"encoding": "utf-16-be"},
        ]
        try:
            form = yaml.safe_dump(value, **styles[index % len(styles)])
            forms = [form if isinstance(form, bytes) else form.encode("utf-8", "surrogatepass")]
        except Exception:
            pass
    elif name == "json":
        cls = kombu.utils.json.JSONEncoder
        try:
            forms = [json.dumps(value, cls=cls, ensure_ascii=False, indent=index % 4).encode()]
        except Exception:
            pass
    return forms
