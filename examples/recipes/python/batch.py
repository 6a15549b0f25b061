"""Calls the object of batch.rs, whose URI is given, four times at once."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as account:
    batch = Pyro5.api.BatchProxy(account)
    batch.deposit(100)
    batch.withdraw(30)
    batch.withdraw(1000)
    batch.deposit(1)
    try:
        for balance in batch():
            print(balance)
    except ValueError as error:
        print("ValueError:", error)
