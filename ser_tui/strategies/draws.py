"""Draws without a model: seeded points of the space, and a space-filling design for the first trials."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from statistics import fmean

import numpy as np

from ser_tui.strategies.axes import Axis, axes, inside
from ser_tui.strategies.base import Observation, Proposal, begun, scores
from ser_tui.strategies.conditions import Conditions
from ser_tui.strategies.derived import Derived
from ser_tui.strategies.lattice import every_trial, key
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space, constants

ATTEMPTS = 200
"""Draws that may hit a known trial before what is left of a finite space is listed."""


def generator(seed: int, trial: int) -> np.random.Generator:
    """The randomness of one proposal: it depends on the trial's number alone, not on what was drawn before it."""
    return np.random.default_rng([seed, trial])


class Draws:
    """Points of `space`, each searched dimension uniform on its scale, that are no trial of the history."""

    def __init__(self, space: Space, seed: int) -> None:
        self.axes: tuple[Axis, ...] = axes(space)
        self.conditions = Conditions(self.axes)
        self._fixed = constants(space)
        self._seed = seed
        self._all = every_trial(space)

    def complete(self, units: Sequence[float]) -> dict[str, Value]:
        """The parameters at a point of the unit cube, fixed ones included."""
        found = {**self._fixed, **{axis.name: axis.value(unit) for axis, unit in zip(self.axes, units, strict=True)}}
        return self.conditions.settled(found)

    def new(self, history: Sequence[Observation], preferred: Iterable[dict[str, Value]] = ()) -> dict[str, Value] | None:
        """A trial that is not in `history`: the first new one of `preferred`, else a draw; None when there is none left.

        `preferred` may be a generator: it is advanced only as far as needed.
        """
        known = {key(entry.parameters) for entry in history if not entry.foreign}
        if self._all is not None and len(known) >= self._all.size:
            return None
        for wish in preferred:
            if key(wish) not in known:
                return wish
        random = generator(self._seed, len(history))
        for _ in range(ATTEMPTS):
            drawn = self.draw(random)
            if self._all is None or key(drawn) not in known:
                return drawn
        left = [point for point in self._all or () if key(point) not in known]
        return left[int(random.integers(len(left)))]

    def at(self, searched: Mapping[str, Value]) -> dict[str, Value]:
        """The parameters with these values of the searched dimensions, fixed ones included, in the order of the space."""
        return self.conditions.settled({**self._fixed, **{axis.name: searched[axis.name] for axis in self.axes}})

    def draw(self, random: np.random.Generator) -> dict[str, Value]:
        """One point, each searched dimension uniform on its scale."""
        return self.complete(random.random(len(self.axes)).tolist())


def design(draws: Draws, count: int, seed: int) -> list[dict[str, Value]]:
    """`count` points that cover the space evenly: a Latin hypercube of low centred discrepancy.

    Each dimension is cut into `count` equal parts and each part is drawn from once, so that five trials already see
    five different learning rates over the whole scale; independent draws leave half of it unseen as often as not.
    McKay, Beckman, Conover 1979; optimised by scipy's random coordinate exchange.
    """
    if not draws.axes:
        return [draws.complete([])] * count
    from scipy.stats import qmc  # a second and a half, which independent draws need not wait for

    # Exchanging coordinates takes minutes for thousands of points, which cover the space without it.
    optimization = "random-cd" if 1 < count <= 64 else None
    sampler = qmc.LatinHypercube(len(draws.axes), optimization=optimization, rng=seed)
    return [draws.complete(point) for point in sampler.random(count).tolist()]


def derived_design(draws: Draws, derived: Derived, count: int, seed: int) -> list[dict[str, Value]]:
    """`count` points that cover the axes of the trainer's evenly: scrambled Sobol points, best where `count` is a power of two.

    Evenly in frozen and unfrozen epochs, few points are trials of which training leaves the encoder as it was: of five points that are
    even in epochs and unfreeze_epoch, one or two are. Sobol 1967; scrambling: Owen 1998.
    """
    if not draws.axes:
        return [draws.complete([])] * count
    from scipy.stats import qmc

    drawn = qmc.Sobol(len(derived.names), scramble=True, rng=seed).random_base2(math.ceil(math.log2(max(1, count))))[:count]
    return [draws.at(derived.values(point)) for point in drawn.tolist()]


LARGEST_FIT = 150
"""Observations that one fit sees: its time grows with their cube, and a proposal shall not hold the next trial up."""


def fitted(history: Sequence[Observation]) -> tuple[list[Observation], list[float]]:
    """The observations to fit and their losses. Of a long history: the best half of LARGEST_FIT, which is where the
    next improvement is sought, and an even sample of the others in order of time, which says where not to seek."""
    losses = [-score for score in scores(history)]
    if len(history) <= LARGEST_FIT:
        return list(history), losses
    order = np.argsort(losses, kind="stable")
    best, others = order[: LARGEST_FIT // 2], np.sort(order[LARGEST_FIT // 2 :])
    sample = others[np.linspace(0, len(others) - 1, LARGEST_FIT - len(best)).round().astype(int)]
    kept = sorted({int(index) for index in (*best, *sample)})
    return [history[index] for index in kept], [losses[index] for index in kept]


class Modelled(ABC):
    """What gp and tpe share: a designed start, then proposals by the model that `suggest` fits to the history.

    `revision` 1 covers the study's axes, as all runs did that began before there was a second one; 2 those of the trainer.
    """

    def __init__(self, space: Space, seed: int, startup: int, revision: int = 2) -> None:
        self.startup = startup
        self._revision = revision
        self._derived = Derived(space)
        self._space = space
        self._seed = seed
        self._draws = Draws(space, seed)

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """The next point of the design, then the model's choice; None when a finite space holds no further trial.

        A trial under way is told to the model as one with the score `lie` (the constant liar of Ginsbourger, Le Riche, Carraro
        2010), so that trials which are proposed at one time do not crowd around one point.
        """
        trials = begun(history, pending)
        done = len(trials)
        if done < self.startup:
            parameters = self._draws.new(trials, self._design[done : done + 1])
            return None if parameters is None else Proposal(parameters, "startup")
        known = [
            # The time of a trial that failed is not what its parameters take.
            replace(entry, score=value, seconds=None if entry.score is None else entry.seconds)
            for entry, value in zip(history, scores(history), strict=True)
        ]
        lie = self.lie([entry.score for entry in known if entry.score is not None])
        told = [*known, *(Observation(parameters, lie) for parameters in pending)]
        # An observation outside the space, as after bounds were narrowed, is no point of the model's unit cube, nor is one with another
        # value of what is fixed by now.
        fixed = constants(self._space).items()
        usable = [
            entry for entry in told
            if inside(self._space, entry.parameters) and all(entry.parameters.get(name, value) == value for name, value in fixed)
        ]  # fmt: skip
        seed = int(generator(self._seed, done).integers(2**31))
        modelled = bool(usable and known)
        parameters = self._draws.new(trials, self.suggest(usable, seed) if modelled else ())
        if parameters is None:
            return None
        return Proposal(parameters, "model", self.expected(parameters) if modelled else None)

    def expected(self, parameters: Mapping[str, Value]) -> tuple[float, float] | None:
        """Mean and deviation of the score at a point, by the model of the last suggestion; None where it has none."""
        return None

    def lie(self, known: Sequence[float]) -> float:
        """What a trial under way is taken to score, given the scores of the finished ones: their mean."""
        return fmean(known) if known else 0.0

    @abstractmethod
    def suggest(self, history: Sequence[Observation], seed: int) -> Iterator[dict[str, Value]]:
        """Proposals of the model of `history` (not empty), the best first; all randomness comes from `seed`."""

    @cached_property
    def _design(self) -> list[dict[str, Value]]:
        if self._revision == 1:
            return design(self._draws, self.startup, self._seed)
        return derived_design(self._draws, self._derived, self.startup, self._seed)


class RandomSearch:
    """Independent draws; trial n's depends on the seed and n alone. Never repeats a trial of a finite space."""

    startup = 0

    def __init__(self, space: Space, seed: int) -> None:
        self._draws = Draws(space, seed)

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """A new draw, or None when a finite space holds no trial that was not begun."""
        parameters = self._draws.new(begun(history, pending))
        return None if parameters is None else Proposal(parameters, "startup")
