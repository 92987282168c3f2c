#!/usr/bin/python3
"""readers.py SOCKET [--url URL] [--change LINE]... [--enough N] MONITOR ...

Reads a running plugin as fast as it can, as several consumers at once, until SIGTERM, then once
more; prints what each has seen as JSON:

  json         "MONITOR PATH INTERFACE METRIC": {"sum": of all answers, "last": ..., "first": ...}
  json_falls   those of them whose last value was ever less than the one before
  samples      series of the metrics' pages: the last value
  falls        series that any of the consumers saw fall
  reads        how often METRICS, OPENMETRICS and the page were read, and a change made
  kept, new    maps that the answers to changes called so
  errors       everything that was no answer

--change: RELOAD or INJECT ... file=, said over and over meanwhile; several in turns. "reading" is
printed once it has begun, "enough" once each of them was answered N times.
"""
import argparse
import json
import signal
import socket
import threading
import urllib.request

words = argparse.ArgumentParser()
words.add_argument("socket")
words.add_argument("--url")
words.add_argument("--change", action="append", default=[])
words.add_argument("--enough", type=int, default=3)
words.add_argument("monitors", nargs="+")
args = words.parse_args()

stop = threading.Event()
lock = threading.Lock()
values, json_falls, samples, falls, errors = {}, set(), {}, set(), []
reads = {"metrics": 0, "openmetrics": 0, "page": 0, "reload": 0}
maps = {"kept": 0, "new": 0}


class Control:
    """A connection to the control socket."""

    def __init__(self):
        self.peer = socket.socket(socket.AF_UNIX)
        self.peer.connect(args.socket)
        self.file = self.peer.makefile("rwb")

    def ask(self, line):
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        status = self.file.readline().decode()
        count = int(status.split(" ", 1)[0])
        if count < 0:
            raise RuntimeError(f"{line}: {status}")
        return [status] + [self.file.readline().decode() for _ in range(count)]

    def ask_page(self, line):
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        if self.file.readline()[:2] != b"0 ":
            raise RuntimeError(f"{line}: refused")
        lines = []
        while not lines or lines[-1] != "# EOF\n":
            lines.append(self.file.readline().decode())
            if not lines[-1]:
                raise RuntimeError(f"{line}: the answer has no end")
        return lines


def total(value):
    """All numbers in a value: of all entries, of all CPUs, of all fields, but not those of keys."""
    if isinstance(value, dict):
        return sum(total(v) for k, v in value.items() if k != "key")
    if isinstance(value, list):
        return sum(total(v) for v in value)
    return value if isinstance(value, (int, float)) else 0


def take_json(monitor, text):
    answer = json.loads(text)
    with lock:
        for path in "ingress", "egress":
            for metric in answer[f"{path}-metrics"]:
                name = f"{monitor} {path} {metric.get('interface', '-')} {metric['name']}"
                value = total(metric["value"])
                seen = values.setdefault(name, {"sum": 0, "first": value, "last": 0})
                if value < seen["last"]:
                    json_falls.add(name)
                seen["sum"] += value
                seen["last"] = value
    reads["metrics"] += 1


def take_page(lines, before):
    """before: what this consumer has seen last."""
    for line in lines:
        # The fill level of a map at its last read is the only self metric that may fall.
        if line.startswith(("#", "dynmon_map_entries{")):
            continue
        series, value = line.rstrip("\n").rsplit(" ", 1)
        value = float(value)
        if value < before.get(series, 0):
            falls.add(f"{series} {before[series]} {value}")
        before[series] = value


def read_json(control):
    for monitor in args.monitors:
        answer = control.ask(f"METRICS {monitor}")
        take_json(monitor, "".join(answer[1:]) or answer[0].split(" ", 1)[1])


def read_samples(control, before):
    take_page(control.ask_page("OPENMETRICS"), before)
    reads["openmetrics"] += 1


def read_page(before):
    with urllib.request.urlopen(args.url, timeout=60) as answer:
        take_page(answer.read().decode().splitlines(keepends=True), before)
    reads["page"] += 1


def reload(control):
    for change in args.change:
        for line in control.ask(change)[1:]:
            maps["kept"] += line.endswith(" is kept\n")
            maps["new"] += " is new: " in line
    reads["reload"] += 1


def over_and_over(read, *more):
    try:
        while not stop.is_set():
            read(*more)
    except Exception as error:  # any exception means that there is no answer
        errors.append(f"{read.__name__}: {error!r}")


signal.signal(signal.SIGTERM, lambda *_: stop.set())
jobs = [(read_json, Control()), (read_samples, Control(), {})]
if args.url:
    jobs.append((read_page, {}))
if args.change:
    jobs.append((reload, Control()))
threads = [threading.Thread(target=over_and_over, args=job) for job in jobs]
for thread in threads:
    thread.start()
print("reading", flush=True)
active = [name for name, on in (("metrics", True), ("openmetrics", True), ("page", args.url),
                                ("reload", args.change)) if on]
told = False
while not stop.wait(0.1):
    if not told and (errors or min(reads[name] for name in active) >= args.enough):
        told = True
        print("enough", flush=True)
for thread in threads:
    thread.join()
try:
    read_json(jobs[0][1])
    read_samples(jobs[1][1], jobs[1][2])
    samples = jobs[1][2]
except Exception as error:
    errors.append(f"at the end: {error!r}")
print(json.dumps({"json": values, "json_falls": sorted(json_falls), "samples": samples,
                  "falls": sorted(falls), "reads": reads, **maps, "errors": errors}))
