"""What a person comes for, in few keys from the home screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from fabricated_outputs import run_with_test_part
from fabricated_runs import finished
from piloting import press, until, until_shown

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
