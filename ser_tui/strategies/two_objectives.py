"""A search for two things at once, by a strategy that models one score.

A Gaussian process is told a weighed distance to the best (ParEGO, Knowles 2006), with other weights for each proposal, so that its trials
spread along the front. A strategy that learns from the order of scores alone is told such an order: front after front, as MOTPE has it
(Ozaki, Tanigaki, Watanabe, Nomura, Onishi 2022). Weighed sums served TPE worse than chance, see docs/measured/two-objectives.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.draws import generator
from ser_tui.study.front import front, hypervolume
from ser_tui.study.hyperparameters import Value

STEPS = 10
"""Weights of the first objective are 0, 1/STEPS ... 1."""
SUM = 0.05
"""Share of the weighted sum beside the larger weighted cost, the rho of Knowles: of two trials that are equal in the one, the better in the
other is told as better."""
FLOOR = 0.01
"""Added to the error of a share before its logarithm is taken, as the Gaussian process does: .95 to .97 is as far as .86 to .91."""
WORST = 1.1
"""The cost against which areas are taken: a little worse than the worst that was seen, so that the ends of a front count."""
Costs = tuple[float, float]


class Weighed:
    """`strategy`, told one figure for the two objectives of every trial: the augmented Tchebycheff norm of its weighted distances to the
    best that was seen of each, negated, since strategies maximise.

    The weights of a proposal hang on `seed` and on how many trials were begun before it, so that a resumed run weighs as it would have.
    """

    def __init__(self, strategy: Strategy, seed: int) -> None:
        self._strategy, self._seed = strategy, seed
        self.startup = strategy.startup

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """See `Strategy`. What the model expects is no score of either objective, and is not said."""
        drawn = generator(self._seed, len(history) + len(pending)).integers(STEPS + 1)
        proposal = self._strategy.propose(weighed(history, float(drawn) / STEPS), pending)
        return None if proposal is None else replace(proposal, expected=None)


class InOrder:
    """`strategy`, told of every trial its place in one order: the front first, then what would be the front without it, and so on; within
    a front first those that add most to the area that the ones before them dominate."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.startup = strategy.startup

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """See `Strategy`. What the model expects is no score of either objective, and is not said."""
        proposal = self._strategy.propose(in_order(history), pending)
        return None if proposal is None else replace(proposal, expected=None)


def weighed(history: Sequence[Observation], weight: float) -> list[Observation]:
    """`history` with one score each, at most 0. `weight`: of the first objective, 0 to 1; the second has the rest. A trial of which one of
    the two is not known is told as a failed one."""

    def told(cost: Costs) -> float:
        weighted = weight * cost[0], (1.0 - weight) * cost[1]
        return -(max(weighted) + SUM * sum(weighted))

    return _retold(history, {place: told(cost) for place, cost in _costs(history).items()})


def in_order(history: Sequence[Observation]) -> list[Observation]:
    """`history` with the places of `InOrder` as scores, 0 for the first and less for the others."""
    costs = _costs(history)
    left, order = {place: (-one, -other) for place, (one, other) in costs.items()}, list[int]()
    while left:
        members = front(left.items())
        order += _spread(members, left)
        for place in members:
            del left[place]
    return _retold(history, {place: -float(number) for number, place in enumerate(order)})


def _spread(members: Sequence[int], values: Mapping[int, tuple[float, float]]) -> list[int]:
    """The members of a front, each time the one that adds the largest area."""
    chosen, left = list[int](), list(members)
    while left:
        best = max(left, key=lambda place: hypervolume([values[one] for one in (*chosen, place)], (-WORST, -WORST)))
        chosen.append(best)
        left.remove(best)
    return chosen


def _retold(history: Sequence[Observation], scores: Mapping[int, float]) -> list[Observation]:
    return [replace(entry, score=scores.get(place), second=None) for place, entry in enumerate(history)]


def _costs(history: Sequence[Observation]) -> dict[int, Costs]:
    """Place in `history` -> both costs, 0 for the best and 1 for the worst that was seen; only where both are known."""
    known = {
        place: (entry.score, entry.second) for place, entry in enumerate(history)
        if entry.score is not None and entry.second is not None
    }  # fmt: skip
    first, second = _scaled([one for one, _ in known.values()]), _scaled([other for _, other in known.values()])
    return dict(zip(known, zip(first, second, strict=True), strict=True))


def _scaled(values: Sequence[float]) -> list[float]:
    if values and all(0.0 <= value <= 1.0 for value in values):
        values = [-math.log(1.0 - value + FLOOR) for value in values]
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(high - value) / (high - low) if high > low else 0.0 for value in values]
