"""Processes of ours import their own modules, whatever lies in the folder that somebody works in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from small_runs import until_over

import ser_tui
from ser_tui import places
from ser_tui.client import launch
from ser_tui.study.document import Study

ROOT = Path(ser_tui.__file__).parent


def test_a_worker_does_not_run_what_lies_in_the_working_folder(
    small_study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Researchers have files called statistics.py and folders called datasets; strangers' folders may have a torch.py."""
    here, marker = tmp_path / "here", tmp_path / "executed"
    here.mkdir()
    for name in ("statistics", "random", "torch", "queue"):
        (here / f"{name}.py").write_text(f"open({str(marker)!r}, 'w').close()\nraise ImportError('somebody else')\n")
    monkeypatch.chdir(here)
    folder = launch.start(small_study("method=probe", "search={}", "strategy=random", "budget.trials=1", "protocol=random"), tmp_path)
    until_over(folder)
    assert folder.state().status == "done", folder.worker_log.read_text()[-2000:]
    assert not marker.exists()


def test_a_checkout_that_is_not_installed_finds_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    given = places.own_environment()
    assert given["PYTHONPATH"] == str(ROOT.parent)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert places.own_environment()["PYTHONPATH"].split(os.pathsep) == [str(ROOT.parent), "/elsewhere"]
    asked = [*places.command("ser_tui.places"), "x"]
    assert subprocess.run(asked, cwd=tmp_path, env=given, check=False).returncode == 0


def test_all_of_them_are_started_so() -> None:
    spelled = ('[sys.executable, "-m"', '[sys.executable, "-c"')
    assert not [path for path in ROOT.rglob("*.py") if any(one in path.read_text() for one in spelled)]
