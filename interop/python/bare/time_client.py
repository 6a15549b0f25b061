"""A client of a time server, made of nothing but sockets: its port, and "udp" for datagrams."""

import socket
import sys
import time

port, udp = int(sys.argv[1]), sys.argv[2:] == ["udp"]
before = int(time.time())
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
client.settimeout(60)
if udp:
    client.sendto(b"", ("127.0.0.1", port))
    said, _ = client.recvfrom(1024)
else:
    client.connect(("127.0.0.1", port))
    said = b""
    while piece := client.recv(1024):
        said += piece
client.close()
after = time.time()
text = said.decode("ascii")
told = time.mktime(time.strptime(text.removesuffix("\r\n")))
print("as ctime", text == time.ctime(told) + "\r\n", "now", before <= told <= after)
