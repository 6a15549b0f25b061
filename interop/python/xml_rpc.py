"""XML-RPC as a serializer beside Pyro's, for the differential test: values alone, calls, and the same in other forms."""

import random
import re
import xmlrpc.client

from random_values import Maker, PALETTES, _NAMES

_BEFORE = "<params>\n<param>\n"
_AFTER = "</param>\n</params>\n"
_SCALARS = ("none", "bool", "int", "int", "float", "text", "text", "text", "bytes", "bytearray", "datetime")
_REFUSED = ("complex", "decimal", "date", "time", "timedelta", "uuid", "huge", "surrogates", "aware")
PALETTES["xmlrpc"] = (_SCALARS, ("list", "tuple", "dict", "dict"), ("text",))
_OTHERS = (_SCALARS + _REFUSED, ("list", "dict", "set", "frozenset"), ("text",) * 4 + ("int", "bytes", "none"))


class XmlRpcMaker(Maker):
    """Mostly values that XML-RPC carries."""

    def value(self):
        palette = _OTHERS if self.random.random() < 0.1 else PALETTES["xmlrpc"]
        self.scalars, self.containers, self.keys = palette
        return self.scalar(self.scalars) if self.random.random() < 0.2 else self.container(0)

    def call(self):
        args = tuple(self.value() for _ in range(self.random.choice((0, 1, 1, 2, 3))))
        kwargs = {"x": 1} if self.random.random() < 0.02 else {}
        return self.random.choice(_NAMES), self.random.choice(_NAMES), args, kwargs

    def make_int(self, depth):
        number = super().make_int(depth)
        return number if self.random.random() < 0.01 else (number + 2**31) % 2**32 - 2**31

    def make_text(self, depth=0):
        text = super().make_text(depth)
        if self.random.random() < 0.02:
            return text
        return re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "&<", text)

    text = make_text


def _encoded(text):
    return text.encode("utf-8", "xmlcharrefreplace")


def dumps(value):
    text = xmlrpc.client.dumps((value,), allow_none=True)
    return _encoded(text[len(_BEFORE) : -len(_AFTER)])


def dumpsCall(obj, method, vargs, kwargs):
    if kwargs:
        raise TypeError("no keyword arguments")
    return _encoded(xmlrpc.client.dumps(vargs, f"{obj}.{method}", allow_none=True))


def loads(data):
    parser, unmarshaller = xmlrpc.client.getparser(use_builtin_types=True)
    parser.feed(data)
    parser.close()
    if len(unmarshaller._stack) != 1:
        raise ValueError("more than one value" if unmarshaller._stack else "the data ends in the middle of a value")
    return unmarshaller._stack[0]


def loads_call(data):
    params, method = xmlrpc.client.loads(data, use_builtin_types=True)
    obj, _, method = method.rpartition(".")
    return obj, method, list(params), None


_PIECES = (
    "<", ">", "/", "&", ";", "&#13;", "&#x41;", "&#0;", "&amp;", "&quot;", "&no;", "<!--", "-->", "<!-- x -->", "--", "<?x y?>", "?>", "<![CDATA[",
    "]]>", "<![CDATA[<a>]]>", "\r", "\r\n", "\n", "\t", " ", "x", "-", "_", ":", "\"", "'", "=", " a='1'", " a=\"<\"", "\0", "\x01", "é", "\ufffe",
    "\U0001f600", "<value>", "</value>", "<int>", "</int>", "<i8>12</i8>", "<nil/>", "<x:nil/>", "<value/>", "<foo/>", "<foo>", "</foo>", "<name>",
    "<string>", "<boolean>", "<boolean>1</boolean>", "<value><array><data/></array></value>", "<struct>", "</struct>", "<array>", "</array>", "<member>",
    "<double>1_0e1</double>", "<int> +1_2 </int>", "<int>\u0663</int>", "<base64>YW=Jj</base64>", "<base64>Y</base64>", "<bigdecimal>1.50</bigdecimal>",
    "<dateTime.iso8601>19980717T14:08:55</dateTime.iso8601>", "<dateTime.iso8601>1998717T1:2:3</dateTime.iso8601>", "<?xml version='1.0'?>", "]", "]]",
    "<!", "<?", "</", "&#", "&#x", "<float>inf</float>", "<i1>1</i1>", "<biginteger>123456789012345678901</biginteger>", "<a:int>1</a:int>", "0", "T",
)
_TAGS = ("i1", "i2", "i4", "i8", "int", "biginteger", "double", "float", "bigdecimal", "string", "name", "base64", "boolean", "nil", "ex:i8", "foo", "value")


def other_forms(data, index):
    """Other documents of the same value, and documents that went wrong on their way."""
    rng = random.Random(index)
    text = data.decode()
    plain = re.sub("<string>(.*?)</string>", r"\1", text, flags=re.S)
    forms = [
        plain.encode(),
        ("<?xml version='1.0'?>" + text).encode(),
        ('<?xml version="1.0" encoding="utf-16"?>' + text).encode("utf-16"),
        ("<?xml version='1.0' encoding='iso-8859-1'?>" + text).encode("iso-8859-1", "xmlcharrefreplace"),
        ("<?xml version='1.0' encoding='us-ascii'?>" + text).encode("ascii", "xmlcharrefreplace"),
        b"\xef\xbb\xbf" + data,
        text.replace("\n", rng.choice(("", "\r\n", "\r", "\n<!-- < & -->\n", " <?x?>"))).encode(),
        re.sub("(</?)(int|double|string|boolean)>", lambda m: m[1] + rng.choice(_TAGS) + ">", text).encode(),
        re.sub("<(/?)(int|double|string|boolean)>", rf"<\1{rng.choice(_TAGS)}>", text).encode(),
    ]
    for _ in range(12):
        spoilt = text
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            at = rng.randrange(len(spoilt) + 1)
            chance = rng.random()
            if chance < 0.5:
                spoilt = spoilt[:at] + rng.choice(_PIECES) + spoilt[at:]
            elif chance < 0.6:
                spoilt = spoilt[:at]
            elif chance < 0.8:
                spoilt = spoilt[:at] + spoilt[at + rng.choice((1, 1, 2, 10)) :]
            else:
                spoilt = spoilt[:at] + rng.choice(_PIECES) + spoilt[at + rng.choice((1, 1, 2, 10)) :]
        form = spoilt.encode()
        if rng.random() < 0.05:
            at = rng.randrange(len(form) + 1)
            form = form[:at] + rng.randbytes(1) + form[at:]
        forms.append(form)
    return forms
