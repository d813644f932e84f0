"""What a strategy's best trial scores, on surrogates of the trials that the paper recorded, and what a suggestion takes.

    python benchmarks/strategies.py [--data ../shared/data] [--seeds 200] [--strategies gp,tpe,...] [--times]

The first table is `ser-tui replay` on all 663 recorded trials, in the paper's space (arXiv 2510.07052, learning rate 1e-6 to 1e-3). A trial
costs no training, so that many seeds can be averaged. `--times` alone tells how long a suggestion takes with 100 told trials, with and
without 8 under way. Not part of the package: it needs the authors' figures, which are not ours to copy.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from ser_tui.strategies.base import Observation
from ser_tui.strategies.draws import RandomSearch
from ser_tui.strategies.registry import make, records
from ser_tui.study.document import StrategyChoice
from ser_tui.testing.strategies import PAPER, made_up_score

TOLD, UNDER_WAY, ROUNDS = 100, 8, 10
STRATEGIES = "gp,gp:startup=5:revision=1,tpe,tpe:startup=5:revision=1,cma,optuna-tpe,random"


def suggestion_times(kind: str) -> tuple[float, float]:
    """Median seconds of processor time of a suggestion with TOLD trials, and with UNDER_WAY beside them. The import is left out."""
    draws = RandomSearch(PAPER, 0)
    drawn = [draws.propose([Observation({}, None)] * number) for number in range(TOLD + UNDER_WAY)]
    trials = [proposal.parameters for proposal in drawn if proposal is not None]
    history = [Observation(trial, made_up_score(trial), 60.0) for trial in trials[:TOLD]]
    found = []
    for pending in ((), trials[TOLD:]):
        spent = []
        for seed in range(ROUNDS + 1):
            strategy = make(StrategyChoice(kind=kind), PAPER, seed)
            begun = time.process_time()
            strategy.propose(history, pending)
            spent.append(time.process_time() - begun)
        found.append(float(np.median(spent[1:])))
    return found[0], found[1]


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--seeds", type=int, default=200)
    options.add_argument("--strategies", default=STRATEGIES)
    options.add_argument("--times", action="store_true", help="only what a suggestion takes")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    print(f"| strategy | s at {TOLD} told trials | with {UNDER_WAY} under way |\n|---|---|---|")
    for kind in records():
        told, pending = suggestion_times(kind)
        print(f"| {kind} | {told:.3f} | {pending:.3f} |", flush=True)
    if given.times:
        return
    tables = sorted((given.data / "paper-trials").glob("*.csv"))
    if not tables:
        options.error(f"{given.data / 'paper-trials'} has no tables; --data names the folder that holds paper-trials")
    words = ["replay", *map(str, tables), "--strategies", given.strategies, "--seeds", str(given.seeds)]
    sys.exit(subprocess.run([sys.executable, "-m", "ser_tui.cli", *words], check=False).returncode)


if __name__ == "__main__":
    main()
