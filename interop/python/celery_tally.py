"""A worker of Celery's whose task is acknowledged late and notes in a file what it does; tests kill it. The same as `tally` in Rust.

celery_tally.py URL FILE NAME [SETTING=VALUE]... [stays]
"""
import json
import os
import sys
import time

from celery import Celery

url, path, name, *rest = sys.argv[1:]
file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
app = Celery("tally", broker=url)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
for setting in rest:
    if setting != "stays":
        key, value = setting.split("=", 1)
        try:
            value = json.loads(value)
        except ValueError:
            pass
        app.conf[key] = value


def noted(number, what):
    # At once: others write to the same file.
    os.write(file, f"{number} {what} {name}\n".encode())


@app.task(name="tally.note", bind=True, acks_late=True, ignore_result=True)
def note(self, number, milliseconds=0):
    if "stays" in rest:
        noted(number, "begun")
        while True:
            time.sleep(60)
    time.sleep(milliseconds / 1000)
    noted(number, "again" if self.request.delivery_info.get("redelivered") else "done")
    return number


app.worker_main(["worker", "--pool=threads", "--loglevel=INFO", "--without-gossip", "--without-mingle", "--without-heartbeat",
                 "-n", f"{name}@%h"])
