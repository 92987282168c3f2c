#!/usr/bin/python3
"""http-sink.py PORT FILE: an HTTP server on the loopback. What is POSTed to /collectd as JSON is appended to
FILE, a line each."""
import http.server
import json
import sys


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        good = self.path == "/collectd" and self.headers["Content-Type"] == "application/json"
        if good:
            with open(sys.argv[2], "ab", buffering=0) as file:
                file.write(json.dumps(json.loads(body)).encode() + b"\n")
        self.send_response(200 if good else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
