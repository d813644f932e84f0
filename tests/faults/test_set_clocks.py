"""Clocks that are set while workers run: durations, states, budgets and the order of runs do not follow them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from clocks import BACKWARDS, FORWARDS
from commands import command, refused
from lab import Outcome, Reference, Warm, compare, equal, explain, study, whole_lines

from ser_tui.client import launch
from ser_tui.store.runs import RunFolder, create, resolve
from ser_tui.study.summary import elapsed_seconds


def listed(folder: RunFolder) -> Any:
    [run] = json.loads(command("runs", "--json", runs=folder.path.parent).stdout)
    return run


@pytest.mark.slow
def test_workers_whose_clock_jumps(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    begun = time.monotonic()
    folder = launch.prepare(study("budget={trials: 8, minutes: 30}"), tmp_path)
    worker = warm.start(folder, stop_at_line=reference.lines // 2, environment={"CLOCK": FORWARDS})
    assert worker.stopped(), explain(folder)
    assert listed(folder)["state"] == "live"
    assert "a worker is on" in refused(command("resume", "latest", "--detach", runs=tmp_path))
    worker.kill()
    worker.wait()
    assert listed(folder)["state"] == "interrupted"

    # Its minutes are those that it worked, not the years that its log seems to span.
    outcome, before = Outcome("clocks"), whole_lines(folder)
    status = warm.start(folder, environment={"CLOCK": BACKWARDS}).wait()
    assert status == 0 and folder.state().status == "done", explain(folder)
    compare(outcome, folder, before, reference)
    equal(outcome, folder, reference)
    assert outcome.sound, outcome.told

    shown = json.loads(command("show", "latest", "--json", runs=tmp_path).stdout)
    most = time.monotonic() - begun
    assert 0 < sum(trial["seconds"] for trial in shown["trial_list"]) <= shown["seconds"] <= most
    assert shown["state"] == "done" and listed(folder)["seconds"] == shown["seconds"]


@pytest.mark.slow
def test_a_resumption_that_was_refused_days_later_does_not_lengthen_the_search(warm: Warm, reference: Reference, tmp_path: Path) -> None:
    begun = time.monotonic()
    folder = launch.prepare(reference.study, tmp_path)
    warm.start(folder, die_at_line=reference.lines // 2, environment={"CLOCK": "-400000"}).wait()
    document = folder.study.read_text()
    folder.study.write_text(document.replace("whisper-tiny.en", "wav2vec2-base"))
    assert warm.start(folder).wait() == 1
    # What could not go on with it does not make the search a failed one: it can still be taken up.
    state = folder.state()
    assert "edited since the run began" in explain(folder) and not state.status.over
    assert listed(folder)["state"] == "interrupted" and elapsed_seconds(state) <= time.monotonic() - begun


def test_the_latest_run_is_the_one_that_was_begun_last_wherever_the_clock_was(tmp_path: Path) -> None:
    for name in ("20990101-235959-x-aaaa", "99999999-999999-x-aaaa"):
        (tmp_path / name).mkdir()
    made = [create(tmp_path, name) for name in ("z", "y", "x")]
    (tmp_path / "99999999-999999-x-aaaa").rmdir()
    assert resolve(tmp_path, "latest") == made[-1]
    assert [folder.run_id[:15] for folder in made] == ["20990102-000000", "20990102-000001", "20990102-000002"]
