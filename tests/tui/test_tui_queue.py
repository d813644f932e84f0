"""The queue in the app: what waits is shown, reordered, paused and cancelled."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from fabricated_runs import finished, study
from piloting import press, shown, until, until_shown
from test_tui_snapshots import IN_ALL, TERMINALS, _settle, _take_for

from ser_tui.client import queueing
from ser_tui.store.processes import identify
from ser_tui.store.queue import NAME, Queue, Queued, change_queue, read_queue
from ser_tui.store.runs import RunFolder
from ser_tui.study.load import dumps, validate
from ser_tui.tui.app import SerTuiApp


@pytest.fixture
def waits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """A run that is done, one that runs, and three that wait, of which one could not be started."""
    monkeypatch.setattr(queueing, "see_to_it", lambda runs: False)
    finished(runs, number=0, trials=3, name="before")
    found = []
    for number, name in enumerate(("running", "ravdess-tpe", "emodb-probe", "of-a-lost-corpus")):
        folder = RunFolder(runs / f"20261122-16000{number}-{name}-aaa{number + 2}")
        (folder.path / "control").mkdir(parents=True)
        folder.study.write_text(dumps(validate(study(name=name))))
        found.append(folder)
    process = identify(os.getpid())
    assert process is not None
    found[0].worker.write_text(json.dumps({"process": process.to_json(), "job": "search", "heartbeat": ""}))
    queue = Queue(tuple(
        Queued(folder.run_id, folder="/home/researcher", problem="emodb is not here" if "lost" in folder.run_id else "") for folder in found
    ))  # fmt: skip
    (runs / NAME).write_text(json.dumps(asdict(queue)))
    return found


def names(runs: Path) -> list[str]:
    return [RunFolder(runs / one.run_id).study_name for one in read_queue(runs).runs]


async def test_what_waits_is_listed_and_changed(runs: Path, waits: list[RunFolder]) -> None:
    async with SerTuiApp(runs).run_test(size=(100, 30), notifications=True) as pilot:
        await until_shown(pilot, "queued", "w queue", "starting")
        await pilot.press("w")
        await until_shown(pilot, "1 running, 2 waiting, 1 cannot start", "1 at a time", "p starts them")
        await press(pilot, "end")
        await until_shown(pilot, "emodb is not here", "Mend that")
        await press(pilot, "K", "K")
        await until(pilot, lambda: names(runs) == ["running", "of-a-lost-corpus", "ravdess-tpe", "emodb-probe"])
        await press(pilot, "plus")
        await until_shown(pilot, "2 at a time")
        await press(pilot, "r")
        await until_shown(pilot, "3 waiting")
        assert not any(one.problem for one in read_queue(runs).runs)
        # On home a run that waits for its turn would wait for ever: that is said there.
        change_queue(runs, lambda queue: replace(queue, paused=True))
        await until_shown(pilot, "paused")
        await press(pilot, "escape")
        await until_shown(pilot, "queue paused (w)")
        await press(pilot, "w", "p")
        await until(pilot, lambda: not read_queue(runs).paused)
        await press(pilot, "escape")
        await until(pilot, lambda: "n new" in shown(pilot.app) and "queue paused" not in shown(pilot.app))


async def test_a_damaged_queue_is_said_to_be_one(runs: Path, waits: list[RunFolder]) -> None:
    """And shown again as soon as it is mended."""
    held = (runs / NAME).read_text()
    (runs / NAME).write_text(held[:-9])
    async with SerTuiApp(runs).run_test(size=(100, 30), notifications=True) as pilot:
        await until_shown(pilot, "w queue")
        await pilot.press("w")
        await until(pilot, lambda: "queue.json is damaged" in " ".join(shown(pilot.app).split()))  # where lines break hangs on its path
        assert "No run waits" not in shown(pilot.app)
        (runs / NAME).write_text(held)
        await until_shown(pilot, "1 running, 2 waiting, 1 cannot start")


async def test_cancelling_asks_and_what_never_began_is_no_run_any_more(runs: Path, waits: list[RunFolder]) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "queued")
        await pilot.press("w")
        await until_shown(pilot, "ravdess-tpe")
        assert "x cancel" not in shown(pilot.app), "the first one runs: s on its own screen stops it"
        await pilot.press("down")
        await until_shown(pilot, "x cancel")
        await pilot.press("x")
        await until_shown(pilot, "out of the queue?")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: names(runs) == ["running", "emodb-probe", "of-a-lost-corpus"])
        assert not waits[1].path.exists() and (runs / ".trash" / waits[1].run_id).is_dir()
        await pilot.press("escape")
        await until_shown(pilot, "w queue")


async def test_an_empty_queue_says_how_a_study_gets_into_it(runs: Path) -> None:
    finished(runs, number=0, trials=1)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "w queue")
        await pilot.press("w")
        await until_shown(pilot, "No run waits", "--queue")


@pytest.mark.parametrize("terminal", IN_ALL)
def test_the_queue_looks_as_approved(
    runs: Path, waits: list[RunFolder], snap_compare: Callable[..., bool], terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, plain = TERMINALS[terminal]
    _take_for(plain, monkeypatch)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert snap_compare(SerTuiApp(runs), terminal_size=size, run_before=lambda pilot: _settle(pilot, ("w", "end"), "queued"))
