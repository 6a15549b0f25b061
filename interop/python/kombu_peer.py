"""kombu on a broker: does what it is told, line by line, and answers each line with one.

    kombu_peer.py URL [TRANSPORT_OPTIONS]

Lines and answers are JSON. What fails is {"error": class, "message": text}.
"""

import json
import os
import socket
import sys

import kombu

url = sys.argv[1]
options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
connection = kombu.Connection(url, transport_options=options)
channel = None
consumer = None
got = []
messages = {}


def the_channel():
    global channel
    if channel is None:
        channel = connection.channel()
    return channel


def the_queue(told):
    kind = told.get("type", "direct")
    exchange = kombu.Exchange(told.get("exchange", told["queue"]), type=kind)
    arguments = {"expires": told["expires"]} if "expires" in told else {}
    queue = kombu.Queue(told["queue"], exchange, routing_key=told.get("key", told["queue"]),
                        auto_delete=told.get("auto_delete", False), max_priority=told.get("max_priority"), **arguments)
    return queue(the_channel())


def seen(message):
    return {
        "body": message.body if isinstance(message.body, str) else bytes(message.body).decode(),
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "headers": message.headers,
        "priority": message.properties.get("priority"),
        "correlation_id": message.properties.get("correlation_id"),
        "reply_to": message.properties.get("reply_to"),
        "delivery_mode": message.properties.get("delivery_mode"),
        "exchange": message.delivery_info.get("exchange"),
        "key": message.delivery_info.get("routing_key"),
        "redelivered": message.delivery_info.get("redelivered", False),
        "tag": message.delivery_tag,
    }


def arrived(message):
    messages[message.delivery_tag] = message
    got.append(seen(message))


def declare(told):
    the_queue(told).declare()


def publish(told):
    exchange = kombu.Exchange(told["exchange"], type=told["type"]) if told.get("type") else told["exchange"]
    if told.get("type"):
        exchange(the_channel()).declare()
    producer = kombu.Producer(the_channel(), auto_declare=False)
    for body in told["bodies"]:
        producer.publish(body, exchange=exchange, routing_key=told["key"], serializer=told.get("serializer", "json"),
                         priority=told.get("priority"), headers=told.get("headers", {}), **told.get("properties", {}))


def consume(told):
    global consumer
    queues = [the_queue(queue) for queue in told["queues"]]
    consumer = kombu.Consumer(the_channel(), queues=queues, on_message=arrived, accept=["json", "pickle"],
                              prefetch_count=told.get("prefetch", 0))
    consumer.consume()


def receive(told):
    """Until so many have come."""
    while len(got) < told["count"]:
        connection.drain_events(timeout=60)
    found, got[:] = got[:told["count"]], got[told["count"]:]
    return found


def nothing(told):
    """Whether nothing comes in some time."""
    try:
        connection.drain_events(timeout=told["seconds"])
    except socket.timeout:
        pass
    return len(got)


def settle(told):
    message = messages.pop(told["tag"])
    {"ack": message.ack, "reject": message.reject, "requeue": message.requeue}[told["how"]]()


def get(told):
    message = the_queue(told).get(no_ack=True)
    return None if message is None else seen(message)


def restore(told):
    """kombu's own look for what is held for too long."""
    the_channel().qos.restore_visible(num=None, interval=1)


def close(told):
    the_channel().close()


def die(told):
    os._exit(9)


what = {name: thing for name, thing in globals().items() if callable(thing)}
for line in sys.stdin:
    told = json.loads(line)
    try:
        answer = {"answer": what[told["do"]](told)}
    except Exception as error:  # noqa: BLE001: whoever asked is to know
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), flush=True)
