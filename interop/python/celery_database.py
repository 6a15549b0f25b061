"""Celery's results in a database.

celery_database.py store URL [extended]  stores states, as a worker does
celery_database.py read URL TASK         prints what AsyncResult says of a task
"""
import sys

from celery import Celery


def database(url, extended):
    app = Celery("tests", broker="memory://", backend=url)
    app.conf.result_extended = extended
    return app


def store(url, extended=""):
    from celery.app.task import Context

    app = database(url, bool(extended))
    request = Context(id="done", task="tasks.add", args=(1, 2), kwargs={"k": 1}, hostname="w@h", retries=1,
                      delivery_info={"routing_key": "celery"})
    app.backend.store_result("done", {"x": [1, 2.5, "\u00e9"]}, "SUCCESS", request=request)
    try:
        1 / 0
    except ZeroDivisionError as error:
        app.backend.mark_as_failure("failed", error, traceback="Traceback...", request=request)
    app.backend.store_result("begun", {"pid": 1}, "STARTED")


def read(url, task):
    result = database(url, True).AsyncResult(task)
    print(result.state, repr(result.result), repr(result.traceback), result.date_done is not None, result.name, result.args)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
