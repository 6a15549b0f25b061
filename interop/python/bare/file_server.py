"""A server of one file, made of nothing but sockets: the client says hello, and gets the file in chunks."""

import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(5)
print("port", server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    print("heard", client.recv(1024).decode(), flush=True)
    with open(sys.argv[1], "rb") as file:
        while chunk := file.read(1024):
            client.sendall(chunk)
    client.close()
