"""What Celery makes of canvases: reads a recipe in JSON from each line, writes the signature, or what is sent for it.

With a request it is sent by a task that runs, which has it run in its own place, adds it to its chord, or just sends it.
"""
import base64
import json
import sys
import warnings

import celery
from celery._state import _task_stack
from celery.backends.base import Backend
from celery.exceptions import Ignore
from kombu.transport import memory

from celery_canvas_recipes import made

warnings.simplefilter("ignore")
put = []
memory.Channel._put = lambda self, queue, message, **_: put.append(message)

app = celery.Celery("canvas", broker="memory://", backend="cache+memory://")
app.set_current()


@app.task(name="tasks.any", typing=False)
def any_(*args, **kwargs):
    return args, kwargs


@app.task(name="tasks.sends")
def sends(how, recipe):
    """What runs where something is sent by a task."""


app.finalize()
backend = app.backend
chords, sizes, added = [], [], []
unlocks = False


def apply_chord(header, body, **options):
    chords.append([header[0], [result.as_tuple() for result in header[1]]])
    if unlocks:
        # As with backends that do not count.
        Backend.apply_chord(backend, header, body, **options)


backend.apply_chord = apply_chord
backend.set_chord_size = lambda group_id, size: sizes.append([group_id, size])
backend.add_to_chord = lambda group_id, result: added.append(group_id)
backend.on_task_call = lambda *_: {}


def messages():
    """All that was sent."""
    return [[message["headers"], json.loads(base64.b64decode(message["body"])), message["properties"]]
            for message in put]


def sent(canvas):
    """All that is sent for a canvas."""
    put.clear(), chords.clear(), sizes.clear(), added.clear()
    result = canvas.apply_async()
    return {"messages": messages(), "chords": chords, "sizes": sizes, "added": added, "children": [],
            "result": result and result.id}


def sent_within(canvas, how, request):
    """All that is sent by a task that runs."""
    put.clear(), chords.clear(), sizes.clear(), added.clear()
    sends.push_request(**request)
    _task_stack.push(sends)
    result, children = None, []
    try:
        if how == "replace":
            sends.replace(canvas)
        elif how == "add":
            result = sends.add_to_chord(canvas)
        else:
            result = canvas.apply_async()
            children = [child.as_tuple() for child in sends.request.children]
    except Ignore:
        pass
    finally:
        _task_stack.pop()
        sends.pop_request()
    return {"messages": messages(), "chords": chords, "sizes": sizes, "added": added, "children": children,
            "result": result and result.id}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        canvas = made(asked["recipe"])
        unlocks = asked.get("unlock", False)
        if "within" in asked:
            answer = {"sent": sent_within(canvas, *asked["within"])}
        else:
            answer = {"sent": sent(canvas)} if asked.get("send") else {"made": canvas}
        text = json.dumps(answer)
    except Exception as error:
        text = json.dumps({"error": f"{type(error).__name__}: {error}"})
    print(text, flush=True)
