"""Workflows of Python's that our program looks at and cancels.

worker URL: works until it is ended; a task of it that holds is ended with its process.
send URL: sends a chain of three and a group in a chain; prints the id of the first task of each, and the ids of their results.
"""
import os
import sys
import time
import warnings

from celery import Celery, group

warnings.simplefilter("ignore")
what, url = sys.argv[1:]
app = Celery("trees", broker=url, backend=url)
app.conf.update(
    worker_prefetch_multiplier=1,
    result_extended=True,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.05},
)


@app.task(name="tasks.add")
def add(x, y):
    return x + y


@app.task(name="tasks.xsum")
def xsum(numbers):
    return sum(numbers)


@app.task(name="tasks.hold")
def hold(x=0):
    time.sleep(3600)


def first(result):
    while result.parent:
        result = result.parent
    return result


if what == "worker":
    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle",
                     "--without-heartbeat"])
else:
    chain = (add.s(1, 1) | add.s(2) | add.s(3)).apply_async()
    fan = (add.s(1, 1) | group(add.s(2), add.s(3))).apply_async()
    print(first(chain).id, chain.id, first(fan).id, fan.id, flush=True)
    # Results that are not used any more would connect once more while Python ends.
    os._exit(0)
