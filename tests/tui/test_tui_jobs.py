"""What a person comes for, in few keys from the home screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_outputs import run_with_test_part, tone
from fabricated_runs import finished, with_model
from piloting import press, until, until_shown

from ser_tui.corpora import registry
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.screens.compare import CompareScreen


async def test_three_runs_are_compared_in_five_keys(runs: Path) -> None:
    for number, name in enumerate(("first", "second", "third")):
        finished(runs, number=number, trials=2, name=name)
    async with SerTuiApp(runs).run_test(size=(160, 50)) as pilot:
        await until_shown(pilot, "first", "second", "third")
        await press(pilot, "c")
        await until_shown(pilot, "Compare with")
        await press(pilot, "space", "down", "space", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await until_shown(pilot, "first", "second", "third")


@pytest.mark.usefixtures("demo")
async def test_zero_shot_on_ravdess_is_four_keys_away_however_many_corpora_there_are(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    for corpus, names in {
        "ravdess": ("03-01-05-01-01-01-01.wav", "03-01-01-01-01-01-02.wav"), "crema-d": ("1001_DFA_ANG_XX.wav", "1002_DFA_NEU_XX.wav"),
        "emovo": ("rab-f1-b1.wav", "neu-m1-b1.wav"),
    }.items():  # fmt: skip
        folder = tmp_path / corpus
        folder.mkdir()
        for name in names:
            tone(folder / name, 220.0)
        registry.remember(corpus, folder)
    with_model(finished(runs, trials=2).folder)
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "e evaluate")
        await press(pilot, "e")
        await until_shown(pilot, "crema-d", "ravdess", "emovo", "demo")
        await press(pilot, "down", "space")
        await until_shown(pilot, "* ravdess", "n = 2", "ctrl+s start")  # the fourth key


@pytest.mark.usefixtures("demo")
async def test_a_search_by_tpe_is_seven_keys_away_where_a_draft_was_left(runs: Path) -> None:
    async with SerTuiApp(runs).run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "n new")
        await press(pilot, "n")
        await until_shown(pilot, "PROTOCOL")
        await press(pilot, "down", "down", "down", "'x", "escape")
        await until_shown(pilot, "n new")
        await press(pilot, "n")  # the first key; ctrl+s is the last
        await until_shown(pilot, "a new study")
        await press(pilot, "down", "enter")
        await until_shown(pilot, "PROTOCOL")
        await press(pilot, "ctrl+n", "ctrl+n", "right")
        await until_shown(pilot, "[tpe]", "ctrl+s start")


@pytest.mark.parametrize(("keys", "wanted"), [
    (("enter", "v", "b"), ("taken for", "UTTERANCE")),
    (("enter", "b", "enter", "enter"), ("waveform", "spectrogram")),
    (("h",), ("report",)),
    (("enter", "v"), ("recall", "truth")), (("enter", "down", "b"), ("truth:said",)),
], ids=["wrong utterances", "how one looks", "a report", "confusions of the best", "confusions of any trial"])  # fmt: skip
async def test_it_takes_few_keys(runs: Path, keys: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    run_with_test_part(runs)
    async with SerTuiApp(runs).run_test(size=(120, 40)) as pilot:
        await until_shown(pilot, "enter open")
        for key in keys[:-1]:
            await press(pilot, key)
            await pilot.pause()
        await press(pilot, keys[-1])
        if keys == ("h",):
            await until(pilot, lambda: any(runs.rglob("*.html")))
        else:
            await until_shown(pilot, *wanted)
