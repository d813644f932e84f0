"""Grid search: nested loops over the dimensions in the order of the study document."""

from __future__ import annotations

from collections.abc import Sequence

from ser_tui.strategies.base import Observation, Proposal
from ser_tui.strategies.lattice import grid
from ser_tui.study.space import Space


class GridSearch:
    """Trial n is combination n of the grid. With the paper's four dimensions in the paper's order it visits the
    combinations as arXiv 2510.07052 did: learning_rate outermost, then epochs, unfreeze_epoch and max_seconds."""

    startup = 0

    def __init__(self, space: Space, points: int) -> None:
        self._lattice = grid(space, points)

    def propose(self, history: Sequence[Observation]) -> Proposal | None:
        """The combination after those in `history`, failed ones included; None after the last."""
        if len(history) >= self._lattice.size:
            return None
        return Proposal(self._lattice.point(len(history)), "grid")
