"""How far the importances of few trials can be believed: those of 10 to 60 recorded trials beside those of all of them.

    python benchmarks/importances.py [--data ../shared/data] [--seeds 20] [--trials 10 15 20 30 60]

Of every search: whether importances are told at all (a forest fitted to some trials predicts the others), whether the one that is named
first is the first of all trials, whether that holds where it stands out (it is larger than each other by more than both deviations), and
how far the shares are from those of all trials. `random` draws from the recorded trials, `tpe` and `gp` search them, where an untried point
scores what the nearest recorded one did. Recorded trials are those of `benchmarks/landscape` and, with --data, the paper's.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_tui.replay.recorded import Recorded, of_table, space_of, usable
from ser_tui.replay.searches import NEAREST
from ser_tui.replay.surrogates import Surrogate
from ser_tui.strategies import importance
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import load
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space, searched

Trials = list[tuple[Mapping[str, Value], float]]
HERE = Path(__file__).parent / "landscape"


def landscapes(data: Path | None) -> dict[str, tuple[Space, list[Recorded]]]:
    """Name -> (space, recorded trials)."""
    own = searched(load(HERE / "ravdess.yaml").search)
    found = {"landscape": (own, usable(own, of_table(HERE / "ravdess.csv")))}
    if data is not None:
        papers = [trial for path in sorted((data / "paper-trials").glob("*.csv")) for trial in of_table(path)]
        space = space_of(papers)
        found["paper"] = (space, usable(space, papers))
    return found


def trials_of(strategy: str, space: Space, recorded: Sequence[Recorded], guess: Surrogate, number: int, seed: int) -> Trials:
    """So many trials of one search."""
    if strategy == "random":
        drawn = np.random.default_rng(seed).choice(len(recorded), number, replace=False)
        return [(recorded[index].parameters, recorded[index].score) for index in drawn]
    asked, history = make(StrategyChoice(kind=strategy), space, seed), list[Observation]()
    while len(history) < number and (proposal := asked.propose(history)) is not None:
        history.append(Observation(proposal.parameters, guess(proposal.parameters).score))
    return [(one.parameters, one.score) for one in history if one.score is not None]


def main() -> None:
    """Print a line for each landscape, strategy and number of trials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, nargs="+", default=[10, 15, 20, 30, 60])
    parser.add_argument("--strategies", default="random,tpe,gp")
    options = parser.parse_args()
    importance.least_trials = lambda dimensions: 5
    print("trials of  strategy   n  told  first right  stands out  and right  off by  explained")
    for name, (space, recorded) in landscapes(options.data).items():
        whole = importance.importances(space, [(trial.parameters, trial.score) for trial in recorded])
        shares = {key: mean for key, (mean, _) in whole["shares"].items()}
        told = ", ".join(f"{key} {share:.2f}" for key, share in sorted(shares.items(), key=lambda item: -item[1]))
        print(f"{name}: all {whole['trials']} trials: {told}; explained {whole['explained'][0]:.2f}")
        guess, first = Surrogate(NEAREST, space, recorded), max(shares, key=lambda key: shares[key])
        for strategy in options.strategies.split(","):
            for number in options.trials:
                rows = []
                for seed in range(options.seeds):
                    found = importance.importances(space, trials_of(strategy, space, recorded, guess, number, seed), seed)
                    if found["shares"]:
                        rows.append(_judged(found, shares, first))
                print(f"{name:<10} {strategy:<8} {number:>3} {len(rows) / options.seeds:>5.0%}  {_line(rows)}", flush=True)


def _judged(found: Mapping[str, Any], shares: Mapping[str, float], first: str) -> tuple[float, ...]:
    own: Mapping[str, tuple[float, float]] = found["shares"]
    (top, (mean, deviation)), *others = sorted(own.items(), key=lambda item: -item[1][0])
    apart = all(mean - deviation > other + spread for _, (other, spread) in others)
    off = float(np.mean([abs(own[key][0] - share) for key, share in shares.items()]))
    return float(top == first), float(apart), float(apart and top == first), off, float(found["explained"][0])


def _line(rows: Sequence[tuple[float, ...]]) -> str:
    if not rows:
        return "-"
    right, apart, both, off, explained = np.mean(rows, axis=0)
    return f"{right:>10.0%}  {apart:>10.0%}  {both / apart if apart else float('nan'):>9.0%}  {off:>6.2f}  {explained:>9.2f}"


if __name__ == "__main__":
    main()
