"""SIGKILL of Dask's workers and of its scheduler, at random moments of searches by them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from dask_clusters import Cluster, by_dask, cluster, move, trained_for
from lab import Outcome, Warm, differs, explain, inspect, whole_lines
from small_runs import STUDY, until

from ser_tui.client import launch
from ser_tui.experiment.proposing import replayed
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.study.document import Study
from ser_tui.study.events import TrialFailed, TrialFinished, TrialStarted
from ser_tui.study.load import load, loads
from ser_tui.study.state import RunState

TUNED = ("search.epochs=4", "search.unfreeze_epoch=0", "strategy=random", "budget=16")
PROBES = ("method=probe", "search={}", "search.inverse_regularization={low: 0.01, high: 10, scale: log}", "strategy=random", "budget=80")
MOST_KILLS_OF_ONE_RUN = 8
"""After so many a run may go on to its end."""
PATIENCE = 300.0


@dataclass(frozen=True)
class Undisturbed:
    """A run of `study` by two Dask workers that nobody killed. `seconds`: from its launch to its end."""

    study: Study
    state: RunState
    seconds: float


def undisturbed(runs: Path, *overrides: str) -> Undisturbed:
    """Make one, with all features in the cache."""
    with _cluster(runs, 2) as made:
        for _ in range(2):
            study = loads(STUDY, "small.yaml", (*overrides, *by_dask(made.address)))
            begun = time.monotonic()
            folder = launch.start(study, runs)
            _over(folder)
            assert folder.state().status == "done", explain(folder)
    return Undisturbed(study, folder.state(), time.monotonic() - begun)


def workers_killed(warm: Warm, runs: Path, times: int, seed: int, tuned: Undisturbed, probes: Undisturbed) -> Outcome:
    """Kill `times` workers, of searches that tune and of such that fit probes; for each that is killed another one joins."""
    outcome, chance = Outcome("SIGKILL of a Dask worker, or of what trains for it"), random.Random(seed)
    whose: Counter[str] = Counter()
    for reference in cycle((tuned, probes)):
        if outcome.injected >= times or not outcome.sound:
            break
        with _cluster(runs, 2) as made:
            folder, before, kills = launch.start(_at(reference.study, made), runs), b"", 0
            while kills < MOST_KILLS_OF_ONE_RUN and outcome.injected < times:
                if not _waits(folder, chance, 0.2 * reference.seconds, TrialStarted):
                    break
                before = _unchanged(outcome, folder, before)
                whose[_killed(made, chance)] += 1
                outcome.injected, kills = outcome.injected + 1, kills + 1
            _over(folder)
        _judge(outcome, warm, folder, before, reference)
        again = Counter(event.attempt for event in LogReader(folder.log).read_all() if isinstance(event, TrialStarted))
        whose["trial begun again"] += sum(again.values()) - again[1]
    outcome.remarks.append(", ".join(f"{what}: {count}" for what, count in sorted(whose.items())))
    return outcome


def schedulers_killed(warm: Warm, runs: Path, times: int, seed: int, tuned: Undisturbed, probes: Undisturbed) -> Outcome:
    """Kill `times` schedulers; each of these runs must say so, and go on by another one."""
    outcome, chance = Outcome("SIGKILL of the Dask scheduler"), random.Random(seed)
    kept = 0
    for reference in cycle((tuned, probes)):
        if outcome.injected >= times or not outcome.sound:
            break
        with _cluster(runs, 2) as made:
            folder = launch.start(_at(reference.study, made), runs)
            if not _waits(folder, chance, reference.seconds, TrialFinished):
                continue
            before = whole_lines(folder)
            made.scheduler.kill()
            outcome.injected += 1
            _over(folder)
        before = _unchanged(outcome, folder, before)
        state = folder.state()
        kept += sum(trial.scored for trial in state.trials)
        if state.status != "done" and ("scheduler" not in state.reason or "\n" in state.reason):
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: ended as {state.status}: {state.reason!r}")
        if state.status != "done":
            with _cluster(runs, 2) as made:
                move(folder, made.address)
                launch.resume(folder)
                _over(folder)
        _judge(outcome, warm, folder, before, reference)
    outcome.remarks.append(f"trials that were finished when their scheduler died: {kept}")
    return outcome


@contextmanager
def _cluster(runs: Path, workers: int) -> Iterator[Cluster]:
    """A cluster with a folder of its own."""
    folder = runs / f".cluster{random.getrandbits(48):x}"
    folder.mkdir(parents=True)
    try:
        with cluster(folder, workers) as made:
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _at(study: Study, made: Cluster) -> Study:
    return study.model_copy(update={"executor": study.executor.model_copy(update={"scheduler": made.address})})


def _killed(made: Cluster, chance: random.Random) -> str:
    """Kill one of the workers that live, for which another one joins, or the process that trains for it; which of the two it was."""
    victim = chance.choice([one for one in made.workers if one.poll() is None])
    training = trained_for(victim)
    if training and chance.random() < 0.3:
        os.kill(training[0], signal.SIGKILL)
        return "what trains killed"
    victim.kill()
    victim.wait()
    made.join()
    return "worker killed"


def _waits(folder: RunFolder, chance: random.Random, seconds: float, until_one: type[TrialStarted | TrialFinished]) -> bool:
    """Wait for so long at most; three times of four, after one more trial has begun, or finished. Whether the run is still worked on."""

    def count() -> int:
        return sum(isinstance(event, until_one) for event in LogReader(folder.log).read_all())

    before = count() if chance.random() < 0.75 else -1
    while liveness(folder) == "live" and count() <= before:
        time.sleep(0.02)
    end = time.monotonic() + chance.uniform(0, seconds if before < 0 else seconds / 10)
    while liveness(folder) == "live":
        if time.monotonic() >= end:
            return True
        time.sleep(0.02)
    return False


def _over(folder: RunFolder) -> None:
    until(lambda: liveness(folder) != "live", PATIENCE)


def _unchanged(outcome: Outcome, folder: RunFolder, before: bytes) -> bytes:
    """The log now; counts what of `before` is not in it any more."""
    now = whole_lines(folder)
    if not now.startswith(before):
        outcome.lost += 1
        outcome.remarks.append(f"{folder.run_id}: the log's past has changed")
    return now


def _judge(outcome: Outcome, warm: Warm, folder: RunFolder, before: bytes, reference: Undisturbed) -> None:
    """Count what is not with the run, at its end, as with the undisturbed one."""
    state = folder.state()
    _unchanged(outcome, folder, before)
    if state.status != "done" or len(state.trials) != len(reference.state.trials):
        outcome.stuck += 1
        outcome.remarks.append(f"{folder.run_id}: {state.status} with {len(state.trials)} trials ({state.reason}) {explain(folder)}")
    ends = Counter(event.trial for event in LogReader(folder.log).read_all() if isinstance(event, TrialFinished))
    for number, count in ends.items():
        if count > 1:
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: trial {number} is counted {count} times")
    for trial, expected in zip(state.trials, reference.state.trials, strict=False):
        problem = differs(trial, expected)
        if not problem and not trial.scored:
            failed = [event.reason for event in LogReader(folder.log).read_all() if isinstance(event, TrialFailed)]
            problem = f"has no score: {failed}"
        if problem:
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: trial {trial.number}: {problem}")
    for event, proposal in replayed(load(folder.study), LogReader(folder.log).read_all()):
        if proposal is None or not isinstance(event, TrialStarted) or dict(proposal.parameters) != dict(event.parameters):
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: the log does not give the proposal of trial {event.trial} again")
    inspect(outcome, warm, folder)
