"""A worker that is taken for started has said so itself, whatever an earlier one with its number has left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_runs import STUDY

from ser_tui.client import launch
from ser_tui.store.files import write_json
from ser_tui.store.processes import boot, this_host
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
