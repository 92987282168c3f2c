#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""listen.py PORT FILE: appends to FILE what one client after another sends to 127.0.0.1:PORT."""
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    with open(sys.argv[2], "wb", buffering=0) as out:
        while True:
            client, _ = server.accept()
            with client:
                while data := client.recv(65536):
                    out.write(data)
