"""A search under constraints, by any strategy that models a score: trials that break them are told as bad ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.study.hyperparameters import Value


class Constrained:
    """`strategy`, told of every trial that breaks a constraint as of the worst of those that keep them.

    As long as none keeps them, it is told by how much each breaks them, so that the search first looks for trials that do.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self.startup = strategy.startup

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """See `Strategy`. What the model expects is a score only once trials are told by theirs."""
        proposal = self._strategy.propose(told_within(history), pending)
        kept = any(entry.score is not None and not entry.excess for entry in history)
        return proposal if proposal is None or kept else replace(proposal, expected=None)


def told_within(history: Sequence[Observation]) -> list[Observation]:
    """`history`, whose trials that break a constraint have other scores: see `Constrained`."""
    kept = [entry for entry in history if entry.score is not None and not entry.excess]
    worst = min((entry.score for entry in kept if entry.score is not None), default=None)
    second = min((entry.second for entry in kept if entry.second is not None), default=None)

    def told(entry: Observation) -> Observation:
        if entry.score is None or not entry.excess:
            return entry
        if worst is not None:
            return replace(entry, score=worst, second=second)
        off = -entry.excess if math.isfinite(entry.excess) else None
        return replace(entry, score=off, second=off)

    return [told(entry) for entry in history]
