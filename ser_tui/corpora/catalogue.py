"""The corpora that ser_tui knows by name. One more is one more module with its entry, and one more line here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ser_tui.corpora import demo_labels
from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.known import (
    ased,
    cafe,
    crema_d,
    emodb,
    emov_db,
    emovo,
    emozionalmente,
    esd,
    iemocap,
    jl_corpus,
    meld,
    msp,
    nemo,
    ravdess,
    savee,
    shemo,
    tess,
    turev,
    urdu,
)
from ser_tui.corpora.manifest import Utterance
from ser_tui.study.errors import UsageError
from ser_tui.study.plug_ins import PlugIns
from ser_tui.study.wrong_values import nearest

_ENTRIES = (
    demo_labels.ENTRY,
    ased.ENTRY,
    cafe.ENTRY,
    crema_d.ENTRY,
    emodb.EMODB,
    emodb.EMODB2,
    emodb.EMODB2_ALL,
    emov_db.ENTRY,
    emovo.ENTRY,
    emozionalmente.ENTRY,
    esd.ENTRY,
    iemocap.IEMOCAP,
    iemocap.IEMOCAP_ALL,
    jl_corpus.ENTRY,
    meld.ENTRY,
    msp.IMPROV,
    msp.PODCAST,
    nemo.ENTRY,
    ravdess.ENTRY,
    savee.ENTRY,
    shemo.ENTRY,
    tess.ENTRY,
    turev.ENTRY,
    urdu.ENTRY,
)

FIRST_KNOWN = frozenset(
    {"demo", "crema-d", "emodb", "emodb2", "emodb2-all", "emovo", "iemocap", "iemocap-all", "ravdess", "savee", "shemo", "tess", "urdu"}
)
"""The corpora that ser_tui 0.1.0 knew. What was added to it under another name was a tree or a table."""

PLUG_INS = PlugIns("ser_tui.corpora", CorpusEntry, "corpus")
"""Entries that other packages declare under the names of their corpora; a name of ours is ours."""
_NAMES = frozenset(entry.name for entry in _ENTRIES)

RECOGNISED = 0.9
"""Share of a folder's recordings that must be named as a corpus names them for the folder to be taken for a copy of it."""


def entries() -> tuple[CorpusEntry, ...]:
    """All known corpora: the demo corpus first, then by name, then those of other packages that can be loaded."""
    return _ENTRIES + tuple(entry for entry in PLUG_INS.sound() if entry.name not in _NAMES)


def find(name: str) -> CorpusEntry | None:
    """The entry of that very name, or None: then the name can stand for a folder or a table of the user's."""
    known = next((entry for entry in _ENTRIES if entry.name == name), None)
    if known is not None or name not in PLUG_INS:
        return known
    return next((entry for entry in PLUG_INS.sound() if entry.name == name), None)


def spoken_by_machines(utterances: Iterable[Utterance]) -> list[str]:
    """The corpora of those of `utterances` that are synthetic speech, whatever name a copy of it has here."""
    known = dict.fromkeys((utterance.corpus, utterance.like or utterance.corpus) for utterance in utterances)
    return [corpus for corpus, like in known if (entry := find(like)) is not None and entry.synthetic]


def first_edition(name: str) -> str:
    """The corpus whose speakers and sentences `name` has, under the same names: its first edition, or itself."""
    entry = find(name)
    return name if entry is None else entry.first_edition or entry.same_place_as or name


def edition(utterance: Utterance) -> str:
    """The corpus whose speakers and sentences the utterance's are, whatever name its copy has here."""
    return first_edition(utterance.like or utterance.corpus)


def recognised(ids: Sequence[str]) -> CorpusEntry | None:
    """The corpus as whose files `ids` are named, nine in ten of them; None where there is no such corpus, or more than one.

    Of several editions, which name their files alike, the first.
    """
    if not ids:
        return None
    fitting = [
        entry
        for entry in entries()
        if entry.knows is not None and not entry.same_place_as and not entry.first_edition
        and sum(bool(entry.knows(name)) for name in ids) >= RECOGNISED * len(ids)
    ]  # fmt: skip
    return fitting[0] if len(fitting) == 1 else None


def require(name: str) -> CorpusEntry:
    """The entry of that name. Raises UsageError with the nearest one, UserError where its package cannot be loaded."""
    entry = find(name)
    if entry is None:
        if name in PLUG_INS:
            return PLUG_INS.load(name)  # says why it cannot be loaded
        raise UsageError(f"{name[:100]}: no such corpus{nearest(name.lower(), (entry.name for entry in entries()))}")
    return entry
