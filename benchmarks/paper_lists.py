"""How long the first 15 trials of each search that the paper's authors recorded take, of what an epoch takes: for benchmarks/speed.py.

The collapse guard is modelled, as the records hold nothing but a trial's last score: one that ended with the same answer for every
utterance (BCA 1/7) is taken to have been at chance from its first unfrozen epoch on.
"""

from __future__ import annotations

import csv
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

SEARCHES = {"Ax": "hpo_results_ax_bca1_1", "Optuna": "hpo_results_bca1_test", "Hyperopt": "hpo_results_hyperopt_bca_1_test"}
AT_CHANCE = 1 / 7
"""BCA on EmoDB's seven classes of a trial that answers the same for every utterance."""
ONCE = ("embedding", "after")
"""What is done once for all trials of a length: embedding the corpus, and measuring how quick a model answers."""
Epoch = Callable[[str, int], float]
"""Seconds of an epoch of a kind (frozen, trained), or of one of `ONCE`, with utterances cut at so many seconds."""


@dataclass(frozen=True)
class Recorded:
    """A trial of the authors: its epochs, and where utterances are cut, in seconds."""

    frozen: int
    trained: int
    seconds: int
    at_chance: bool

    def guarded(self, patience: int) -> Recorded:
        """It, ended after `patience` unfrozen epochs where it is at chance."""
        return replace(self, trained=min(self.trained, patience)) if self.at_chance else self

    def takes(self, epoch: Epoch) -> float:
        """Its seconds."""
        return self.frozen * epoch("frozen", self.seconds) + self.trained * epoch("trained", self.seconds)


def recorded(folder: Path, search: str) -> list[Recorded]:
    """The first 15 trials of `search`, one of `SEARCHES`."""
    with (folder / f"{SEARCHES[search]}.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:15]
    found = []
    for row in rows:
        epochs = int(row["num_epochs"])
        frozen = min(epochs, int(row["unfreeze_epoch"]))
        at_chance = abs(float(row["validation_accuracy"]) - AT_CHANCE) < 1e-6
        found.append(Recorded(frozen, epochs - frozen, int(row["max_length"]) // 16_000, at_chance))
    return found


def with_first(trials: Iterable[Recorded], epoch: Epoch) -> list[float]:
    """Seconds of each of `trials`; the first one of a length also takes what is done once a length (embedding, and after it)."""
    known, spent = set[int](), []
    for trial in trials:
        first = () if trial.seconds in known else ONCE
        known.add(trial.seconds)
        spent.append(trial.takes(epoch) + sum(epoch(kind, trial.seconds) for kind in first))
    return spent


def ends(spent: Iterable[float], workers: int) -> float:
    """When the last of trials that take so long has ended, each begun in order as soon as one of `workers` is free."""
    free = [0.0] * workers
    for seconds in spent:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)
