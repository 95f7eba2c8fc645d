"""PySocks UDP: pysocks_datagram.py remote|local HOST PORT; sends stdin as one datagram, prints the one that comes back."""
import socket
import sys

import socks

names, host, port = sys.argv[1:]
datagrams = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
# With remote names PySocks asks for an association with the domain name "0", not with 0.0.0.0.
datagrams.set_proxy(socks.SOCKS5, "10.77.1.1", 1080, rdns=names == "remote")
datagrams.settimeout(10)
datagrams.sendto(sys.stdin.buffer.read(), (host, int(port)))
sys.stdout.buffer.write(datagrams.recvfrom(65536)[0])
