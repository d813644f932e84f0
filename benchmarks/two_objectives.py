"""BCA and latency searched at once: the area that each strategy's front covers, beside random search's, over seeds.

    python benchmarks/two_objectives.py --data ../shared/data [--seeds 5] [--trials 20] [--strategies gp,tpe,random] [--made-up 20]

Real searches: whisper-tiny.en fine-tuned for two epochs on four speakers of EmoDB. Every second run is killed (SIGKILL) in its middle and
resumed. Of each run it is checked that no trial of its front is dominated by another trial, and that the strategy, told again what the log
says it was told, makes the very proposals again. Areas are shares of the rectangle between chance and BCA 1, and between no latency and the
largest latency of all runs. `--made-up SEEDS`: instead, on a landscape that costs no training; tpe-weighed is a strategy there too.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scipy import stats

from ser_tui.client import launch
from ser_tui.experiment.proposing import replayed
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, worker_facts
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.strategies.two_objectives import Weighed
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.study.events import TrialStarted
from ser_tui.study.front import front_of, hypervolume
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.state import RunState, Trial
from ser_tui.testing.strategies import made_up_pair
from ser_tui.training import precision

STUDY = """
name: two
corpus: emodb
speakers: {emodb: {only: ["03", "08", "10", "11"]}}
encoder: whisper-tiny.en
protocol: {kind: speaker, size: 0.4}
objectives: [bca, latency]
search:
  learning_rate: {low: 1e-5, high: 1e-3, scale: log}
  layers: {choices: ["1", "2", "3", "4"]}
  max_seconds: {choices: [1, 2, 3]}
  batch_size: 16
  epochs: 2
  unfreeze_epoch: 1
  head_initialization: probe
"""
MADE_UP = """
corpus: demo
method: probe
search:
  inverse_regularization: {low: 0.001, high: 1000, scale: log}
  layers: {choices: ["1", "2", "3", "4"]}
"""
CHANCE = 1 / 7
Values = tuple[float, float]


def values_of(trials: Sequence[Trial]) -> list[Values]:
    """(BCA, latency in seconds) of the trials that have both."""
    return [(trial.scores["bca"].value, trial.scores["latency"].value) for trial in trials if {"bca", "latency"} <= set(trial.scores)]


def searched(study: Study, runs: Path, killed: bool) -> RunFolder:
    """A run to its end; `killed`: with a SIGKILL in its middle, and resumed."""
    folder = launch.start(study, runs)
    while not (state := folder.state()).status.over:
        if killed and state.finished_trials * 2 >= (study.budget.trials or 0):
            facts, killed = worker_facts(folder), False
            if facts is not None:
                os.kill(facts.process.pid, signal.SIGKILL)
                time.sleep(1)
                launch.resume(folder)
        time.sleep(0.5)
    return folder


def checked(folder: RunFolder, state: RunState) -> int:
    """How many proposals the log makes again, all of them. Raises AssertionError where one is other, or the front has a dominated trial."""
    every = values_of(state.trials)
    for trial in front_of(state):
        bca, latency = trial.scores["bca"].value, trial.scores["latency"].value
        assert not any(one >= bca and other <= latency and (one, other) != (bca, latency) for one, other in every), f"trial {trial.number}"
    made = 0
    for event, proposal in replayed(load.load(folder.study), LogReader(folder.log).read_all()):
        assert isinstance(event, TrialStarted) and proposal is not None and proposal.parameters == dict(event.parameters), event
        made += 1
    return made


def area(trials: Sequence[Values], worst: float) -> float:
    """The share of the rectangle that the trials' front covers."""
    return hypervolume([(bca, -latency) for bca, latency in trials], (CHANCE, -worst)) / ((1 - CHANCE) * worst)


def report(found: dict[str, list[float]]) -> None:
    """A row a strategy: mean, deviation, and the paired difference from random with its 95 % t interval."""
    print(f"\n{'strategy':12} {'mean (sd)':16} {'less random [95 %]':28} above random")
    for kind, areas in found.items():
        away = [one - other for one, other in zip(areas, found["random"], strict=True)]
        mean, half = statistics.mean(away), 0.0
        if kind != "random":
            half = float(stats.t.ppf(0.975, len(away) - 1)) * statistics.stdev(away) / len(away) ** 0.5
        wins = sum(one > 0 for one in away)
        told = f"{mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]"
        print(f"{kind:12} {statistics.mean(areas):.4f} ({statistics.stdev(areas):.4f})  {told:28} {wins} of {len(areas)}")


def made_up(kinds: Sequence[str], seeds: int, trials: int) -> None:
    """The same on a landscape that costs no training. weighed: `tpe` told weighed sums, as gp is, instead of an order."""
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for seed in range(seeds):
        for kind in kinds:
            found[kind].append(hypervolume(on_landscape(kind, seed, trials), (0.5, -0.05)) / (0.5 * 0.05))
    report(found)


def on_landscape(kind: str, seed: int, trials: int) -> list[Values]:
    """(score, seconds negated) of the trials of a search on `ser_tui.testing.strategies.made_up_pair`."""
    study = load.loads(MADE_UP)
    asked = StrategyChoice(kind=kind.removesuffix("-weighed"))
    strategy = Weighed(make(asked, study.search, seed), seed) if kind.endswith("-weighed") else make(asked, study.search, seed, 2)
    known = list[Observation]()
    while len(known) < trials:
        proposal = strategy.propose(known)
        assert proposal is not None
        score, seconds = made_up_pair(proposal.parameters)
        known.append(Observation(proposal.parameters, score, second=-seconds))
    return [(entry.score or 0.0, entry.second or 0.0) for entry in known]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--strategies", default="gp,tpe,random")
    parser.add_argument("--made-up", type=int, default=0)
    given = parser.parse_args()
    kinds = given.strategies.split(",")
    if given.made_up:
        made_up(kinds, given.made_up, given.trials)
        return
    os.environ.setdefault("SER_TUI_DATA", str(given.data.resolve()))
    machine, python = precision.measured().machine, platform.python_version()
    print(f"{machine}, {os.cpu_count()} cores; Python {python}; {given.trials} trials a run", flush=True)
    known: dict[tuple[str, int], list[Values]] = {}
    proposals = killed = 0
    with tempfile.TemporaryDirectory() as place:
        for seed in range(given.seeds):
            for kind in kinds:
                study = load.loads(STUDY, "two.yaml", [f"strategy={kind}", f"seed={seed}", f"budget.trials={given.trials}"])
                folder = searched(study, Path(place), killed=(kill := seed % 2 == 1))
                state = folder.state()
                assert state.status == "done", (folder.worker_log.read_text()[-2000:], state.reason)
                proposals, killed = proposals + checked(folder, state), killed + kill
                known[kind, seed] = values_of(state.trials)
                front = ", ".join(f"{bca:.3f} at {latency * 1e3:.1f} ms" for bca, latency in sorted(values_of(front_of(state))))
                print(f"seed {seed} {kind:8} front: {front}", flush=True)
    worst = max(latency for trials in known.values() for _, latency in trials)
    report({kind: [area(known[kind, seed], worst) for seed in range(given.seeds)] for kind in kinds})
    print(f"{len(known)} runs, {killed} of them killed and resumed: no front has a dominated trial, {proposals} proposals are made again")


if __name__ == "__main__":
    main()
