"""What every job of a worker shares."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from ser_tui.client import launch
from ser_tui.store.log import LogReader
from ser_tui.store.lost_studies import study_of
from ser_tui.store.runs import RunFolder, create
from ser_tui.study import events
from ser_tui.study.errors import UserError
from ser_tui.study.load import load
from ser_tui.study.silence import SILENT_SECONDS
from ser_tui.worker import recording
from ser_tui.worker.session import Session

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs" / "20261125-202617-old-stopped-ntc9"


@pytest.fixture
def stopped(tmp_path: Path) -> RunFolder:
    """A run whose search was stopped."""
    shutil.copytree(OLD, tmp_path / OLD.name)
    return RunFolder(tmp_path / OLD.name)


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


@pytest.mark.parametrize(("left", "what"), [
    (lambda whole: None, "was lost"),
    (lambda whole: b"", "was half written"),
    (lambda whole: whole[: len(whole) // 2], "was half written"),
    (lambda whole: whole[: whole.index(b"encoder:")], "was half written"),
    (lambda whole: whole[: whole.index(b"finetune") + 3], "was half written"),
    (lambda whole: bytes(len(whole)), "was half written"),
])  # fmt: skip
def test_a_lost_study_document_is_put_back_as_the_log_has_it(left: Callable[[bytes], bytes | None], what: str, stopped: RunFolder) -> None:
    study, rest = load(stopped.study), left(stopped.study.read_bytes())
    stopped.study.unlink() if rest is None else stopped.study.write_bytes(rest)
    assert study_of(stopped) == study
    seq = stopped.state().seq
    with Session(stopped, "evaluate", own_process=False):
        assert load(stopped.study) == study
    told = [event.text for event in LogReader(stopped.log).read_all() if isinstance(event, events.Note) and event.seq > seq]
    assert told == [f"study.yaml {what}: it is as the log has it again"]


def test_a_lost_study_document_is_told_too_where_the_run_goes_on_with_another_budget(
    stopped: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(OLD.parents[1])  # its encoder is named from there
    stopped.study.unlink()
    launch.make_ready(stopped, trials=9)
    for told in ([True], [True]):
        with Session(stopped, "evaluate", own_process=False):
            assert load(stopped.study).budget.trials == 9
        found = [event.text for event in LogReader(stopped.log).read_all() if isinstance(event, events.Note)]
        assert ["study.yaml was lost" in text for text in found if text.startswith("study.yaml")] == told


def test_a_run_that_cannot_be_written_says_how_it_can_go_on(stopped: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(OLD.parents[1])
    stopped.lock.parent.touch()  # as a folder of which nothing can be written: rights do not bind root
    with pytest.raises(UserError, match=rf"cannot write in {stopped.path}: .*; copy {stopped.run_id} into a folder .* set SER_TUI_RUNS"):
        launch.take_up(stopped)


def test_a_wrong_edit_of_a_study_document_is_its_writers_to_mend(stopped: RunFolder) -> None:
    stopped.study.write_bytes(edited := stopped.study.read_bytes().replace(b"method:", b"metod:"))
    with pytest.raises(UserError, match="metod: no such key"):
        study_of(stopped)
    with Session(stopped, "evaluate", own_process=False):
        assert stopped.study.read_bytes() == edited
