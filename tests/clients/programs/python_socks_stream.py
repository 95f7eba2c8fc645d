"""python-socks CONNECT: python_socks_stream.py PROXY HOST PORT; pipes stdin to the target and its answer to stdout."""
import socket
import sys

from python_socks.sync import Proxy

proxy, host, port = sys.argv[1:]
stream = Proxy.from_url(proxy, rdns=True).connect(host, int(port), timeout=10)
stream.sendall(sys.stdin.buffer.read())
stream.shutdown(socket.SHUT_WR)
while received := stream.recv(65536):
    sys.stdout.buffer.write(received)
