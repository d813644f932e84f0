"""What the first epochs of real trials tell about their end: what successive halving lives on.

    python benchmarks/rungs_tell.py RUN [RUN ...]

RUN is the folder of a search that fine-tuned whole trials, such as

    ser-tui run emodb-tpe --set encoder=whisper-tiny.en --set strategy=random --set budget.trials=45 --set search=paper

Per k: the trials that went on after k epochs, Spearman's rank correlation of the BCA after k epochs with that at the end, with its
95 % interval (percentiles of 2,000 bootstraps over trials), and how many of the third that is best at the end are among the third that is
best then; by chance it is a third of them. Once for all epochs, and once for those alone in which the encoder is trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from ser_tui.store.runs import RunFolder
from ser_tui.study.scores import BCA
from ser_tui.study.state import Trial
from ser_tui.study.status import TrialStatus

MOST, LEAST = 8, 6
"""Epochs up to which is looked, and trials below which a correlation says nothing."""


def curves(folders: Sequence[Path], *, trained_alone: bool) -> Iterator[tuple[list[float], float]]:
    """Of every trial that ended: its BCA after each epoch but the last, and at its end."""
    for folder in folders:
        for trial in RunFolder(folder).state().trials:
            end = trial.value(BCA)
            if trial.status == TrialStatus.DONE and end is not None and len(trial.epochs) > 1:
                yield list(_told(trial, trained_alone=trained_alone)), end


def _told(trial: Trial, *, trained_alone: bool) -> Iterator[float]:
    for epoch in list(trial.epochs)[:-1]:
        if epoch.value is not None and not (trained_alone and epoch.frozen):
            yield epoch.value


def told(pairs: Sequence[tuple[float, float]]) -> str:
    """A row's cells for (BCA then, BCA at the end) of each trial."""
    then, end = np.array(pairs).T
    random, rhos = np.random.default_rng(0), list[float]()
    for _ in range(2000):
        rows = random.integers(len(then), size=len(then))
        if len(set(then[rows])) > 1 and len(set(end[rows])) > 1:
            rhos.append(float(stats.spearmanr(then[rows], end[rows]).statistic))
    low, high = np.percentile(rhos, [2.5, 97.5])
    third = max(1, len(then) // 3)
    both = {*np.argsort(-then, kind="stable")[:third].tolist()} & {*np.argsort(-end, kind="stable")[:third].tolist()}
    rho = float(stats.spearmanr(then, end).statistic)
    return f"{len(then)} | {rho:+.2f} ({low:+.2f} to {high:+.2f}) | {len(both)} of {third}"


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", nargs="+", type=Path)
    folders: list[Path] = options.parse_args().run
    for trained_alone in (False, True):
        known = list(curves(folders, trained_alone=trained_alone))
        print(f"| after k epochs{' in which the encoder is trained' if trained_alone else ''} | trials | rank correlation with the end |"
              " of the best third |\n|---:|---:|---|---|")  # fmt: skip
        for count in range(1, MOST + 1):
            pairs = [(then[count - 1], end) for then, end in known if len(then) >= count]
            if len(pairs) >= LEAST and len({end for _, end in pairs}) > 1:
                print(f"| {count} | {told(pairs)} |")
        print()


if __name__ == "__main__":
    main()
