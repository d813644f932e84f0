"""Successive halving over epochs: many trials are trained a little, the better ones of them further.

Asynchronous, as in Li et al. 2020 (A System for Massively Parallel Hyperparameter Tuning): a trial is paused at the rungs `first`,
`first * factor`, ... epochs in which its encoder is trained, and goes on once it is among the best 1/`factor` of those that came to its
rung. No trial waits for a rung to be full; and the best that came to a rung goes on at once, however few there were, so that the first one
is trained to its end as early as without rungs. That costs at most the trainings of the first few: of three and more, the best one goes
on in any case.
Only a trial that is at chance at its rung does not, before all trials have begun: where most of a space fails, the first few would be
trained to their end for nothing.

A trial has the schedule of all its epochs from the start: what it scores at a rung is no score of a shorter trial. Trials that end
before a rung are no rivals there. Epochs with a frozen encoder take no time to speak of, and what a trial scores after them tells nothing
about its end: so they do not count, and a trial whose encoder stays frozen is not paused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from ser_tui.strategies.base import Observation, Proposal
from ser_tui.strategies.derived import Derived
from ser_tui.strategies.draws import Draws, derived_design
from ser_tui.strategies.lattice import EPOCHS, frozen_epochs
from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.study.space import Space

DESIGNED = 64
"""Trials that are scrambled Sobol points, which cover the space evenly; later ones are drawn."""


class Halving:
    """Keeps no state, as every strategy: what is continued depends on the history alone."""

    startup = 0

    def __init__(self, space: Space, seed: int, first: int, factor: int, waiting: int, revision: int = 3) -> None:
        self._draws, self._derived, self._seed = Draws(space, seed), Derived(space), seed
        self._first, self._factor, self._waiting = first, factor, waiting
        self._chance_waits, self._frozen_count = revision > 1, revision < 3

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """The best of those that may go on, furthest first; else a new trial. None when the space holds no further one and none may go
        on."""
        if (found := self._promoted(history)) is not None:
            return found
        known = [*(entry for entry in history if entry.state != "under way"), *(Observation(one, None) for one in pending)]
        parameters = self._draws.new(known, self._design[len(known) : len(known) + 1])
        return None if parameters is None else Proposal(parameters, "startup", until=self._until(parameters, 0))

    def last(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]], *, timed_out: bool) -> Proposal | None:
        """Those that may go on; then, once nothing is under way, whoever scored more at its rung than the best at its end, so that no
        trial is left that looks better than the best. Timed out: the most promising one, where none has come to its end."""
        best = max((entry.score for entry in history if entry.state == "over" and entry.score is not None), default=None)
        if timed_out and (pending or best is not None):
            return None
        if (found := self._promoted(history)) is not None:
            return found
        if pending:
            return None
        waiting = [index for index, entry in enumerate(history) if entry.state == "waiting"]
        ahead = [index for index in waiting if best is None or history[index].rungs[-1][1] > best]
        if not ahead:
            return None
        chosen = max(ahead, key=lambda index: (self._rungs(history[index])[-1], -index))
        return self._continued(history, chosen)

    def surplus(self, history: Sequence[Observation]) -> list[int]:
        """All that wait but the first `waiting` by rung and score: room on the disk is bounded."""
        waiting = [index for index, entry in enumerate(history) if entry.state == "waiting"]
        return sorted(sorted(waiting, key=lambda index: (self._rungs(history[index])[-1], -index), reverse=True)[self._waiting :])

    def place(self, history: Sequence[Observation], index: int) -> tuple[int, int]:
        """See `Continuing`."""
        rung, score = self._rungs(history[index])[-1]
        others = self._at(history, rung)
        return sum(other > score for other in others.values()), len(others)

    def _promoted(self, history: Sequence[Observation]) -> Proposal | None:
        """The best trial that may go on, of the furthest rung that has one."""
        rungs = sorted({rung for entry in history for rung, _ in self._rungs(entry)}, reverse=True)
        for rung in rungs:
            scores = self._at(history, rung)
            came = sorted(scores, key=lambda index: (-scores[index], index))
            for index in came[: max(1, len(came) // self._factor)]:
                entry = history[index]
                if entry.state == "waiting" and self._rungs(entry)[-1][0] == rung and not (self._chance_waits and entry.at_chance):
                    return self._continued(history, index)
        return None

    def _at(self, history: Sequence[Observation], rung: int) -> dict[int, float]:
        """The score there of each that came to `rung`."""
        known = {index: dict(self._rungs(entry)) for index, entry in enumerate(history)}
        return {index: scores[rung] for index, scores in known.items() if rung in scores}

    def _rungs(self, entry: Observation) -> list[tuple[int, float]]:
        """(epochs that count, score) each time that it was paused."""
        ahead = self._ahead(entry.parameters)
        return [(epoch - ahead, score) for epoch, score in entry.rungs]

    def _ahead(self, parameters: Mapping[str, Value]) -> int:
        """Epochs at a trial's begin that do not count."""
        return 0 if self._frozen_count else frozen_epochs(parameters)

    def _continued(self, history: Sequence[Observation], index: int) -> Proposal:
        entry = history[index]
        return Proposal(dict(entry.parameters), "model", continues=index, until=self._until(entry.parameters, entry.rungs[-1][0]))

    def _until(self, parameters: Mapping[str, Value], done: int) -> int:
        """The epoch of the next rung after epoch `done`; 0 where the trial ends before it or there."""
        rung, ahead = self._first, self._ahead(parameters)
        while ahead + rung <= done:
            rung *= self._factor
        return 0 if ahead + rung >= int(parameters.get(EPOCHS, HYPERPARAMETERS[EPOCHS].default)) else ahead + rung

    @cached_property
    def _design(self) -> list[dict[str, Value]]:
        return derived_design(self._draws, self._derived, DESIGNED, self._seed)
