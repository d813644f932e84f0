"""MP3 files are looked at in a process of their own: libsndfile's decoder writes about damaged ones to standard error, which
in the app is the screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ser_tui import places
from ser_tui.corpora.hearing.audio import Audio, Away, Failing, Momentary, inspect
from ser_tui.corpora.hearing.segments import Bounds

Asked = tuple[Path, Sequence[Bounds] | None]
"""A file, and its segments, as `audio.inspect` takes them."""
_REASONS: Mapping[str, type[str]] = {kind.__name__: kind for kind in (str, Momentary, Away, Failing)}
"""Of verdicts that are none on a usable file, by the name under which they are told."""


def is_mpeg(path: Path) -> bool:
    """Whether the file begins as MPEG audio does. Never blocks, never raises."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return False
    try:
        start = os.read(descriptor, 3)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return start == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0)


def inspect_apart(asked: Sequence[Asked]) -> Iterator[Audio | str]:
    """`audio.inspect` of each file, in order. One at which the decoder dies is named and the rest go on."""
    pending = list(asked)
    while pending:
        answered = 0
        for verdict in _ask(pending):
            answered += 1
            yield verdict
        pending = pending[answered:]
        if pending:
            yield "the MP3 decoder breaks down on it"
            pending.pop(0)


def _ask(asked: Sequence[Asked]) -> Iterator[Audio | str]:
    lines = "".join(json.dumps([str(path), segments]) + "\n" for path, segments in asked).encode()
    child = subprocess.Popen(
        places.command("ser_tui.corpora.hearing.mpeg"),
        env=places.own_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with child:
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(lines)
            child.stdin.close()
        except BrokenPipeError:
            return
        for line in child.stdout:
            if not line.endswith(b"\n"):
                return  # it died while it wrote
            verdict = json.loads(line)
            yield _REASONS[verdict["kind"]](verdict["text"]) if isinstance(verdict, dict) else Audio.from_plain(verdict)


def main() -> None:
    """Read files and their segments from standard input, a line of JSON each, and write one verdict a line."""
    for line in sys.stdin.buffer.read().splitlines():
        path, segments = json.loads(line)
        verdict = inspect(Path(path), segments=segments)
        told = {"kind": type(verdict).__name__, "text": str(verdict)} if isinstance(verdict, str) else verdict.to_plain()
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
