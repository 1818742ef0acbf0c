"""A web server for tests that can misbehave like those on the internet."""

import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves ``files`` by path; ``ranges`` notes what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.resumes = True
        """whether the Range header is honoured"""
        self.break_after = 0
        """bytes after which every connection is cut; 0: never"""
        self.seconds_per_block = 0.0

    def handle_error(self, *_: object) -> None:
        """A client that goes away, as some tests let it, is nothing to report."""

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        content = self.server.files.get(self.path[1:])
        if content is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range", "")
        self.server.ranges.append(asked)
        start = int(re.findall(r"\d+", asked)[0]) if asked and self.server.resumes else 0
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = start + self.server.break_after if self.server.break_after else len(content)
        for place in range(start, min(end, len(content)), 100_000):
            self.wfile.write(content[place : min(place + 100_000, end)])
            time.sleep(self.server.seconds_per_block)

    def log_message(self, *_: object) -> None:
        pass
