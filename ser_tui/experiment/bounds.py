"""The bounds that a run searches within, which may be edited in its study.yaml before it goes on: what its log says of them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from ser_tui.strategies.axes import inside
from ser_tui.study.document import Study
from ser_tui.study.events import RunStarted
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import to_plain
from ser_tui.study.space import Space, constants
from ser_tui.study.task import FORCED


def edited_bounds(study: Study, start: RunStarted) -> list[str]:
    """The hyperparameters whose bounds are others in `study` than in the log. What the log does not name had its default: it was begun by a
    version that did not know it."""
    then = logged_bounds(study, start)
    before, now = to_plain(then)["search"], to_plain(study)["search"]
    return [] if then is study else [name for name in now if before.get(name) != now[name]]


def logged_bounds(study: Study, start: RunStarted | None) -> Study:
    """`study` with the bounds that the log says the search has; itself where that tells none that this version can read."""
    bounds = None if start is None else start.study.get("search")
    if not isinstance(bounds, Mapping):
        return study
    try:
        found = Study.model_validate({"method": study.method, "training": study.training, "search": bounds}).search
    except ValidationError:
        return study
    return study.model_copy(update={"search": found})


def told(parameters: Mapping[str, Value], space: Space) -> dict[str, Value]:
    """What a strategy that searches `space` is told of a trial with `parameters`: of what memory made smaller, what was proposed."""
    fixed = constants(space)
    return {**fixed, **parameters, **{name: value for name, value in fixed.items() if name == FORCED}}


def within(space: Space, parameters: Mapping[str, Value]) -> bool:
    """Whether a trial with `parameters` could be one of `space`."""
    here = told(parameters, space)
    return inside(space, here) and all(here[name] == value for name, value in constants(space).items())
