#!/usr/bin/python3
"""inject.py SOCKET FOLDER COMPILED BUNDLES CLANG-WORDS: replaces a dataplane over and over while packets flow.

Dataplane N, in FOLDER/N.json or FOLDER/N.o, notes in slot N of the monitor clock's map TIMES when it
counted its first and its last packet, and how many. Between injections that compile the two runs of
clang that these have in them run alone: CLANG-WORDS is a file with a command line each, and what
they read stands in FOLDER/1.in and 2.in. Prints JSON.
"""
import json
import shlex
import socket
import statistics
import subprocess
import sys
import time

peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
file = peer.makefile("rwb")
folder, compiled, bundles = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
runs = [shlex.split(line) for line in open(sys.argv[5])]


def ask(line, payload=b""):
    file.write(line.encode() + b"\n" + payload)
    file.flush()
    status = file.readline().decode()
    count = int(status.split(" ", 1)[0])
    if count < 0:
        sys.exit(f"{line}: {status}")
    return [file.readline().decode() for _ in range(count)]


def inject(name):
    with open(f"{folder}/{name}", "rb") as document:
        payload = document.read()
    start = time.monotonic_ns()
    ask(f"INJECT edge interface=mon0 bytes={len(payload)}", payload)
    return start, time.monotonic_ns()


def bare():
    start = time.monotonic_ns()
    for number, words in enumerate(runs, 1):
        with open(f"{folder}/{number}.in", "rb") as source:
            subprocess.run(words, stdin=source, stdout=subprocess.DEVNULL, check=True, close_fds=False)
    return (time.monotonic_ns() - start) / 1e6


started, answered, clang = [], [], []
for i in range(compiled + bundles):
    if i < compiled:
        clang.append(bare())
    times = inject(f"{i}.json" if i < compiled else f"{i}.o")
    started.append(times[0])
    answered.append((times[1] - times[0]) / 1e6)
    time.sleep(0.02)
time.sleep(0.2)
slots = json.loads("".join(ask("METRICS clock name=times")))["ingress-metrics"][0]["value"]
slots = slots[:compiled + bundles]
# The packets begin to flow with the first dataplane; between two senders one may see none.
first = [(slot["first"] - start) / 1e6 if slot["count"] else None for slot, start in zip(slots, started)]
by_compilation = [time for time in first[1:compiled] if time is not None]
by_bundle = [time for time in first[compiled:] if time is not None]
gaps = [(b["first"] - a["last"]) / 1e3 for a, b in zip(slots, slots[1:]) if a["count"] and b["count"]]
span = slots[-1]["last"] - slots[0]["first"]
print(json.dumps({
    "clang_ms": statistics.median(clang),
    "compiled_ms": statistics.median(by_compilation),
    "compiled_answer_ms": statistics.median(answered[1:compiled]),
    "bundle_ms": statistics.median(by_bundle),
    "bundle_answer_ms": statistics.median(answered[compiled:]),
    "gap_us": statistics.median(gaps),
    "gap_max_us": max(gaps),
    "pause_us": statistics.median(slot["longest"] for slot in slots) / 1e3,
    "pause_max_us": max(slot["longest"] for slot in slots) / 1e3,
    "packet_us": span / 1e3 / sum(slot["count"] for slot in slots),
    "counted": sum(slot["count"] for slot in slots),
    "switches": len(gaps),
}))
