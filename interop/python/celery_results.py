"""Celery's result backend: stores and looks, line by line.

    BROKER=... BACKEND=... python celery_results.py

Lines and answers are JSON. What fails is {"error": class, "message": text}.
"""

import json
import sys

from celery import states
from celery.result import AsyncResult

from celery_tasks import app


def store(told):
    result = told.get("result")
    if told["state"] in states.EXCEPTION_STATES:
        result = ValueError(*result)
    app.backend.store_result(told["task"], result, told["state"], traceback=told.get("traceback"))


def look(told):
    result = AsyncResult(told["task"], app=app)
    meta = app.backend.get_task_meta(told["task"], cache=False)
    value = meta["result"]
    return {
        "state": result.state,
        "result": [type(value).__name__, list(value.args)] if isinstance(value, BaseException) else value,
        "traceback": meta.get("traceback"),
        "ready": result.ready(),
        "successful": result.successful() if result.ready() else None,
        "children": len(result.children or []),
        "date_done": str(result.date_done) if result.date_done else None,
    }


def get(told):
    return AsyncResult(told["task"], app=app).get(timeout=60)


def forget(told):
    AsyncResult(told["task"], app=app).forget()


what = {name: thing for name, thing in globals().items() if callable(thing)}
for line in sys.stdin:
    told = json.loads(line)
    try:
        answer = {"answer": what[told["do"]](told)}
    except Exception as error:  # noqa: BLE001: whoever asked is to know
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), flush=True)
