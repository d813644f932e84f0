"""Going on with a run through the real command and the real app: after a reboot, and where another host had it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import command, refused
from lab import Outcome, Reference, Warm, equal
from small_runs import until, until_over
from terminals import Line

from ser_tui.client import launch
from ser_tui.store.files import write_json
from ser_tui.store.runs import RunFolder, liveness, worker_facts


@pytest.fixture
def run(warm: Warm, reference: Reference, tmp_path: Path) -> RunFolder:
    """A run whose worker was killed in the middle of it."""
    folder = launch.prepare(reference.study, tmp_path)
    warm.start(folder, die_at_line=reference.lines // 2).wait()
    return folder


@pytest.fixture
def left(reference: Reference, tmp_path: Path) -> RunFolder:
    """A run of which half the trials are made, and whose worker is gone."""
    folder = RunFolder(tmp_path / reference.folder.run_id)
    shutil.copytree(reference.folder.path, folder.path)
    lines = folder.log.read_bytes().splitlines(keepends=True)
    folder.log.write_bytes(b"".join(lines[: len(lines) // 2]))
    return folder


def worked_on_by(folder: RunFolder, **other: Any) -> bytes:
    """Let worker.json name another process than that which was killed; what it says then."""
    facts = worker_facts(folder)
    assert facts is not None
    process = replace(facts.process, **other)
    write_json(folder.worker, {"process": process.to_json(), "job": facts.job, "heartbeat": facts.heartbeat})
    return folder.worker.read_bytes()


@pytest.mark.slow
def test_after_a_reboot_one_key_and_a_yes_go_on(run: RunFolder, reference: Reference) -> None:
    worked_on_by(run, boot="of before")
    with Line(run.path.parent) as app:
        app.until_shown("interrupted: its worker is gone")
        app.keys("r")
        app.until_shown(f"Resume {run.run_id}?")
        app.keys("\x19")  # ctrl+y
        until(lambda: run.state().status == "done")
        app.until_shown("done")
    until_over(run)
    outcome = Outcome("reboot")
    equal(outcome, run, reference)
    assert outcome.sound, outcome.told


@pytest.mark.slow
def test_a_run_that_another_host_had_is_left_alone_and_the_command_says_so(run: RunFolder, reference: Reference) -> None:
    said, log = worked_on_by(run, host="node17", machine="another", boot="its own"), run.log.read_bytes()
    for verb in (
        ["resume", "latest"], ["resume", "latest", "--detach"], ["resume", "latest", "--headless"], ["resume", "latest", "--json"],
        ["folds", "latest"], ["evaluate", "latest", "--on", "small"], ["delete", "latest", "--yes"], ["stop", "latest"],
    ):  # fmt: skip
        line = refused(command(*verb, runs=run.path.parent))
        assert "node17" in line and run.run_id in line, line
    assert (run.worker.read_bytes(), run.log.read_bytes()) == (said, log), "a worker was there"
    listed: Any = json.loads(command("runs", "--json", runs=run.path.parent).stdout)
    assert [summary["state"] for summary in listed] == ["elsewhere"]
    shown = command("show", "latest", runs=run.path.parent).stdout
    assert "elsewhere" in shown and "interrupted" not in shown

    # What the refusal tells to do, where that host is gone.
    run.worker.unlink()
    done = command("resume", "latest", "--headless", runs=run.path.parent)
    assert done.returncode == 0, done.stderr
    outcome = Outcome("another host")
    equal(outcome, run, reference)
    assert outcome.sound, outcome.told


@pytest.mark.parametrize("screen", ["home", "run"])
def test_the_app_says_so_too(screen: str, left: RunFolder) -> None:
    said, log = worked_on_by(left, host="node17", machine="another", boot="its own"), left.log.read_bytes()
    # Not asked whether to resume it: the answer could only be that it cannot be.
    with Line(left.path.parent, *(["attach", "latest"] if screen == "run" else [])) as app:
        app.until_shown("worked on by another host")
        app.keys("r")
        app.until_shown("node17")
        assert "Resume " not in app.text()
        app.keys("s")  # which its worker would hear on a folder that the machines share
        app.until_shown("Stop 20")
        app.keys("n")
        app.keys("?")
        app.until_shown("Home: what ran" if screen == "home" else "One run, live or past")
    assert liveness(left) == "elsewhere"
    assert (left.worker.read_bytes(), left.log.read_bytes()) == (said, log), "a worker was there"
