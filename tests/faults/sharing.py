"""Several processes at one runs/ folder: apps, commands and workers at the same time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from lab import Outcome, Reference, Warm, child_environment, compare, equal, study, whole_lines
from small_runs import until, until_over
from terminals import Line

from ser_tui.client import launch
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, create, folders
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunResumed


def crowd(runs: Path, commands: int) -> Outcome:
    """Two apps, a command that is called `commands` times, and two workers, all at once. The index must miss nothing."""
    outcome = Outcome("two apps, a command and two workers at one runs/")
    with Line(runs) as first, Line(runs) as second:
        first.until_shown("ser_tui")
        second.until_shown("ser_tui")
        started = [launch.start(study(f"name=shared{index}"), runs) for index in range(2)]
        listed: list[str] = []
        for _ in range(commands):
            done = subprocess.run(
                [sys.executable, "-m", "ser_tui.cli", "runs", "--json"], capture_output=True, text=True, check=False,
                env={**child_environment(), "SER_TUI_RUNS": str(runs)},
            )  # fmt: skip
            outcome.injected += 1
            create(runs, "idle")
            if done.returncode != 0:
                outcome.stuck += 1
                outcome.remarks.append(done.stderr)
            listed = [run["run_id"] for run in json.loads(done.stdout or "[]")]
        for folder in started:
            until_over(folder)
            if folder.run_id not in listed and commands:
                outcome.lost += 1
            reader = LogReader(folder.log)
            reader.read_all()
            state = folder.state()
            if state.status != "done" or reader.damaged:
                outcome.stuck += 1
                outcome.remarks.append(f"{folder.run_id}: {state.status} {state.reason} {reader.damaged}")
        until(lambda: set(_stored(runs)) >= {folder.run_id for folder in started})
        for line in (first, second):
            if line.process.poll() is not None:
                outcome.stuck += 1
                outcome.remarks.append(f"an app ended with {line.process.returncode}")
    _index_is_whole(outcome, runs)
    return outcome


def race(warm: Warm, runs: Path, times: int, contenders: int, reference: Reference) -> Outcome:
    """Everybody resumes the same interrupted run at the same moment: one worker takes it, the others are told."""
    outcome = Outcome(f"{contenders} resume one run at once")
    for _ in range(times):
        folder = launch.prepare(reference.study, runs)
        warm.start(folder, die_at_line=reference.lines // 2).wait()
        before = whole_lines(folder)
        resumed = sum(isinstance(event, RunResumed) for event in LogReader(folder.log).read_all())
        refusals = _at_once(folder, contenders)
        until_over(folder)
        outcome.injected += 1
        compare(outcome, folder, before, reference)
        equal(outcome, folder, reference)
        workers = sum(isinstance(event, RunResumed) for event in LogReader(folder.log).read_all()) - resumed
        if workers != 1 or len(refusals) != contenders - 1:
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: {workers} workers, refusals {refusals}")
    return outcome


def _at_once(folder: RunFolder, contenders: int) -> list[str]:
    refusals: list[str] = []
    start = threading.Barrier(contenders)

    def resume() -> None:
        start.wait()
        try:
            launch.resume(folder)
        except UserError as error:
            refusals.append(str(error))

    threads = [threading.Thread(target=resume) for _ in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refusals


def _index_is_whole(outcome: Outcome, runs: Path) -> None:
    """The index, brought up to date once more, says what a new one made from the logs says."""
    kept = Index(runs).refresh()
    stored = _stored(runs)
    os.unlink(runs / "index.json")
    if kept != Index(runs).refresh() or set(stored) != {folder.run_id for folder in folders(runs)}:
        outcome.lost += 1
        outcome.remarks.append("the index is not what the logs say")


def _stored(runs: Path) -> dict[str, object]:
    try:
        table: dict[str, object] = json.loads((runs / "index.json").read_text())["runs"]
        return table
    except (OSError, ValueError, KeyError):
        return {}
