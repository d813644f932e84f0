"""The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kegl 2011), by hyperopt.

hyperopt is imported for the first trial that is modelled: the designed trials before it need not wait for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from ser_tui.strategies.axes import Axis
from ser_tui.strategies.base import Observation, scores
from ser_tui.strategies.derived import FROZEN
from ser_tui.strategies.draws import Modelled
from ser_tui.strategies.lattice import UNFREEZE
from ser_tui.study.hyperparameters import HYPERPARAMETERS, TRAINED, Value, counts
from ser_tui.study.space import Space

GAMMA = 0.5
"""ceil(GAMMA * sqrt(n)) of n trials count as good. hyperopt's 0.25 leaves ONE good trial until the 17th, so that within
15 trials the search clings to whatever came out best at the start; 0.5 leaves two. On a surrogate of the paper's trials
the best of 15 scored .939 with 0.5, .913 with 0.25, .894 with 1.5 (benchmarks/strategies.py, 40 seeds, error .002 to .008)."""
CANDIDATES = 24
"""Draws from the good trials' density among which the likeliest improvement is taken. hyperopt's default: 64 sharpened
the search around the few good trials and gained nothing."""
ATTEMPTS = 8
"""Suggestions that may be known trials before a draw takes their place."""


class TreeParzen(Modelled):
    """TPE. The trials are rebuilt from the history for every proposal, so that resuming changes nothing.

    Reals, integers and numeric choices are estimated on the unit interval, where a trial lies in the middle of its
    level's bin: neighbouring integers inform each other, which hyperopt's randint, a table of independent counts, does
    not let them, and edge integers keep their full share, of which quniform takes half. Words are such a table.

    Revision 2 estimates frozen and unfrozen epochs in place of epochs and unfreeze_epoch: TPE takes its axes for independent, and these
    two are more nearly so.
    """

    def __init__(self, space: Space, seed: int, startup: int, gamma: float = GAMMA, revision: int = 2) -> None:
        super().__init__(space, seed, startup, revision)
        self._gamma = gamma
        plain = self._draws.axes if revision == 1 else self._derived.plain
        self._axes: dict[str, Axis | None] = {axis.name: axis for axis in plain}
        """What is estimated; None: a share of the most unfrozen or frozen epochs."""
        if revision != 1:
            self._axes |= {name: None for name in self._derived.names if name not in self._axes}

    @cached_property
    def _domain(self) -> Any:
        from hyperopt.base import Domain

        return Domain(_never, {name: _prior(name, axis) for name, axis in self._axes.items()})

    def lie(self, known: Sequence[float]) -> float:
        """The worst score: among the bad trials it keeps the next suggestion away, among the good ones it would attract it."""
        return min(known, default=0.0)

    def suggest(self, history: Sequence[Observation], seed: int) -> Iterator[dict[str, Value]]:
        """Suggestions by successive seeds."""
        from hyperopt import Trials, tpe

        trials = Trials()
        losses = [-score for score in scores(history)]
        trials.insert_trial_docs(
            [self._document(index, entry, loss) for index, (entry, loss) in enumerate(zip(history, losses, strict=True))]
        )
        trials.refresh()
        for attempt in range(ATTEMPTS):
            (suggested,) = tpe.suggest(
                [len(history)],
                self._domain,
                trials,
                seed + attempt,
                n_startup_jobs=0,
                n_EI_candidates=CANDIDATES,
                gamma=self._gamma,
                verbose=False,
            )
            yield self._decode(suggested["misc"]["vals"])

    def _document(self, index: int, entry: Observation, loss: float) -> dict[str, Any]:
        from hyperopt import JOB_STATE_DONE, STATUS_OK

        # What did not count in a trial is not among what it tells, as in hyperopt's own conditional spaces.
        trained = entry.parameters.get(TRAINED, HYPERPARAMETERS[TRAINED].default)
        encoded = self._encode(entry.parameters).items()
        values = {name: value if counts(UNFREEZE if name == FROZEN else name, trained) else [] for name, value in encoded}
        when = {name: [index] * len(value) for name, value in values.items()}
        return {
            "tid": index,
            "state": JOB_STATE_DONE,
            "spec": None,
            "result": {"loss": loss, "status": STATUS_OK},
            "misc": {"tid": index, "cmd": self._domain.cmd, "workdir": None, "idxs": when, "vals": values},
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
        }

    def _encode(self, parameters: Mapping[str, Value]) -> dict[str, list[float | int]]:
        if self._revision == 1:
            return {name: [_unit(axis, parameters[name])] for name, axis in self._axes.items() if axis is not None}
        bins = self._derived.bins(parameters)
        return {
            name: [bin if axis is None else _unit(axis, parameters[name])]
            for (name, axis), bin in zip(self._axes.items(), bins, strict=True)
        }

    def _decode(self, values: Mapping[str, Sequence[Any]]) -> dict[str, Value]:
        """Words are told by their number, everything else by its place on the unit interval."""
        units: list[float] = []
        for name, axis in self._axes.items():
            (drawn,) = values[name]
            table = axis is not None and _is_table(axis) and axis.levels
            units.append((int(drawn) + 0.5) / len(table) if table else float(drawn))
        return self._draws.complete(units) if self._revision == 1 else self._draws.at(self._derived.values(units))


def _never(_: object) -> float:
    raise AssertionError("the worker trains, not hyperopt")


def _prior(name: str, axis: Axis | None) -> Any:
    from hyperopt import hp

    if axis is not None and _is_table(axis) and axis.levels is not None:
        return hp.randint(name, len(axis.levels))
    return hp.uniform(name, 0.0, 1.0)


def _is_table(axis: Axis) -> bool:
    return not axis.ordered and axis.levels is not None


def _unit(axis: Axis, value: Value) -> float | int:
    return axis.levels.index(value) if _is_table(axis) and axis.levels is not None else axis.unit(value)
