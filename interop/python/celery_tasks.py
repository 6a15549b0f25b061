"""A Celery application whose broker and result backend the environment names; its worker is Celery's own.

    BROKER=... BACKEND=... SERIALIZER=json python -m celery -A celery_tasks worker
"""

import os
import time

import celery

app = celery.Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["BACKEND"])
serializer = os.environ.get("SERIALIZER", "json")
app.conf.update(
    accept_content=["json", "msgpack", "yaml", "pickle"],
    result_accept_content=["json", "msgpack", "yaml", "pickle"],
    task_serializer="json",
    result_serializer=serializer,
    result_compression=os.environ.get("COMPRESSION") or None,
    result_failure_expires=float(os.environ["FAILURE_EXPIRES"]) if "FAILURE_EXPIRES" in os.environ else None,
    result_backend_transport_options={"master_name": os.environ["MASTER_NAME"]} if "MASTER_NAME" in os.environ else {},
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="tasks.add")
def add(x, y):
    return x + y


@app.task(name="tasks.fail")
def fail(message):
    raise ValueError(message, 3)


@app.task(name="tasks.progress", bind=True)
def progress(self, steps):
    for step in range(steps):
        self.update_state(state="PROGRESS", meta={"step": step})
    return "done"


@app.task(name="tasks.again", bind=True, max_retries=1, default_retry_delay=0)
def again(self):
    if self.request.retries == 0:
        raise self.retry(exc=KeyError("not yet"), countdown=0)
    return self.request.retries


@app.task(name="tasks.child", bind=True)
def child(self):
    return add.delay(1, 1).id


@app.task(name="tasks.sleep")
def sleep(seconds):
    time.sleep(seconds)
    return seconds
