"""A time server made of nothing but sockets: it speaks first. With "udp" it answers datagrams."""

import socket
import sys
import time

udp = sys.argv[1:] == ["udp"]
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
server.bind(("127.0.0.1", 0))
if not udp:
    server.listen(5)
print("port", server.getsockname()[1], flush=True)
while True:
    line = (time.ctime(time.time()) + "\r\n").encode("ascii")
    if udp:
        _, client = server.recvfrom(1024)
        server.sendto(line, client)
    else:
        client, _ = server.accept()
        client.send(line)
        client.close()
