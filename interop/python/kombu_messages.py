"""Messages through kombu itself: asked over stdin, a line of JSON each, it answers a line of JSON.

{"do": "make", "value": V, "serializer": S, "compression": C} gives the envelope, as text in "envelope";
{"do": "read", "envelope": E} gives what kombu's message holds: its payload, headers and properties.
{"do": "random", "seed": N} makes a message at random, and gives its envelope and what kombu reads in it.
{"do": "compressed", "seed": N} gives random data as Python's libraries compress it, whole and damaged, and what they read in each.
"""

import base64
import bz2
import json
import lzma
import random
import sys
import zlib

import kombu
from kombu import compression, serialization
from kombu.transport import memory, virtual
from kombu.utils import json as kombu_json

serialization.enable_insecure_serializers()
sent = []


class Channel(memory.Channel):
    def _put(self, queue, message, **kwargs):
        sent.append(kombu_json.dumps(message))


class Transport(memory.Transport):
    Channel = Channel


NAMES = ("name", "é", "", "task", "x" * 40, "\U0001f98e", "__type__", "a b", 'quo"te', "$class")


def text(rnd):
    return rnd.choice(NAMES) + "".join(rnd.choice("abc é\n\t\\'\"\u2028\U0001f600:-[{") for _ in range(rnd.randrange(12)))


def value(rnd, depth=0):
    kinds = ["none", "bool", "int", "large", "float", "text"] + ["list", "dict"] * (2 if depth < 4 else 0)
    kind = rnd.choice(kinds)
    if kind == "none":
        return None
    if kind == "bool":
        return rnd.random() < 0.5
    if kind == "int":
        return rnd.randrange(-200, 200)
    if kind == "large":
        return rnd.choice((1, -1)) * (1 << rnd.randrange(63))
    if kind == "float":
        return rnd.choice((0.5, -2.25, 1e300, 1e-7, 3.0, -0.0, rnd.random()))
    if kind == "text":
        return text(rnd)
    if kind == "list":
        return [value(rnd, depth + 1) for _ in range(rnd.randrange(5))]
    return {text(rnd): value(rnd, depth + 1) for _ in range(rnd.randrange(5))}


def make_random(producer, rnd):
    options = {
        "correlation_id": text(rnd), "reply_to": text(rnd), "priority": rnd.randrange(10), "delivery_mode": rnd.choice((1, 2)),
        "expiration": rnd.choice((1, 0.25, 60)), "message_id": text(rnd), "type": text(rnd), "app_id": text(rnd),
        "user_id": text(rnd), "timestamp": rnd.randrange(1 << 31),
    }
    options = {name: option for name, option in options.items() if rnd.random() < 0.5}
    headers = {text(rnd) or "h": value(rnd, 2) for _ in range(rnd.randrange(4))}
    serializer = rnd.choice(("json", "msgpack", "yaml", "pickle"))
    compression = rnd.choice((None, "zlib", "bzip2", "lzma", "zstd", "brotli"))
    producer.publish(value(rnd), serializer=serializer, compression=compression, routing_key="queue", headers=headers, **options)
    return sent.pop()


def read(envelope, channel):
    message = virtual.Message(kombu_json.loads(envelope), channel=channel)
    if message.errors:
        message._reraise_error()
    return {
        "payload": kombu_json.dumps(message.payload, sort_keys=True),
        "headers": message.headers,
        "correlation_id": message.properties.get("correlation_id"),
        "priority": message.properties.get("priority"),
        "delivery_tag": message.delivery_tag,
        "properties": message.properties,
        "content": [message.content_type, message.content_encoding],
    }


def streams(rnd):
    """Ways in which data may be compressed, by the name of the compression."""
    from backports import zstd

    import brotli

    data = b"".join(rnd.choice((b"some text, ", b"more of it; ", bytes(range(256)), b"x" * 300)) for _ in range(rnd.randrange(200)))
    cut = rnd.randrange(len(data) + 1)

    def chunked(compressor, **flushing):
        return compressor.compress(data[:cut]) + compressor.flush(**flushing) + compressor.compress(data[cut:]) + compressor.flush()

    level = rnd.randrange(1, 20)
    parameter = zstd.CompressionParameter
    yield "zstd", zstd.compress(data, level)
    yield "zstd", chunked(zstd.ZstdCompressor(level), mode=zstd.ZstdCompressor.FLUSH_BLOCK)
    yield "zstd", chunked(zstd.ZstdCompressor(level), mode=zstd.ZstdCompressor.FLUSH_FRAME)
    yield "zstd", zstd.compress(data, options={parameter.checksum_flag: 1, parameter.compression_level: level})
    yield "zstd", zstd.compress(data, options={parameter.content_size_flag: 0})
    yield "zstd", chunked(zstd.ZstdCompressor(options={parameter.window_log: rnd.randrange(10, 28)}), mode=zstd.ZstdCompressor.FLUSH_BLOCK)
    skip = bytes([0x50 + rnd.randrange(16)]) + b"\x2a\x4d\x18" + cut.to_bytes(4, "little") + data[:cut]
    yield "zstd", skip + zstd.compress(data[cut:]) + skip + zstd.compress(data[:cut])
    yield "zlib", zlib.compress(data, rnd.randrange(10))
    compressor = zlib.compressobj(rnd.randrange(10), wbits=rnd.randrange(9, 16))
    yield "zlib", compressor.compress(data[:cut]) + compressor.flush(zlib.Z_SYNC_FLUSH) + compressor.compress(data[cut:]) + compressor.flush()
    yield "bzip2", bz2.compress(data, rnd.randrange(1, 10))
    yield "bzip2", bz2.compress(data[:cut]) + bz2.compress(data[cut:])
    for check in (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256):
        yield "lzma", lzma.compress(data, check=check, preset=rnd.randrange(7))
    yield "lzma", lzma.compress(data[:cut]) + lzma.compress(data[cut:])
    yield "lzma", lzma.compress(data, format=lzma.FORMAT_ALONE)
    yield "brotli", brotli.compress(data, quality=rnd.randrange(12), lgwin=rnd.randrange(10, 25))
    compressor = brotli.Compressor(quality=rnd.randrange(12))
    yield "brotli", compressor.process(data[:cut]) + compressor.flush() + compressor.process(data[cut:]) + compressor.finish()


def compressed(rnd):
    cases = []
    for name, body in streams(rnd):
        damaged = bytearray(body)
        damaged[rnd.randrange(len(body))] ^= 1 << rnd.randrange(8)
        for how, form in (("whole", body), ("cut", body[: rnd.randrange(len(body))]), ("damaged", bytes(damaged))):
            try:
                plain = compression.decompress(form, name)
            except Exception:
                plain = None
            cases.append([name, how, *(part if part is None else base64.b64encode(part).decode() for part in (form, plain))])
    return cases


def main():
    connection = kombu.Connection(transport=Transport)
    channel = connection.channel()
    producer = kombu.Producer(channel)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "make":
                value = kombu_json.loads(request["value"])
                producer.publish(
                    value,
                    serializer=request["serializer"],
                    compression=request["compression"],
                    routing_key="queue",
                    correlation_id="1",
                    headers={"own": [1, None, "é"]},
                    priority=3,
                )
                answer = {"envelope": sent.pop()}
            elif request["do"] == "random":
                envelope = make_random(producer, random.Random(request["seed"]))
                answer = {"envelope": envelope, **read(envelope, channel)}
            elif request["do"] == "compressed":
                answer = {"cases": compressed(random.Random(request["seed"]))}
            else:
                answer = read(request["envelope"], channel)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
