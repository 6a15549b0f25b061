"""What Celery puts on a queue: reads one call in JSON from each line, writes the message as kombu's transports carry it."""
import datetime
import json
import sys
import warnings

import celery
from kombu.transport import memory

warnings.simplefilter("ignore")
put = []
memory.Channel._put = lambda self, queue, message, **_: put.append((queue, message))
memory.Channel._put_fanout = lambda self, exchange, message, routing_key, **_: put.append((exchange, message))


def application(conf):
    app = celery.Celery("messages", broker="memory://", set_as_current=False)
    app.conf.update(conf)

    @app.task(name="tasks.add")
    def add(x, y=1):
        return x + y

    @app.task(name="tasks.any", typing=False)
    def any(*args, **kwargs):
        return args, kwargs

    @app.task(name="tasks.slow", queue="slow", priority=3, serializer="msgpack", expires=90, time_limit=30,
              soft_time_limit=20, ignore_result=True, compression="zlib")
    def slow():
        pass

    app.finalize()
    return app


for line in sys.stdin:
    case = json.loads(line)
    app = application(case.get("conf", {}))
    options = dict(case.get("options", {}))
    for name in ("eta", "expires"):
        if isinstance(options.get(name), str):
            options[name] = datetime.datetime.fromisoformat(options[name])
    for name in ("link", "link_error"):
        if name in options:
            options[name] = app.tasks["tasks.add"].signature(**options[name])
    args, kwargs = tuple(case.get("args", ())), case.get("kwargs", {})
    put.clear()
    try:
        if case.get("by_name"):
            app.send_task(case["task"], args, kwargs, **options)
        else:
            app.tasks[case["task"]].apply_async(args, kwargs, **options)
        (queue, message), = put
        print(json.dumps({"queue": queue, "message": message}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
