"""What else the scores of two runs depend on than what they searched for: whether their trials may stand in one table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ser_tui.study.comparison import flat
from ser_tui.study.logged_study import LoggedStudy

SECTIONS = ("corpus", "speakers", "labels", "protocol", "encoder", "method", "training")
UNREAD = frozenset({"protocol.seed", "training.refit", "training.calibration"})
"""Another split is another draw of the same task; what is done with a model that is scored changes no score."""
FORCED = "batch_size"
"""What memory makes smaller than its one value."""


def differing(studies: Sequence[LoggedStudy], *, space: bool = False) -> list[tuple[str, tuple[str, ...]]]:
    """(dotted setting, its values) of all that the scores of `studies` depend on and in which they differ, the seed left out. `space`: what
    they search is among it. A setting that one of them does not name is a newer version's, and no difference."""
    names = (*SECTIONS, "search") if space else SECTIONS
    told = [flat({name: one.plain[name] for name in names if name in one.plain}) for one in studies]
    keys = dict.fromkeys(key for one in told for key in one if key not in UNREAD)
    found = [(key, tuple(dict.fromkeys(one[key] for one in told if key in one))) for key in keys]
    return [(key, values) for key, values in found if len(values) > 1]


def setting(study: LoggedStudy, key: str) -> str | None:
    """What `study` has for one of the dotted settings; None where it does not name it."""
    return flat({name: study.plain[name] for name in (*SECTIONS, "search") if name in study.plain}).get(key)


def fits(study: LoggedStudy, parameters: Mapping[str, Any]) -> bool:
    """Whether a trial with `parameters` has the values that `study` does not search."""
    return all(parameters.get(name, value) == value for name, value in study.fixed.items() if name != FORCED)
