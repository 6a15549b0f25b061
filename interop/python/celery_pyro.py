"""Celery over kombu's Pyro transport, as a worker and a client.

celery_pyro.py worker PORT           runs tasks until it is killed; prints "ready"
celery_pyro.py send PORT COUNT       sends that many tasks and prints their results
celery_pyro.py put PORT COUNT        sends tasks to nobody, and prints how many were sent
"""
import sys

from celery import Celery


def over_pyro(port):
    from kombu.transport.pyro import Transport

    # The port of the URL means nothing to it.
    Transport.default_port = int(port)
    app = Celery("tests", broker="pyro://localhost/kombu.broker", backend="rpc://")
    app.conf.broker_transport_options = {"polling_interval": 0.02}
    app.conf.worker_redirect_stdouts = False
    return app


def worker(port):
    app = over_pyro(port)

    @app.task(name="tasks.add")
    def add(x, y):
        return x + y

    @app.task(name="tasks.fail")
    def fail(message):
        raise ValueError(message)

    from celery.signals import worker_ready

    @worker_ready.connect
    def ready(**_):
        print("ready", flush=True)

    app.worker_main(["worker", "-P", "solo", "-l", "ERROR", "--without-mingle", "--without-gossip"])


def send(port, count):
    app = over_pyro(port)
    results = [app.send_task("tasks.add", (number, 1)) for number in range(int(count))]
    print([result.get(timeout=60) for result in results])
    try:
        app.send_task("tasks.fail", ("no",)).get(timeout=60)
    except ValueError as error:
        print(repr(error))


def put(port, count):
    app = over_pyro(port)
    for number in range(int(count)):
        app.send_task("tasks.nobody", (number,), queue="nobody")
    with app.connection_for_write() as connection:
        print(connection.default_channel.queue_declare("nobody", passive=True).message_count)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
