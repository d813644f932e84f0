"""Finding the audio files of a corpus's folder, whatever else lies there. Nothing here opens a file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ser_tui.corpora.manifest import Problem
from ser_tui.study.errors import UserError
from ser_tui.study.regular import AWAY

SUFFIXES = frozenset({
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".rf64", ".sph", ".w64", ".wav",
    ".wave", ".wma",
})  # fmt: skip
"""Files that count as audio, so that one that cannot be read is reported instead of overlooked."""

MOST_ENTRIES = 300_000
_SKIPPED_FOLDERS = {"__MACOSX", "@eaDir", "lost+found"}


def find(root: Path) -> tuple[list[str], list[Problem]]:
    """(ids of the audio files under `root`, things there that look like audio and are no files), both sorted.

    Links are followed, each folder once and by its own name where it has one here, but not to a folder above `root`, which holds
    more than the corpus; hidden files and what archivers leave behind are passed over. Raises UserError when `root` is no
    readable folder, or holds so much that it cannot be a corpus.
    """
    ids: list[str] = []
    problems: list[Problem] = []
    seen = _above(root)
    entries = 0
    pending, linked = [""], list[str]()
    while pending or linked:
        folder = pending.pop() if pending else linked.pop(0)
        try:
            listing = list(_list(root / folder, seen))
        except OSError as error:
            _refuse_away(root / folder, error)
            if not folder:
                raise UserError(f"{root}: {error.strerror}; give the folder of a corpus that you may read") from None
            problems.append(Problem(folder, f"this folder cannot be read: {error.strerror}"))
            continue
        entries += len(listing)
        if entries > MOST_ENTRIES:
            raise UserError(f"{root}: more than {MOST_ENTRIES:,} files; give the corpus's own folder")
        for entry in listing:
            name = f"{folder}/{entry.name}" if folder else entry.name
            problem = _name_problem(name)
            if problem:
                problems.append(problem)
                continue
            kind, broken = _kind(entry)
            looks_like_audio = os.path.splitext(entry.name)[1].lower() in SUFFIXES
            if kind is not None and stat.S_ISDIR(kind):
                (linked if entry.is_symlink() else pending).append(name)
                if looks_like_audio:
                    problems.append(Problem(name, "a folder that is named like an audio file", by_rule=True))
            elif looks_like_audio and kind is not None and stat.S_ISREG(kind):
                ids.append(name)
            elif looks_like_audio:
                problems.append(Problem(name, broken or f"{_special(kind or 0)}, not a file"))
    return sorted(ids), sorted(problems, key=lambda problem: problem.path)


def _above(root: Path) -> set[tuple[int, int]]:
    """The identities of the folders that `root` lies in."""
    above: set[tuple[int, int]] = set()
    for folder in Path(os.path.realpath(root)).parents:
        with suppress(OSError):
            facts = os.stat(folder)
            above.add((facts.st_dev, facts.st_ino))
    return above


def _list(folder: Path, seen: set[tuple[int, int]]) -> Iterator[os.DirEntry[str]]:
    facts = os.stat(folder)
    identity = (facts.st_dev, facts.st_ino)
    if identity in seen:
        return
    seen.add(identity)
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.startswith(".") and entry.name not in _SKIPPED_FOLDERS:
                yield entry


def _kind(entry: os.DirEntry[str]) -> tuple[int | None, str]:
    try:
        return entry.stat().st_mode, ""
    except OSError as error:
        _refuse_away(Path(entry.path), error)
        what = "a link that leads nowhere" if entry.is_symlink() else f"cannot be looked at: {error.strerror}"
        return None, what


def _refuse_away(path: Path, error: OSError) -> None:
    """Raise UserError where `error` says nothing of what lies at `path`: a corpus without it would be another one."""
    if error.errno in AWAY or error.errno == errno.EIO:
        raise UserError(f"{path} cannot be read just now: {error.strerror}; mend that and try again") from None


def _name_problem(name: str) -> Problem | None:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        return Problem(shown, "its name is not UTF-8; rename it")
    return None


def _special(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))
    return next((word for test, word in kinds if test(mode)), "something special")
