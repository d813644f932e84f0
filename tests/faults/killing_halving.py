"""SIGKILL of searches by successive halving: before, in and after the writing of a checkpoint, and of those that train for them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
from lab import Outcome, Reference, Warm, Worker, explain, inspect, reference_run, whole_lines

from ser_tui.client import launch
from ser_tui.experiment.proposing import replayed
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study.events import EpochFinished, Event, TrialContinued, TrialFinished, TrialPaused, TrialStarted
from ser_tui.study.load import load, loads
from ser_tui.study.state import RunState, Trial

HALVED = """
name: halved
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
strategy: {kind: halving, first: 1, factor: 2, waiting: 2}
budget: 6
seed: 7
training: {collapse_guard: false}
search:
  learning_rate: {low: 1e-6, high: 1e-3, scale: log}
  head_dropout: {low: 0.1, high: 0.3}
  epochs: 5
  unfreeze_epoch: {low: 0, high: 3}
  max_seconds: 1
"""
WRITING = ("training/checkpoint", "experiment/rungs", "store/files", "worker/keeping")
"""Where a worker is killed by line: what writes a checkpoint, tells of it, goes on from it and removes it."""
MOST_KILLS_OF_ONE_RUN = 12
"""After so many a run may go on to its end."""


def halving(warm: Warm, runs: Path, times: int, seed: int, workers: int, *overrides: str) -> Outcome:
    """Kill `times` workers of searches with so many `workers`, or one of these: half at random moments, half at random lines of what
    writes checkpoints. A search that was not killed says what its trials are."""
    wanted = loads(HALVED, "halved.yaml", (f"workers={workers}", *overrides))
    reference = reference_run(warm, runs / "reference", wanted=wanted)
    lines = warm.lines(launch.prepare(wanted, runs / "reference"), WRITING)
    _look(outcome := Outcome(_called(workers)), reference.folder, reference, alone=workers == 1)
    chance, whose = random.Random(seed), Counter[str]()
    while outcome.injected < times and outcome.sound:
        folder, kills = launch.prepare(wanted, runs), 0
        while folder.state().status != "done" and outcome.sound:
            before = whole_lines(folder)
            merciful = kills >= MOST_KILLS_OF_ONE_RUN or outcome.injected >= times
            status, how = _one(warm, folder, chance, reference, lines, workers, merciful=merciful)
            killed = (bool(how) and status != 0) or how == "what trains"
            outcome.injected, kills = outcome.injected + killed, kills + killed
            whose[how] += killed
            if not whole_lines(folder).startswith(before):
                outcome.lost += 1
                outcome.remarks.append(f"{folder.run_id}: the log's past has changed")
            if status not in (0, -9) or folder.state().status == "failed":
                outcome.stuck += 1
                outcome.remarks.append(f"{folder.run_id}: ended with {status}: {folder.state().reason} {explain(folder)[-300:]}")
        _look(outcome, folder, reference, alone=workers == 1)
        inspect(outcome, warm, folder)
        whose["goes on from a checkpoint"] += sum(isinstance(event, TrialContinued) for event in _log(folder))
        shutil.rmtree(folder.path)
    outcome.remarks.append(", ".join(f"{what}: {count}" for what, count in sorted(whose.items()) if what))
    return outcome


def _called(workers: int) -> str:
    return "SIGKILL of a halving search" + (f" with {workers} workers, or of one of them" if workers > 1 else "")


def _one(
    warm: Warm, folder: RunFolder, chance: random.Random, reference: Reference, lines: int, workers: int, *, merciful: bool
) -> tuple[int, str]:
    """One worker, killed unless it ends before: its exit code, and how it was killed."""
    if merciful:
        return warm.start(folder).wait(), ""
    kind = chance.random()
    if kind < 0.5:
        return warm.start(folder, die_at_line=chance.randint(1, lines), within=WRITING).wait(), "at a line"
    seconds = chance.uniform(0, reference.seconds)  # the first time that is a run, and one worker runs at a time
    worker = warm.start(folder)
    end = time.monotonic() + seconds
    if kind < 0.75 or workers == 1:
        time.sleep(max(0.0, end - time.monotonic()))
        worker.kill()
        return worker.wait(), "at a moment"
    while time.monotonic() < end or not _training(worker):
        if not psutil.pid_exists(worker.pid) or psutil.Process(worker.pid).status() == psutil.STATUS_ZOMBIE:
            return worker.wait(), ""
        time.sleep(0.01)
    os.kill(chance.choice(_training(worker) or [worker.pid]), signal.SIGKILL)
    return worker.wait(), "what trains"


def _training(worker: Worker) -> list[int]:
    """The processes that train for it."""
    try:
        return [child.pid for child in psutil.Process(worker.pid).children() if "ser_tui.execution" in child.cmdline()]
    except psutil.NoSuchProcess:
        return []


def _log(folder: RunFolder) -> list[Event]:
    return LogReader(folder.log).read_all()


def _look(outcome: Outcome, folder: RunFolder, reference: Reference, *, alone: bool) -> None:
    """Count what of a run that has ended is not as promised. `alone`: one worker made all, whose every proposal is the reference's."""
    state, log = folder.state(), _log(folder)
    if state.status != "done":
        return  # counted already
    wrong = [*_begun_anew(log), *_other(state, reference.state, alone=alone)]
    for event, proposal in replayed(load(folder.study), log):
        again = dict(state.trials[event.trial - 1].parameters)
        continues = proposal is not None and proposal.continues is not None
        if proposal is None or dict(proposal.parameters) != again or continues != isinstance(event, TrialContinued):
            wrong.append(f"the log does not give the proposal of trial {event.trial} again: {event!r:.300} but {proposal!r:.300}")
    ends = Counter(event.trial for event in log if isinstance(event, TrialFinished))
    wrong += [f"trial {number} has ended {count} times" for number, count in ends.items() if count > 1]
    if left := [path.name for path in folder.paused.iterdir()] if folder.paused.exists() else []:
        wrong.append(f"left on the disk: {left}")
    outcome.wrong += len(wrong)
    outcome.remarks += [f"{folder.run_id}: {text}" for text in wrong]


def _begun_anew(log: list[Event]) -> list[str]:
    """What was trained again although there was a checkpoint of it."""
    wrong: list[str] = []
    at: dict[int, int] = {}
    goes_on: dict[int, int] = {}
    for event in log:
        if isinstance(event, TrialPaused):
            at[event.trial] = event.epoch
        elif isinstance(event, TrialStarted):
            goes_on[event.trial] = 0
            if event.trial in at:
                wrong.append(f"trial {event.trial} began again, with a checkpoint after epoch {at[event.trial]}")
        elif isinstance(event, TrialContinued):
            goes_on[event.trial] = event.epoch
            if event.anew or event.epoch != at.get(event.trial):
                wrong.append(f"trial {event.trial} went on after epoch {event.epoch}, anew: {event.anew}, not after {at.get(event.trial)}")
        elif isinstance(event, EpochFinished) and event.trial in goes_on and event.epoch != goes_on.pop(event.trial) + 1:
            wrong.append(f"trial {event.trial} went on with epoch {event.epoch}")
    return wrong


def _other(state: RunState, expected: RunState, *, alone: bool) -> list[str]:
    """What its trials have otherwise than those of a search that was not killed. With several workers which of them go on depends on
    which came first; what each scores after so many epochs does not."""
    wrong: list[str] = []
    if len(state.trials) != len(expected.trials):
        wrong.append(f"{len(state.trials)} trials, not {len(expected.trials)}")
    for trial, other in zip(state.trials, expected.trials, strict=False):
        ours, theirs = _of(trial), _of(other)
        if not alone:
            epochs = min(len(trial.epochs), len(other.epochs))
            rungs = {rung.epoch for rung in trial.rungs} & {rung.epoch for rung in other.rungs}
            ours, theirs = _of(trial, epochs, rungs), _of(other, epochs, rungs)
            if trial.scored and other.scored and trial.value() != other.value():
                wrong.append(f"trial {trial.number} scored {trial.value()}, not {other.value()}")
        wrong += [f"trial {trial.number}: {a!r:.200} is not {b!r:.200}" for a, b in zip(ours, theirs, strict=True) if a != b]
    return wrong


def _of(trial: Trial, epochs: int | None = None, rungs: set[int] | None = None) -> tuple[object, ...]:
    """What shall be the same: of the first `epochs` and of these `rungs` alone where they are given, else all that it has."""
    losses = [epoch.loss for epoch in trial.epochs][:epochs]
    at = [(rung.epoch, rung.score.value) for rung in trial.rungs if rungs is None or rung.epoch in rungs]
    end = (trial.status, trial.value(), tuple(trial.predictions)) if rungs is None else ()
    return dict(trial.parameters), losses, at, end
