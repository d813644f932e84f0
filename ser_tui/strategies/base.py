"""What a search strategy is: a pure function from what was observed to what to try next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from ser_tui.study.hyperparameters import Value

Phase = Literal["startup", "model", "grid", "first"]


@dataclass(frozen=True)
class Observation:
    """A finished trial. `score` is to be maximised; None: the trial failed. `seconds`: what it took; None: not known."""

    parameters: Mapping[str, Value]
    score: float | None
    seconds: float | None = None
    rungs: tuple[tuple[int, float], ...] = ()
    """Of a trial that was paused: (epochs, score) each time."""
    state: Literal["over", "waiting", "under way"] = "over"
    """waiting: paused, so that it may be continued; under way: being continued. Such ones only strategies are told of that continue."""
    at_chance: bool = False
    """Of a trial that waits: whether the interval of its last rung holds what answers by chance score."""
    foreign: bool = False
    """Whether it was made elsewhere: it may be made here too."""
    second: float | None = None
    """Of a study with two objectives what it has of the second, to be maximised too; None: there is one, or it was not measured."""
    excess: float = 0.0
    """How far it is from keeping the study's constraints; 0 where it keeps them, or there are none."""


@dataclass(frozen=True)
class Proposal:
    """The next trial: a value for every dimension of the space, searched or fixed.

    `phase`: startup (drawn without a model), model (proposed by the strategy's model of the scores), grid, or first (a
    recommended point).
    """

    parameters: dict[str, Value]
    phase: Phase
    expected: tuple[float, float] | None = None
    """Mean and standard deviation of the score that the strategy's model expects; None where it has no such model."""
    continues: int | None = None
    """Which observation of the history is to be continued, instead of a new trial."""
    until: int = 0
    """Train up to this epoch, and pause; 0: to the end."""


class Strategy(Protocol):
    """Proposes trials. Keeps no state: the same history gives the same proposal, in this process or in another."""

    startup: int
    """Trials that are drawn before the strategy models; 0 where it never does."""

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """The next trial, or None when every distinct trial was made or is under way.

        `history`: every finished trial, in the order of their numbers. `pending`: the parameters of the trials that are
        under way elsewhere, in the order in which they began; none of them is proposed again.
        """
        ...


@runtime_checkable
class Continuing(Strategy, Protocol):
    """A strategy whose trials are trained for some epochs first, and continued where that was worth it. Its history holds trials that
    wait, and those that are being continued, which are among `pending` too."""

    def last(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]], *, timed_out: bool) -> Proposal | None:
        """What is to be continued once no trial may begin any more; None: nothing, now that `pending` are under way. `timed_out`: no time
        is left for more than what the search needs to have a trial with a score."""
        ...

    def surplus(self, history: Sequence[Observation]) -> list[int]:
        """Which observations need not wait any more: others will always go before them."""
        ...

    def place(self, history: Sequence[Observation], index: int) -> tuple[int, int]:
        """(how many were ahead of a waiting observation, of how many) when they were trained for as many epochs."""
        ...


def begun(history: Sequence[Observation], pending: Sequence[Mapping[str, Value]]) -> list[Observation]:
    """Every trial that was begun: the finished ones, then those under way, whose scores nobody knows yet."""
    return [*history, *(Observation(parameters, None) for parameters in pending)]


def scores(history: Sequence[Observation]) -> list[float]:
    """A finite score for every observation: a failed trial is told as the worst score seen, or 0 when none was.

    Leaving failures out would let a model propose the same failing region for ever; a score below all others would
    stretch the scale on which the model tells good trials apart.
    """
    known = [entry.score for entry in history if entry.score is not None and math.isfinite(entry.score)]
    worst = min(known, default=0.0)
    return [entry.score if entry.score is not None and math.isfinite(entry.score) else worst for entry in history]
