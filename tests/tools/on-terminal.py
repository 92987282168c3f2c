#!/usr/bin/python3
"""on-terminal.py STREAMS COMMAND ...: prints the bytes that a command writes to a terminal.

STREAMS are those of the command that are the terminal: out, err, or out,err. The others stay as they
are. Standard input is /dev/null. Ends with the command's status.
"""
import os
import pty
import subprocess
import sys
import tty

streams = sys.argv[1].split(",")
ours, theirs = pty.openpty()
tty.setraw(theirs)  # keep newlines
process = subprocess.Popen(
    sys.argv[2:],
    stdin=subprocess.DEVNULL,
    stdout=theirs if "out" in streams else None,
    stderr=theirs if "err" in streams else None,
)
os.close(theirs)
while True:
    try:
        part = os.read(ours, 65536)
    except OSError:  # no process has the terminal open any more
        break
    if not part:
        break
    os.write(1, part)
sys.exit(process.wait())
