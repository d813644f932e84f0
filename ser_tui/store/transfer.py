"""One file over HTTP: resumed where the server can, given up where it stalls, and believed only when its checksum is right."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from ser_tui import __version__
from ser_tui.store.files import FULL, RESERVE, DiskError, disk_message, read_json, refuse_full_disk
from ser_tui.study.errors import UserError
from ser_tui.study.regular import open_regular

Progress = Callable[[int, int | None], None]
"""(bytes done, bytes in all or None) of the download."""

_CHUNK = 1 << 18
_MOST_BYTES = 40 << 30
VARIABLE = "SER_TUI_CACHE"
ELSEWHERE = f"set {VARIABLE} to another disk"


@dataclass(frozen=True)
class Patience:
    """How long to bear with a server: seconds without `least_bytes`, tries in a row without a new byte, pause between, and the
    longest pause that a server may ask for."""

    stall: float = 30.0
    least_bytes: int = 1024
    tries: int = 5
    pause: float = 2.0
    asked: float = 120.0


class Published(Protocol):
    """One file to download, and what is known of it beforehand."""

    @property
    def url(self) -> str:
        """Where it lies."""

    @property
    def file_name(self) -> str:
        """Its name here."""

    @property
    def size(self) -> int | None:
        """Bytes, where they are published."""

    @property
    def checksum(self) -> str | None:
        """ "md5:..." or "sha256:...", where it is published."""


Room = Callable[[int, int], int]
"""(bytes of the file, bytes of it that are here) -> bytes of disk that must be free before more of it comes."""


class _Again(Exception):
    """A failure after which the same request may succeed, `wait` seconds later where the server said so."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class _OnlyHttp(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but never from https to something less."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise UserError(f"{req.full_url}: redirects from https to {newurl[:200]}; refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes longer than many a small file."""
    return ssl.create_default_context()


def _opener() -> urllib.request.OpenerDirector:
    # Not build_opener: that would also follow file: and ftp: addresses.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_tls()),
        _OnlyHttp(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def room_for(size: int, have: int) -> int:
    """Bytes of free disk for archives of `size` bytes, `have` of which are there: the rest of them, and their content beside them."""
    return max(0, size - have) + 2 * size + RESERVE


def room_for_the_rest(size: int, have: int) -> int:
    """Bytes of free disk for a file that stays as it comes."""
    return max(0, size - have) + RESERVE


def fetch(
    archive: Published, folder: Path, progress: Progress | None = None, patience: Patience | None = None, room: Room = room_for
) -> Path:
    """Download `archive` into `folder` and return its path. A partial download is kept there and gone on with.

    `room`: what must be free; an archive will be unpacked beside itself. Raises UserError when the server refuses, stalls for good, or
    sends something other than what was published.
    """
    bearing = patience or Patience()
    final = folder / archive.file_name
    if final.is_file() and problem(archive, final) is None:
        return final
    transfer = _Transfer(archive, folder, progress, bearing, room)
    for attempt in range(2):
        transfer.run()
        wrong = problem(archive, transfer.part)
        if wrong is None:
            os.replace(transfer.part, final)
            transfer.state.unlink(missing_ok=True)
            return final
        resumed = transfer.resumed
        transfer.discard()
        if not resumed or attempt:
            raise UserError(f"{archive.url}: {wrong}; it is not what was published, so it was deleted. Try again later")
        # Perhaps the halves of two versions were joined: once more, from the start.
    raise AssertionError("unreachable")


def kept_as(file_name: str) -> tuple[str, str]:
    """The names of what has come of a file, and of what the server said about it."""
    return f"{file_name}.part", f"{file_name}.part.json"


class _Transfer:
    """The state of one download: its partial file, and what the server said about it."""

    def __init__(self, archive: Published, folder: Path, progress: Progress | None, patience: Patience, room: Room) -> None:
        self.part, self.state = (folder / name for name in kept_as(archive.file_name))
        self.resumed = False
        self._archive = archive
        self._total: int | None = None
        self._progress = progress
        self._patience = patience
        self._room = room
        self._opener = _opener()

    def run(self) -> None:
        """Fetch until the file is complete."""
        if self._archive.size is not None and self._size() == self._archive.size:
            self.resumed = True  # it had come, and was to be checked
            return
        failures = 0
        while True:
            before = self._size()
            try:
                self._request(before)
                return
            except _Again as error:
                failures = failures + 1 if self._size() <= before else 1
                if failures >= self._patience.tries:
                    kept = f"; {self._size() / 1e6:.1f} MB are kept, and the same command goes on with them" if self._size() else ""
                    raise UserError(f"{self._archive.url}: {error}, {failures} times in a row{kept}") from None
                time.sleep(max(self._patience.pause * min(failures, 5), min(error.wait, self._patience.asked)))

    def discard(self) -> None:
        """Delete what was fetched."""
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)

    def _request(self, have: int) -> None:
        remembered = self._read_state()
        request = urllib.request.Request(self._archive.url)
        request.add_header("User-Agent", f"ser-tui/{__version__}")
        request.add_header("Accept-Encoding", "identity")
        if have and remembered and (remembered["validator"] or self._archive.checksum):
            request.add_header("Range", f"bytes={have}-")
            if remembered["validator"]:
                request.add_header("If-Range", remembered["validator"])
        try:
            with self._opener.open(request, timeout=self._patience.stall) as response:
                self._receive(response, have)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                self.discard()
                raise _Again("the server does not have the rest of what was begun") from None
            if error.code in (408, 425, 429) or error.code >= 500:
                raise _Again(f"the server answers {error.code} {error.reason}", _asked_to_wait(error)) from None
            raise UserError(f"{self._archive.url}: the server answers {error.code} {error.reason}; has the file moved?") from None
        except urllib.error.URLError as error:
            reason = error.reason if not isinstance(error.reason, OSError) else error.reason.strerror or error.reason
            raise _Again(f"cannot be reached ({reason})") from None
        except TimeoutError:
            raise _Again(f"the server sent nothing for {self._patience.stall:g} s") from None
        except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
            raise _Again(f"the connection broke ({type(error).__name__})") from None
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise self._no_room(error) from None

    def _no_room(self, error: OSError) -> DiskError:
        have = self._size()
        missing = f", {(self._total - have) / 1e6:.1f} MB of which are missing" if self._total else ""
        kept = f"; {have / 1e6:.1f} MB are kept" if have else ""
        doing = f"fetching {self._archive.file_name}{missing}"
        return disk_message(error, doing, self.part.parent, f"fetch it again, or {ELSEWHERE}{kept}")

    def _receive(self, response: Any, have: int) -> None:
        start, total = _extent(response, have)
        self.resumed = self.resumed or start > 0
        self._total = total if total is not None else self._archive.size
        self._check_size(total, start)
        validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        if validator.startswith("W/"):
            validator = ""  # a weak tag does not promise the same bytes
        if not start:
            self.part.unlink(missing_ok=True)  # before a new validator stands beside it
        said = {"url": self._archive.url, "validator": validator}
        if self._read_state() != said:  # on a full disk a file that is written again may be left empty
            self.state.write_text(json.dumps(said), encoding="utf-8")
        done = start
        with open(self.part, "r+b" if start else "wb") as file:
            file.truncate(start)
            file.seek(start)
            window, seen = time.monotonic(), done
            while chunk := response.read1(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if done > (total if total is not None else _MOST_BYTES):
                    raise UserError(f"{self._archive.url}: the server sends more than it announced; refused")
                if self._progress is not None:
                    self._progress(done, total if total is not None else self._archive.size)
                now = time.monotonic()
                if now - window >= self._patience.stall:
                    if done - seen < self._patience.least_bytes:
                        raise _Again(f"the server sent {done - seen} bytes in {now - window:.0f} s")
                    window, seen = now, done
        wanted = total if total is not None else self._archive.size
        if wanted is not None and done < wanted:
            raise _Again(f"the connection ended after {done:,} of {wanted:,} bytes")

    def _check_size(self, total: int | None, have: int) -> None:
        published = self._archive.size
        if total is not None and published is not None and total != published:
            raise UserError(f"{self._archive.url}: has {total:,} bytes where {published:,} were published; see whether it was replaced")
        expected = total if total is not None else published
        if expected is not None and expected > _MOST_BYTES:
            raise UserError(f"{self._archive.url}: has {expected >> 30} GB; refused")
        if expected is not None:
            refuse_full_disk(self.part.parent, self._room(expected, have), f"fetching {self._archive.file_name}", VARIABLE)

    def _size(self) -> int:
        try:
            return self.part.stat().st_size
        except OSError:
            return 0

    def _read_state(self) -> dict[str, str]:
        data = read_json(self.state)
        same = isinstance(data, dict) and data.get("url") == self._archive.url and isinstance(data.get("validator"), str)
        return data if same else {}


def _asked_to_wait(error: urllib.error.HTTPError) -> float:
    """Seconds that the server asks us to wait, 0 where it does not say."""
    wanted = error.headers.get("Retry-After", "")
    return float(wanted) if wanted.isascii() and wanted.isdigit() else 0.0


def shifted(progress: Progress | None, offset: int, total: int | None) -> Progress | None:
    """`progress` for one file of several: `offset` bytes came before it, `total` are wanted in all where that is known."""
    if progress is None:
        return None

    def report(done: int, of: int | None) -> None:
        whole = total if total is not None else (None if of is None else offset + of)
        progress(offset + done, whole)

    return report


def _extent(response: Any, have: int) -> tuple[int, int | None]:
    """(first byte that the response holds, size of the whole file if it says so)."""
    length = response.headers.get("Content-Length", "")
    if response.status == 206:
        unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
        span, _, whole = rest.partition("/")
        first = span.partition("-")[0]
        if unit != "bytes" or not first.isascii() or not first.isdigit() or int(first) != have:
            raise UserError("the server answers with another part of the file than was asked for; delete the partial download")
        return have, int(whole) if whole.isascii() and whole.isdigit() else None
    return 0, int(length) if length.isascii() and length.isdigit() else None


def problem(archive: Published, path: Path) -> str | None:
    """How the file differs from what was published, or None."""
    size = path.stat().st_size
    if archive.size is not None and size != archive.size:
        return f"{size:,} bytes came where {archive.size:,} were published"
    if archive.checksum is None:
        return None if size else "nothing came"
    algorithm, _, wanted = archive.checksum.partition(":")
    with open_regular(path) as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    return None if found == wanted else f"its {algorithm} is {found} where {wanted} was published"
