"""The event log of a run: appended by one worker, read by anybody at any time."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ser_tui.places import give_to_group
from ser_tui.store.files import disk_errors, disk_message
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event, now
from ser_tui.study.log_codec import DamagedLine, NewerLine, decode, encode
from ser_tui.study.regular import open_regular

CHUNK = 1 << 18
"""Bytes that one read takes at most, so that a screen never waits for a long log."""
LONGEST_LINE = 1 << 23
"""Bytes of the longest line that is read: a trial on a million utterances has two. A longer one is damaged, and passed over
in pieces."""
SCAN = 1 << 25
"""Bytes of such a line that one read passes over."""


@dataclass
class LogReader:
    """Follows a log from its beginning. Only complete lines are taken; a torn tail is left until it is whole or cut."""

    path: Path
    offset: int = 0
    """Bytes taken so far, always at the end of a line."""
    line: int = 0
    damaged: list[tuple[int, str]] = field(default_factory=list)
    """(1-based line number, reason) of lines that could not be read."""
    restarted: bool = False
    """Set when the file became shorter than what was read: whoever keeps a state must begin anew."""
    refused: str = ""
    """Why the file that is there could not be read the last time: what a log says is then not known, rather than nothing."""
    newer: int = 0
    """1-based number of the first line that a newer ser_tui has written; 0 where there is none."""
    scanned: int = 0
    """Bytes beyond `offset` that hold no end of a line."""
    digest: Any = field(default_factory=hashlib.sha256)
    """SHA-256 of the bytes taken; None where a line was passed over that is too long to be one."""
    kept: int = 0
    """How many of the bytes taken the snapshot beside the log is of, see `ser_tui.store.snapshot`."""

    @property
    def position(self) -> tuple[int, int]:
        """Where the reader is: the same after a read as before it at the end of what there is."""
        return self.offset, self.scanned

    def read(self, limit: int = CHUNK) -> list[Event]:
        """The events of the next `limit` bytes at most; empty at the end, or where there is no log yet."""
        self.refused = ""
        try:
            with open_regular(self.path) as stream:
                size = os.fstat(stream.fileno()).st_size
                if size < self.offset:
                    self.offset, self.line, self.damaged, self.restarted, self.newer = 0, 0, [], True, 0
                    self.digest, self.kept = hashlib.sha256(), 0
                if size < self.offset + self.scanned:
                    self.scanned = 0  # a torn tail was cut off
                if self.scanned > LONGEST_LINE:
                    self._pass_over(stream)
                    return []
                if size <= self.offset:
                    return []
                stream.seek(self.offset)
                # No more than there is: room for `limit` bytes would be made, and given back, for each of thousands of small logs.
                data = stream.read(min(limit, size - self.offset))
                if data and b"\n" not in data:
                    data += stream.readline(LONGEST_LINE)  # one line longer than the limit
        except FileNotFoundError:
            return []
        except OSError as error:
            self.refused = error.strerror or str(error)
            return []
        end = data.rfind(b"\n") + 1
        self.scanned = 0 if end else len(data)
        found: list[Event] = []
        for raw in data[:end].splitlines(keepends=True) if end else ():
            self.line += 1
            try:
                found.append(decode(_bounded(raw)))
            except DamagedLine as error:
                self.damaged.append((self.line, str(error)))
                if isinstance(error, NewerLine):
                    self.newer = self.newer or self.line
        self.offset += end
        if self.digest is not None:
            self.digest.update(memoryview(data)[:end])
        return found

    def _pass_over(self, stream: io.BufferedReader) -> None:
        """Go on looking for the end of a line that is too long to be one, a bounded stretch a call."""
        self.digest = None
        stream.seek(self.offset + self.scanned)
        for _ in range(SCAN // CHUNK):
            data = stream.read(CHUNK)
            end = data.find(b"\n") + 1
            self.scanned += end or len(data)
            if end:
                self.line += 1
                self.damaged.append((self.line, f"longer than {LONGEST_LINE >> 20} MB"))
                self.offset += self.scanned
                self.scanned = 0
            if end or not data:
                return

    def tail(self) -> bytes:
        """What follows the last complete line, as far as a line can be long."""
        try:
            with open_regular(self.path) as stream:
                stream.seek(self.offset)
                return stream.read(LONGEST_LINE)
        except OSError:
            return b""

    def read_all(self) -> list[Event]:
        """Everything up to the present end."""
        return list(self.each())

    def each(self) -> Iterator[Event]:
        """Everything up to the present end, of which only a stretch is held at a time."""
        while True:
            before = self.position
            yield from self.read(CHUNK * 4)
            if self.position == before:
                return


class LogWriter:
    """Appends events. One at a time per log: whoever opens it holds the run's lock (`ser_tui.store.locks`).

    Opening cuts off a torn tail, so that the next line never glues to it; `dropped` says how many bytes that were.
    Every event is on the disk (fsync) when `append` returns: what was reported is never lost.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`, creating it for this user alone. Raises UserError where it cannot be written, and where a newer ser_tui
        has written in it: what this one does not know of the run it would do again, or otherwise."""
        self.path = path
        self.dropped = 0
        self._opened = time.monotonic()
        reader = LogReader(path)
        self.events = reader.read_all()
        """What the log held when it was opened."""
        self.damaged = reader.damaged
        if reader.newer or _is_newer(reader.tail()):
            raise _written_by_newer(path, reader.newer or reader.line + 1)
        with disk_errors("opening the run's log", path):
            # Not through a link, which could lead to a file that is no log and would be cut off as a torn line.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._descriptor = os.open(path, flags, 0o600)
            give_to_group(path)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            self._mend_tail(reader)
            self._end = os.fstat(self._descriptor).st_size
        self._next = max((event.seq for event in self.events), default=-1) + 1

    def _mend_tail(self, reader: LogReader) -> None:
        size = os.fstat(self._descriptor).st_size
        if size == reader.offset:
            return
        if reader.scanned < size - reader.offset:
            # Whole lines may follow, which the reader was kept from: to cut them off would lose what was reported.
            raise OSError(errno.EIO, "could not be read to its end")
        tail = os.pread(self._descriptor, min(size - reader.offset, LONGEST_LINE), reader.offset)
        try:
            whole = decode(tail)
        except DamagedLine:
            os.ftruncate(self._descriptor, reader.offset)
            self.dropped = size - reader.offset
        else:
            # Only the newline is missing: the event was reported, so it stays.
            os.write(self._descriptor, b"\n")
            self.events.append(whole)
        os.fsync(self._descriptor)

    def append(self, event: Event) -> Event:
        """Write `event` with the next seq, the present time and clock; the event as written. Raises UserError on a full disk,
        with the log as it was before."""
        clock = round(time.monotonic() - self._opened, 3)
        written = replace(event, seq=self._next, time=now(), clock=clock)
        line = _bounded(encode(written))
        decode(line)  # raises here rather than in every reader: no line is written that cannot be read
        try:
            self._cut_off_rest()
            view = memoryview(line)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with suppress(OSError):  # what cannot be cut off now is before the next line, or when the log is opened again
                self._cut_off_rest()
            raise disk_message(error, "writing the run's log", self.path) from None
        self._end += len(line)
        self._next += 1
        return written

    def _cut_off_rest(self) -> None:
        """Cut off what a write that failed has left, so that no line ever glues to it."""
        if os.fstat(self._descriptor).st_size > self._end:
            os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        """Close the file; what was appended is on the disk already."""
        os.close(self._descriptor)

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _bounded(line: bytes) -> bytes:
    if len(line) > LONGEST_LINE:
        raise DamagedLine(f"longer than {LONGEST_LINE >> 20} MB")
    return line


def _is_newer(tail: bytes) -> bool:
    """Whether a line that lacks only its newline is one of a newer ser_tui."""
    try:
        decode(tail)
    except NewerLine:
        return True
    except DamagedLine:
        pass
    return False


def _written_by_newer(path: Path, line: int) -> UserError:
    return UserError(
        f"{path}: line {line} was written by a newer ser_tui, whose work this one would do again or otherwise; update ser_tui to "
        "go on with this run, or clone its study into a new one"
    )
