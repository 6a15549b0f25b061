"""How tasks are called: Celery's user guide, "Calling Tasks"."""
import zlib

from celery import chain
from celery.exceptions import TimeoutError

from checks import feature
from clients import LONG


def unfit(client, name, *args, **kwargs):
    result = client.app.send_task(name, args, kwargs)
    error = client.get(result, propagate=False)
    assert type(error) is TypeError, repr(error)
    assert result.state == "FAILURE"


@feature("arguments by position")
def positional(client):
    assert client.run("f.any", 1, "two", [3]) == [[1, "two", [3]], {}]


@feature("arguments by keyword")
def keyword(client):
    assert client.app.send_task("f.add", kwargs={"x": 1, "y": 2}).get(timeout=LONG) == 3


@feature("arguments of both kinds")
def both(client):
    assert client.app.send_task("f.add", (1,), {"y": 2}).get(timeout=LONG) == 3


@feature("no arguments")
def none(client):
    assert client.run("f.any") == [[], {}]


@feature("default arguments")
def default(client):
    assert client.run("f.add", 4) == 5


@feature("any number of positional arguments")
def var_positional(client):
    assert client.run("f.any", *range(300)) == [list(range(300)), {}]


@feature("any keyword arguments")
def var_keyword(client):
    given = {f"name {n}": n for n in range(50)} | {"\u00e9": None, "self": 1, "task_id": 2}
    assert client.get(client.app.send_task("f.any", kwargs=given)) == [[], given]


@feature("an argument too few is a TypeError")
def too_few(client):
    unfit(client, "f.add")


@feature("an argument too many is a TypeError")
def too_many(client):
    unfit(client, "f.add", 1, 2, 3)


@feature("an unknown keyword argument is a TypeError")
def unknown_keyword(client):
    unfit(client, "f.add", 1, z=2)


@feature("an argument given twice is a TypeError")
def twice(client):
    unfit(client, "f.add", 1, x=2)


@feature("send_task by name")
def by_name(client):
    assert client.run("f.add", 1, 2) == 3


@feature("delay and apply_async of a task that is declared here")
def declared(client):
    @client.app.task(name="f.add", shared=False)
    def add(x, y=1):
        raise AssertionError("it runs elsewhere")

    assert add.delay(1, 2).get(timeout=LONG) == 3
    assert add.apply_async((1,), {"y": 3}).get(timeout=LONG) == 4
    try:
        add.delay()
    except TypeError:
        return
    raise AssertionError("arguments are checked before they are sent")


@feature("signatures")
def signatures(client):
    signature = client.app.signature("f.add", args=(2,), queue=client.queue)
    assert signature.delay().get(timeout=LONG) == 3
    assert signature.apply_async(kwargs={"y": 3}).get(timeout=LONG) == 5
    immutable = client.app.signature("f.add", args=(2, 2), immutable=True, queue=client.queue)
    assert immutable.apply_async().get(timeout=LONG) == 4


@feature("a task's own id")
def own_id(client):
    result = client.send("f.seen", task_id=f"own \u00e9 {client.place.kind}")
    assert client.get(result)["id"] == result.id == f"own \u00e9 {client.place.kind}"


@feature("an unknown task")
def unknown(client):
    error, result = client.fails("f.nowhere", 1)
    assert (type(error).__module__, type(error).__name__, error.args) == ("celery.exceptions", "NotRegistered", ("f.nowhere",))
    assert result.state == "FAILURE"


@feature("an unknown task does not stop the worker")
def unknown_and_on(client):
    client.fails("f.nowhere")
    assert client.run("f.add", 1, 1) == 2


@feature("many tasks at once")
def many(client):
    results = [client.send("f.add", n, n) for n in range(200)]
    assert [client.get(result) for result in results] == [2 * n for n in range(200)]


@feature("results in any order")
def any_order(client):
    results = [client.send("f.add", n, 0) for n in range(30)]
    assert [client.get(result) for result in reversed(results)] == list(reversed(range(30)))


@feature("a large message")
def large(client):
    text = "0123456789" * 200_000
    assert client.run("f.same", text) == text


@feature("a message that is too large when decompressed")
def too_large(client):
    # 80 MiB, where 64 are taken. It is thrown away, as what cannot be decoded is, and the worker goes on.
    body = b'[["' + b" " * (80 << 20) + b'"], {}, {}]'
    headers = {"task": "f.same", "id": "too-large", "compression": "application/x-gzip", "lang": "py"}
    client.raw(zlib.compress(body), headers=headers, content_type="application/json", content_encoding="utf-8")
    assert client.run("f.add", 1, 1) == 2
    assert client.app.AsyncResult("too-large").state == "PENDING"


@feature("protocol 1 is read")
def protocol_1(client):
    old = client.configured(task_protocol=1)
    assert old.run("f.add", 5, 5) == 10
    seen = old.run("f.seen", 1, countdown=0.1)
    assert seen["args"] == [1] and seen["eta"], seen
    error, _ = old.fails("f.fail", "ValueError")
    assert type(error) is ValueError


@feature("protocol 1 retries")
def protocol_1_retries(client):
    assert client.configured(task_protocol=1).run("f.retry", 2) == 2


def junk(client, body, **properties):
    client.raw(body, **properties)
    assert client.run("f.add", 1, 1) == 2


@feature("bad messages: no task")
def no_task(client):
    junk(client, {"no": "task"})


@feature("bad messages: a body that cannot be decoded")
def undecodable(client):
    junk(client, "{", content_type="application/json", content_encoding="utf-8", headers={"task": "f.same", "id": "a"})


@feature("bad messages: compression that is damaged")
def damaged(client):
    headers = {"task": "f.same", "id": "a", "compression": "application/x-gzip"}
    junk(client, b"\x00\x01", content_type="application/json", content_encoding="utf-8", headers=headers)


@feature("bad messages: an unknown compression")
def unknown_compression(client):
    headers = {"task": "f.same", "id": "a", "compression": "application/x-nonsense"}
    junk(client, "[[], {}, {}]", content_type="application/json", content_encoding="utf-8", headers=headers)


@feature("bad messages: an unknown content type")
def unknown_content(client):
    junk(client, b"x", content_type="application/x-nonsense", content_encoding="binary", headers={"task": "f.same", "id": "a"})


@feature("bad messages: no id")
def no_id(client):
    junk(client, "[[], {}, {}]", content_type="application/json", content_encoding="utf-8", headers={"task": "f.same"})


@feature("bad messages: arguments that are no list")
def no_list(client):
    headers = {"task": "f.same", "id": "a", "lang": "py"}
    junk(client, "[5, {}, {}]", content_type="application/json", content_encoding="utf-8", headers=headers)


@feature("bad messages: an ETA that is no time")
def no_time(client):
    id, message = client.message("f.same", (1,))
    message.headers["eta"] = "soon"
    client.publish(id, message)
    assert client.run("f.add", 1, 1) == 2


@feature("content types that are not accepted")
def refused(client):
    # Our worker here takes JSON alone, as Celery's does where nothing else is said.
    for serializer in ("pickle", "yaml", "msgpack"):
        result = client.send("f.same", 1, serializer=serializer)
        assert client.run("f.add", 1, 1) == 2
        try:
            result.get(timeout=0.1)
        except TimeoutError:
            continue
        raise AssertionError(f"{serializer} was taken")


@feature("callbacks and errbacks arrive with the task")
def links(client):
    add = client.app.signature("f.add", args=(1,), queue=client.queue)
    seen = client.run("f.embedded", link=[add, add], link_error=add)
    assert [callback["task"] for callback in seen["callbacks"]] == ["f.add", "f.add"], seen
    assert seen["callbacks"][0]["args"] == [1] and seen["callbacks"][0]["options"]["queue"] == client.queue
    assert [errback["task"] for errback in seen["errbacks"]] == ["f.add"]


@feature("the rest of a chain arrives with the task")
def chains(client):
    steps = [client.app.signature(name, args=(1,), queue=client.queue) for name in ("f.embedded", "f.add", "f.add")]
    result = chain(*steps, app=client.app).apply_async()
    seen = client.get(result.parent.parent)
    assert len(seen["chain"]) == 2 and all(step["task"] == "f.add" for step in seen["chain"]), seen


@feature("what is embedded in pickle arrives too")
def pickled_links(client):
    # Celery's signatures are instances of its own classes there.
    add = client.app.signature("f.add", args=(1,), queue=client.queue)
    seen = client.run("f.embedded", link=add, serializer="pickle")
    assert [callback["task"] for callback in seen["callbacks"]] == ["f.add"], seen
