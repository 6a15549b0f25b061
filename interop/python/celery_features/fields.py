"""What a task of ours knows of its request, when Celery has sent it."""
import os

from checks import feature


def plain(name, expected):
    """Something that every request has."""

    @feature(f"request: {name}")
    def check(client):
        result = client.send("f.seen", 1, "two")
        seen = client.get(result)
        wanted = expected(client, result)
        assert seen[name] == wanted, f"{seen[name]!r} instead of {wanted!r}"


plain("id", lambda client, result: result.id)
plain("task", lambda client, result: "f.seen")
plain("args", lambda client, result: [1, "two"])
plain("kwargs", lambda client, result: {})
plain("argsrepr", lambda client, result: "(1, 'two')")
plain("kwargsrepr", lambda client, result: "{}")
plain("retries", lambda client, result: 0)
plain("lang", lambda client, result: "py")
plain("root_id", lambda client, result: result.id)
plain("parent_id", lambda client, result: None)
plain("group", lambda client, result: None)
plain("correlation_id", lambda client, result: result.id)
plain("reply_to", lambda client, result: client.app.thread_oid)
plain("eta", lambda client, result: None)
plain("expires", lambda client, result: None)
plain("timelimit", lambda client, result: [None, None])
plain("origin", lambda client, result: f"gen{os.getpid()}@{os.uname().nodename}")
plain("ignore_result", lambda client, result: None)
plain("is_eager", lambda client, result: False)
plain("called_directly", lambda client, result: False)
plain("replaced_task_nesting", lambda client, result: 0)
plain("shadow", lambda client, result: None)


@feature("request: hostname")
def hostname(client):
    seen = client.seen()
    assert seen["hostname"].endswith("@" + os.uname().nodename), seen["hostname"]


@feature("request: delivery_info")
def delivery_info(client):
    info = client.seen()["delivery_info"]
    assert (info["exchange"], info["routing_key"]) == ("", client.queue) and not info.get("redelivered"), info


def optional(name, option, value, expected=None):
    """Something that a request has where the call says so."""

    @feature(f"option: {name}")
    def check(client):
        seen = client.seen(**{option: value})
        wanted = value if expected is None else expected
        assert seen[name] == wanted, f"{seen[name]!r} instead of {wanted!r}"


optional("shadow", "shadow", "another.name")
optional("root_id", "root_id", "the-root")
optional("parent_id", "parent_id", "the-parent")
optional("group", "group_id", "the-group")
optional("replaced_task_nesting", "replaced_task_nesting", 2)
optional("argsrepr", "argsrepr", "<hidden>")
optional("kwargsrepr", "kwargsrepr", "<hidden too>")


@feature("option: group_index")
def group_index(client):
    assert client.seen(group_id="the-group", group_index=3)["group_index"] == 3


@feature("option: timelimit")
def timelimit(client):
    assert client.seen(time_limit=30, soft_time_limit=20.5)["timelimit"] == [30, 20.5]


@feature("option: headers")
def headers(client):
    own = {"mine": 1, "text": "\u00e9", "deep": {"a": [1, None, {"b": 2.5}]}}
    seen = client.seen(headers=own)["headers"]
    assert {name: seen[name] for name in own} == own, seen


@feature("option: priority")
def priority(client):
    assert client.seen(priority=3)["priority"] == 3


@feature("option: correlation_id")
def correlation_id(client):
    # Whoever waits knows it by its id all the same.
    result = client.app.send_task("f.seen", correlation_id="own-correlation", ignore_result=client.app.backend.__class__.__name__ == "RPCBackend")
    if result.ignored:
        return
    assert client.get(result)["correlation_id"] == "own-correlation"


@feature("stamped headers")
def stamps(client):
    from celery.canvas import StampingVisitor

    class Stamps(StampingVisitor):
        def on_signature(self, signature, **headers):
            return {"monitoring": "id-1", "stamped_headers": ["monitoring"]}

    signature = client.app.signature("f.seen")
    signature.stamp(Stamps())
    result = signature.apply_async()
    seen = client.get(result)
    assert seen["stamped_headers"] == ["monitoring"] and seen["stamps"]["monitoring"] in ("id-1", ["id-1"]), seen


@feature("tasks that a task sends: children, root and parent")
def children(client):
    result = client.send("f.parent")
    child = client.get(result)
    assert [other.id for other in result.children] == [child]
    result = client.send("f.parent_of_seen")
    seen = client.told(client.get(result))
    assert seen["root_id"] == seen["parent_id"] == result.id, seen
