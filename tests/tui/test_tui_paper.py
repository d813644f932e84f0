"""The paper's tables in the app: what runs have stands beside the paper, what is missing is offered, and nothing starts unasked."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fabricated_runs import begin, finished
from piloting import press, shown, until, until_shown
from test_tui_snapshots import LARGE, MEDIUM, SMALL, _settle, _take_for

from ser_tui.client import queueing, resolving
from ser_tui.store.queue import read_queue
from ser_tui.store.runs import RunFolder
from ser_tui.tui.app import SerTuiApp


@pytest.fixture
def searched(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of two strategies, one of them twice, and one that is too short for the table."""
    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.chdir(tmp_path)
    finished(runs, number=0, name="emodb-gp", trials=15)
    finished(runs, number=1, name="emodb-random", trials=15, strategy="random", shift=-0.02)
    finished(runs, number=2, name="emodb-random", trials=15, strategy="random", shift=-0.04, seed=3)
    finished(runs, number=3, name="emodb-tpe", trials=6, strategy="tpe")
    return runs


def row(text: str, begins: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(begins))


async def test_runs_stand_beside_the_paper_and_enter_opens_them(searched: Path) -> None:
    async with SerTuiApp(searched).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "emodb-gp", "p paper")
        await press(pilot, "p")
        await until_shown(pilot, "EmoDB, random split, best of 15 trials, whisper-tiny.en", "left out: 6 of 15 trials")
        text = shown(pilot.app)
        assert ".960" in row(text, "GP-BO") and ".953 [.913, .991]" in row(text, "GP-BO") and "n = 127" in row(text, "GP-BO")
        assert ".970" in row(text, "TPE") and "6 of 15 trials" in row(text, "TPE") and "missing" in row(text, "grid")
        assert "protocol: random split 42" in text and "machine: " in text and "BCA passed .800" in text
        await press(pilot, "down", "down")
        await until_shown(pilot, "2 runs of this kind: mean .923, standard deviation .014")
        await press(pilot, "t")
        await until_shown(pilot, "How many trials of each run count?")
        await press(pilot, "home", "enter")
        await until_shown(pilot, "best of 5 trials")
        await until(pilot, lambda: "n = 127" in row(shown(pilot.app), "TPE"))
        await press(pilot, "x")
        await until_shown(pilot, "Copy the tables as")
        await press(pilot, "end", "enter")
        await until(pilot, (Path("exports") / "paper.csv").exists)
        rows = {one["row"]: one for one in csv.DictReader((Path("exports") / "paper.csv").open())}
        assert rows["TPE (tpe)"]["paper"] == "0.97" and rows["TPE (tpe)"]["trials"] == "5" and rows["TPE (tpe)"]["n"] == "127"
        assert rows["zero-shot on ravdess, tuned"]["paper"] == "0.44" and rows["zero-shot on ravdess, tuned"]["ours"] == ""
        await press(pilot, "home", "enter")
        await until_shown(pilot, "emodb-gp  done  trial 15/15")


async def test_what_is_missing_is_queued_only_when_that_is_chosen(searched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "see_to_it", lambda runs: False)
    monkeypatch.setattr(resolving, "require", lambda study: None)  # neither corpus nor encoder are on this machine
    monkeypatch.setattr(resolving, "require_parts", lambda study, progress: None)
    async with SerTuiApp(searched).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "p")
        await until_shown(pilot, "TPE (tpe)", "esc back")
        await press(pilot, "down")
        await until_shown(pilot, "has 6 of 15 trials so far; enter opens it")
        shutil.rmtree(next(searched.glob("*-emodb-tpe-*")))
        await press(pilot, "p", "enter")
        await until(pilot, lambda: "missing" in row(shown(pilot.app), "TPE"))
        await press(pilot, "enter")
        await until_shown(pilot, "TPE (tpe): 15 trials on EmoDB with whisper-tiny.en", "start it now", "queue it")
        await press(pilot, "escape")
        assert not read_queue(searched).runs
        await press(pilot, "enter")
        await until_shown(pilot, "queue it")
        await press(pilot, "down", "enter")
        await until(pilot, lambda: len(read_queue(searched).runs) == 1)
        waiting = read_queue(searched).runs[0].run_id
        study = (searched / waiting / "study.yaml").read_text()
        assert "kind: tpe" in study and "whisper-tiny.en" in study and RunFolder(searched / waiting).study_name == "emodb-tpe"
        await press(pilot, "end", "enter")
        await until(pilot, lambda: any("has no model of trial" in str(one.message) for one in pilot.app._notifications))


async def test_without_runs_that_fine_tuned_every_cell_is_missing_and_says_what_makes_it(runs: Path) -> None:
    begin(runs, method="probe", search={"layers": "2"})
    async with SerTuiApp(runs).run_test(size=(80, 24), notifications=True) as pilot:
        await until_shown(pilot, "p paper")
        await press(pilot, "p")
        await until_shown(pilot, "GP-BO (gp)", "ser-tui run emodb-gp")
        text = shown(pilot.app)
        assert text.count("missing") >= 9 and "1 run of probes left out: the tables are of fine-tuning" in text
        assert "emotion-recognition-wav2vec2-IEMOCAP" in text.splitlines()[1], "whose tables they are is not cut"
        await press(pilot, "m")
        await until_shown(pilot, "Whose runs?", "whisper-tiny.en")
        await press(pilot, "down", "enter")
        await until_shown(pilot, "best of 15 trials, whisper-tiny.en", "ser-tui run emodb-gp --set encoder=whisper-tiny.en")
        await press(pilot, "end", "enter")
        await until_shown(pilot, "zero-shot scores need a search on EmoDB first")


@pytest.mark.slow
async def test_the_grid_is_replayed_on_what_was_recorded(searched: Path) -> None:
    async with SerTuiApp(searched).run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "p")
        await until_shown(pilot, "g replay the grid")
        await press(pilot, "g")
        await until(pilot, lambda: "replayed" in row(shown(pilot.app), "grid search"))
        await press(pilot, "down", "down", "down")
        await until_shown(pilot, "not run, but replayed on the nearest of 51 recorded trials, whose error on unseen ones is")


@pytest.mark.parametrize(
    ("size", "plain"),
    [
        (SMALL, ""), (LARGE, ""), pytest.param(SMALL, "linux", marks=pytest.mark.slow),
        pytest.param(SMALL, "NO_COLOR", marks=pytest.mark.slow), pytest.param(MEDIUM, "", marks=pytest.mark.slow),
    ],
    ids=["80x24", "200x50", "80x24-linux", "80x24-no-color", "120x40"],
)  # fmt: skip
def test_the_papers_tables_look_as_approved(
    searched: Path, snap_compare: Callable[..., bool], size: tuple[int, int], plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_for(plain, monkeypatch)
    keys = ("p", "down", "down")
    assert snap_compare(SerTuiApp(searched), terminal_size=size, run_before=lambda pilot: _settle(pilot, keys, "emodb-gp"))
