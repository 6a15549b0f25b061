"""Asks the object of streaming.rs, whose URI is given, for items."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as numbers:
    print(list(numbers.countdown(5)))
    for power in numbers.powers_of_two():
        if power > 100:
            print(f"{power:.0f} is the first beyond 100")
            break
    try:
        for tick in numbers.ticks():
            print("tick", tick)
    except RuntimeError as error:
        print("RuntimeError:", error)
