"""A client of a server of one file, made of nothing but sockets: its port, and the file to write."""

import socket
import sys

client = socket.socket()
client.settimeout(60)
client.connect(("127.0.0.1", int(sys.argv[1])))
client.send(b"Hello server!")
with open(sys.argv[2], "wb") as file:
    while chunk := client.recv(1024):
        file.write(chunk)
client.close()
print("received")
