"""The sum of two numbers as a task: a worker for it, and a program that sends it.

    celery --app tasks worker                  runs what is sent, from Rust too
    python tasks.py                            sends it, to whichever worker there is
"""
import os

from celery import Celery

url = os.environ.get("BROKER_URL", "redis://localhost/0")
app = Celery("tasks", broker=url, backend=os.environ.get("RESULT_BACKEND", url))


@app.task(name="tasks.add")
def add(x, y):
    return x + y


if __name__ == "__main__":
    print("5 + 5 =", add.delay(5, 5).get(timeout=60))
