"""What Celery makes of canvases: reads a recipe in JSON from each line, writes the signature, or what is sent for it."""
import base64
import json
import sys
import warnings

import celery
from celery.backends.base import Backend
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


app.finalize()
backend = app.backend
chords, sizes = [], []
unlocks = False


def apply_chord(header, body, **options):
    chords.append([header[0], [result.as_tuple() for result in header[1]]])
    if unlocks:
        # As with backends that do not count.
        Backend.apply_chord(backend, header, body, **options)


backend.apply_chord = apply_chord
backend.set_chord_size = lambda group_id, size: sizes.append([group_id, size])
backend.on_task_call = lambda *_: {}


def sent(canvas):
    """All that is sent for a canvas."""
    put.clear(), chords.clear(), sizes.clear()
    result = canvas.apply_async()
    messages = [[message["headers"], json.loads(base64.b64decode(message["body"])), message["properties"]]
                for message in put]
    return {"messages": messages, "chords": chords, "sizes": sizes, "result": result and result.id}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        canvas = made(asked["recipe"])
        unlocks = asked.get("unlock", False)
        answer = {"sent": sent(canvas)} if asked.get("send") else {"made": canvas}
        text = json.dumps(answer)
    except Exception as error:
        text = json.dumps({"error": f"{type(error).__name__}: {error}"})
    print(text, flush=True)
