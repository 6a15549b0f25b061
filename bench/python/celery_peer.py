"""Both ends of Celery: a worker of its own, and a client, driven by the same lines as the other processes of a measurement.

    celery_peer.py server broker=URL [backend=URL] marks=FILE [prefetch=N] [pool=prefork] [concurrency=N]
    celery_peer.py client broker=URL [backend=URL] marks=FILE count=N [warm=N] load=done|results|sequential|latency|chain|group|chord

A client sends `count` tasks for each `run` (`warm` for the first, if that is given), however long that is said to take: until all are `done`, until it has all `results`, or
`sequential`ly, each when it has the result of the one before; or a `chain`, `group` or `chord` of so many tasks, until it has what that gives.
"""

import os
import sys
import threading
import time

from celery import Celery, chain, chord, group

ARGS = dict(arg.split("=", 1) for arg in sys.argv[2:])

app = Celery("bench", broker=ARGS["broker"], backend=ARGS.get("backend"))
app.conf.update(
    worker_prefetch_multiplier=int(ARGS.get("prefetch", 4)),
    task_default_delivery_mode="persistent",
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    # Else what is printed becomes a warning in the worker's log, and nobody hears that it is ready.
    worker_redirect_stdouts=False,
    worker_log_color=False,
    task_queue_max_priority=None,
)

marks = open(ARGS["marks"], "r+b", buffering=0)


@app.task(name="bench.mark", ignore_result=True)
def mark(task):
    os.pwrite(marks.fileno(), b"\x01", task)
    return task


@app.task(name="bench.add")
def add(x, y):
    return x + y


@app.task(name="bench.now")
def now():
    return time.time()


@app.task(name="bench.sum")
def total(numbers):
    return sum(numbers)


def server():
    def until_input_ends():
        sys.stdin.read()
        os._exit(0)

    from celery.signals import worker_ready

    @worker_ready.connect
    def ready(**kwargs):
        print("ready", flush=True)
        threading.Thread(target=until_input_ends, daemon=True).start()

    app.worker_main(
        [
            "--quiet",
            "worker",
            "--loglevel=ERROR",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--pool=" + ARGS.get("pool", "prefork"),
            "--concurrency=" + ARGS.get("concurrency", "2"),
        ]
    )


def done(count):
    os.truncate(marks.fileno(), 0)
    os.truncate(marks.fileno(), count)
    start = time.perf_counter()
    for task in range(count):
        mark.delay(task)
    while os.pread(marks.fileno(), count, 0).count(1) < count:
        time.sleep(0.001)
    return time.perf_counter() - start


def results(count):
    start = time.perf_counter()
    sent = [add.delay(number, number) for number in range(count)]
    for number, result in enumerate(sent):
        if result.get(timeout=60) != number + number:
            raise ValueError("a sum is wrong")
    return time.perf_counter() - start


def sequential(count):
    start = time.perf_counter()
    for number in range(count):
        if add.delay(number, number).get(timeout=60) != number + number:
            raise ValueError("a sum is wrong")
    return time.perf_counter() - start


def latency(count):
    """As `done SECONDS`: the 99th percentile of the time from publishing to the beginning, `count` times over."""
    times = []
    for _ in range(count):
        sent = time.time()
        times.append(now.delay().get(timeout=60) - sent)
        time.sleep(0.02)
    times.sort()
    return times[int(count * 0.99)] * count


def workflow(kind):
    def run(count):
        start = time.perf_counter()
        if kind == "chain":
            made = chain(add.s(1) if step else add.s(0, 1) for step in range(count))
            expected = count
        else:
            tasks = [add.s(number, number) for number in range(count)]
            made = group(tasks) if kind == "group" else chord(tasks, total.s())
            expected = [2 * number for number in range(count)] if kind == "group" else count * (count - 1)
        if made.delay().get(timeout=600) != expected:
            raise ValueError("a result is wrong")
        return time.perf_counter() - start

    return run


def client():
    load = {"done": done, "results": results, "sequential": sequential, "latency": latency}
    load.update((kind, workflow(kind)) for kind in ("chain", "group", "chord"))
    load = load[ARGS["load"]]
    counts = iter([int(ARGS["warm"])] if "warm" in ARGS else [])
    print("ready", flush=True)
    for _ in sys.stdin:
        count = next(counts, int(ARGS["count"]))
        try:
            print("done", count, load(count), flush=True)
        except Exception as e:
            print("failed", type(e).__name__, str(e).replace("\n", " "), flush=True)
            return


if sys.argv[1] == "server":
    server()
else:
    client()
