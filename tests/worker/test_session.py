"""What every job of a worker shares."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ser_tui.store.log import LogReader
from ser_tui.store.runs import create
from ser_tui.study import events
from ser_tui.study.silence import SILENT_SECONDS
from ser_tui.worker import recording
from ser_tui.worker.session import Session


def test_progress_is_logged_where_the_log_was_silent_and_something_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create(tmp_path, "x")
    with Session(folder, "search") as worker:
        for done in range(1000):
            worker.progress("features", done + 1, 1000)
        monkeypatch.setattr(recording, "SILENCE_SECONDS", 0.0)
        for done in range(1000):
            worker.progress("training", done + 1, 1000)
        worker.progress("scoring", 1, 1)
    logged = [event for event in LogReader(folder.log).read_all() if isinstance(event, events.Progressed)]
    assert {event.stage for event in logged} == {"training", "scoring"}, "features took less than the silence that is waited for"
    assert [event.done for event in logged[:3]] == [1, 10, 20] and len(logged) == 102


def test_a_trial_that_comes_along_slowly_gives_its_sign_of_life_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(recording, "time", SimpleNamespace(monotonic=lambda: now))
    folder = create(tmp_path, "x")
    with Session(folder, "search") as worker:
        for minute in range(20):
            now = 1000.0 + 60 * minute
            worker.note("others have much to say")
            for trial in (1, 2):
                worker.progress("training", 1, 1000, trial)
    logged = [event for event in LogReader(folder.log).read_all() if isinstance(event, events.Progressed)]
    for trial in (1, 2):
        own = sum(event.trial == trial for event in logged)
        assert 20 * 60 / SILENT_SECONDS < own < 20, "often enough not to be taken for silent, and not at every batch"
