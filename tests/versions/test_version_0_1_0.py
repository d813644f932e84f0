"""What ser_tui 0.1.0 left behind is read as before: its index, logs, model and locations, by commands, screens and workers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import call, document
from piloting import until, until_shown
from small_runs import until_over

from ser_tui.corpora import locations, registry
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.widgets.lines import Lines

LEFT = Path(__file__).parent / "0.1.0"


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it all, the corpora located as 0.1.0 located them, the working folder that of the relative encoder path."""
    place = tmp_path / "left"
    shutil.copytree(LEFT, place)
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(place)
    (tmp_path / "config").mkdir()
    kept = json.loads((place / "corpora.json").read_text())
    moved = {name: str(place / "corpus" / Path(path).name) for name, path in kept.items()}
    (tmp_path / "config" / "corpora.json").write_text(json.dumps(moved))
    yield place


def run_of(left: Path, name: str) -> RunFolder:
    (path,) = (left / "runs").glob(f"*-{name}-*")
    return resolve(left / "runs", path.name)


def test_its_locations_are_read(left: Path) -> None:
    assert {name: place.path.name for name, place in locations.read().items()} == {"old": "old.csv", "old-target": "old-target.csv"}
    assert len(registry.load_manifest("old").utterances) == 27


def test_its_runs_are_listed_with_and_without_its_index(left: Path) -> None:
    with_index = {row["name"]: row for row in document("runs", runs=left / "runs")}
    (left / "runs" / "index.json").unlink()
    without = {row["name"]: row for row in document("runs", runs=left / "runs")}
    assert with_index == without
    states = {row["run_id"].split("-", 2)[2].rsplit("-", 1)[0]: row["state"] for row in with_index.values()}
    assert states == {"old-loso": "done", "old-failed": "failed", "old-probe": "done", "old-stopped": "stopped", "old-tune": "done"}
    assert with_index["old-probe"]["best"]["trial"] == 1
    assert round(with_index["old-probe"]["best"]["bca"], 3) == 0.556


def test_it_is_shown_compared_and_exported(left: Path) -> None:
    shown = call("show", run_of(left, "old-probe").run_id, runs=left / "runs").stdout
    assert ".556" in shown and ".444" in shown and "old-target" in shown
    assert "loso" in call("show", run_of(left, "old-loso").run_id, runs=left / "runs").stdout
    assert "no sound weight file" in call("show", run_of(left, "old-failed").run_id, runs=left / "runs").stdout
    for line in ("test        9 utterances, 1 speaker: c", "speakers    none is in two parts", "made with   ser_tui 0.1.0, python 3.11.7",
                 "seeds       search 7, parts 42", "of these trial 1 alone on the test part, once"):  # fmt: skip
        assert line in shown
    refused = call("export", run_of(left, "old-probe").run_id, "--what", "parts", runs=left / "runs", code=1).stderr
    assert "0.1.0 kept counts and speakers alone" in refused and f"ser-tui run {run_of(left, 'old-probe').study}" in refused
    assert (
        ".556 is its best validation BCA (trial 1) and validation accuracy (trial 1)"
        in call("runs", "--filter", ".556", runs=left / "runs").stdout
    )
    compared = document("compare", run_of(left, "old-probe").run_id, run_of(left, "old-tune").run_id, runs=left / "runs")
    assert compared["differing_settings"]["method"] == ["probe", "finetune"]
    trials = document("show", run_of(left, "old-stopped").run_id, runs=left / "runs")["trial_list"]
    assert [trial["status"] for trial in trials] == ["collapsed", "cut_short"]


async def test_the_app_lists_and_opens_it(left: Path) -> None:
    async with SerTuiApp(left / "runs").run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "old-loso", "old-probe", "old-stopped", "old-tune", "old-failed")
        await pilot.press("enter")
        await until_shown(pilot, "old-loso", ".444")
        await pilot.press("q")
        await until_shown(pilot, "old-probe", "old-tune")
        await pilot.press("slash", *".556")
        await until_shown(pilot, "1 shown", ".556 is its best validation BCA (trial 1) and")
        await pilot.press("enter", "enter")
        await until_shown(pilot, "old-probe", "best BCA")
        await pilot.press("v")
        await until(pilot, lambda: any("made with   ser_tui 0.1.0" in one.plain for one in pilot.app.screen.query(Lines)))


@pytest.mark.slow
def test_its_model_is_evaluated(left: Path) -> None:
    folder = run_of(left, "old-probe")
    before = document("show", folder.run_id, runs=left / "runs")["evaluations"]
    call("evaluate", folder.run_id, "--on", "old-target", runs=left / "runs")
    after = document("show", folder.run_id, runs=left / "runs")["evaluations"]
    assert after[-1]["accuracy"] == before[-1]["accuracy"] and after[-1]["utterances"] == before[-1]["utterances"] == 9


@pytest.mark.slow
def test_its_stopped_search_goes_on(left: Path) -> None:
    folder = run_of(left, "old-stopped")
    first = document("show", folder.run_id, runs=left / "runs")["trial_list"][0]
    call("resume", folder.run_id, "--headless", runs=left / "runs")
    until_over(folder)
    shown = document("show", folder.run_id, runs=left / "runs")
    assert (shown["state"], shown["trials"]) == ("done", 3)
    assert shown["trial_list"][0] == first
