"""What is readable in a study and cannot be meant: bounds in another unit, bounds that no trial can keep, the same thing twice.

A check for new studies alone (`ser_tui.study.load`): a run that began so goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from ser_tui.study.constraints import Constraint, constraint
from ser_tui.study.document import Study

LEAST_BYTES = 1e5
"""No trial takes less memory, and no checkpoint less disk: a smaller bound was meant in MB or GB."""


def senseless(study: Study) -> dict[str, str]:
    """What of `study` cannot be meant, by dotted key."""
    return dict(_found(study))


def _found(study: Study) -> Iterator[tuple[str, str]]:
    if twice := _twice(study.corpus):
        yield "corpus", f"{twice} is named twice; name it once"
    if twice := _twice(study.training.augment):
        yield "training.augment", f"{twice} is named twice; name it once"
    bounds = [constraint(one) for one in study.constraints]
    for one in bounds:
        if why := _unkeepable(one):
            yield "constraints", f"{one} {why}"
    for low in bounds:
        for high in bounds:
            if low.measure is high.measure and (low.relation, high.relation) == (">=", "<=") and low.bound > high.bound:
                yield "constraints", f"{low} and {high}: no trial can keep both; leave one out"


def _unkeepable(one: Constraint) -> str:
    """Why a bound cannot be meant; empty where it can."""
    if one.measure.unit == "share" and not 0 <= one.bound <= 1:
        return "is of a share, which lies between 0 and 1: write .9 for 90 %"
    if one.bound < 0 or (one.bound == 0 and one.relation == "<="):
        return f"is kept by {'every' if one.relation == '>=' else 'no'} trial; write a bound above 0"
    if one.measure.unit == "bytes" and one.bound < LEAST_BYTES:
        return "is of bytes: write 4e9 for 4 GB"
    return ""


def _twice(names: tuple[str, ...]) -> str:
    return next((name for name in names if names.count(name) > 1), "")
