"""A run's study.yaml that is lost or was half written, as a copy that broke off leaves it: the log holds the same study."""

from __future__ import annotations

import re

from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted
from ser_tui.study.load import load, parse, to_plain, validate
from ser_tui.study.regular import open_regular

LOST = ("was lost", "was half written")
"""What may have become of study.yaml."""


def study_of(folder: RunFolder) -> Study:
    """The run's study, by its log where study.yaml is lost. Raises UserError where neither says it."""
    found = lost_study(folder, folder.state().start)
    if found is not None:
        return found[0]
    if not folder.study.exists():
        raise UserError(f"{folder.path} has no study.yaml, and its log does not say its study: it cannot go on; begin a new run")
    return load(folder.study)


def lost_study(folder: RunFolder, start: RunStarted | None) -> tuple[Study, str] | None:
    """The study that the log holds, and what has become of study.yaml; None where that is whole, and where a person's edit is wrong, which
    is theirs to mend."""
    if start is None:
        return None
    try:
        with open_regular(folder.study) as stream:
            raw = stream.read()
    except FileNotFoundError:
        raw = None
    except OSError:
        return None  # whoever reads it says more
    if raw is not None and _is_whole(raw, start):
        return None
    try:
        study = validate(start.study, str(folder.log))
    except UserError:
        return None  # of another version of ser_tui
    if raw is None:
        return study, LOST[0]
    return (study, LOST[1]) if _is_cut(raw, folder, [key for key in to_plain(study) if key in start.study]) else None


def _is_cut(raw: bytes, folder: RunFolder, keys: list[str]) -> bool:
    """Whether a document, of which `keys` are the sections in order, breaks off: later sections are not there, or the last line has no end,
    as editors and we give it, and makes no sense."""
    torn = not raw.endswith(b"\n") or b"\0" in raw
    try:
        held = list(parse(raw.decode(), str(folder.study)))
    except (UserError, UnicodeDecodeError):
        return torn
    return (len(held) < len(keys) and held == keys[: len(held)]) or (torn and not _loads(folder))


def _is_whole(raw: bytes, start: RunStarted) -> bool:
    return raw.endswith(b"\n") and b"\0" not in raw and all(re.search(rb"(?m)^%s:" % re.escape(key.encode()), raw) for key in start.study)


def _loads(folder: RunFolder) -> bool:
    try:
        load(folder.study)
    except UserError:
        return False
    return True
