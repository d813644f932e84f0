"""What a strategy's best trial scores after 5, 10 and 15 trials, on a surrogate of the trials that the paper recorded.

    python benchmarks/strategies.py [--data ../shared/data] [--seeds 40]

Two surrogates. `interval`: the paper's search space (arXiv 2510.07052, learning rate 1e-6 to 1e-3), scored by a forest of
trees grown on all 663 recorded trials. `grid`: the paper's grid, scored by the recorded trial itself, or the nearest
one for the 35 combinations that were not recorded. A trial costs no training, so that many seeds can be averaged.
Not part of the package: it needs the authors' figures, which are not ours to copy.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from ser_tui.strategies.base import Observation, Strategy
from ser_tui.strategies.draws import RandomSearch
from ser_tui.strategies.gp import GaussianProcess
from ser_tui.strategies.tpe import TreeParzen
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import Choice, Integer, Real, Space

Score = Callable[[Mapping[str, Value]], float]
Make = Callable[[Space, int], Strategy]

TRIALS = 15
FILES = ("result_exhaustive_bca", "hpo_results_ax_bca1_1", "hpo_results_bca1_test", "hpo_results_hyperopt_bca_1_test")
INTERVAL: Space = {
    "learning_rate": Real(low=1e-6, high=1e-3, scale="log"),
    "epochs": Integer(low=1, high=10),
    "unfreeze_epoch": Integer(low=0, high=5),
    "max_seconds": Choice(choices=(2, 3, 4, 5, 7, 10)),
}
GRID: Space = {
    "learning_rate": Choice(choices=(1e-6, 5e-6, 1e-5, 5e-5)),
    "epochs": Choice(choices=(1, 3, 5, 7, 10)),
    "unfreeze_epoch": Choice(choices=(0, 1, 2, 3, 4)),
    "max_seconds": Choice(choices=(2, 3, 4, 5, 7, 10)),
}
STRATEGIES: dict[str, Make] = {
    "random": RandomSearch,
    "gp, 3 start-up trials": lambda space, seed: GaussianProcess(space, seed, 3),
    "gp, 5 (ours)": lambda space, seed: GaussianProcess(space, seed, 5),
    "gp, 8": lambda space, seed: GaussianProcess(space, seed, 8),
    "gp, 10 (scikit-optimize's default)": lambda space, seed: GaussianProcess(space, seed, 10),
    "tpe, 3 start-up trials": lambda space, seed: TreeParzen(space, seed, 3),
    "tpe, 5 (ours)": lambda space, seed: TreeParzen(space, seed, 5),
    "tpe, 8": lambda space, seed: TreeParzen(space, seed, 8),
    "tpe, 20 (hyperopt's default: never models)": lambda space, seed: TreeParzen(space, seed, 20),
    "tpe, 5, gamma 0.25 (hyperopt's default)": lambda space, seed: TreeParzen(space, seed, 5, gamma=0.25),
    "tpe, 5, gamma 1.5": lambda space, seed: TreeParzen(space, seed, 5, gamma=1.5),
}


def features(learning_rate: float, epochs: float, unfreeze: float, seconds: float) -> tuple[float, ...]:
    """What the score of a trial depends on; epochs that are never reached do not unfreeze."""
    return math.log10(learning_rate), epochs, min(unfreeze, epochs), seconds


def recorded(folder: Path, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Features [N, 4] and BCA [N] of recorded trials."""
    rows: list[tuple[float, ...]] = []
    scores: list[float] = []
    for name in names:
        with (folder / f"{name}.csv").open(newline="") as stream:
            for row in csv.DictReader(stream):
                seconds = int(row["max_length"]) / 16_000
                rows.append(features(float(row["lr"]), int(row["num_epochs"]), int(row["unfreeze_epoch"]), seconds))
                scores.append(float(row["validation_accuracy"]))
    return np.array(rows), np.array(scores)


def at(parameters: Mapping[str, Value]) -> np.ndarray:
    """The features of one trial."""
    return np.array(features(*(float(parameters[name]) for name in INTERVAL)))


def forest(folder: Path) -> Score:
    """The smooth surrogate."""
    trees = ExtraTreesRegressor(100, bootstrap=True, random_state=0).fit(*recorded(folder, FILES))
    return lambda parameters: float(trees.predict(at(parameters)[None])[0])


def nearest(folder: Path) -> Score:
    """The table of the grid search."""
    points, scores = recorded(folder, FILES[:1])
    scale = points.std(0)
    return lambda parameters: float(scores[np.abs((points - at(parameters)) / scale).sum(1).argmin()])


def best_so_far(strategy: Strategy, score: Score) -> list[float]:
    """The best score after each of TRIALS trials."""
    history: list[Observation] = []
    while len(history) < TRIALS and (proposal := strategy.propose(history)):
        history.append(Observation(proposal.parameters, score(proposal.parameters)))
    return np.maximum.accumulate([entry.score for entry in history]).tolist()


def main() -> None:
    """Print one table per surrogate."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--seeds", type=int, default=40)
    given = options.parse_args()
    folder = given.data / "paper-trials"
    if not folder.is_dir():
        options.error(f"{folder} is not there; --data names the folder that holds paper-trials")
    for title, space, score in (("interval", INTERVAL, forest(folder)), ("grid", GRID, nearest(folder))):
        print(f"\n{title}, mean of {given.seeds} seeds (standard error)\n")
        print("| strategy | best of 5 | of 10 | of 15 | trials to .90 | s |")
        print("|---|---|---|---|---|---|")
        for name, make in STRATEGIES.items():
            begun = time.perf_counter()
            runs = np.array([best_so_far(make(space, seed), score) for seed in range(given.seeds)])
            seconds = (time.perf_counter() - begun) / given.seeds
            error = runs[:, -1].std(ddof=1) / math.sqrt(given.seeds)
            # A run that stays below counts as one trial more than it had: a lower bound.
            reached = np.where(runs[:, -1] >= 0.9, (runs >= 0.9).argmax(1) + 1, TRIALS + 1).mean()
            means = runs.mean(0)
            cells = f"{means[4]:.3f} | {means[9]:.3f} | {means[-1]:.3f} ({error:.3f}) | {reached:.1f} | {seconds:.1f}"
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
