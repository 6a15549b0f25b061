"""Recipes of canvases in JSON, and what Celery makes of them."""
import json

from celery import chain, chord, chunks, group, signature
from celery.canvas import StampingVisitor, xmap, xstarmap


class Named(StampingVisitor):
    """Stamps on each task its name."""

    def on_signature(self, sig, **headers):
        return {"name_of": sig["task"]}


class Everywhere(StampingVisitor):
    """Stamps something else on each kind of part."""

    def on_signature(self, sig, **headers):
        return {"on_signature": len(headers)}

    def on_group_start(self, group, **headers):
        return {"on_group": True}

    def on_chain_start(self, chain, **headers):
        return {"on_chain": len(chain.tasks)}

    def on_chord_body(self, chord, **headers):
        return {"on_body": True}

    def on_callback(self, callback, **headers):
        return {"on_callback": True}

    def on_errback(self, errback, **headers):
        return {"on_errback": callback_name(errback)}


class InGroup(StampingVisitor):
    """The guide's: whether a task is in a group."""

    def __init__(self):
        self.in_group = False

    def on_group_start(self, group, **headers):
        self.in_group = True
        return {"in_group": self.in_group, "stamped_headers": ["in_group"]}

    def on_group_end(self, group, **headers):
        self.in_group = False

    def on_chain_start(self, chain, **headers):
        return {"in_group": self.in_group, "stamped_headers": ["in_group"]}

    def on_signature(self, sig, **headers):
        return {"in_group": self.in_group, "stamped_headers": ["in_group"]}


class Counting(StampingVisitor):
    """The guide's monitoring ids, as numbers in the order of the tasks."""

    def __init__(self):
        self.number = 0

    def on_signature(self, sig, **headers):
        self.number += 1
        return {"monitoring_id": self.number}


class WithOptions(StampingVisitor):
    """Says which of what it returns is a stamp."""

    def on_signature(self, sig, **headers):
        return {"marked": "yes", "priority": 3, "stamped_headers": ["marked"]}


VISITORS = {"named": Named, "everywhere": Everywhere, "in group": InGroup, "counting": Counting, "options": WithOptions}


def callback_name(sig):
    """The name of what is linked."""
    return sig["task"]


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
    if kind == "skew":
        return made(rest[0]).skew(*rest[1:])
    if kind == "stamp":
        canvas = made(rest[0])
        canvas.stamp(append_stamps=rest[2], **rest[1])
        return canvas
    if kind == "visit":
        canvas = made(rest[0])
        canvas.stamp(VISITORS[rest[1]](), append_stamps=rest[2])
        return canvas
    if kind == "travelled":
        return signature(json.loads(json.dumps(made(rest[0]))))
    raise ValueError(kind)
