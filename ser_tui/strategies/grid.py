"""Grid search: nested loops over the dimensions in the order of the study document."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ser_tui.strategies.base import Observation, Proposal, begun
from ser_tui.strategies.lattice import grid, key
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Space


class GridSearch:
    """The first combination of the grid that was not begun. With the paper's four dimensions in the paper's order it visits the
    combinations as arXiv 2510.07052 did: learning_rate outermost, then epochs, unfreeze_epoch and max_seconds."""

    startup = 0

    def __init__(self, space: Space, seed: int, points: int) -> None:
        self._lattice = grid(space, points)
        self._keys: list[Hashable] = []

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """The next combination; failed ones are not tried again. None after the last."""
        known = {key(trial.parameters) for trial in begun(history, pending)}
        # Of the combinations before the number of trials at least one is new, unless all of them were begun.
        for index in range(min(self._lattice.size, len(known) + 1)):
            if index == len(self._keys):
                self._keys.append(key(self._lattice.point(index)))
            if self._keys[index] not in known:
                return Proposal(self._lattice.point(index), "grid")
        return None
