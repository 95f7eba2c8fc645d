"""PySocks CONNECT: pysocks_stream.py KIND HOST PORT [USER PASSWORD]; pipes stdin to the target and its answer to stdout."""
import sys

import socks

kind, host, port, *login = sys.argv[1:]
stream = socks.socksocket()
stream.set_proxy(socks.PROXY_TYPES[kind], "10.77.1.1", 1080, True, *login)
stream.connect((host, int(port)))
stream.sendall(sys.stdin.buffer.read())
stream.shutdown(socks.socket.SHUT_WR)
while received := stream.recv(65536):
    sys.stdout.buffer.write(received)
