"""Canvases that run: a worker of Celery's, and a client that sends what recipes say and tells what came of it.

worker BROKER BACKEND: works until it is ended.
client BROKER BACKEND: for each line, a list of {"recipe", "how", "watch"}, sends all of them, then writes the list of what they gave,
asked for in this way, and of what became of the tasks whose ids are watched.
groups BROKER BACKEND: for each line, {"save": recipe} gives the id of a group that is sent and kept, {"restore": id} what it gave.
"""
import json
import os
import re
import sys
import time
import warnings

from celery import Celery
from celery.result import GroupResult, result_from_tuple

from celery_canvas_recipes import made

warnings.simplefilter("ignore")
what, broker, backend = sys.argv[1:]
app = Celery("workflows", broker=broker, backend=backend)
app.conf.update(
    worker_prefetch_multiplier=8,
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


@app.task(name="tasks.replaced", bind=True)
def replaced(self, *args):
    *given, recipe = args
    raise self.replace(made(recipe).clone(given))


@app.task(name="tasks.adds", bind=True)
def adds(self, recipe, x):
    self.add_to_chord(made(recipe))
    return x


@app.task(name="tasks.spawns")
def spawns(recipes, x):
    for recipe in recipes:
        made(recipe).apply_async()
    return x


@app.task(name="tasks.stamps", bind=True)
def stamps(self, *args):
    return dict(self.request.stamps or {})


@app.task(name="tasks.nesting", bind=True)
def nesting(self):
    return self.request.replaced_task_nesting


def parents(result):
    """A result and all that it follows, the first one first."""
    all_ = []
    while result is not None:
        all_.insert(0, result)
        result = result.parent
    return all_


def counted(result):
    """How far a group is that has come to its end."""
    while not result.ready():
        time.sleep(0.05)
    return [result.ready(), result.successful(), result.failed(), result.waiting(), result.completed_count()]


def saved(result):
    """A group that was kept, found, and forgotten."""
    result.save()
    found = GroupResult.restore(result.id, app=app)
    gave = found.get(timeout=60)
    found.delete()
    app.backend._cache.clear()
    return [gave, GroupResult.restore(result.id, app=app)]


def forgotten(result):
    """A result, and the state when it is forgotten."""
    gave = result.get(timeout=60)
    result.forget()
    return [gave, app.AsyncResult(result.id).state]


HOW = {
    "get": lambda result: alone(result).get(timeout=60),
    "join": lambda result: result.join(timeout=60),
    "join_native": lambda result: result.join_native(timeout=60),
    "completed": lambda result: sorted(meta["result"] for _, meta in result.iter_native(timeout=60)),
    "saved": saved,
    "tuple": lambda result: alone(result_from_tuple(json.loads(json.dumps(result.as_tuple())), app)).get(timeout=60),
    "parents": lambda result: [one.get(timeout=60) for one in parents(result)],
    "counted": counted,
    "collect": lambda result: [value for _, value in result.collect(timeout=60)],
    "collect from the first": lambda result: [value for _, value in parents(result)[0].collect(timeout=60)],
    "leaf": lambda result: result.get_leaf(),
    "forgotten": forgotten,
}


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
    # A worker of ours may have the name that it would have.
    app.worker_main(["worker", "--hostname=python@%h", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle",
                     "--without-heartbeat"])
elif what == "groups":
    for line in sys.stdin:
        asked = json.loads(line)
        if "save" in asked:
            group = made(asked["save"]).apply_async()
            group.save()
            answer = group.id
        else:
            group = GroupResult.restore(asked["restore"], app=app)
            answer = group and [group.id, group.parent and alone(group.parent).get(timeout=60), group.get(timeout=60)]
        print(json.dumps(answer), flush=True)
    os._exit(0)
else:
    for line in sys.stdin:
        sent = [(made(row["recipe"]).apply_async(), row) for row in json.loads(line)]
        results = [[told(lambda: HOW[row["how"]](result)),
                    [told(lambda: app.AsyncResult(watched).get(timeout=60)) for watched in row["watch"]]]
                   for result, row in sent]
        print(json.dumps(results), flush=True)
    # Results that are not used any more would connect once more while Python ends.
    os._exit(0)
