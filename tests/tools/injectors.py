#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""injectors.py SOCKET N DOCUMENT: N clients inject a document concurrently, each into its own monitor.

Prints the first line of each answer, with "NAME" for the monitor, or "no answer"."""
import socket
import sys
import threading

path, count = sys.argv[1], int(sys.argv[2])
with open(sys.argv[3], "rb") as file:
    document = file.read()
answers = [b"no answer"] * count
together = threading.Barrier(count)


def inject(i):
    name = b"burst%d" % i
    together.wait()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"INJECT %s bytes=%d\n%s" % (name, len(document), document))
        line = client.makefile("rb").readline()
    if line:
        answers[i] = line.rstrip(b"\n").replace(name, b"NAME")


threads = [threading.Thread(target=inject, args=(i,)) for i in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for answer in answers:
    sys.stdout.buffer.write(answer + b"\n")
