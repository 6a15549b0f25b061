"""Celery's side of the table of features: clients that send to our worker, and workers that run what we send.

    python celery_features BROKER BACKEND

A line of JSON comes in for each feature that is to be checked, `{"feature": name, "queue": ours}`, and one goes out, `{"feature": name,
"error": null or text}`; `{"worker": name}` when a worker is ready. It ends when its input does.
"""
import json
import multiprocessing
import os
import signal
import sys
import traceback

import checks
import clients
import workers

CLIENTS = 4
# Workers print a banner, and other things; nothing of that is an answer.
OUT = os.dup(1)
os.dup2(2, 1)


def tell(**what):
    # In one go: other processes write to the same pipe.
    os.write(OUT, json.dumps(what).encode() + b"\n")


def client(broker, backend, features):
    place = clients.Place(broker, backend)
    while True:
        asked = features.get()
        try:
            checks.ALL[asked["feature"]](clients.Client(place, asked["queue"]))
            error = None
        except BaseException:
            error = traceback.format_exc()[-3000:]
        tell(feature=asked["feature"], error=error)


def main(broker, backend):
    tell(features=sorted(checks.ALL))
    context = multiprocessing.get_context("fork")
    features = context.SimpleQueue()
    for name in workers.NAMES:
        context.Process(target=workers.run, args=(name, broker, backend, tell), daemon=True).start()
    for _ in range(CLIENTS):
        context.Process(target=client, args=(broker, backend, features), daemon=True).start()
    for line in sys.stdin:
        features.put(json.loads(line))
    # Workers have children of their own.
    os.killpg(0, signal.SIGKILL)


main(*sys.argv[1:])
