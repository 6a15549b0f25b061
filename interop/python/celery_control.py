"""Remote control as a user of Celery has it: asks one worker of ours everything, and prints what it answers, a line for each.

celery_control.py BROKER BACKEND NODE
"""
import sys
import time

from celery import Celery
from celery.exceptions import TaskRevokedError
from kombu.utils.uuid import uuid

LONG = 60
broker, backend, node = sys.argv[1:]
app = Celery("client", broker=broker, backend=backend)
control = app.control


def inspect(**options):
    return control.inspect(timeout=LONG, **(options or {"destination": [node]}))


def asked(command, *args, **kwargs):
    """What the worker answers to a command of `app.control`."""
    (reply,) = getattr(control, command)(*args, destination=[node], reply=True, timeout=LONG, **kwargs)
    return reply[node]


def told(what, value):
    print(f"{what}:", str(value).replace(node, "NODE"), flush=True)


def until(what, look):
    """Looks until something is so."""
    end = time.monotonic() + LONG
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"not within {LONG} seconds: {what}")
        time.sleep(0.02)


def ended(what, result):
    value = result.get(timeout=LONG, propagate=False)
    told(what, f"{result.state} {value!r}")


def sleeping():
    """A task that runs."""
    result = app.send_task("tasks.sleep", (600,))
    until("it runs", lambda: any(task["id"] == result.id for task in inspect().active()[node]))
    return result


def questions():
    told("ping", control.ping(destination=[node], timeout=LONG))
    told("ping, of all", control.ping(timeout=LONG, limit=1))
    told("inspect ping", inspect().ping())
    told("one that is not there", control.ping(destination=["nobody@nowhere"], timeout=0.5))
    told("by glob", inspect(limit=1, pattern="*@*", matcher="glob").ping())
    told("by pcre", inspect(limit=1, pattern=".+@", matcher="pcre").ping())
    told("by another glob", control.inspect(timeout=0.5, pattern="nobody@*", matcher="glob").ping())
    told("registered", inspect().registered()[node])
    told("registered, with more", inspect().registered("max_retries", "acks_late")[node][:2])
    told("nothing runs", [inspect().active(), inspect().reserved(), inspect().scheduled(), inspect().revoked()])
    told("queues", [(queue["name"], queue["exchange"]["type"]) for queue in inspect().active_queues()[node]])
    told("clock", inspect().clock()[node]["clock"] > 0)
    stats = inspect().stats()[node]
    told("stats", [type(stats["pid"]).__name__, stats["pool"]["max-concurrency"], stats["prefetch_count"], stats["total"]])
    told("unknown", control.broadcast("nothing", reply=True, destination=[node], timeout=LONG))
    told("wrong", control.broadcast("revoke", reply=True, destination=[node], timeout=LONG))


def running():
    result = sleeping()
    (task,) = inspect().active()[node]
    told("active", [task[name] for name in ("name", "args", "kwargs", "type", "hostname", "acknowledged")])
    told("active, more", [task["delivery_info"]["routing_key"], task["time_start"] <= time.time(), task["worker_pid"] > 0])
    told("active, safe", [task["args"] for task in control.inspect([node], timeout=LONG).active(safe=True)[node]])
    told("query", inspect().query_task(result.id)[node][result.id][0])
    told("revoked, goes on", asked("revoke", result.id) == {"ok": f"tasks {{'{result.id}'}} flagged as revoked"})
    told("still active", [task["id"] == result.id for task in inspect().active()[node]])
    told("terminated", asked("revoke", result.id, terminate=True, signal="SIGKILL") == {"ok": f"terminate: {result.id}"})
    ended("what came of it", result)
    until("it is gone", lambda: not inspect().active()[node])
    result = sleeping()
    told("terminate", asked("terminate", [result.id], signal="TERM") == {"ok": f"terminate: {result.id}"})
    ended("what came of that", result)
    told("unknown to it", asked("revoke", uuid(), terminate=True))
    told("no signal", asked("revoke", uuid(), terminate=True, signal="SIGNONE"))


def scheduled():
    result = app.send_task("tasks.add", (1, 2), countdown=3600)
    (waits,) = until("it waits", lambda: inspect().scheduled()[node])
    told("scheduled", [waits["request"]["id"] == result.id, waits["request"]["acknowledged"], waits["eta"].endswith("+00:00")])
    told("query", inspect().query_task([result.id])[node][result.id][0])
    asked("revoke", result.id)
    ended("revoked before its time", result)
    told("none is left", inspect().scheduled()[node])
    told("it is known", result.id in inspect().revoked()[node])


def waiting():
    first = sleeping()
    others = [app.send_task("tasks.add", (number, 1)) for number in range(4)]
    until("they wait", lambda: len(inspect().reserved()[node]) == 4)
    told("query", inspect().query_task(others[0].id)[node][others[0].id][0])
    asked("revoke", [others[0].id, others[2].id, others[3].id])
    asked("revoke", first.id, terminate=True)
    for what, result in [("first", first)] + [(f"other {number}", other) for number, other in enumerate(others)]:
        ended(what, result)
    # One that nobody has sent yet.
    later = uuid()
    control.revoke(later)
    until("it knows", lambda: later in inspect().revoked()[node])
    ended("revoked before it was sent", app.send_task("tasks.add", (1, 1), task_id=later))
    try:
        first.get(timeout=LONG)
    except TaskRevokedError as error:
        told("raised here", error)


def rates():
    told("rate", asked("rate_limit", "tasks.add", "100/m"))
    told("it shows", inspect().registered()[node][0])
    told("rate, wrong", asked("rate_limit", "tasks.add", "often"))
    told("rate, of nothing", asked("rate_limit", "tasks.nowhere", "1/s"))
    told("rate, none", asked("rate_limit", "tasks.add", 0))
    told("it does not show", inspect().registered()[node][0])


questions()
running()
scheduled()
waiting()
rates()
told("shutdown", control.shutdown(destination=[node]))
