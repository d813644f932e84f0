"""What a shell offers at tab: runs, studies, corpora, encoders. `ser-tui --install-completion` turns it on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress

MOST = 200
"""A shell asks before it lists more."""


def runs(incomplete: str) -> list[str]:
    """Ids of runs, the newest first, and `latest`; where nothing begins so, the names of studies that one run has."""
    from ser_tui.places import runs_folder
    from ser_tui.store.runs import RunFolder, folders
    from ser_tui.study.errors import UserError

    known: list[RunFolder] = []
    with suppress(UserError):  # a shell's line is no place for it
        known = folders(runs_folder())
    names = Counter(folder.study_name for folder in known)
    ids = _beginning(incomplete, ["latest", *(folder.run_id for folder in known)])
    return (ids or _beginning(incomplete, [name for name, runs in names.items() if runs == 1]))[:MOST]


def tables(incomplete: str) -> list[str]:
    """What `export` can write."""
    from ser_tui.report.offered import WHAT

    return _beginning(incomplete, WHAT)


def formats(incomplete: str) -> list[str]:
    """As what a table can be written."""
    from ser_tui.report.offered import FORMATS

    return _beginning(incomplete, FORMATS)


def trackers(incomplete: str) -> list[str]:
    """Where `export --to` can write to."""
    from ser_tui.report.offered import TRACKERS

    return _beginning(incomplete, TRACKERS)


def folded(incomplete: str) -> list[str]:
    """The protocols with folds."""
    from ser_tui.study.protocol import FOLDED

    return _beginning(incomplete, FOLDED)


def studies(incomplete: str) -> list[str]:
    """The studies that come with ser_tui. Files are the shell's own to offer."""
    from ser_tui.client.shipped import shipped

    return _beginning(incomplete, shipped())


def corpora(incomplete: str) -> list[str]:
    """All corpora that are known by name, those of one's own too."""
    from ser_tui.corpora import registry

    return _beginning(incomplete, registry.names())


def several_corpora(incomplete: str) -> list[str]:
    """The same, behind those that a list with commas has already."""
    *before, last = incomplete.split(",")
    return [",".join([*before, name]) for name in corpora(last) if name not in before]


def encoders(incomplete: str) -> list[str]:
    """The encoders that are known by name."""
    from ser_tui.encoders import registry

    known = registry.entries()
    return _beginning(incomplete, [*(entry.alias for entry in known if entry.alias), *(entry.name for entry in known)])


def settings(incomplete: str) -> list[str]:
    """encoder=whisper-tiny.en, strategy=gp, corpus=emodb: what `--set` most often sets."""
    from ser_tui.strategies import registry as strategies

    key, given, value = incomplete.partition("=")
    if not given:
        return _beginning(key, ["budget=", "corpus=", "encoder=", "search=", "seed=", "strategy="])
    choices: dict[str, Callable[[str], list[str]]] = {
        "corpus": corpora, "encoder": encoders, "strategy": lambda part: _beginning(part, strategies.records()),
        "search": lambda part: _beginning(part, ["paper", "recommended"]),
    }  # fmt: skip
    if key not in choices:
        return []
    return [f"{key}={choice}" for choice in choices[key](value)]


def keys(incomplete: str) -> list[str]:
    """The keys of the settings."""
    from ser_tui.store.settings import TABLE

    return _beginning(incomplete, TABLE)


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
