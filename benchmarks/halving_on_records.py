"""What successive halving does with trials that were really trained: each shows at its rungs what it had then, and takes what it took.

    python benchmarks/halving_on_records.py RUN [RUN ...] [--seeds 400] [--trials 15] [--gain 1.81]

RUN: the folder of a search that fine-tuned whole trials, see rungs_tell.py. A simulated search is of some of them in a random order. With
`random` each is trained to its end; `halving` is the product's, and `halving, all epochs` what it was before epochs with a frozen encoder
stopped counting. `oracle`, which nobody can have: each is trained for one epoch in which its encoder learns, is known for good then, and
only the first that is good goes on: no strategy that looks at trials after an epoch comes to a score sooner in that order, unless it is
lucky. Every epoch in which an encoder is trained takes the same, 6 s by one worker of two threads, and those with a frozen one nothing.
`--gain`: how many times the trials of one worker two make.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from halving_on_paper import EPOCH, HEADER, MARKS, Ended, reached, row, simulated

from ser_tui.store.runs import RunFolder
from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.halving import Halving
from ser_tui.strategies.lattice import frozen_epochs
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import load
from ser_tui.study.scores import BCA
from ser_tui.study.space import Space
from ser_tui.study.state import Trial
from ser_tui.study.status import TrialStatus


@dataclass(frozen=True)
class Record:
    """A trial that was trained to its end, and the BCA after each epoch."""

    parameters: Mapping[str, Value]
    scores: Sequence[float]

    @property
    def frozen(self) -> int:
        """Epochs with a frozen encoder."""
        return frozen_epochs(self.parameters)

    def takes(self, since: int, until: int) -> float:
        """Seconds of the epochs after `since` and up to `until`."""
        return EPOCH * (max(until, self.frozen) - max(since, self.frozen))


@dataclass(frozen=True)
class Recorded:
    """Trial n of a simulated search is the n-th of `records`."""

    records: Sequence[Record]

    def end(self, number: int) -> float:
        return self.records[number].scores[-1]

    def shown(self, number: int, epoch: int) -> float:
        return self.records[number].scores[epoch - 1]

    def seconds(self, number: int, since: int, until: int) -> float:
        return self.records[number].takes(since, until)


class InOrder(Halving):
    """The product's halving, whose new trials are those of `records`."""

    def __init__(self, space: Space, records: Sequence[Record], first: int, revision: int) -> None:
        super().__init__(space, 0, first, 3, 5, revision)
        self.__dict__["_design"] = [dict(record.parameters) for record in records]


class WholeInOrder:
    """Every trial to its end."""

    startup = 0

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        return Proposal(dict(self._records[len(history) + len(pending)].parameters), "startup")


def records(folders: Sequence[Path]) -> tuple[Space, list[Record]]:
    """The space of the first folder's study, and the trials of all of them that ended."""
    states = [RunFolder(folder).state() for folder in folders]
    ended = [trial for state in states for trial in state.trials if trial.status == TrialStatus.DONE and trial.value(BCA) is not None]
    return load(RunFolder(folders[0]).study).search, [Record(trial.parameters, _scores(trial)) for trial in ended]


def _scores(trial: Trial) -> list[float]:
    end = trial.value(BCA)
    return [*(math.nan if epoch.value is None else epoch.value for epoch in list(trial.epochs)[:-1]), math.nan if end is None else end]


def oracle(chosen: Sequence[Record]) -> list[float]:
    """Seconds to each of MARKS for one that knows after an epoch in which the encoder learns which trial has it at its end."""
    found: list[float] = []
    for mark in MARKS:
        now, end = 0.0, math.inf
        for record in chosen:
            if record.scores[-1] >= mark:
                end = now + record.takes(0, len(record.scores))
                break
            now += record.takes(0, min(record.frozen + 1, len(record.scores)))
        found.append(end)
    return found


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", nargs="+", type=Path)
    options.add_argument("--seeds", type=int, default=400)
    options.add_argument("--trials", type=int, default=15)
    options.add_argument("--gain", type=float, default=1.81)
    given = options.parse_args()
    space, known = records(given.run)
    trials = min(given.trials, len(known))
    good = ", ".join(f"{sum(record.scores[-1] >= mark for record in known)} have {mark:.2f}" for mark in MARKS)
    print(f"{len(known)} recorded trials, of which {good}; {trials} a search, {given.seeds} orders\n\n{HEADER}")
    orders = [[known[index] for index in np.random.default_rng(seed).permutation(len(known))[:trials]] for seed in range(given.seeds)]

    def show(name: str, workers: int, strategies: Sequence[Strategy]) -> None:
        pairs = zip(strategies, orders, strict=True)
        found: list[Ended] = [simulated(one, workers, trials, Recorded(order), given.gain) for one, order in pairs]
        print(row(name, workers, found), flush=True)

    for workers in (1, 2):
        show("random", workers, [WholeInOrder(order) for order in orders])
        for first in (1, 2, 3, 4):
            for told, revision in (("halving, all epochs", 2), ("halving", 3)):
                show(f"{told} first={first}", workers, [InOrder(space, order, first, revision) for order in orders])
    print(f"| oracle | 1 | | | {' | '.join(reached([oracle(order) for order in orders]))} |")


if __name__ == "__main__":
    main()
