"""A web server that stalls, truncates, ignores ranges, lies and refuses, as a test wants it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ser_tui.corpora.entry import Archive
from ser_tui.store.transfer import Patience

QUICK = Patience(stall=0.3, least_bytes=1024, tries=3, pause=0.0)


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    data: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    """What lies at other paths; where there are some, everything else is not found."""
    ranges: bool = True
    etag: str | None = '"one"'
    cut: list[int] = field(default_factory=list)
    """After how many bytes of the file each further request breaks off; then they are served whole."""
    stall: list[int] = field(default_factory=list)
    """The same, but the connection stays open without another byte."""
    drip: bool = False
    """One byte at a time, so that no single read waits long."""
    status: list[int] = field(default_factory=list)
    """Error codes of the first requests."""
    retry_after: str = ""
    redirect: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def archive(self, **published: Any) -> Archive:
        return Archive(f"{self.url}/corpus.zip", "corpus.zip", **published)

    def checksum(self) -> str:
        return "md5:" + hashlib.md5(self.data).hexdigest()


@contextmanager
def serving() -> Iterator[Server]:
    """A server on this machine, until the end of the block."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            state.asked.append(dict(self.headers))
            state.paths.append(self.path)
            data = state.files.get(self.path) if state.files else state.data
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if state.status:
                self.send_response(state.status.pop(0))
                if state.retry_after:
                    self.send_header("Retry-After", state.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if data is None:
                self.send_error(404)
                return
            start = 0
            wanted = self.headers.get("Range")
            if wanted and state.ranges and self.headers.get("If-Range") in (None, state.etag):
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(data):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            if state.etag:
                self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            end = state.cut.pop(0) if state.cut else state.stall[0] if state.stall else len(data)
            if state.drip:
                for position in range(start, len(data)):
                    self.wfile.write(data[position : position + 1])
                    if state.over.wait(0.02):
                        return
            self.wfile.write(data[start : max(start, end)])
            self.wfile.flush()
            if state.stall:
                state.stall.pop(0)
                state.over.wait()

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{listening.server_port}"
    try:
        yield state
    finally:
        state.over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()
