"""How many trials a strategy will make by itself: light enough for the interface to show while bounds are typed."""

from __future__ import annotations

from ser_tui.strategies.lattice import every_trial, grid
from ser_tui.study.document import Strategy
from ser_tui.study.space import Space


def planned_trials(strategy: Strategy, space: Space) -> int | None:
    """The size of the grid, or of a space that holds finitely many trials; None: the strategy never runs out.

    No strategy makes a trial twice, since a trial repeats itself on the same machine.
    """
    lattice = grid(space, strategy.points) if strategy.kind == "grid" else every_trial(space)
    return None if lattice is None else lattice.size
