"""Calls the object of gateway.rs by HTTP: python gateway.py URL"""

import json
import sys
import urllib.error
import urllib.request

url = sys.argv[1] + "example.dice/"


def post(method, arguments):
    body = json.dumps(arguments).encode()
    request = urllib.request.Request(url + method, body, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request)


print(json.load(post("roll", [3])))
print(json.load(post("roll", {"dice": 2, "sides": 20})))
try:
    post("roll", [1, 0])
except urllib.error.HTTPError as error:
    exception = json.load(error)
    print(error.code, exception["__class__"], exception["args"][0])
for line in post("rolls", [3]):
    if line.strip():
        print(line.decode().strip())
