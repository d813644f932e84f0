"""SIGKILL of a worker: at random moments of its life, and at random lines of what stores something."""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

from lab import Outcome, Reference, Warm, cold_worker, compare, equal, explain, inspect, whole_lines

from ser_tui.client import launch
from ser_tui.store.files import write_json
from ser_tui.store.index import Index
from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder, worker_facts
from ser_tui.study.errors import UserError
from ser_tui.training import cache

MOST_KILLS_OF_ONE_RUN = 25
"""After so many a run may go on to its end, so that a slow machine gets there too."""
EVERY = 10
"""One worker of so many is started from nothing, imports included, as the launcher does."""


def sigkill(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """Kill workers `times` times, checking after each that all is there, and at the end of each run that nothing is other."""
    outcome = Outcome("SIGKILL of the worker at random moments and lines")
    chance = random.Random(seed)
    while outcome.injected < times:
        folder = launch.prepare(reference.study, runs)
        if chance.random() < 0.3:
            shutil.rmtree(cache.folder(), ignore_errors=True)  # so that some are killed while features are computed
        kills = 0
        while folder.state().status != "done":
            before = whole_lines(folder)
            status = _one(warm, folder, chance, reference, merciful=kills >= MOST_KILLS_OF_ONE_RUN)
            outcome.injected += status == -9
            kills += status == -9
            compare(outcome, folder, before, reference)
            inspect(outcome, warm, folder)
            if status not in (0, -9) or folder.state().status == "failed":
                outcome.stuck += 1
                outcome.remarks.append(f"{folder.run_id}: ended with {status}: {folder.state().reason} {explain(folder)[-300:]}")
                break
        equal(outcome, folder, reference)
        shutil.rmtree(folder.path)
        if not outcome.sound:
            break
    return outcome


def _one(warm: Warm, folder: RunFolder, chance: random.Random, reference: Reference, *, merciful: bool) -> int:
    """One worker, killed unless it ends before; its exit code."""
    if merciful:
        return warm.start(folder).wait()
    kind = chance.random()
    whole = reference.seconds  # the first time that is a run, and one worker runs at a time
    if kind < 1 / EVERY:
        process = cold_worker(folder)
        time.sleep(chance.uniform(0, 8 + whole))
        process.kill()
        return process.wait()
    if kind < 0.5:
        worker = warm.start(folder)
        time.sleep(chance.uniform(0, 1.5 * whole))
        worker.kill()
        return worker.wait()
    return warm.start(folder, die_at_line=chance.randint(1, reference.lines)).wait()


def stale(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """The machine went down, or the pid is another process's now: what a dead worker says of itself holds nobody up."""
    outcome = Outcome("reboot, reused pid, unreadable worker.json")
    chance = random.Random(seed)
    me = identify(os.getpid())
    assert me is not None
    for index in range(times):
        folder = launch.prepare(reference.study, runs)
        warm.start(folder, die_at_line=chance.randint(reference.lines // 3, reference.lines)).wait()
        before = whole_lines(folder)
        facts = worker_facts(folder)
        died = facts.process if facts else me
        said = [{"process": replace(died, boot="of before").to_json()}, {"process": replace(me, start="1").to_json()}, {"process": {}}]
        write_json(folder.worker, said[index % len(said)])
        outcome.injected += 1
        if folder.state().status != "done" and Index(runs).refresh()[0].state != "interrupted":
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: not shown as interrupted")
        try:
            launch.refuse_if_worked_on(folder)
        except UserError as error:
            outcome.stuck += 1
            outcome.remarks.append(str(error))
        warm.start(folder).wait()
        compare(outcome, folder, before, reference)
        equal(outcome, folder, reference)
        shutil.rmtree(folder.path)
    return outcome
