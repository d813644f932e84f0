"""The corpora that ser_tui knows by name. One more is one more module with its entry, and one more line here."""

from __future__ import annotations

import difflib

from ser_tui.corpora import crema_d, demo_labels, emodb, emovo, iemocap, ravdess, savee, shemo, tess, urdu
from ser_tui.corpora.entry import Archive, CorpusEntry
from ser_tui.study.errors import UsageError

__all__ = ["Archive", "CorpusEntry", "entries", "find", "first_edition", "require"]

_ENTRIES = (
    demo_labels.ENTRY,
    crema_d.ENTRY,
    emodb.EMODB,
    emodb.EMODB2,
    emodb.EMODB2_ALL,
    emovo.ENTRY,
    iemocap.IEMOCAP,
    iemocap.IEMOCAP_ALL,
    ravdess.ENTRY,
    savee.ENTRY,
    shemo.ENTRY,
    tess.ENTRY,
    urdu.ENTRY,
)


def entries() -> tuple[CorpusEntry, ...]:
    """All known corpora: the demo corpus first, then by name."""
    return _ENTRIES


def find(name: str) -> CorpusEntry | None:
    """The entry of that very name, or None: then the name can stand for a folder or a table of the user's."""
    return next((entry for entry in _ENTRIES if entry.name == name), None)


def first_edition(name: str) -> str:
    """The corpus whose speakers and sentences `name` has, under the same names: its first edition, or itself."""
    entry = find(name)
    return name if entry is None else entry.first_edition or entry.same_place_as or name


def require(name: str) -> CorpusEntry:
    """The entry of that name. Raises UsageError with the nearest one."""
    entry = find(name)
    if entry is None:
        known = [entry.name for entry in _ENTRIES]
        close = difflib.get_close_matches(name[:100].lower(), known, 1, 0.5)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        raise UsageError(f"{name[:100]}: no such corpus; {hint}")
    return entry
