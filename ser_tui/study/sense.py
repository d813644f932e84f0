"""What is readable in a study and cannot be meant: bounds in another unit, bounds that no trial can keep, the same thing twice.

A check for new studies alone (`ser_tui.study.load`): a run that began so goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

from ser_tui.study.constraints import Constraint, constraint
from ser_tui.study.dimension_values import named, numbers
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import HYPERPARAMETERS, MEMBERS, TRAINED, Hyperparameter, counts, default, for_method
from ser_tui.study.scores import CHECKPOINT_SIZE, TRAINED_PARAMETERS
from ser_tui.study.space import searched

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
    for name, dimension in study.search.items():
        if why := _same(HYPERPARAMETERS[name], [str(value) for value in named(dimension)]):
            yield f"search.{name}", why
    wanted = study.objectives or (study.objective,)
    if (constant := next((one for one in wanted if one in _SIZES), None)) and _unvaried(study):
        read = [name for name in _SIZED_BY if name in for_method(study.method)]
        way_out = f"search {', '.join(read[:-1])} or {read[-1]} too, or name another"
        yield "objectives" if study.objectives else "objective", f"{constant} would be the same in every trial: {way_out}"
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


def _same(hyperparameter: Hyperparameter, values: list[str]) -> str:
    """Which of the words joined by + are one, so that trials would be made twice; empty where none are."""
    if hyperparameter.kind != "text" or hyperparameter.options:
        return ""
    known: dict[tuple[str, ...], str] = {}
    for value in values:
        parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in value.split("+")]
        if twice := _twice(tuple(parts)):
            return f"{value} names {twice} twice; name it once"
        if (other := known.setdefault(tuple(sorted(parts)), value)) != value:
            return f"{other} and {value} are the same; leave one out"
    return ""


_SIZES = (TRAINED_PARAMETERS, CHECKPOINT_SIZE)
"""Measures that are not measured anew for each trial: they are what a model is, not what it does."""
_SIZED_BY = (TRAINED, "top_layers", "lora_rank", "lora_matrices", "layers", "pooling", MEMBERS)
_THAWED_BY = ("epochs", "unfreeze_epoch", "thaw_layers")


def _unvaried(study: Study) -> bool:
    """Whether all models of a search that tries several are of one size."""
    space, varied = study.search, searched(study.search)
    trained = named(space.get(TRAINED)) or (default(TRAINED),)
    if not varied or any(name in varied and any(counts(name, one) for one in trained) for name in _SIZED_BY):
        return False
    if trained == ("head",) or not any(name in varied for name in _THAWED_BY):
        return True
    # Of what a trial trains, as much counts as its last epoch has thawed.
    epochs, frozen = numbers(space["epochs"]), numbers(space["unfreeze_epoch"])
    return not any(numbers(space["thaw_layers"])) and (min(epochs) > max(frozen) or max(epochs) <= min(frozen))


def _twice(names: tuple[str, ...]) -> str:
    return next((name for name in names if names.count(name) > 1), "")
