"""Times Python's serializers: answers `time ITEM CODEC encode|decode SECONDS` with `done NANOSECONDS`.

    codecs.py client corpus=FILE [cpu=N]

The file is a dict of the items, by marshal. The serializers are called as Pyro5 calls them, without its hooks.
"""

import itertools
import json
import marshal
import os
import sys
import time

import msgpack
import serpent

CODECS = {
    "serpent": (lambda x: serpent.dumps(x, module_in_classname=True), serpent.loads),
    "marshal": (marshal.dumps, marshal.loads),
    "json": (lambda x: json.dumps(x, ensure_ascii=False).encode("utf-8"), lambda data: json.loads(data.decode("utf-8"))),
    "msgpack": (lambda x: msgpack.packb(x, use_bin_type=True), lambda data: msgpack.unpackb(data, raw=False)),
}


def repeat(once, argument, seconds):
    each = 1
    while True:
        start = time.perf_counter()
        for _ in itertools.repeat(None, each):
            once(argument)
        took = time.perf_counter() - start
        if took >= seconds:
            return took * 1e9 / each
        each = max(each + 1, min(each * 100, int(each * seconds / max(took, 1e-9) * 1.1)))


def main():
    args = dict(arg.split("=", 1) for arg in sys.argv[2:])
    if "cpu" in args:
        os.sched_setaffinity(0, {int(args["cpu"])})
    with open(args["corpus"], "rb") as file:
        corpus = marshal.load(file)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            _, item, codec, way, seconds = line.split()
            encode, decode = CODECS[codec]
            if way == "encode":
                took = repeat(encode, corpus[item], float(seconds))
            else:
                took = repeat(decode, encode(corpus[item]), float(seconds))
            print("done", took, flush=True)
        except Exception as x:
            print("failed", type(x).__name__, str(x).replace("\n", " "), flush=True)


main()
