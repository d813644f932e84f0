"""A corpus that is not any more what it was when the run began."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from lab import Outcome, Warm, compare, equal, inspect, reference_run, whole_lines

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.training import cache


def copy_of_small(folder: Path, name: str) -> Path:
    """The small corpus with audio files of its own, registered as `name`; its CSV manifest."""
    folder.mkdir(parents=True)
    lines = ["file,speaker,emotion"]
    for utterance in registry.load_manifest("small").utterances:
        shutil.copy(utterance.path, folder / utterance.path.name)
        lines.append(f"{utterance.path.name},{utterance.speaker},{utterance.emotion}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    registry.remember(name, manifest)
    return manifest


def changed(warm: Warm, scratch: Path) -> Outcome:
    """Between two workers: each change is refused with its list, and undone it is forgotten."""
    outcome = Outcome("corpus changed between two workers")
    manifest = copy_of_small(scratch / "corpus", "changing")
    reference = reference_run(warm, scratch / "reference", "corpus=changing")
    folder = launch.prepare(reference.study, scratch / "runs")
    warm.start(folder, die_at_line=reference.lines * 2 // 3).wait()
    lines = manifest.read_text().splitlines(keepends=True)
    first = manifest.parent / lines[1].split(",")[0]
    data = first.read_bytes()
    relabelled = ",".join([*lines[1].split(",")[:2], lines[-1].split(",")[2]])
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: first.write_bytes(data[:-2] + b"\1\1"), f"{first.name} has other content"),
        (lambda: manifest.write_text("".join([lines[0], *lines[2:]])), f"{first.name} is gone"),
        (lambda: manifest.write_text("".join([lines[0], relabelled, *lines[2:]])), "read otherwise"),
        (lambda: (folder.corpus.write_text("{"), first.write_bytes(data[:-2] + b"\2\2")), "cannot be told any more"),
    ]
    for change, told in changes:
        before = whole_lines(folder)
        change()
        status = warm.start(folder).wait()
        outcome.injected += 1
        state = compare(outcome, folder, before, reference)
        if status != 1 or state.status != "running" or told not in state.log[-1][2]:
            outcome.wrong += 1
            outcome.remarks.append(f"{told!r} was not told: {state.status} {state.log[-1]}")
        manifest.write_text("".join(lines))
        first.write_bytes(data)
    if warm.start(folder).wait() != 0:
        outcome.stuck += 1
        outcome.remarks.append(folder.state().reason)
    equal(outcome, folder, reference)
    inspect(outcome, warm, folder)
    return outcome


def changed_under_a_worker(warm: Warm, scratch: Path) -> Outcome:
    """While a worker is on it, after it has read the corpus and before it computes the features that its later trials need."""
    outcome = Outcome("corpus changed under a worker")
    manifest = copy_of_small(scratch / "corpus", "shifting")
    # Four trials at half a second, then four at more, whose features are made when the first of them begins.
    reference = reference_run(
        warm, scratch / "reference", "corpus=shifting", "strategy=grid", "search.learning_rate=0.01", "budget=8",
        "search.max_seconds={choices: [0.5, 0.7]}",
    )  # fmt: skip
    first = manifest.parent / manifest.read_text().splitlines()[1].split(",")[0]
    data, lines = first.read_bytes(), reference.lines
    for share in (0.4, 0.3, 0.5, 0.25, 0.6, 0.35, 0.45):
        shutil.rmtree(cache.folder(), ignore_errors=True)
        folder = launch.prepare(reference.study, scratch / "runs")
        worker = warm.start(folder, stop_at_line=int(share * lines))
        if worker.stopped() and folder.state().finished_trials in (1, 2, 3):
            break
        worker.kill()
        worker.wait()
    before = whole_lines(folder)
    first.write_bytes(data[:-2] + b"\1\1")
    outcome.injected += 1
    os.kill(worker.pid, signal.SIGCONT)
    status = worker.wait()
    state = compare(outcome, folder, before, reference)
    if status != 1 or state.status != "failed" or f"{first.name} has changed since the run began" not in state.reason:
        outcome.wrong += 1
        outcome.remarks.append(f"a trial was made of another file: {status} {state.status} {state.reason}")
    first.write_bytes(data)
    if warm.start(folder).wait() != 0:
        outcome.stuck += 1
        outcome.remarks.append(folder.state().reason)
    compare(outcome, folder, before, reference)
    equal(outcome, folder, reference)
    inspect(outcome, warm, folder)
    return outcome
