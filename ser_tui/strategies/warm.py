"""What a strategy knows before the first trial: a recommended point, and trials of past runs. By name alone, and always said.

Another corpus is easier or harder: scores of a past run are told shifted by what the median of its scores differs from that of the trials
so far, so that what is learnt is which parameters do better than others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from ser_tui.strategies.axes import Axis, axes, inside
from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space, constants, searched
from ser_tui.study.state import RunState

MOST_TRIALS = 300
"""Of past runs that are told, the newest runs first."""


@dataclass(frozen=True)
class Prior:
    """A past run: its trials with their BCA."""

    run: str
    corpus: str
    encoder: str
    trials: tuple[tuple[Mapping[str, Value], float], ...]

    @staticmethod
    def of(plain: Mapping[str, Any]) -> Prior:
        """One of `events.RunStarted.prior`."""
        trials = tuple((trial["parameters"], float(trial["score"])) for trial in plain["trials"])
        return Prior(str(plain["run"]), str(plain.get("corpus", "")), str(plain.get("encoder", "")), trials)

    @staticmethod
    def of_run(run_id: str, state: RunState) -> Prior:
        """All trials of the run that have a BCA."""
        trials = tuple((trial.parameters, bca) for trial in state.trials if (bca := trial.value()) is not None)
        return Prior(run_id, state.study.corpus, state.study.encoder, trials)

    def plain(self) -> dict[str, Any]:
        """As the event has it."""
        trials = [{"parameters": dict(parameters), "score": score} for parameters, score in self.trials]
        return {"run": self.run, "corpus": self.corpus, "encoder": self.encoder, "trials": trials}


def usable(runs: Sequence[Prior], space: Space) -> tuple[Prior, ...]:
    """What of `runs`, newest first, lies within `space`, its searched dimensions alone; runs without such a trial are left out."""
    names, found, room = searched(space), list[Prior](), MOST_TRIALS
    for run in runs:
        trials = tuple(
            ({name: parameters[name] for name in names}, score) for parameters, score in run.trials
            if all(name in parameters for name in names) and inside(space, parameters)
        )[:room]  # fmt: skip
        if trials:
            found.append(replace(run, trials=trials))
            room -= len(trials)
    return tuple(found)


def refuse_useless(runs: Sequence[Prior], space: Space) -> None:
    """Raise UserError where one of `runs`, which a person has named, has no trial within `space`: a search that learns nothing from what it
    was told to learn from would not be the one that was asked for."""
    for run in runs:
        if usable([run], space):
            continue
        names = searched(space)
        absent = [name for name in names if all(name not in parameters for parameters, _ in run.trials)]
        beyond = [name for name in names if not any(inside({name: names[name]}, parameters) for parameters, _ in run.trials)]
        if absent:
            why = f"the study searches {', '.join(absent)}, and its trials have no such thing"
        else:
            bounds = f"the study's bounds of {', '.join(beyond)}" if beyond else "all of the study's bounds"
            why = f"none of its {counted(len(run.trials), 'trial')} lies within {bounds}"
        raise UserError(f"warm_start.runs: {run.run} cannot serve: {why}; name another run, or change search")


def recommended(space: Space, bounds: Space) -> dict[str, Value]:
    """The point of `space` that comes nearest to the middle of `bounds`, those that are recommended for an encoder."""
    middle = {axis.name: axis.value(0.5) for axis in axes(bounds)} | constants(bounds)
    return {**constants(space), **{axis.name: _nearest(axis, middle.get(axis.name)) for axis in axes(space)}}


def _nearest(axis: Axis, wished: Value | None) -> Value:
    if axis.levels is not None and wished is not None:
        if wished in axis.levels or not axis.ordered:
            return wished if wished in axis.levels else axis.levels[0]
        return min(axis.levels, key=lambda level: abs(float(level) - float(wished)))
    if wished is None or isinstance(wished, str):
        return axis.value(0.5)
    low, high = float(axis.value(0.0)), float(axis.value(1.0))
    return min(max(float(wished), low), high)


class Warmed:
    """`strategy`, told of past runs ahead of every history, and beginning at `first` where there is such a point."""

    def __init__(self, strategy: Strategy, first: Mapping[str, Value] | None, prior: Sequence[Prior], fixed: Mapping[str, Value]) -> None:
        self._strategy, self._first, self._prior, self._fixed = strategy, first, prior, fixed
        self.startup = max(0, strategy.startup - sum(len(run.trials) for run in prior))

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """See `Strategy`."""
        if self._first is not None and not history and not pending:
            return Proposal(dict(self._first), "first")
        return self._strategy.propose([*self._told(history), *history], pending)

    def _told(self, history: Sequence[Observation]) -> list[Observation]:
        own = [entry.score for entry in history if entry.score is not None]
        found: list[Observation] = []
        for run in self._prior:
            shift = median(own) - median(score for _, score in run.trials) if own else 0.0
            found += [
                Observation({**self._fixed, **parameters}, min(1.0, max(0.0, score + shift)), foreign=True)
                for parameters, score in run.trials
            ]
        return found


def warmed(strategy: Strategy, study: Study, bounds: Space, prior: Sequence[Prior]) -> Strategy:
    """`strategy` with what the study's `warm_start` asks for. `bounds`: what is recommended for its encoder."""
    if not study.warm_start.asked:
        return strategy
    first = recommended(study.search, bounds) if study.warm_start.first_point == "recommended" else None
    return Warmed(strategy, first, prior, constants(study.search))
