"""Canvases that run: a worker of Celery's, and a client that sends what recipes say and tells what came of it.

worker BROKER[|BACKEND]: works until it is ended.
client BROKER[|BACKEND]: for each line, a list of {"recipe", "watch"}, sends all of them, then writes the list of what they gave and of what became
of the tasks whose ids are watched.
"""
import json
import os
import re
import sys
import warnings

from celery import Celery

from celery_canvas_recipes import made

warnings.simplefilter("ignore")
what, broker = sys.argv[1:]
broker, _, backend = broker.partition("|")
app = Celery("workflows", broker=broker, backend=backend or broker)
app.conf.update(
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.05},
)
app.set_current()


@app.task(name="tasks.add")
def add(x, y):
    return x + y


@app.task(name="tasks.mul")
def mul(x, y):
    return x * y


@app.task(name="tasks.xsum")
def xsum(numbers):
    return sum(numbers)


@app.task(name="tasks.same")
def same(x):
    return x


@app.task(name="tasks.constant")
def constant():
    return 7


@app.task(name="tasks.fail")
def fail(*args):
    raise ValueError("broken")


@app.task(name="tasks.failed")
def failed(task_id):
    return "failed"


@app.task(name="tasks.retry", bind=True, max_retries=3)
def retry(self, x):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return x


def alone(result):
    """A result that does not look at what came before it: that may have failed with something else."""
    result.parent = None
    return result


def told(get):
    """A result, or what it raised, without ids."""
    try:
        return get()
    except Exception as error:
        text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", str(error))
        return {"raises": type(error).__name__, "text": text}


if what == "worker":
    app.worker_main(["worker", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle",
                     "--without-heartbeat"])
else:
    for line in sys.stdin:
        sent = [(alone(made(row["recipe"]).apply_async()), row["watch"]) for row in json.loads(line)]
        results = [[told(lambda: result.get(timeout=60)),
                    [told(lambda: app.AsyncResult(watched).get(timeout=60)) for watched in watch]]
                   for result, watch in sent]
        print(json.dumps(results), flush=True)
    # Results that are not used any more would connect once more while Python ends.
    os._exit(0)
