"""Serves an object for call_python.rs."""

import collections

import Pyro5.api


@Pyro5.api.expose
class Text:
    """Does things with text that Python is good at."""

    def __init__(self):
        self._calls = 0

    def count_words(self, text):
        self._calls += 1
        return dict(collections.Counter(text.split()))

    def split(self, text, separator=None):
        self._calls += 1
        return text.split(separator)

    def letters(self, text):
        yield from text

    @property
    def calls(self):
        return self._calls


with Pyro5.api.Daemon() as daemon:
    uri = daemon.register(Text(), "example.text")
    print(f"next: cargo run -p salamander --example call_python -- {uri}", flush=True)
    daemon.requestLoop()
