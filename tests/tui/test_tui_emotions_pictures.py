"""How the emotions of a recording look, in every kind of terminal."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from fabricated_outputs import explained_run
from fabricated_runs import with_model
from piloting import press, until_shown
from test_tui_snapshots import LARGE, MEDIUM, SMALL, _settle, _take_for
from textual.widgets import Input

from ser_tui.client.hearing import Said
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.screens import emotions as screens

CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")


def _piece(number: int) -> Said:
    start = 3.0 * number
    if number % 7 == 3:
        return Said(start, start + 3, {}, "silent: every sample is zero")
    weights = [math.exp(2 * math.sin(number / 3 + place)) for place in range(len(CLASSES))]
    return Said(start, start + 3, {name: weight / sum(weights) for name, weight in zip(CLASSES, weights, strict=True)})


class Heard:
    """A recording of two minutes that was heard to its end."""

    def __init__(self, model: str, recording: str, seconds: float | None) -> None:
        self.classes, self.calibrated, self.models, self.over, self.problem = CLASSES, False, 1, True, ""
        self.said = [_piece(number) for number in range(40)]

    def close(self) -> None:
        """Nothing goes on."""


@pytest.mark.parametrize(
    ("size", "plain"),
    [
        (SMALL, ""),
        (LARGE, ""),
        pytest.param(MEDIUM, "", marks=pytest.mark.slow),
        pytest.param(SMALL, "linux", marks=pytest.mark.slow),
        pytest.param(SMALL, "NO_COLOR", marks=pytest.mark.slow),
    ],
    ids=["80x24", "200x50", "120x40", "80x24-linux", "80x24-no-color"],
)
def test_the_emotions_of_a_recording_look_as_approved(
    tmp_path: Path, snap_compare: Callable[..., bool], size: tuple[int, int], plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_for(plain, monkeypatch)
    monkeypatch.setattr(screens, "Hearing", Heard)
    (tmp_path / "runs").mkdir()
    run = explained_run(tmp_path / "runs")
    with_model(run.folder)
    monkeypatch.chdir(tmp_path)
    Path("interview.wav").touch()
    app = SerTuiApp(tmp_path / "runs")

    async def before(pilot: object) -> None:
        await until_shown(pilot, "emodb-gp")  # type: ignore[arg-type]
        await app.push_screen(screens.EmotionsScreen(run.folder.run_id))
        await until_shown(pilot, "a recording, and pieces of it")  # type: ignore[arg-type]
        app.screen.query_one("#path", Input).value = "interview.wav"
        await press(pilot, "enter")  # type: ignore[arg-type]
        await _settle(pilot, ("down", "down"), "heard in 34 pieces")  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=before)
