#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""burst.py HOST PORT N: N connections that send concurrent POST requests, each for its own monitor.

The monitors are called burst0, burst1 and so on. Prints "NAME STATUS" of each; STATUS is "none" without an answer."""
import socket
import sys

HOST, PORT, N = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
PATIENCE = 120  # seconds


def answer(connection):
    data = b""
    try:
        while b"\r\n" not in data:
            piece = connection.recv(4096)
            if not piece:
                return "none"
            data += piece
    except OSError:
        return "none"
    return data.split()[1].decode()


def main():
    connections = [socket.create_connection((HOST, PORT), PATIENCE) for _ in range(N)]
    for i, connection in enumerate(connections):
        try:
            connection.sendall(f"POST /dynmon/burst{i} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        except OSError:
            pass  # closed already: there is no answer
    for i, connection in enumerate(connections):
        print(f"burst{i}", answer(connection))


main()
