"""A worker of Celery's: its broker, and the queues that it consumes. Its tasks tell what they see."""
import sys

from celery import Celery
from celery.exceptions import Ignore, Reject

broker, queues = sys.argv[1:]
app = Celery("worker", broker=broker, backend="rpc://")
app.conf.update(
    accept_content=["json", "msgpack", "yaml", "pickle"],
    result_extended=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    task_queues=None,
)


class SoldOut(Exception):
    pass


SEEN = ("id", "task", "args", "kwargs", "retries", "eta", "expires", "headers", "shadow", "timelimit", "root_id", "parent_id",
        "group", "group_index", "reply_to", "correlation_id", "delivery_info", "origin", "ignore_result", "argsrepr",
        "kwargsrepr", "lang", "is_eager", "called_directly", "replaced_task_nesting", "properties")


@app.task(name="tasks.seen", bind=True)
def seen(self, *args, **kwargs):
    return {name: getattr(self.request, name, None) for name in SEEN}


@app.task(name="tasks.add")
def add(x, y):
    return x + y


@app.task(name="tasks.fail")
def fail(what):
    if what == "own":
        raise SoldOut("tea", 3)
    if what == "key":
        raise KeyError("k")
    raise ValueError(what, 7)


@app.task(name="tasks.retry", bind=True, max_retries=3, default_retry_delay=0)
def retry(self, times):
    if self.request.retries < times:
        raise self.retry(exc=ValueError("again"), countdown=0)
    return self.request.retries


@app.task(name="tasks.special")
def special(what):
    raise {"ignore": Ignore(), "reject": Reject("no", requeue=False)}[what]


@app.task(name="tasks.progress", bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
    return "done"


app.worker_main(["worker", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle", "--without-heartbeat",
                 "-Q", queues])
