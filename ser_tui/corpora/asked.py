"""How a user says that a corpus shall be read: the options of `corpora add`, as a command or the app has them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from ser_tui.corpora.locations import Source
from ser_tui.corpora.reading.columns import ROLES
from ser_tui.study.errors import UsageError

_OTHERS = ("like", "root", "split-map", "speaker-in")


def source(columns: Mapping[str, str | None], split_map: str, root: str, like: str, speaker_in: str) -> Source:
    """The reading that the options of those names ask for; empty ones say nothing. Raises UsageError."""
    words: dict[str, str] = {}
    for assignment in split_map.split(",") if split_map else ():
        word, separator, part = assignment.rpartition("=")
        if not separator or not word.strip():
            raise UsageError(f"--split-map {split_map}: write WORD=PART,WORD=PART, for example holdout=test,extra=")
        words[word.strip()] = part.strip()
    named = {role: header for role, header in columns.items() if header}
    if speaker_in and "speaker" in named:
        raise UsageError("--speaker and --speaker-in: the speaker is read from a column or from names of files; leave one out")
    return Source(Path(), like, named, words, Path(root) if root else None, speaker_in)


def typed(text: str) -> Source:
    """What was typed into one field: a corpus whose file names these are (ravdess, tree:2), or options as in a shell.

    Raises UsageError for what is no option of `corpora add`, and for one without a value.
    """
    if not text.startswith("--"):
        return Source(Path(), like=text)
    try:
        words = [part for word in shlex.split(text) for part in (word.split("=", 1) if word.startswith("--") else [word])]
    except ValueError as error:
        raise UsageError(f"{text[:60]}: {str(error).lower()}; put quotation marks around what has blanks in it") from None
    said = dict(zip(words[::2], words[1::2], strict=False))
    known = [f"--{name}" for name in (*ROLES, *_OTHERS)]
    wrong = next((word for word in words[::2] if word not in known), None)
    if wrong is not None:
        raise UsageError(f"{wrong[:60]}: no option; there are {', '.join(known)}, each with a value; quote a value with blanks in it")
    if len(words) % 2:
        raise UsageError(f"{words[-1]}: give it a value")
    options = {name.removeprefix("--"): value for name, value in said.items()}
    return source(
        {role: options.get(role) for role in ROLES}, *(options.get(name, "") for name in ("split-map", "root", "like", "speaker-in"))
    )
