"""A worker that is taken for started has said so itself, whatever an earlier one with its number has left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_runs import STUDY, until

from ser_tui.client import launch
from ser_tui.places import own_environment
from ser_tui.store.files import write_json
from ser_tui.store.processes import boot, identify, this_host
from ser_tui.study.errors import UserError
from ser_tui.study.load import loads


def test_an_earlier_worker_of_the_same_number_is_not_taken_for_the_one_that_ended_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of processes come again, in containers after every start."""
    folder = launch.prepare(loads(STUDY), tmp_path)

    def popen(arguments: list[str], *, stdout: int, stderr: int, **_: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import sys; sys.exit('the log is of a newer version')"]
        made = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        before = {"pid": made.pid, "start": "1", "host": this_host(), "boot": boot()}
        write_json(folder.worker, {"process": before, "job": "search", "heartbeat": "2026-11-25T12:00:00.000Z", "ended": True})
        return made

    monkeypatch.setattr(launch, "subprocess", SimpleNamespace(Popen=popen))
    with pytest.raises(UserError, match="the worker ended at once: the log is of a newer version"):
        launch.resume(folder)


@pytest.mark.parametrize(
    ("batch", "tied"), [({}, False), ({"SLURM_JOB_ID": "17"}, True), ({"JOB_ID": "17", "NSLOTS": "4"}, True), ({"JOB_ID": "ci-17"}, False)]
)
def test_a_worker_that_a_job_waits_for_is_tied_to_it_and_one_that_is_left_alone_is_not(
    batch: dict[str, str], tied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a session of its own, which a batch system that does not track processes leaves running when the job is ended."""
    asked: list[list[str]] = []

    def popen(arguments: list[str], **_: Any) -> subprocess.Popen[bytes]:
        asked.append(arguments)
        return subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)

    for name, value in batch.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(launch, "subprocess", SimpleNamespace(Popen=popen))
    for wanted in (True, False):
        with pytest.raises(UserError, match="the worker ended at once"):
            launch.start(loads(STUDY), tmp_path, tied=wanted)
    assert [f"--tied={os.getpid()}" in arguments for arguments in asked] == [tied, False]


def test_a_tied_worker_ends_with_whoever_has_started_it(tmp_path: Path) -> None:
    """Also where that was gone before it could be tied."""
    ready = tmp_path / "ready"
    worker = (
        "import os, signal, sys; from ser_tui.worker.__main__ import _stop_with_starter; _stop_with_starter(os.getppid()); "
        "open(sys.argv[1] + '.new', 'w').write(str(os.getpid())); os.rename(sys.argv[1] + '.new', sys.argv[1]); signal.pause()"
    )
    starts = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]], start_new_session=True).wait()"
    starter = subprocess.Popen([sys.executable, "-c", starts, worker, str(ready)], env=own_environment())
    until(ready.exists)
    pid = int(ready.read_text())
    starter.kill()
    starter.wait()
    until(lambda: identify(pid) is None)
    late = subprocess.run(
        [sys.executable, "-c", "from ser_tui.worker.__main__ import _stop_with_starter; _stop_with_starter(1 << 22)"],
        env=own_environment(),
        check=False,
    )
    assert late.returncode == -signal.SIGTERM
