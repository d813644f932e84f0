"""What a trial was scored on, in the app: how far confidence is what it says, and who is recognized least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from calling import call
from fabricated_outputs import explained_run, run_with_test_part
from fabricated_runs import finished
from piloting import press, shown, until, until_shown

from ser_tui.evaluation.errors import Bin, bin_text, reliability_bar
from ser_tui.study import events
from ser_tui.study.formatting import score
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.screens.results import ResultsScreen
from ser_tui.tui.widgets.lines import Lines


def assert_explained(text: str, part: dict[str, Any]) -> None:
    """The diagram's and the speakers' numbers in `text` are those of the document's `part`."""
    lines = [line.split() for line in text.splitlines()]
    calibration = part["calibration"]
    assert f"ECE {score(calibration['ece'])}, n = {calibration['utterances']}" in text
    for one in calibration["bins"]:
        wanted = [bin_text(Bin(**one)), str(one["utterances"]), score(one["confidence"]), score(one["accuracy"])]
        assert any(wanted == line[at : at + 4] for line in lines for at in range(len(line))) == bool(one["utterances"]), wanted
    order = []
    for group in part["by_speaker"]:
        wanted = [group["name"], score(group["bca"]), str(group["utterances"])]
        order += [number for number, line in enumerate(lines) if any(wanted == line[at : at + 3] for at in range(len(line)))]
    assert len(order) == len(part["by_speaker"]) and order == sorted(order), "all of them, the lowest first"


@pytest.mark.slow
@pytest.mark.parametrize(("size", "term"), [((80, 24), "linux"), ((200, 50), "xterm-256color")])
async def test_results_show_calibration_and_speakers_of_every_trial_and_part_as_show_does(
    runs: Path, size: tuple[int, int], term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    run_id = run_with_test_part(runs)
    best = json.loads(call("show", run_id, "--json", runs=runs).stdout)["analysis"]
    third = json.loads(call("show", run_id, "--trial", "3", "--json", runs=runs).stdout)["analysis"]
    app = SerTuiApp(runs)
    async with app.run_test(size=size) as pilot:

        def text() -> str:
            return str(app.screen.query_one("#lines", Lines).plain)

        await until_shown(pilot, "emodb-gp")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "v")
        await until_shown(pilot, "most confused", "scored part 1 of 2")
        assert_explained(text(), best[0])
        assert text().isascii() and all(len(line) <= size[0] for line in text().splitlines())
        if size[0] > 100:
            assert "ECE" in shown(app) and "BCA by speaker" in shown(app), "beside the matrix"
        await press(pilot, "n")
        await until_shown(pilot, "scored part 2 of 2")
        assert_explained(text(), best[1])
        await press(pilot, "t")
        await until_shown(pilot, "Which trial", "probabilities kept")
        await press(pilot, "down", "enter")
        await until_shown(pilot, "trial 3  validation part")
        assert_explained(text(), third[0])
        await press(pilot, "b")
        await until_shown(pilot, "Errors   trial 3")


async def test_many_speakers_are_listed_when_they_are_asked_for(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_tui.tui.views.confusions.FEW_SPEAKERS", 4)
    monkeypatch.setattr("ser_tui.tui.screens.results.FEW_SPEAKERS", 4)
    run = explained_run(runs)
    groups = json.loads(call("show", run.folder.run_id, "--json", runs=runs).stdout)["analysis"][0]["by_speaker"]
    app = SerTuiApp(runs)
    async with app.run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "v")
        await until_shown(pilot, f"6 more, {score(groups[4]['bca'])} to {score(groups[-1]['bca'])}: a lists them")
        await press(pilot, "a")
        await until(pilot, lambda: "more, " not in shown(app))
        assert all(f" {group['name']} " in shown(app) for group in groups)


def test_a_row_of_the_diagram_says_whether_a_model_is_too_sure_of_itself() -> None:
    assert reliability_bar(Bin(0.9, 1, 5, 1.0, 0.5), 10) == "#####....|"
    assert reliability_bar(Bin(0.4, 0.5, 5, 0.5, 0.9), 10) == "####|####."
    assert reliability_bar(Bin(0.4, 0.5, 5, 0.5, 0.5), 10) == "####|....."
    assert reliability_bar(Bin(0.4, 0.5, 0, None, None), 10) == " " * 10


async def test_what_was_asked_for_is_told_of_before_its_worker_tells_anything(runs: Path) -> None:
    run = finished(runs, trials=1)
    run.live()
    worker = json.loads(run.folder.worker.read_text())
    run.folder.worker.write_text(json.dumps({**worker, "job": "evaluate"}))
    app = SerTuiApp(runs)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(ResultsScreen(run.folder.run_id, awaited=True))
        await until_shown(pilot, "its worker is getting ready ...")
        run.write(events.EvaluationStarted(corpus="ravdess", mapping={}, utterances=576))
        await until_shown(pilot, "Results   evaluating", "0/576 utterances")
