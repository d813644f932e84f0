"""Commands where the environment is not what one takes for granted: one line says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import command, refused
from lab import ROOT


def test_runs_that_are_a_file(small_corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs"
    path.touch()
    assert "set SER_TUI_RUNS" in refused(command("run", "configs/demo.yaml", "--detach", "--set", "corpus=small", runs=path))
    assert "no runs in" in refused(command("show", "latest", runs=path))


def test_a_home_of_nobody(tmp_path: Path) -> None:
    assert "no such home folder" in refused(command("corpora", "add", "mine", "~nobody-of-this-name/x", runs=tmp_path))
    assert "no such home folder" in refused(command("runs", runs=Path("~nobody-of-this-name")))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be somebody unknown")
def test_a_user_without_a_home(tmp_path: Path) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid", "54321", "--clear-groups", sys.executable, "-m", "ser_tui.cli", "corpora", "list"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "LANG": "C", "SER_TUI_RUNS": str(tmp_path)},
    )  # fmt: skip
    assert "set SER_TUI_CACHE" in refused(done)


def test_a_working_folder_that_was_deleted(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec \"$@\""
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "ser_tui.cli", "runs"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**{name: value for name, value in os.environ.items() if name != "SER_TUI_RUNS"}, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "working folder was deleted" in refused(done)


def test_a_study_without_an_end(tmp_path: Path) -> None:
    assert "a page of YAML" in refused(command("run", "/dev/zero", "--detach", runs=tmp_path / "runs"))
