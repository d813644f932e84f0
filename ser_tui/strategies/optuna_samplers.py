"""CMA-ES and Optuna's TPE, by Optuna's samplers: an optional extra, level with the others, on the axes that the trainer sees.

A study of Optuna's is made anew in memory for every proposal and told everything, as gp and tpe are: a resumed run proposes what an
uninterrupted one would have.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ser_tui.strategies.axes import Axis
from ser_tui.strategies.base import Observation, scores
from ser_tui.strategies.draws import Modelled
from ser_tui.study.errors import UserError
from ser_tui.study.extras import OPTUNA
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space

ATTEMPTS = 8
"""Suggestions that may be known trials before a draw takes their place."""
POPULATION = 4
"""Candidates a generation of CMA-ES, whose default of 4 + 3 ln(axes) leaves 15 trials a single one."""
STEP = 0.25
"""The first step of CMA-ES, of axes 0 to 1."""


class _Sampled(Modelled):
    """A sampler of Optuna's after the same start as gp and tpe."""

    def __init__(self, space: Space, seed: int, startup: int) -> None:
        super().__init__(space, seed, startup)
        self._optuna = _library()
        self._axes: dict[str, Axis | None] = {axis.name: axis for axis in self._derived.plain}
        self._axes |= {name: None for name in self._derived.names if name not in self._axes}

    def lie(self, known: Sequence[float]) -> float:
        """The worst score, as tpe."""
        return min(known, default=0.0)

    def suggest(self, history: Sequence[Observation], seed: int) -> Iterator[dict[str, Value]]:
        """Suggestions by successive seeds."""
        if not self._axes:
            return
        optuna = self._optuna
        told = scores(history)
        distributions = {name: _distribution(optuna, axis) for name, axis in self._axes.items()}
        for attempt in range(ATTEMPTS):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its samplers are called experimental, and words independent
                study = optuna.create_study(direction="maximize", sampler=self.sampler(optuna, seed + attempt))
                self.tell(study, optuna, distributions, history, told)
                trial = study.ask(distributions)
            yield self._decode(trial.params)

    @abstractmethod
    def sampler(self, optuna: Any, seed: int) -> Any:
        """The sampler of one suggestion."""

    def tell(
        self, study: Any, optuna: Any, distributions: Mapping[str, Any], history: Sequence[Observation], told: Sequence[float]
    ) -> None:
        """Enter what is known into `study`."""
        for entry, value in zip(history, told, strict=True):
            made = optuna.trial.create_trial(params=self._encode(entry.parameters), distributions=dict(distributions), value=value)
            study.add_trial(made)

    def _encode(self, parameters: Mapping[str, Value]) -> dict[str, Any]:
        bins = self._derived.bins(parameters)
        return {
            name: bin if axis is None or _is_interval(axis) else _index(axis, parameters[name])
            for (name, axis), bin in zip(self._axes.items(), bins, strict=True)
        }

    def _decode(self, found: Mapping[str, Any]) -> dict[str, Value]:
        units = [
            float(found[name]) if axis is None or _is_interval(axis) else (found[name] + 0.5) / len(axis.levels or (0,))
            for name, axis in self._axes.items()
        ]
        return self._draws.at(self._derived.values(units))


class OptunaTpe(_Sampled):
    """Optuna's tree-structured Parzen estimator, multivariate."""

    def sampler(self, optuna: Any, seed: int) -> Any:
        """See the class."""
        return optuna.samplers.TPESampler(n_startup_trials=0, multivariate=True, seed=seed)


class Cma(_Sampled):
    """CMA-ES (Hansen, Ostermeier 2001) by Optuna's sampler, which begins at the best trial of the start.

    The sampler keeps its state in the trials that it proposed: it is asked for every trial of the history again, which is then entered
    with the parameters that it had and its score. Words are drawn independently.
    """

    def sampler(self, optuna: Any, seed: int) -> Any:
        """One seed for a whole search: of the same past the sampler comes to the same state."""
        begin = None if self._best is None else {name: self._best[name] for name in self._intervals}
        return optuna.samplers.CmaEsSampler(
            x0=begin,
            sigma0=STEP,
            popsize=POPULATION,
            n_startup_trials=0,
            warn_independent_sampling=False,
            seed=self._seed % 2**32,
            independent_sampler=optuna.samplers.RandomSampler(seed=seed),
        )

    def suggest(self, history: Sequence[Observation], seed: int) -> Iterator[dict[str, Value]]:
        """Suggestions of one sampler, one after another."""
        told = scores(history)
        start = sorted(range(min(self.startup, len(told))), key=lambda index: -told[index])
        self._best = self._encode(history[start[0]].parameters) if start else None
        return super().suggest(history, seed)

    def tell(
        self, study: Any, optuna: Any, distributions: Mapping[str, Any], history: Sequence[Observation], told: Sequence[float]
    ) -> None:
        """See the class."""
        for entry, value in zip(history[self.startup :], told[self.startup :], strict=True):
            study.enqueue_trial(self._encode(entry.parameters))
            study.tell(study.ask(dict(distributions)), value)

    _best: Mapping[str, Any] | None = None

    @property
    def _intervals(self) -> list[str]:
        return [name for name, axis in self._axes.items() if axis is None or _is_interval(axis)]


def _library() -> Any:
    try:
        import cmaes  # noqa: F401 - the extra has both
        import optuna
    except ImportError:
        raise UserError(f"strategies cma and optuna-tpe need a library that is not here: {OPTUNA}") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _is_interval(axis: Axis) -> bool:
    return axis.ordered or axis.levels is None


def _index(axis: Axis, value: Value) -> int:
    assert axis.levels is not None
    return axis.levels.index(value)


def _distribution(optuna: Any, axis: Axis | None) -> Any:
    if axis is None or _is_interval(axis):
        return optuna.distributions.FloatDistribution(0.0, 1.0)
    return optuna.distributions.CategoricalDistribution(list(range(len(axis.levels or ()))))
