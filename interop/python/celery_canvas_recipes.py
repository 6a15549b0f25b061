"""Recipes of canvases in JSON, and what Celery makes of them."""
import json

from celery import chain, chord, chunks, group, signature
from celery.canvas import xmap, xstarmap


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
