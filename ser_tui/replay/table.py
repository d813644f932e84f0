"""What many replayed searches of one strategy add up to: figures with their standard errors. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ser_tui.replay.searches import Search, best_so_far
from ser_tui.study.records import Key
from ser_tui.study.scores import BCA
from ser_tui.study.time_to_score import MARKS

RESAMPLES = 400
"""Bootstrap samples that a percentile's standard error is of."""


@dataclass(frozen=True)
class ToMark:
    """How soon searches reached a BCA of `mark`. `share` of them did; `trials` is the median number of trials, and `minutes` the median
    of the minutes that these took by the surrogate, each None where less than half of the searches did, minutes also where none are
    recorded."""

    mark: Annotated[float, Key(BCA)]
    share: float
    trials: float | None
    minutes: float | None

    @property
    def text(self) -> str:
        """After how many trials, as tables show it."""
        return "-" if self.trials is None else f"{self.trials:.0f}"


@dataclass(frozen=True)
class ReplayFigures:
    """One strategy on one surrogate. Pairs are (value, standard error over searches)."""

    searches: int
    best: tuple[float, float]
    """The mean best score."""
    tenth: tuple[float, float]
    """The best score that nine searches of ten surpass: its 10th percentile."""
    reached: tuple[float, float]
    """Share of the searches whose best reached the score that was asked for."""
    marks: tuple[ToMark, ...]
    trials: float
    """Mean number of trials of a search."""
    minutes: float | None
    """Mean of what all trials of a search took by the surrogate."""
    proposing: float
    """Mean seconds that a proposal took, the first of a process (which imports its library) left out."""
    slowest: float
    """The 95th percentile of them."""
    bands: tuple[tuple[float, float, float], ...]
    """After each trial: 10th percentile, mean and 90th percentile of the best so far."""


def figures(searches: Sequence[Search], score: float) -> ReplayFigures:
    """What `searches` (at least one) add up to; `score`: what they shall reach."""
    curves = [best_so_far(one.scores) for one in searches]
    ends = np.array([curve[-1] for curve in curves])
    n = len(ends)
    share = float((ends >= score).mean())
    random = np.random.default_rng(0)
    drawn = np.quantile(ends[random.integers(n, size=(RESAMPLES, n))], 0.1, axis=1)
    longest = max(map(len, curves))
    # A search that used its space up keeps the best that it had.
    filled = np.array([curve + [curve[-1]] * (longest - len(curve)) for curve in curves])
    spent = np.array([value for one in searches for value in one.proposing])
    timed = [sum(one.seconds) / 60 for one in searches if one.seconds]
    return ReplayFigures(
        searches=n,
        best=(float(ends.mean()), float(ends.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan),
        tenth=(float(np.quantile(ends, 0.1)), float(drawn.std()) if n > 1 else math.nan),
        reached=(share, math.sqrt(share * (1 - share) / n)),
        marks=tuple(_mark(searches, mark) for mark in MARKS),
        trials=float(np.mean([len(one.scores) for one in searches])),
        minutes=float(np.mean(timed)) if len(timed) == n else None,
        proposing=float(spent.mean()) if len(spent) else math.nan,
        slowest=float(np.quantile(spent, 0.95)) if len(spent) else math.nan,
        bands=tuple((float(np.quantile(at, 0.1)), float(at.mean()), float(np.quantile(at, 0.9))) for at in filled.T),
    )


def _mark(searches: Sequence[Search], mark: float) -> ToMark:
    trials: list[float] = []
    minutes: list[float] = []
    for one in searches:
        first = next((index for index, value in enumerate(one.scores) if value >= mark), None)
        trials.append(math.inf if first is None else first + 1)
        minutes.append(math.inf if first is None or not one.seconds else sum(one.seconds[: first + 1]) / 60)
    return ToMark(mark, float(np.isfinite(trials).mean()), _median(trials), _median(minutes))


def _median(values: Sequence[float]) -> float | None:
    found = float(np.quantile(values, 0.5, method="higher"))
    return found if math.isfinite(found) else None
