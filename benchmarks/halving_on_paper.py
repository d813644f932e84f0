"""What halving can save at all, without training: how soon a search would reach BCA .95 and .97 if a rung told the end perfectly.

    python benchmarks/halving_on_paper.py [--seeds 400] [--trials 15] [--noise 0]

In the bounds recommended for whisper-tiny.en on EmoDB (3 or 4 epochs), and over the paper's epochs (1 to 10) where one trial of four is as
good. A trial's score is drawn from the 18 that searches within the recommended bounds have recorded (docs/measured/emodb-search.md); of the
others, where there are such, it is chance. At a rung a trial shows its final score, which no real one does: so halving is at its best here;
`--noise` is the standard deviation of what a rung shows beside it.
The strategy is the product's own. The encoder is trained from the first epoch on, every epoch takes the same time (6 s by one worker of
two threads; two workers of one thread make 1.19 times as many, as measured), and nothing else takes any. Random search stands for all
that draw whole trials.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ser_tui.encoders import registry as encoders
from ser_tui.strategies.base import Continuing, Observation, Strategy
from ser_tui.strategies.registry import make
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import Value
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space

RECORDED = (.946, .968, .966, .984, .966, .962, .944, .928, .932, .938, .964, .964, .976, .959, .968, .984, .976, .976)  # fmt: skip
CHANCE = 1 / 7
HALF = 0.07
"""Half of the 95 % interval of a BCA at chance, n = 107: what is not further above chance than that counts as at chance."""
EPOCH, GAIN = 6.0, 1.19
MARKS = (0.95, 0.97)
HEADER = "| strategy | workers | epochs | min for all | " + " | ".join(f"min to {mark:.2f}, median | reached" for mark in MARKS) + " |\n"
HEADER += "|---|---:|---:|---:|" + "---:|---:|" * len(MARKS)
WAYS: tuple[tuple[str, Mapping[str, Value], int], ...] = (
    ("random", {}, 1), ("random", {}, 2), ("halving", {"first": 3}, 1), ("halving", {"first": 3}, 2), ("halving", {"first": 1}, 1),
    ("halving", {"first": 1}, 2),
)  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """A simulated search: seconds to each of MARKS (infinite where it was not reached) and to its end; the epochs that it trained."""

    marks: tuple[float, ...]
    whole: float
    epochs: int


class Trials(Protocol):
    """What a search is simulated with: its trial n."""

    def end(self, number: int) -> float:
        """The score at its end."""

    def shown(self, number: int, epoch: int) -> float:
        """The score after that epoch."""

    def seconds(self, number: int, since: int, until: int) -> float:
        """What the epochs after `since` and up to `until` take one worker that has every thread."""


@dataclass(frozen=True)
class OnPaper:
    """Trials that score `ends` and show `rungs` at whatever rung; every epoch takes the same."""

    ends: Sequence[float]
    rungs: Sequence[float]

    def end(self, number: int) -> float:
        return self.ends[number]

    def shown(self, number: int, epoch: int) -> float:
        return self.rungs[number]

    def seconds(self, number: int, since: int, until: int) -> float:
        return EPOCH * (until - since)


def simulated(strategy: Strategy, workers: int, trials: int, known: Trials, gain: float = GAIN) -> Ended:
    """A search of so many `trials`. `gain`: how many trials several `workers` make in the time in which one makes one."""
    slower = 1.0 if workers == 1 else workers / gain
    history: list[Observation] = []
    under_way: list[tuple[float, int, int]] = []
    now, trained, reached = 0.0, 0, [math.inf] * len(MARKS)
    while True:
        while len(under_way) < workers:
            told = [entry for entry in history if entry.state != "under way" or entry.rungs]
            pending = [entry.parameters for entry in history if entry.state == "under way"]
            proposal = strategy.propose(told, pending) if len(history) < trials else None
            if proposal is None and isinstance(strategy, Continuing):
                proposal = strategy.last(told, pending, timed_out=False)
            if proposal is None:
                break
            if proposal.continues is None:
                history.append(Observation(proposal.parameters, None, state="under way"))
                place, done = len(history) - 1, 0
            else:
                place = next(index for index, entry in enumerate(history) if entry is told[proposal.continues])
                done = history[place].rungs[-1][0]
                history[place] = replace(history[place], state="under way")
            until = proposal.until or int(proposal.parameters["epochs"])
            trained += until - done
            heapq.heappush(under_way, (now + slower * known.seconds(place, done, until), place, proposal.until))
        if not under_way:
            return Ended(tuple(reached), now, trained)
        now, place, rung = heapq.heappop(under_way)
        if rung:
            shown = known.shown(place, rung)
            rungs = (*history[place].rungs, (rung, shown))
            history[place] = replace(history[place], rungs=rungs, state="waiting", at_chance=shown <= CHANCE + HALF)
            continue
        score = known.end(place)
        history[place] = replace(history[place], score=score, state="over")
        reached = [min(before, now) if score >= mark else before for before, mark in zip(reached, MARKS, strict=True)]


def table(space: Space, good: float, seeds: int, trials: int, noise: float) -> None:
    """Print what each of WAYS comes to; `good`: the share of trials that score as RECORDED."""
    print(HEADER)
    for kind, settings, workers in WAYS:
        found: list[Ended] = []
        for seed in range(seeds):
            random = np.random.default_rng(seed)
            drawn = random.choice(RECORDED, size=trials)
            scores = np.where(random.random(trials) < good, drawn, CHANCE)
            shown = scores + noise * random.normal(size=trials)
            strategy = make(StrategyChoice(kind=kind, **settings), space, seed)
            found.append(simulated(strategy, workers, trials, OnPaper(scores.tolist(), shown.tolist())))
        print(row(" ".join([kind, *(f"{key}={value}" for key, value in settings.items())]), workers, found), flush=True)


def row(name: str, workers: int, found: Sequence[Ended]) -> str:
    """A table's row about searches that were simulated with several seeds."""
    epochs, whole = np.mean([one.epochs for one in found]), np.mean([one.whole for one in found]) / 60
    return f"| {name} | {workers} | {epochs:.1f} | {whole:.2f} | {' | '.join(reached([one.marks for one in found]))} |"


def reached(marks: Sequence[Sequence[float]]) -> list[str]:
    """For each of MARKS: the median of the minutes to it, and the share of searches that came to it."""
    cells: list[str] = []
    for seconds in zip(*marks, strict=True):
        times = np.array(seconds) / 60
        middle = float(np.quantile(times, 0.5, method="higher"))
        cells += ["-" if math.isinf(middle) else f"{middle:.2f}", f"{np.isfinite(times).mean():.2f}"]
    return cells


def main() -> None:
    """Print the two tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=400)
    options.add_argument("--trials", type=int, default=15)
    options.add_argument("--noise", type=float, default=0.0)
    given = options.parse_args()
    bounds = encoders.find("whisper-tiny.en").search
    for told, search, good in (("recommended bounds", bounds, 1.0), ("the paper's epochs", {**bounds, **encoders.PAPER_SEARCH}, 0.25)):
        space = Study.model_validate(
            {"search": {**search, "unfreeze_epoch": 0}}
        ).search  # frozen epochs take no time, and are no part of this
        print(f"\n{told}, {given.trials} trials, {given.seeds} seeds, noise {given.noise:g}")
        table(space, good, given.seeds, given.trials, given.noise)


if __name__ == "__main__":
    main()
