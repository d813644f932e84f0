"""What else the scores of two runs depend on than what they searched for: whether their trials may stand in one table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ser_tui.study.comparison import flat
from ser_tui.study.events import RunStarted
from ser_tui.study.logged_study import LoggedStudy

SECTIONS = ("corpus", "speakers", "labels", "protocol", "encoder", "method", "training")
UNREAD = frozenset({"protocol.seed", "training.refit", "training.calibration"})
"""Another split is another draw of the same task; what is done with a model that is scored changes no score."""
OWN_WORDS = ("speakers", "labels")
"""Sections whose keys are a corpus's names: one that a study does not name is as the corpus has it, in every version."""
AS_IT_IS = "-"
FORCED = "batch_size"
"""What memory makes smaller than its one value."""


def differing(studies: Sequence[LoggedStudy], *, space: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    """(dotted setting, its values) of all that the scores of `studies` depend on and in which they differ, the seed left out. `space`: what
    they search is among it. A setting that one of them does not name is a newer version's, and no difference; but a label that only one
    of them maps, or a corpus of which only one chooses speakers, is."""
    names = (*SECTIONS, "search") if space else SECTIONS
    told = [flat({name: one.plain[name] for name in names if name in one.plain}) for one in studies]
    keys = dict.fromkeys(key for one in told for key in one if key not in UNREAD)
    found = [(key, tuple(dict.fromkeys(value for one in told if (value := _value(one, key)) is not None))) for key in keys]
    return [(key, values) for key, values in found if len(values) > 1]


def _value(told: Mapping[str, str], key: str) -> str | None:
    return told.get(key, AS_IT_IS if key.partition(".")[0] in OWN_WORDS else None)


CONTENT = ("corpus", "encoder")


def other_content(starts: Sequence[RunStarted]) -> str:
    """What of `CONTENT` is another one in some of the runs that began so, by the digests that their logs have; empty: nothing."""
    for name in CONTENT:
        if len({start.fingerprints[name] for start in starts if name in start.fingerprints}) > 1:
            return name
    return ""


def setting(study: LoggedStudy, key: str) -> str | None:
    """What `study` has for one of the dotted settings; None where it does not name it."""
    return _value(flat({name: study.plain[name] for name in (*SECTIONS, "search") if name in study.plain}), key)


def fits(study: LoggedStudy, parameters: Mapping[str, Any]) -> bool:
    """Whether a trial with `parameters` has the values that `study` does not search."""
    return all(parameters.get(name, value) == value for name, value in study.fixed.items() if name != FORCED)
