"""What a person has said of a run: a title, tags, a note, that it is put away, and whether its end is told. No score depends on it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ser_tui.study.errors import UsageError

MOST_TAGS, MOST_TITLE, MOST_NOTE = 20, 100, 10_000
_TAG = re.compile(r"[^\W_][\w.-]{0,39}")


@dataclass(frozen=True)
class Remarks:
    """`title`: shown instead of the study's name. `archived`: lists leave it out unless they are asked for such runs. `notify`: whether its
    end is told; None: as the settings say."""

    title: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False
    notify: bool | None = None

    def __bool__(self) -> bool:
        return self != NOTHING_SAID


NOTHING_SAID = Remarks()


def checked_tags(given: Iterable[str]) -> tuple[str, ...]:
    """`given` as tags, each once, in order. Raises UsageError where one cannot be one."""
    tags = tuple(dict.fromkeys(tag for tag in given if tag))
    for tag in tags:
        if not _TAG.fullmatch(tag):
            raise UsageError(f"{tag!r} cannot be a tag: up to 40 letters, digits, hyphens, dots and underscores, first a letter or digit")
    if len(tags) > MOST_TAGS:
        raise UsageError(f"{len(tags)} tags are too many for one run; {MOST_TAGS} at most")
    return tags


def checked_text(given: str, most: int, what: str) -> str:
    """`given` without blanks around it. Raises UsageError where it is too long."""
    text = given.strip()
    if len(text) > most:
        raise UsageError(f"the {what} has {len(text):,} characters; {most:,} at most")
    return text


def remarks_in(data: Any) -> Remarks:
    """The remarks in a file that may be of another hand: what is not one is left out."""
    if not isinstance(data, dict):
        return Remarks()
    title, note, tags = data.get("title"), data.get("note"), data.get("tags")
    known = tags if isinstance(tags, list) else []
    return Remarks(
        title=title[:MOST_TITLE] if isinstance(title, str) else "",
        tags=tuple(dict.fromkeys(tag for tag in known if isinstance(tag, str) and _TAG.fullmatch(tag)))[:MOST_TAGS],
        note=note[:MOST_NOTE] if isinstance(note, str) else "",
        archived=data.get("archived") is True,
        notify=told if isinstance(told := data.get("notify"), bool) else None,
    )
