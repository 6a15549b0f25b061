"""What Celery makes of canvases: reads a recipe in JSON from each line, writes the signature, or what is sent for it."""
import base64
import json
import sys
import warnings

import celery
from celery import chain, chord, chunks, group, signature
from celery.canvas import xmap, xstarmap
from kombu.transport import memory

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
backend.apply_chord = lambda header, body, **_: chords.append(
    [header[0], [result.as_tuple() for result in header[1]]])
backend.set_chord_size = lambda group_id, size: sizes.append([group_id, size])
backend.on_task_call = lambda *_: {}


def made(recipe):
    """The canvas of a recipe."""
    kind, rest = recipe
    if kind == "task":
        name, args, kwargs, options, immutable = rest
        return signature(name, tuple(args), kwargs, dict(options), immutable=immutable)
    if kind == "or":
        return made(rest[0]) | made(rest[1])
    if kind == "chain":
        return chain([made(task) for task in rest])
    if kind == "group":
        return group([made(task) for task in rest])
    if kind == "chord":
        return chord([made(task) for task in rest[0]], made(rest[1]))
    if kind == "map":
        return xmap(made(rest[0]), rest[1])
    if kind == "starmap":
        return xstarmap(made(rest[0]), rest[1])
    if kind == "chunks":
        return chunks(made(rest[0]), iter(rest[1]), rest[2])
    if kind == "chunks as a group":
        return chunks(made(rest[0]), iter(rest[1]), rest[2]).group()
    if kind == "partial":
        return made(rest[0]).clone(tuple(rest[1]))
    if kind == "set":
        canvas = made(rest[0])
        canvas.set(**rest[1])
        return canvas
    if kind == "immutable":
        canvas = made(rest[0])
        canvas.set_immutable(rest[1])
        return canvas
    if kind == "link":
        canvas = made(rest[0])
        canvas.link(made(rest[1]))
        return canvas
    if kind == "link_error":
        canvas = made(rest[0])
        canvas.link_error(made(rest[1]))
        return canvas
    if kind == "travelled":
        return signature(json.loads(json.dumps(made(rest[0]))))
    raise ValueError(kind)


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
        answer = {"sent": sent(canvas)} if asked.get("send") else {"made": canvas}
        text = json.dumps(answer)
    except Exception as error:
        text = json.dumps({"error": f"{type(error).__name__}: {error}"})
    print(text, flush=True)
