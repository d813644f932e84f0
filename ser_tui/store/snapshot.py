"""A run's state as it was at some point of its log, in state.snapshot beside the log: a long log is then not read from its
beginning. It holds nothing that the log does not say: it can be deleted at any time, and one that is not believed is as good
as none.

It is believed where (1) its format and the version of ser_tui are this one's, since another one may make another state of a
log; (2) the log is at least as long as what the snapshot is of, and these bytes have the SHA-256 that is noted, all of them:
reading them takes a fiftieth of decoding them, and leaves no log, neither a changed one nor another, for which the state would
be taken in error; (3) the lines of the state have the CRC-32 that ends the file, which keeps rot and half a file away; and
(4) they hold a state by the checks of `ser_tui.study.state_codec`, which keep away what a stranger's hand could have written.
As for its scores, such a hand could as well have written another log.

The second line is the summary of a run that is over, with a CRC-32 of its own: a list of thousands of runs needs no more.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ser_tui import __version__
from ser_tui.places import give_to_group
from ser_tui.store.log import LONGEST_LINE, LogReader
from ser_tui.study.events import parse_time
from ser_tui.study.frozen import changed
from ser_tui.study.headline import KINDS
from ser_tui.study.regular import open_regular
from ser_tui.study.run_summary import RunSummary, from_kept, to_kept
from ser_tui.study.scores import MEASURES
from ser_tui.study.state import RunState
from ser_tui.study.state_codec import FORMAT, NotKept, from_lines, to_lines
from ser_tui.study.summary import summarize
from ser_tui.study.type_checks import check

NAME = "state.snapshot"
LEAST = 1 << 20
"""Bytes of log that are decoded in a twentieth of a second: a reader who had to decode fewer keeps nothing."""
SHARE = 8
"""A snapshot is made again once an eighth of the log is beyond it: made more often, it would cost more than it saves."""
ABANDONED_SECONDS = 60.0
"""A file half written is from a process that was killed, and not from one that writes it, when it has not grown for so long."""
_IS_OF = {"bytes": check(int), "lines": check(int), "newer": check(int), "sha256": check(str), "damaged": check(list)}
_is_damage = check(tuple[int, str])


def summary(log: Path) -> RunSummary | None:
    """The summary of a run that is over, as `ser_tui.study.summary.summarize` makes it of the whole of `log`; None where there is
    no snapshot to be believed that says it. It names the run as it was called then."""
    try:
        with open_regular(log.with_name(NAME)) as stream:
            reader = _reader(log, json.loads(stream.readline(LONGEST_LINE)))
            crc, kept = stream.readline(LONGEST_LINE).rstrip(b"\n").split(b" ", 1)
        if reader.newer or log.stat().st_size != reader.offset or int(crc, 16) != zlib.crc32(kept):
            return None
        found = from_kept(kept)
        return None if found is None or not _told(found) else changed(found, log_bytes=reader.offset, damaged_lines=len(reader.damaged))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def resumed(log: Path) -> tuple[LogReader, RunState]:
    """A reader of `log` and the state of what it has taken: of its beginning, where there is no snapshot to be believed."""
    try:
        with open_regular(log.with_name(NAME)) as stream:
            reader = _reader(log, json.loads(stream.readline(LONGEST_LINE)))
            stream.readline(LONGEST_LINE)  # the summary
            return reader, from_lines(_sound(iter(lambda: stream.readline(LONGEST_LINE), b"")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return LogReader(log), RunState()


def keep(reader: LogReader, state: RunState, least: int = LEAST) -> None:
    """Keep `state`, which is of all that `reader` has taken, where `least` bytes of it are new. A folder that cannot be written
    and a full disk cost nothing: the log is then read again."""
    if reader.digest is None or not reader.offset or reader.offset - reader.kept < max(least, reader.offset // SHARE):
        return
    reader.kept = reader.offset  # also where it cannot be kept, which would be tried again at every look
    path = reader.path.with_name(NAME)
    new = path.with_name(f".{NAME}.new")
    with suppress(OSError, NotKept):
        if time.time() - _written(new) > ABANDONED_SECONDS:
            new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb") as stream:
            try:
                stream.write(_head(reader) + _summary(reader.path.parent.name, state))
                crc = 0
                for line in to_lines(state):
                    crc = zlib.crc32(line, crc)
                    stream.write(line)
                stream.write(_end(crc))
                stream.flush()
                give_to_group(new)
                # Not synced: what a power cut leaves of it is not believed.
                os.replace(new, path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise


def _head(reader: LogReader) -> bytes:
    of = {
        "bytes": reader.offset, "lines": reader.line, "newer": reader.newer, "sha256": reader.digest.hexdigest(),
        "damaged": reader.damaged,
    }  # fmt: skip
    return json.dumps({"format": FORMAT, "ser_tui": __version__, "log": of}).encode() + b"\n"


def _told(found: RunSummary) -> bool:
    """Whether words and times in it are ones that a log can add up to: types alone do not say so."""
    times = [parse_time(time) for time in (found.started, found.ended) if time]
    figures = found.headline is None or found.headline.kind in KINDS
    return figures and found.status.over and set(found.objectives) <= set(MEASURES) and all(time.tzinfo for time in times)


def _summary(run_id: str, state: RunState) -> bytes:
    """The second line; without a summary where more may come, or where it would say more than the log: the folder's name."""
    kept = to_kept(summarize(run_id, state)) if state.status.over and state.study.name else b""
    return b"%08x %b\n" % (zlib.crc32(kept), kept) if kept else b"-\n"


def _reader(log: Path, head: Any) -> LogReader:
    """A reader that has taken what the snapshot's first line, `head`, says it is of. Raises as `resumed` catches."""
    of = head["log"]
    damaged = [tuple(each) for each in of["damaged"]]
    if head["format"] != FORMAT or head["ser_tui"] != __version__ or not all(map(_is_damage, damaged)):
        raise NotKept("of another version")
    if not all(fits(of[name]) for name, fits in _IS_OF.items()):
        raise NotKept("no snapshot")
    digest = hashlib.sha256()
    with open_regular(log) as stream:
        left = of["bytes"]
        while left > 0 and (data := stream.read(min(left, 1 << 20))):
            digest.update(data)
            left -= len(data)
    if left or digest.hexdigest() != of["sha256"]:
        raise NotKept("of another log")
    return LogReader(log, offset=of["bytes"], line=of["lines"], damaged=damaged, newer=of["newer"], digest=digest, kept=of["bytes"])


def _sound(lines: Iterator[bytes]) -> Iterator[bytes]:
    """`lines` but the last, which must fit all others. Raises NotKept at the end where it does not."""
    crc, before = 0, next(lines)
    for line in lines:
        yield before
        crc, before = zlib.crc32(before, crc), line
    if before != _end(crc):
        raise NotKept("not as it was written")


def _end(crc: int) -> bytes:
    return f"{crc:08x}\n".encode()


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
