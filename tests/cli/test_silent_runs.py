"""What the commands say of a run whose worker lives and gives no sign of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ser_tui import cli
from ser_tui.cli import evaluating, following, running
from ser_tui.cli.showing import print_run
from ser_tui.client import launch
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_end_of_a_job_while_the_worker_starts_stop_it_too(
    number: signal.Signals, run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    def worker() -> None:
        while not run.stop_request.exists():
            time.sleep(0.001)
        run.worker.unlink()

    def start() -> None:
        signal.raise_signal(number)
        if number == signal.SIGTERM:
            signal.raise_signal(number)  # as a batch system does that ends a job: it still waits
        threading.Thread(target=worker, daemon=True).start()

    before = signal.getsignal(number)
    assert evaluating._followed(run, run.state(), start, as_json=False)[1], "it was interrupted here"
    assert "stopping; what is finished is kept" in capsys.readouterr().out
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("detach", [True, False], ids=["detached", "in the app"])
def test_ctrl_c_while_a_worker_starts_that_nobody_follows_stops_it_too(
    run: RunFolder, detach: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def start(*_: object, **__: object) -> RunFolder:
        signal.raise_signal(signal.SIGINT)
        return run

    monkeypatch.setenv("SER_TUI_RUNS", str(run.path.parent))
    monkeypatch.setattr(launch, "start", start)
    monkeypatch.setattr(launch, "resume", start)
    monkeypatch.setattr(running, "require_besides", lambda *_, **__: None)
    monkeypatch.setattr(running, "has_terminal", lambda: True)
    monkeypatch.setattr(running, "open_app", lambda run_id: pytest.fail("the app was opened"))
    monkeypatch.setattr(running, "resolve", lambda *_: run)
    begin = partial(running.run_study, "demo", [], notify=None), partial(running.resume_run, run.run_id)
    for verb in begin:
        assert verb(headless=False, detach=detach, queue=False, as_json=False) == 130
        assert run.stop_request.exists()
        run.stop_request.unlink()
        out, err = capsys.readouterr()
        assert f"stopping {run.run_id}" in err and out == (f"{run.run_id}\n" if detach else "")


def test_ctrl_c_twice_while_a_worker_starts_leaves_none_alone(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "command", lambda _: ["sh", "-c", "exec sleep 60"])
    monkeypatch.setattr(launch, "worker_facts", pressed)
    with pytest.raises(KeyboardInterrupt):
        launch._spawn(run, "search")
    assert launch._children.pop().wait(timeout=10) == -signal.SIGTERM


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
