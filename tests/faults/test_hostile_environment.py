"""Commands where the environment is not what one takes for granted: one line says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import command, refused
from lab import ROOT
from zoo import POWERLESS

from ser_tui.store.log import LogWriter
from ser_tui.store.runs import create
from ser_tui.study import events


def test_runs_that_are_a_file(small_corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs"
    path.touch()
    assert "set SER_TUI_RUNS" in refused(command("run", "configs/demo.yaml", "--detach", "--set", "corpus=small", runs=path))
    assert "no runs in" in refused(command("show", "latest", runs=path))


def test_a_home_of_nobody(tmp_path: Path) -> None:
    assert "no such home folder" in refused(command("corpora", "add", "mine", "~nobody-of-this-name/x", runs=tmp_path))
    assert "no such home folder" in refused(command("runs", runs=Path("~nobody-of-this-name")))


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can be somebody unknown, by setpriv (util-linux)")
def test_a_user_without_a_home(tmp_path: Path) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid", "54321", "--clear-groups", sys.executable, "-m", "ser_tui.cli", "corpora", "list"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "LANG": "C", "SER_TUI_RUNS": str(tmp_path)},
    )  # fmt: skip
    assert "set SER_TUI_CACHE" in refused(done)


def test_standard_streams_that_are_closed(tmp_path: Path) -> None:
    begun = [sys.executable, "-m", "ser_tui.cli"]
    for verb, closed, code, words in (("runs", ">&-", 0, ""), ("trash --empty", "<&- >&-", 0, "")):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {verb} {closed}', "sh", *begun], capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SER_TUI_RUNS": str(tmp_path)},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (code, words)
    child = "import subprocess; from ser_tui import cli; cli._occupy_streams(); subprocess.run(['sh', '-c', ': 5<&0 5>&1'], check=True)"
    begun = [sys.executable, "-c", child]
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&-', "sh", *begun], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, ""), "a child's files would take their place"


def test_a_working_folder_that_was_deleted(tmp_path: Path) -> None:
    script = f'mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "ser_tui.cli", "runs"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**{name: value for name, value in os.environ.items() if name != "SER_TUI_RUNS"}, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "working folder was deleted" in refused(done)


def test_a_list_of_corpora_that_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "corpora.json")
    line = refused(command("corpora", "list", runs=tmp_path / "runs", SER_TUI_CONFIG=str(tmp_path)))
    assert "corpora.json: not a regular file" in line


def test_a_study_without_an_end(tmp_path: Path) -> None:
    assert "not a regular file" in refused(command("run", "/dev/zero", "--detach", runs=tmp_path / "runs"))


@pytest.mark.skipif(os.geteuid() == 0 and not POWERLESS, reason="root can read everything: install setpriv, or be another user")
@pytest.mark.parametrize("verb", [["evaluate", "latest", "--on", "demo"], ["folds", "latest"], ["resume", "latest", "--headless"]])
def test_a_run_whose_rights_were_taken_away(verb: list[str], tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={}))
    folder.path.chmod(0)
    try:
        line = refused(command(*verb, runs=tmp_path, prefix=POWERLESS))
    finally:
        folder.path.chmod(0o700)
    assert folder.run_id in line and "Permission denied" in line


@pytest.mark.skipif(os.geteuid() == 0 and not POWERLESS, reason="root can read everything: install setpriv, or be another user")
def test_a_log_that_may_not_be_read_is_told_from_an_empty_one(tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={}))
        log.append(events.RunFinished(reason="two trials are done"))
    folder.log.chmod(0)
    for verb in (["show", "latest"], ["export", "latest"]):
        assert "its log cannot be read: Permission denied" in refused(command(*verb, runs=tmp_path, prefix=POWERLESS))
    [shown] = json.loads(command("runs", "--json", runs=tmp_path, prefix=POWERLESS).stdout)
    assert (shown["state"], shown["reason"]) == ("failed", "its log cannot be read: Permission denied")
    folder.log.chmod(0o600)
    [shown] = json.loads(command("runs", "--json", runs=tmp_path, prefix=POWERLESS).stdout)
    assert (shown["state"], shown["reason"]) == ("done", "two trials are done")


@pytest.mark.skipif(os.geteuid() != 0 or not POWERLESS, reason="only root can give a run away, and not read it then: by setpriv")
def test_a_run_that_another_user_keeps_private_has_not_failed(tmp_path: Path) -> None:
    folder = create(tmp_path, "x")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={}))
    for path in (folder.path, *folder.path.iterdir()):
        os.chown(path, 12345, 12345)
    [shown] = json.loads(command("runs", "--json", runs=tmp_path, prefix=POWERLESS).stdout)
    assert (shown["state"], shown["reason"]) == ("private", "user 12345's, who alone can read it")
    for verb in (["stop"], ["remark", "--note", "x"]):
        line = refused(command(verb[0], folder.run_id, *verb[1:], runs=tmp_path, prefix=POWERLESS))
        assert f"{folder.run_id} is user 12345's, who alone can read it: ask for a bundle of it" in line
    assert folder.log.exists() and not (tmp_path / "index.json").exists(), "its owner shall not read there that it failed"
