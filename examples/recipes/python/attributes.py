"""Reads and sets the attributes of the object of attributes.rs, whose URI is given."""

import sys

import Pyro5.api

with Pyro5.api.Proxy(sys.argv[1]) as thermostat:
    thermostat.celsius = 21.5
    print(f"{thermostat.celsius} degrees Celsius are {thermostat.fahrenheit} degrees Fahrenheit")
    try:
        thermostat.celsius = -300
    except ValueError as error:
        print("ValueError:", error)
    try:
        thermostat.fahrenheit = 70
    except AttributeError as error:
        print("AttributeError:", error)
