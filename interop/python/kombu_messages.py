"""Messages through kombu itself: asked over stdin, a line of JSON each, it answers a line of JSON.

{"do": "make", "value": V, "serializer": S, "compression": C} gives the envelope, as text in "envelope";
{"do": "read", "envelope": E} gives what kombu's message holds: its payload, headers and properties.
"""

import json
import sys

import kombu
from kombu import serialization
from kombu.transport import memory, virtual
from kombu.utils import json as kombu_json

serialization.enable_insecure_serializers()
sent = []


class Channel(memory.Channel):
    def _put(self, queue, message, **kwargs):
        sent.append(kombu_json.dumps(message))


class Transport(memory.Transport):
    Channel = Channel


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
            else:
                message = virtual.Message(kombu_json.loads(request["envelope"]), channel=channel)
                if message.errors:
                    message._reraise_error()
                answer = {
                    "payload": kombu_json.dumps(message.payload),
                    "headers": message.headers,
                    "correlation_id": message.properties["correlation_id"],
                    "priority": message.properties["priority"],
                    "delivery_tag": message.delivery_tag,
                }
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
