"""Calls the object of typed.rs, whose URI is given."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as catalogue:
    print(catalogue.title)
    catalogue.add({"name": "tea", "price": 2.5})
    catalogue.add({"name": "coffee", "price": 5})
    print(catalogue.find("tea")["price"])
    print(str(catalogue.find("milk") is None).lower())
    for article in catalogue.all():
        print(article["name"], f"{article['price']:g}")
