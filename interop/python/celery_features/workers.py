"""Celery's workers, and their tasks, which have the names that ours have."""
import os
import tempfile
import time

import celery
from celery import signals
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.utils.log import get_task_logger
from kombu import Exchange, Queue
from kombu.common import Broadcast

import clients
from values import shown

NAMES = ["python", "python.one", "python.strict", "python.settings"]
# What tasks leave for each other: their processes share nothing else.
FOLDER = tempfile.mkdtemp(prefix="salamander-features-")
SEEN = ("id", "task", "args", "kwargs", "retries", "eta", "expires", "headers", "shadow", "timelimit", "root_id", "parent_id", "group",
        "group_index", "reply_to", "correlation_id", "delivery_info", "origin", "ignore_result", "argsrepr", "kwargsrepr", "lang", "is_eager",
        "called_directly", "replaced_task_nesting", "stamped_headers", "stamps", "hostname", "properties")

logger = get_task_logger(__name__)


class SoldOut(Exception):
    pass


SoldOut.__module__ = "shop"


def kinds():
    return {
        "ValueError": ValueError("bad", 7), "KeyError": KeyError("k"), "ZeroDivisionError": ZeroDivisionError("division by zero"),
        "TypeError": TypeError("wrong type"), "AttributeError": AttributeError("no attribute"), "RuntimeError": RuntimeError(),
        "OSError": OSError(2, "No such file"), "TimeoutError": TimeoutError("late"), "AssertionError": AssertionError("no"),
        "StopIteration": StopIteration(), "celery.exceptions.TaskError": celery.exceptions.TaskError("of Celery"),
        "shop.SoldOut": SoldOut("tea", 3), "nested": ValueError("deep", [1, (2, {"a": None})], {"k": [1.5]}),
        "unicode": ValueError("\u00e9t\u00e9 \U0001f98e"), "unpicklable": ValueError(lambda: 0),
        "unicode error": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    }


def note(label, text=""):
    """How many have been noted under this label, this one included."""
    folder = os.path.join(FOLDER, label.replace("/", "_"))
    os.makedirs(folder, exist_ok=True)
    for number in range(10_000):
        try:
            with open(os.path.join(folder, str(number)), "x") as file:
                file.write(text)
            return number + 1
        except FileExistsError:
            pass


def noted(label):
    folder = os.path.join(FOLDER, label.replace("/", "_"))
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


def give(value):
    return value


def show(value):
    return [value, shown(value)]


def throw(kind):
    raise kinds()[kind]


def queues(app, name, rabbit):
    if name == "python.one":
        arguments = {"x-max-priority": 10} if rabbit else None
        return [Queue("python.one", Exchange("python.one"), routing_key="python.one", queue_arguments=arguments)]
    if name != "python":
        return [Queue(name, Exchange(name), routing_key=name)]
    named = [Queue(each, Exchange(each), routing_key=each) for each in ("python", "python.other", "both")]
    topics, fan = Exchange("python.topics", type="topic"), Exchange("python.fan", type="fanout")
    return named + [
        Queue("python.keyed", Exchange("python.keyed"), routing_key="the-key"),
        Queue("python.topical", topics, routing_key="news.#"),
        Queue("python.topical.one", topics, routing_key="*.weather"),
        # Over Redis, a worker of Celery's knows one queue of an exchange of this kind.
        Queue("python.fan", fan),
        Broadcast("python.cast"),
    ]


SETTINGS = {
    "python": {"result_extended": True},
    "python.one": {"worker_prefetch_multiplier": 1, "task_acks_late": True},
    "python.strict": {"accept_content": ["json"]},
    "python.settings": {"task_track_started": True, "task_store_errors_even_if_ignored": True, "task_inherit_parent_priority": True,
                        "worker_direct": True},
}


def run(name, broker, backend, tell):
    place = clients.Place(broker, backend)
    app = place.app(name, **SETTINGS[name])
    app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, worker_redirect_stdouts=False)
    app.conf.task_queues = queues(app, name, place.kind == "amqp")
    app.set_current()
    tasks(app, place)
    signals.worker_ready.connect(lambda **_: tell(worker=name), weak=False)
    # What it has to say goes nowhere: features show by what becomes of tasks.
    pool = ["-P", "prefork", "-c", "6"] if name == "python" else ["-P", "solo", "-c", "1"]
    app.worker_main(["worker", *pool, "-n", f"{name}@%h", "-l", os.environ.get("SALAMANDER_CELERY_LOG", "CRITICAL"), "--without-gossip", "--without-mingle", "--without-heartbeat"])


def tasks(app, place):
    def task(name, **options):
        return app.task(name=f"f.{name}", shared=False, **options)

    task("same")(give)
    task("shown")(show)
    task("fail")(throw)
    for serializer in ("msgpack", "yaml", "pickle"):
        other = place.app("other", result_serializer=serializer)
        task(f"shown.{serializer}", backend=other.backend)(show)
        task(f"same.{serializer}", backend=other.backend)(give)
        task(f"fail.{serializer}", backend=other.backend)(throw)

    for compression in ("zlib", "bzip2", "lzma", "zstd"):
        other = place.app("other", result_compression=compression)
        task(f"same.{compression}", backend=other.backend)(give)

    @task("any")
    def any(*args, **kwargs):
        return [args, kwargs]

    @task("add")
    def add(x, y=1):
        return x + y

    @task("now")
    def now():
        return time.time()

    @task("sleep")
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    def request(self):
        return {name: getattr(self.request, name, None) for name in SEEN}

    @task("seen", bind=True)
    def seen(self, *args, **kwargs):
        return request(self)

    @task("embedded", bind=True)
    def embedded(self):
        return {name: getattr(self.request, name, None) for name in ("callbacks", "errbacks", "chain", "chord")}

    @task("queue", bind=True)
    def queue(self, **_):
        return self.request.delivery_info

    @task("retry", bind=True, max_retries=10, default_retry_delay=0)
    def retry(self, times, pause=0):
        if self.request.retries < times:
            raise self.retry(exc=ValueError("again"), countdown=pause)
        return self.request.retries

    @task("retry_times", bind=True)
    def retry_times(self, pause, begun=None):
        if begun is None:
            raise self.retry(args=(pause, time.time()), countdown=pause)
        return [begun, time.time()]

    @task("retry_twice", bind=True, max_retries=2, default_retry_delay=0)
    def retry_twice(self, kind):
        raise self.retry(exc=SoldOut("tea") if kind else None, countdown=0)

    @task("retry_no_more", bind=True)
    def retry_no_more(self, kind):
        raise self.retry(exc=kinds()[kind], max_retries=0)

    @task("retry_with", bind=True)
    def retry_with(self, x, y="less"):
        if self.request.retries == 0:
            raise self.retry(args=(2,), kwargs={"y": "more"}, countdown=0)
        return [x, y]

    @task("retry_elsewhere", bind=True)
    def retry_elsewhere(self, queue):
        if self.request.retries == 0:
            raise self.retry(queue=queue, countdown=0)
        return self.request.delivery_info["routing_key"]

    @task("retry_seen", bind=True)
    def retry_seen(self):
        if self.request.retries == 0:
            raise self.retry(countdown=0)
        return request(self)

    @task("auto", bind=True, autoretry_for=(ValueError,), max_retries=3, default_retry_delay=0)
    def auto(self, times):
        if times < 0:
            raise KeyError("not for this")
        if self.request.retries < times:
            raise ValueError("again")
        return self.request.retries

    def held(label):
        while not noted(f"release {label}"):
            time.sleep(0.01)

    @task("retry_held", bind=True, max_retries=5)
    def retry_held(self, label, times):
        if self.request.retries:
            held(f"{label} {self.request.retries}")
        if self.request.retries < times:
            raise self.retry(exc=ValueError("again"), countdown=0)
        return self.request.retries

    @task("tracked_held", track_started=True)
    def tracked_held(label):
        held(label)

    @task("progress_held", bind=True)
    def progress_held(self, label):
        self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
        held(f"{label} 1")
        self.update_state(state="COOKING", meta={"dish": "soup", "minutes": [1, 2.5]})
        held(f"{label} 2")
        return "done"

    @task("special")
    def special(what):
        raise {"ignore": Ignore(), "reject": Reject("no", requeue=False)}[what]

    @task("requeued", bind=True, acks_late=True)
    def requeued(self):
        if note(self.request.id) == 1:
            raise Reject("again", requeue=True)
        return self.request.delivery_info["redelivered"]

    @task("progress", bind=True)
    def progress(self):
        self.update_state(state="PROGRESS", meta={"current": 1, "total": 2})
        time.sleep(0.2)
        self.update_state(state="COOKING", meta={"dish": "soup", "minutes": [1, 2.5]})
        time.sleep(0.2)
        return "done"

    @task("patient")
    def patient():
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            return "in time"

    @task("limited_time", time_limit=0.5)
    def limited_time():
        time.sleep(600)

    @task("soft_limited", soft_time_limit=0.5)
    def soft_limited():
        time.sleep(600)

    @task("rated", rate_limit="10/s")
    def rated():
        return time.time()

    @task("ignored", ignore_result=True)
    def ignored():
        return "done"

    @task("ignored_but_errors", ignore_result=True, store_errors_even_if_ignored=True)
    def ignored_but_errors(kind):
        if kind:
            raise kinds()[kind]

    @task("fail_ignored", ignore_result=True)
    def fail_ignored():
        raise ValueError("bad", 7)

    @task("tracked", track_started=True)
    def tracked(seconds):
        time.sleep(seconds)
        return seconds

    @task("late", acks_late=True)
    def late():
        return "done"

    @task("parent")
    def parent():
        return add.delay(1, 1).id

    @task("tell_seen", bind=True)
    def tell_seen(self):
        import json

        note(f"told {self.request.id}", json.dumps(request(self), default=repr))

    @task("parent_of_seen")
    def parent_of_seen():
        return tell_seen.delay().id

    @task("told")
    def told(label):
        import json

        path = os.path.join(FOLDER, f"told {label}", "0")
        if not os.path.exists(path) or not (text := open(path).read()):
            return None
        return json.loads(text)

    @task("note")
    def take_note(label):
        return note(label)

    @task("noted")
    def count(label):
        return noted(label)

    @task("hold")
    def hold(label):
        held(label)

    @task("release")
    def release(label):
        note(f"release {label}")

    class Handled(celery.Task):
        """A class of tasks whose handlers leave a note."""

        def before_start(self, task_id, args, kwargs):
            note(f"before_start {task_id}")

        def on_success(self, retval, task_id, args, kwargs):
            note(f"on_success {task_id}")

        def on_failure(self, exc, task_id, args, kwargs, einfo):
            note(f"on_failure {task_id}")

        def on_retry(self, exc, task_id, args, kwargs, einfo):
            note(f"on_retry {task_id}")

        def after_return(self, status, retval, task_id, args, kwargs, einfo):
            note(f"after_return {task_id}")

    @task("handled", bind=True, base=Handled, max_retries=1)
    def handled(self, what):
        if what == "retry" and self.request.retries == 0:
            raise self.retry(countdown=0)
        if what == "fail":
            raise ValueError("bad", 7)

    @task("unserializable")
    def unserializable():
        return {1, 2}
