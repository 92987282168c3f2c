#!/usr/bin/python3
"""rawsocket.py SOCKET: sends standard input to a unix socket, closes that direction, prints the answer."""
import socket
import sys

with socket.socket(socket.AF_UNIX) as peer:
    peer.connect(sys.argv[1])
    peer.sendall(sys.stdin.buffer.read())
    peer.shutdown(socket.SHUT_WR)
    while True:
        part = peer.recv(65536)
        if not part:
            break
        sys.stdout.buffer.write(part)
