#!/usr/bin/env python3
"""unixsock.py EXAMPLE SOCKET IDENTIFIER: collectd's own Python client, asked for what it can.

EXAMPLE is the collectd_unixsock.py that comes with collectd. It is of Python 2: it is translated
here, and its socket takes and gives text.
"""
import socket
import sys
import types
from lib2to3 import refactor


class TextSocket(socket.socket):
    def send(self, text):
        return super().send(text.encode())

    def recv(self, size):
        return super().recv(size).decode()


def load(example):
    with open(example, encoding="latin-1") as file:
        source = file.read()
    fixers = refactor.get_fixers_from_package("lib2to3.fixes")
    tree = refactor.RefactoringTool(fixers).refactor_string(source + "\n", example)
    module = types.ModuleType("collectd_unixsock")
    exec(compile(str(tree), example, "exec"), module.__dict__)
    fake = types.ModuleType("socket")
    fake.__dict__.update(socket.__dict__, socket=TextSocket)
    module.socket = fake
    return module


def main():
    client = load(sys.argv[1]).Collectd(sys.argv[2])
    identifier = sys.argv[3]
    values = [line.split(" ", 1) for line in client.listval()]
    print("listed", identifier in [name for _, name in values],
          all(float(time) > 0 for time, _ in values))
    print("value", *client.getval(identifier, flush_after=False))
    print("flushed", client.flush(timeout=0, plugins=["dynmon"], identifiers=[identifier]))
    try:
        client.getval("host/nosuch/gauge")
    except KeyError as error:
        print("error", error.args[0])
    print("putval", client.putval(identifier, [0, 1], {"interval": 10}))
    print("putnotif", client.putnotif("hello there", {"severity": "failure", "host": "host"}))
    print("still", len(client.listval()) >= len(values))


main()
