"""What a check has: an application of Celery's whose tasks go to our worker."""
import time

import celery

LONG = 60
ANYTHING = ["json", "msgpack", "yaml", "pickle"]


class Place:
    """A broker and a result backend."""

    def __init__(self, broker, backend):
        self.kind = broker.partition(":")[0]
        if self.kind == "pyro":
            from kombu.transport.pyro import Transport

            # The port of the URL means nothing to it.
            Transport.default_port = int(broker.removeprefix("pyro://"))
            broker = "pyro://localhost/kombu.broker"
        self.broker, self.backend = broker, backend
        self.apps = {}

    def app(self, queue="celery", **conf):
        """An application with these settings; the same one where they are the same."""
        key = repr((queue, sorted(conf.items())))
        if key not in self.apps:
            app = celery.Celery("features", broker=self.broker, backend=self.backend, set_as_current=False)
            app.conf.update(task_default_queue=queue, accept_content=ANYTHING)
            if self.kind == "pyro":
                app.conf.broker_transport_options = {"polling_interval": 0.02}
            app.conf.update(conf)
            self.apps[key] = app
        return self.apps[key]


class Client:
    """Sends tasks to a worker of ours."""

    def __init__(self, place, queue):
        self.place, self.queue = place, queue
        self.app = place.app(queue)

    def configured(self, **conf):
        """The same with other settings."""
        other = Client(self.place, self.queue)
        other.app = self.place.app(self.queue, **conf)
        return other

    def send(self, name, *args, **options):
        return self.app.send_task(name, args, **options)

    def get(self, result, **options):
        return result.get(timeout=LONG, **options)

    def run(self, name, *args, **options):
        return self.get(self.send(name, *args, **options))

    def seen(self, *args, **options):
        """What a task of ours knows of its request."""
        return self.run("f.seen", *args, **options)

    def fails(self, name, *args, **options):
        """What a task raises, and the result."""
        result = self.send(name, *args, **options)
        error = self.get(result, propagate=False)
        assert isinstance(error, BaseException), error
        return error, result

    def states(self, name, *args, **options):
        """The states that are told, and the result."""
        seen = []
        result = self.send(name, *args, **options)
        self.get(result, propagate=False, on_message=seen.append)
        # It hears of other tasks too.
        return [message["status"] for message in seen if message["task_id"] == result.id], result

    def message(self, name, args=(), kwargs=None, **options):
        """The message of a task that is to be sent in another way, and its result."""
        from kombu.utils.uuid import uuid

        id = options.pop("id", None) or uuid()
        return id, self.app.amqp.create_task_message(id, name, args, kwargs or {}, reply_to=self.app.thread_oid, **options)

    def publish(self, id, message):
        """Sends a message as it is."""
        with self.app.producer_or_acquire() as producer:
            self.app.backend.on_task_call(producer, id)
            self.app.amqp.send_task_message(producer, message.headers.get("task", "f.same"), message)
        return self.app.AsyncResult(id)

    def until(self, what, holds):
        """Looks until something is so, which nobody tells."""
        end = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < end, f"not so for long: {what}"
            time.sleep(0.02)

    def told(self, label):
        """What a task has left for whoever asks."""
        found = []

        def look():
            found.append(self.run("f.told", label, queue="rust"))
            return found[-1] is not None

        self.until(f"{label} is told", look)
        return found[-1]

    def raw(self, body, **properties):
        """Puts anything on the queue."""
        with self.app.connection_for_write() as connection:
            connection.Producer(routing_key=self.queue).publish(body, **properties)
