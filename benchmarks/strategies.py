"""What a strategy's best trial scores, on surrogates of the trials that the paper recorded, and what a suggestion takes.

    python benchmarks/strategies.py [--data ../shared/data] [--seeds 200] [--strategies gp,tpe,...] [--times] [--starts]

The first table is `ser-tui replay` on all 663 recorded trials, in the paper's space (arXiv 2510.07052, learning rate 1e-6 to 1e-3). A trial
costs no training, so that many seeds can be averaged. `--times` alone tells how long a suggestion takes with 100 told trials, without
others under way and with 8 and 99, on one thread, as a run's worker proposes. `--starts` alone tells what is worth to know something
beforehand: the recommended first point, and the trials of Ax's list as those of a past run, while the surrogates are of the other
lists. Not part of the package: it needs the authors' figures, which are not ours to copy.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from worker_environment import as_in_a_worker

from ser_tui.replay.recorded import Recorded, of_table
from ser_tui.replay.searches import FOREST, NEAREST, best_so_far
from ser_tui.replay.surrogates import Surrogate
from ser_tui.strategies.base import Observation
from ser_tui.strategies.draws import RandomSearch
from ser_tui.strategies.registry import make, record, records
from ser_tui.strategies.warm import Prior, warmed
from ser_tui.study.document import Study
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.time_to_score import MARKS
from ser_tui.testing.strategies import PAPER, made_up_score

TOLD, UNDER_WAY, ROUNDS = 100, (0, 8, 99), 10
PAST = "_ax_"
"""In the name of the list that stands for a past run."""
STRATEGIES = "gp,gp:startup=5:revision=1,tpe,tpe:startup=5:revision=1,cma,optuna-tpe,random"


def suggestion_times(kind: str) -> list[float]:
    """Median seconds of processor time of a suggestion with TOLD trials, and each of UNDER_WAY beside them. The import is left out."""
    draws = RandomSearch(PAPER, 0)
    drawn = [draws.propose([Observation({}, None)] * number) for number in range(TOLD + max(UNDER_WAY))]
    trials = [proposal.parameters for proposal in drawn if proposal is not None]
    history = [Observation(trial, made_up_score(trial), 60.0) for trial in trials[:TOLD]]
    found = []
    for count in UNDER_WAY:
        pending, spent = trials[TOLD : TOLD + count], []
        for seed in range(ROUNDS + 1):
            strategy = make(StrategyChoice(kind=kind), PAPER, seed)
            begun = time.process_time()
            strategy.propose(history, pending)
            spent.append(time.process_time() - begun)
        found.append(float(np.median(spent[1:])))
    return found


@dataclass(frozen=True)
class Start:
    """What a search knows beforehand."""

    name: str
    first: bool
    past: bool


STARTS = (
    Start("nothing", False, False), Start("the first point", True, False), Start("a past run", False, True),
    Start("both", True, True),
)  # fmt: skip
AT = (1, 5, 10, 15)


def starts(data: Path, seeds: int, kinds: Sequence[str]) -> None:
    """A table a surrogate: the mean best of searches that begin with each of STARTS."""
    tasks = [(str(data), kind, start, surrogate, seed) for surrogate in (FOREST, NEAREST) for kind in kinds for start in STARTS
             for seed in range(seeds)]  # fmt: skip
    with multiprocessing.get_context("spawn").Pool(len(os.sched_getaffinity(0)), warnings.simplefilter, ("ignore",)) as pool:
        found = dict(zip(tasks, pool.imap(started, tasks, chunksize=10), strict=True))
    for surrogate in (FOREST, NEAREST):
        print(f"\n| {surrogate}: strategy | knows | " + " | ".join(f"best of {at}" for at in AT) + " | reach .95 |")
        print("|---|---|" + "---|" * (len(AT) + 1))
        for kind in kinds:
            for start in STARTS:
                curves = [best_so_far(found[task]) for task in tasks if task[1:4] == (kind, start, surrogate)]
                cells = [_with_error([curve[at - 1] for curve in curves]) for at in AT]
                share = np.mean([curve[-1] >= MARKS[-1] for curve in curves])
                print(f"| {kind} | {start.name} | {' | '.join(cells)} | {share:.2f} |")


def started(task: tuple[str, str, Start, str, int]) -> list[float]:
    """The scores of one search."""
    data, kind, start, surrogate, seed = task
    guess, past = _surrogate(data, surrogate)
    known = {"first_point": "recommended" if start.first else "none", "runs": ["past"] if start.past else []}
    study = Study.model_validate({"search": PAPER, "strategy": kind, "seed": seed, "warm_start": known})
    prior = [Prior("past", "emodb", study.encoder, tuple((trial.parameters, trial.score) for trial in past))] if start.past else []
    strategy = warmed(make(study.strategy, study.search, seed), study, PAPER, prior)
    history: list[Observation] = []
    while len(history) < AT[-1]:
        proposal = strategy.propose(history)
        assert proposal is not None
        found = guess(proposal.parameters)
        history.append(Observation(proposal.parameters, found.score, found.seconds))
    return [entry.score or 0.0 for entry in history]


@cache
def _surrogate(data: str, kind: str) -> tuple[Surrogate, list[Recorded]]:
    """What guesses, of all lists but the past run's; and the trials of that."""
    tables = sorted(Path(data, "paper-trials").glob("*.csv"))
    past = [trial for table in tables if PAST in table.name for trial in of_table(table)]
    return Surrogate(kind, PAPER, [trial for table in tables if PAST not in table.name for trial in of_table(table)]), past


def _with_error(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ({np.std(values, ddof=1) / len(values) ** 0.5:.3f})".replace("0.", ".")


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--seeds", type=int, default=200)
    options.add_argument("--strategies", default=STRATEGIES)
    options.add_argument("--times", action="store_true", help="only what a suggestion takes")
    options.add_argument("--starts", action="store_true", help="only what it is worth to know something beforehand")
    given = options.parse_args()
    as_in_a_worker(1)
    warnings.simplefilter("ignore")
    if given.starts:
        starts(given.data, given.seeds, [kind for kind in given.strategies.split(",") if ":" not in kind and record(kind).models])
        return
    print(f"| strategy, {TOLD} trials told | " + " | ".join(f"{count} under way" for count in UNDER_WAY) + " |")
    print("|---|" + "---|" * len(UNDER_WAY))
    for kind in records():
        print(f"| {kind} | " + " | ".join(f"{one:.3f}" for one in suggestion_times(kind)) + " |", flush=True)
    if given.times:
        return
    tables = sorted((given.data / "paper-trials").glob("*.csv"))
    if not tables:
        options.error(f"{given.data / 'paper-trials'} has no tables; --data names the folder that holds paper-trials")
    words = ["replay", *map(str, tables), "--strategies", given.strategies, "--seeds", str(given.seeds)]
    sys.exit(subprocess.run([sys.executable, "-m", "ser_tui.cli", *words], check=False).returncode)


if __name__ == "__main__":
    main()
