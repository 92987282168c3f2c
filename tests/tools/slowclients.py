#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""slowclients HOST PORT N: N connections that say nothing, or not all, until it is ended.

Connections that the other side has closed are made again, so that there are always so many."""
import socket
import sys
import time

PIECES = [b"", b"G", b"GET /version HTTP/1.1\r\nHost: x\r\n",
          b"PUT /dynmon/x/dataplane-config HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"]


def connect(address, i):
    connection = socket.create_connection(address)
    try:
        connection.sendall(PIECES[i % len(PIECES)])
    except ConnectionError:
        pass  # closed already: detected later
    connection.setblocking(False)
    return connection


def is_closed(connection):
    try:
        return not connection.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        return True


def main():
    address = (sys.argv[1], int(sys.argv[2]))
    connections = [connect(address, i) for i in range(int(sys.argv[3]))]
    print("connected", flush=True)
    while True:
        time.sleep(0.2)
        for i, connection in enumerate(connections):
            if is_closed(connection):
                connection.close()
                connections[i] = connect(address, i)


main()
