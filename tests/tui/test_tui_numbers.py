"""Every score that a screen shows is one of `show --json`, beside the interval that it has there."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fabricated_outputs import run_with_test_part
from piloting import press, shown, until, until_shown
from scored_run import scored_run
from textual.app import App
from textual.screen import Screen

from ser_tui.cli.exporting import export_runs
from ser_tui.cli.showing import show_run
from ser_tui.study.formatting import interval_text, loss_text, parameter, score, score_with_interval
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.dialogs.trial import TrialScreen
from ser_tui.tui.screens.errors import ErrorsScreen
from ser_tui.tui.screens.parameters import ParametersScreen
from ser_tui.tui.screens.results import ResultsScreen
from ser_tui.tui.screens.run import RunScreen
from ser_tui.tui.screens.timeline import TimelineScreen
from ser_tui.tui.widgets.lines import Lines

LEFT = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"
"""Real runs, as version 0.1.0 left them."""
SAME = ("bca", "utterances", "accuracy", "loss", "epochs_done", "best_epoch", "best_epoch_bca", "seconds")
"""What a trial has under one name in the table of an export and in the document."""
SIZES = ((80, 24), (200, 50))
_SCORE = r"(?<![\w.])(?:\.\d{3}|1\.000)(?!\d)"
_SCORED = re.compile(rf"({_SCORE}) (\[[\d.]+, [\d.]+\])")
_SHORT = re.compile(r"(?<![\w.])(?:\.\d{3}|1\.00) \.\d\d-(?:\.\d\d|1\.0)(?!\d)")
_SIGNED = re.compile(r"(?<![\w.])[+-](?:\.\d{3}|1\.000)(?!\d)")
_LOSS = re.compile(r"(?<![\w.])\d\.\d{3}(?!\d)")
_RATE = re.compile(r"(?<![\w.])\d\.\de-\d+")
_COUNT = re.compile(r"\bn ?= ?(\d+)")


class Numbers:
    """What documents hold, as screens write it."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        found = [one for document in documents for one in _walk(document)]
        chances = [1 / len(document["classes"]) for document in documents]
        values = [*chances, *(value for one in found for value in one.values() if isinstance(value, float))]
        self.scores = {score(value) for value in values}
        self.losses = {loss_text(value) for value in values} | self.scores
        self.rates = {parameter("learning_rate", value) for value in values}
        self.counts = {str(value) for one in found for value in one.values() if type(value) is int}
        bests = [document["best"]["bca"] for document in documents]
        gaps = [one["difference"] for one in found if isinstance(one.get("difference"), float)]
        gaps += [one - other for one in bests for other in bests]
        self.signed = {f"{'+' if gap >= 0 else '-'}{score(abs(gap))}" for gap in gaps}
        pairs = [pair for one in found for pair in _pairs(one)]
        self.scored = {(score(value), interval_text(interval)) for value, interval in pairs}
        self.short = {score_with_interval(value, interval, short=True) for value, interval in pairs}

    def strange(self, text: str) -> list[str]:
        """Numbers in `text` that are in no document."""
        whole = re.sub(r"(?<=\d,)\s*\n\s*(?=[\d.]+\])", " ", text)
        return [
            *(found for found in _SCORED.findall(whole) if found not in self.scored),
            *(found for found in _SHORT.findall(whole) if found not in self.short),
            *(found for found in re.findall(_SCORE, whole) if found not in self.scores),
            *(found for found in _SIGNED.findall(whole) if found not in self.signed),
            *(found for found in _LOSS.findall(whole) if found not in self.losses),
            *(found for found in _RATE.findall(whole) if found not in self.rates),
            *(found for found in _COUNT.findall(whole) if found not in self.counts),
        ]


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a document; of lists of numbers, their numbers."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _walk(item)
    if isinstance(value, list):
        yield {str(place): item for place, item in enumerate(value)}
        for item in value:
            yield from _walk(item)


def _pairs(one: dict[str, Any]) -> Iterator[tuple[float, list[float]]]:
    """Each score with the interval that stands beside it: under a name of its own, or in a mapping of as many."""
    names = {"interval": ("bca", "value", "pooled_bca", "recall"), "best_epoch_interval": ("best_epoch_bca",),
             "bca_interval": ("bca",), "accuracy_interval": ("accuracy",)}  # fmt: skip
    for interval, scores in names.items():
        yield from ((one[name], one[interval]) for name in scores if one.get(interval) and isinstance(one.get(name), float))
    for scores_ in ("recalls", "baselines", "centred", "self_trained"):
        intervals = f"{scores_.removesuffix('s')}_intervals"
        if isinstance(one.get(scores_), dict):
            yield from ((one[scores_][name], found) for name, found in one.get(intervals, {}).items() if name in one[scores_])


@pytest.fixture
def documents(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What `show --json` says of a run with everything that can be scored, and of one whose class probabilities are kept."""
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    found = []
    for run_id in (scored_run(runs, number=1).folder.run_id, run_with_test_part(runs)):
        show_run(run_id, as_json=True)
        found.append(json.loads(capsys.readouterr().out))
    return found


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "200x50"])
@pytest.mark.parametrize("which", [0, 1], ids=["all scores", "outputs kept"])
async def test_every_number_of_a_run_is_that_of_its_document(
    runs: Path, documents: list[dict[str, Any]], size: tuple[int, int], which: int
) -> None:
    numbers, seen = Numbers([documents[which]]), 0
    async with SerTuiApp(runs, documents[which]["run_id"]).run_test(size=size) as pilot:
        for keys, marker in (((), "best BCA"), (("t",), "best epoch"), (("escape", "v"), "recall"), (("end",), "Results")):
            await press(pilot, *keys)
            await until_shown(pilot, marker)
            lines = [str(one.plain) for one in pilot.app.screen.query(Lines)]
            text = "\n".join([shown(pilot.app), *lines])
            assert numbers.strange(text) == [], text
            seen += len(re.findall(_SCORE, text))
    assert seen > 30


def _in_front(app: App[Any], screen: type[Screen[Any]]) -> bool:
    return isinstance(app.screen, screen)


@pytest.mark.parametrize("name", ["old-tune", "old-probe", "old-loso"])
async def test_every_number_of_a_real_run_is_that_of_its_document(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copytree(LEFT, runs, dirs_exist_ok=True)
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    show_run(name, as_json=True)
    document = json.loads(capsys.readouterr().out)
    numbers, seen = Numbers([document]), 0
    async with SerTuiApp(runs, document["run_id"]).run_test(size=(200, 50)) as pilot:
        for keys, screen, marker in (
            ((), RunScreen, "best BCA"), (("t",), TrialScreen, "best epoch"), (("escape", "v"), ResultsScreen, "recall"),
            (("escape", "i"), TimelineScreen, "START"), (("escape", "p"), ParametersScreen, "importance"),
            (("escape", "b"), ErrorsScreen, "truth:said"),
        ):  # fmt: skip
            for key in keys:
                await pilot.pause()
                await press(pilot, key)
                # The run's own key bar names all of them.
                await until(pilot, partial(_in_front, pilot.app, RunScreen if key == "escape" else screen))
            await until_shown(pilot, marker)
            lines = [str(one.plain) for one in pilot.app.screen.query(Lines)]
            text = re.sub(r"±\.\d+", "", "\n".join([shown(pilot.app), *lines]))  # half an interval, in notes of that version
            assert numbers.strange(text) == [], (keys, text)
            seen += len(re.findall(_SCORE, text))
    assert seen > 10


@pytest.mark.parametrize("name", ["old-tune", "old-probe", "old-loso"])
def test_every_number_of_an_export_is_that_of_the_document(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copytree(LEFT, runs, dirs_exist_ok=True)
    monkeypatch.setenv("SER_TUI_RUNS", str(runs))
    show_run(name, as_json=True)
    document = json.loads(capsys.readouterr().out)
    trials = {str(trial["trial"]): trial for trial in document["trial_list"]}
    export_runs([name], what="trials", form="csv", output="-")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["trial"] for row in rows] == list(trials)
    for row in rows:
        trial = trials[row["trial"]]
        numbers = {**{key: trial[key] for key in SAME}, **trial["parameters"]}
        for ends, interval in (("bca", "interval"), ("accuracy", "accuracy_interval"), ("best_epoch_bca", "best_epoch_interval")):
            if trial[interval]:
                numbers |= {f"{ends}_low": trial[interval][0], f"{ends}_high": trial[interval][1]}
        assert {key: row[key] for key in numbers} == {key: "" if value is None else str(value) for key, value in numbers.items()}


async def test_every_number_of_the_list_and_of_a_comparison_is_that_of_the_documents(runs: Path, documents: list[dict[str, Any]]) -> None:
    numbers = Numbers(documents)
    async with SerTuiApp(runs).run_test(size=(200, 50)) as pilot:
        await until_shown(pilot, "emodb-gp", "test")
        assert numbers.strange(shown(pilot.app)) == []
        await press(pilot, "space", "down", "space", "c")
        await until_shown(pilot, "best so far", "loso")
        text = "\n".join([shown(pilot.app), *(str(one.plain) for one in pilot.app.screen.query(Lines))])
        assert numbers.strange(text) == [] and len(re.findall(_SCORE, text)) > 10


def test_a_number_that_is_in_no_document_is_found(documents: list[dict[str, Any]]) -> None:
    numbers = Numbers(documents[:1])
    assert numbers.strange("BCA .872 [.831, .909]") and numbers.strange("BCA .871 [.831, .908]") and numbers.strange("n = 128")
    assert numbers.strange(".871 .83-.92") and not numbers.strange(".871 .83-.91")
    assert numbers.strange("loss 9.158") and numbers.strange("+.777") and numbers.strange("lr 9.9e-9")
    assert not numbers.strange("BCA .871 [.831, .909], n = 127")
