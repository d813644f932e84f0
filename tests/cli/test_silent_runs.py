"""What the commands say of a run whose worker lives and gives no sign of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ser_tui import cli
from ser_tui.cli import evaluating, following
from ser_tui.cli.showing import print_run
from ser_tui.report.document import run_document
from ser_tui.store.files import write_json
from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder, create
from ser_tui.study import events
from ser_tui.study.log_codec import encode


def written(folder: RunFolder, seq: int, event: events.Event) -> None:
    """Append `event` to the log, as of that day."""
    with folder.log.open("ab") as log:
        log.write(encode(replace(event, seq=seq, time="2026-11-22T14:30:15.000Z")))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run whose worker is this process, and whose trial has been silent for days."""
    folder, me = create(tmp_path, "x"), identify(os.getpid())
    assert me is not None
    began = events.RunStarted(study={"name": "x"}, classes=("a", "b"), utterances={"validation": 2})
    for seq, event in enumerate((began, events.TrialStarted(trial=1, parameters={"epochs": 1}))):
        written(folder, seq, event)
    write_json(folder.worker, {"process": me.to_json(), "job": "search", "heartbeat": events.now()})
    return folder


def test_show_says_since_when_and_how_to_end_it(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    print_run(run, run.state())
    told = next(line for line in capsys.readouterr().out.splitlines() if "no sign of life since" in line)
    assert "(trial 1): its process may hang; `ser-tui stop" in told and f"`kill -9 {os.getpid()}`" in told
    assert run_document(run, run.state())["silent"] == [{"trial": 1, "since": "2026-11-22T14:30:15.000Z"}]
    run.worker.unlink()
    print_run(run, run.state())
    assert "no sign of life" not in capsys.readouterr().out, "without a worker it is interrupted"
    assert run_document(run, run.state())["silent"] == []


def test_progress_lines_say_it_once(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 0.01)
    told: list[str] = []

    def say(line: str) -> None:
        told.append(line)
        if "no sign of life" in line:
            written(run, 2, events.Note(text="something else"))
        elif "something else" in line:
            run.worker.unlink()  # its worker ends after all

    following.follow(run, say)
    assert sum("no sign of life" in line for line in told) == 1


def test_ctrl_c_while_the_worker_starts_stops_it_too(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    def worker() -> None:
        while not run.stop_request.exists():
            time.sleep(0.001)
        run.worker.unlink()

    def start() -> None:
        signal.raise_signal(signal.SIGINT)
        threading.Thread(target=worker, daemon=True).start()

    before = signal.getsignal(signal.SIGINT)
    assert evaluating._followed(run, run.state(), start, as_json=False)[1], "it was interrupted here"
    assert "stopping; what is finished is kept" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_while_libraries_are_loaded_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pressed:
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            if name == "ser_tui.study.charset":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "ser_tui.study.charset")
    monkeypatch.setattr(sys, "meta_path", [Pressed(), *sys.meta_path])
    monkeypatch.setattr(sys, "argv", ["ser-tui", "runs"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
