"""Handles the exceptions that the object of exceptions.rs raises, whose URI is given."""

import sys

import Pyro5.api


class SoldOut(Exception):
    """What the shop raises. Pyro makes one of it because of the registration below."""


def sold_out(_class, state):
    error = SoldOut(*state["args"])
    error.__dict__.update(state["attributes"])
    return error


Pyro5.api.register_dict_to_class("shop.SoldOut", sold_out)

with Pyro5.api.Proxy(sys.argv[1]) as shop:
    try:
        shop.in_stock("milk")
    except KeyError as error:
        print("KeyError:", error)
    try:
        shop.parse_price("cheap")
    except ValueError as error:
        print("ValueError:", error)
    try:
        shop.buy("tea", 3)
    except SoldOut as error:
        print(f"shop.SoldOut: {error}; left: {error.left}")
