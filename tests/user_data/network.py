"""What a machine finds on its network: the metadata service and a package mirror, each with its moods.

    network.py MIRROR INSTANCE_ID MOODS

MOODS is JSON: `metadata_slow`, `apt_fails` and `pip_fails` say how many requests go wrong first. Each
request that is answered is a line on standard output: who, method, path, status.
"""

import json
import os
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from urllib.parse import unquote

MIRROR, INSTANCE_ID = Path(sys.argv[1]), sys.argv[2]
MOODS = json.loads(sys.argv[3])
# Longer than the boot script waits for one answer.
SLOW_S = 7
LOCK = Lock()


def in_a_mood(mood):
    """Whether this request goes wrong: the first few do."""
    with LOCK:
        left = MOODS.get(mood, 0)
        MOODS[mood] = max(0, left - 1)
    return left > 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    name = None

    def reply(self, status, body=b"", kind="text/plain"):
        with LOCK:
            print(self.name, self.command, self.path, status, flush=True)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Metadata(Handler):
    """The metadata service of an instance on which session tokens are required."""

    name = "metadata"
    tokens = set()

    def do_PUT(self):
        if in_a_mood("metadata_slow"):
            time.sleep(SLOW_S)
            with LOCK:
                print(self.name, self.command, self.path, "too-late", flush=True)
            self.close_connection = True
            return
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token":
            self.reply(404)
        elif not ttl.isdigit() or not 1 <= int(ttl) <= 21_600:
            self.reply(400)
        else:
            token = secrets.token_urlsafe(40)
            self.tokens.add(token)
            self.reply(200, token.encode())

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            self.reply(401)
        elif self.path == "/latest/meta-data/instance-id":
            self.reply(200, INSTANCE_ID.encode())
        else:
            self.reply(404)


class Packages(Handler):
    """A mirror of Debian's packages and an index of Python's."""

    name = "packages"

    def do_GET(self):
        path = unquote(self.path).lstrip("/")
        if path.startswith("debian/") and in_a_mood("apt_fails"):
            self.reply(503)
        elif path.startswith("simple/") and in_a_mood("pip_fails"):
            # A page that is not there yet: pip itself repeats a 503, and gives up here.
            self.reply(404)
        elif path.startswith("simple/"):
            self.project(path.split("/")[1])
        else:
            self.file(path)

    def project(self, name):
        wheels = [
            wheel.name
            for wheel in sorted((MIRROR / "wheels").iterdir())
            if wheel.name.split("-")[0].lower().replace("_", "-") == name
        ]
        links = "".join(f'<a href="/wheels/{wheel}">{wheel}</a>\n' for wheel in wheels)
        self.reply(200 if wheels else 404, f"<!DOCTYPE html>{links}".encode(), "text/html")

    def file(self, path):
        file = (MIRROR / path).resolve()
        if file.is_relative_to(MIRROR.resolve()) and file.is_file():
            self.reply(200, file.read_bytes(), "application/octet-stream")
        else:
            self.reply(404)


def serve(address, handler):
    server = ThreadingHTTPServer((address, 80), handler)
    Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    serve("169.254.169.254", Metadata)
    serve("10.77.0.1", Packages)
    print("ready", flush=True)
    # Whoever started this holds the other end: its end is the end.
    os.read(0, 1)
