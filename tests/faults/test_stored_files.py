"""The files of a run folder that is not what it should be: links, pipes, leftovers, another host's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from ser_tui.client import launch
from ser_tui.store.export import export
from ser_tui.store.files import write_json
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader, LogWriter
from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder, create, liveness
from ser_tui.study import events
from ser_tui.study.errors import UserError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with one scored trial, its worker gone."""
    folder = create(tmp_path / "runs", "x")
    with LogWriter(folder.log) as log:
        log.append(events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={"validation": 2}))
        log.append(events.TrialStarted(trial=1, parameters={"learning_rate": 0.1}))
        log.append(
            events.TrialFinished(
                trial=1, bca=0.5, interval=(0.4, 0.6), utterances=2, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=0.1, seconds=1.0
            )
        )
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file outside runs/ that must stay as it is."""
    path = tmp_path / "victim"
    path.write_text("not yours")
    yield path
    assert path.read_text() == "not yours"


def test_a_log_that_is_a_link_is_not_written_through(run: RunFolder, victim: Path) -> None:
    run.log.unlink()
    run.log.symlink_to(victim)
    with pytest.raises(UserError, match="cannot write while opening the run's log"):
        LogWriter(run.log)


@pytest.mark.parametrize("part", ["events.jsonl", "worker.log", "control", "best", "export"])
def test_a_run_of_which_a_part_is_a_link_is_neither_resumed_nor_exported(run: RunFolder, part: str) -> None:
    elsewhere = run.path.parent.parent / "elsewhere"
    elsewhere.mkdir()
    path = run.path / part
    if path.is_dir():
        path.rmdir()
    elif part == "events.jsonl":
        path.rename(elsewhere / "log")
    path.symlink_to(elsewhere / "log" if part == "events.jsonl" else elsewhere)
    before = sorted(elsewhere.iterdir())
    run.study.write_text("name: x\n")
    with pytest.raises(UserError, match="is a link"):
        launch.score_folds(run, "loso")
    with pytest.raises(UserError, match="is a link"):
        export(run, "csv")
    assert sorted(elsewhere.iterdir()) == before


def test_pipes_in_a_run_folder_are_not_waited_for(run: RunFolder) -> None:
    for path in (run.log, run.worker, run.path.parent / "index.json"):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    assert LogReader(run.log).read_all() == []
    assert liveness(run) == "none"
    assert [summary.run_id for summary in Index(run.path.parent).refresh()] == [run.run_id]
    with pytest.raises(UserError, match="not a regular file"):
        LogWriter(run.log)


def test_what_a_failed_write_left_is_cut_off_before_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with LogWriter(path) as log:
        log.append(events.Note(text="one"))
        with path.open("ab") as other:
            other.write(b'{"v":1,"seq":1,"ti')
        log.append(events.Note(text="two"))
    reader = LogReader(path)
    assert [event.text for event in reader.read_all() if isinstance(event, events.Note)] == ["one", "two"]
    assert reader.damaged == []


def test_no_line_is_written_that_could_not_be_read(tmp_path: Path) -> None:
    with LogWriter(tmp_path / "events.jsonl") as log:
        with pytest.raises(ValueError):
            log.append(events.TrialStarted(trial=0, parameters={}))
        log.append(events.Note(text="fine"))
    assert len(LogReader(log.path).read_all()) == 1


def test_a_name_that_is_not_utf8_does_not_keep_the_index_from_being_written(run: RunFolder) -> None:
    with LogWriter(run.log) as log:
        log.append(events.RunFailed(reason=os.fsdecode(b"/data/\xe4.wav is gone")))
    Index(run.path.parent).refresh()
    stored = (run.path.parent / "index.json").read_text(encoding="utf-8")
    assert run.run_id in stored
    done = subprocess.run(
        [sys.executable, "-m", "ser_tui.cli", "runs", "--json"], capture_output=True, check=True,
        env={**os.environ, "SER_TUI_RUNS": str(run.path.parent)},
    )  # fmt: skip
    assert b"\\udce4.wav is gone" in done.stdout


def test_killed_writers_leave_nothing_behind_for_long(run: RunFolder) -> None:
    runs = run.path.parent
    (runs / ".index.json.abc").write_text("{")
    (runs / ".deleted-20260101-000000-y-aaaa").mkdir()
    other = create(runs, "z")
    Index(runs).delete(other)
    assert sorted(path.name for path in runs.iterdir()) == [".index.lock", run.run_id]
    Index(runs).refresh()
    assert not list(runs.glob(".index.json.*"))


def test_a_run_whose_worker_has_just_begun_is_not_deleted(run: RunFolder) -> None:
    with FileLock(run.lock), pytest.raises(UserError, match="stop it first"):
        Index(run.path.parent).delete(run)
    assert run.log.exists()


def test_a_run_that_another_host_may_be_working_on_is_not_deleted_unless_it_says_that_it_ended(run: RunFolder) -> None:
    me = identify(os.getpid())
    assert me is not None
    facts = {
        "process": replace(me, host="elsewhere", machine="another", boot="its own").to_json(),
        "job": "search",
        "heartbeat": events.now(),
    }
    write_json(run.worker, facts)
    assert liveness(run) == "elsewhere"
    with pytest.raises(UserError, match="host elsewhere"):
        Index(run.path.parent).delete(run)
    write_json(run.worker, {**facts, "ended": True})
    assert liveness(run) == "dead"
    Index(run.path.parent).delete(run)
    assert not run.path.exists()
