"""The strategy that a study names. scikit-optimize and hyperopt are imported only when one of theirs is made."""

from __future__ import annotations

from ser_tui.strategies.base import Strategy
from ser_tui.study import document
from ser_tui.study.space import Space


def make(strategy: document.Strategy, space: Space, seed: int) -> Strategy:
    """The strategy for `space`. Its proposals depend on `seed` and the history alone."""
    if strategy.kind == "grid":
        from ser_tui.strategies.grid import GridSearch

        return GridSearch(space, strategy.points)
    if strategy.kind == "gp":
        from ser_tui.strategies.gp import GaussianProcess

        return GaussianProcess(space, seed, strategy.startup)
    if strategy.kind == "tpe":
        from ser_tui.strategies.tpe import TreeParzen

        return TreeParzen(space, seed, strategy.startup)
    from ser_tui.strategies.draws import RandomSearch

    return RandomSearch(space, seed)
