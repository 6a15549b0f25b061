"""Calls the object of blocking.rs, whose URI is given."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as primes:
    print(primes.count_below(100), "primes are below 100")
    for prime in primes.some():
        print(prime)
