"""A recording, and what a run's best model hears in it over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from fabricated_outputs import explained_run
from piloting import press, shown, until, until_shown
from textual.widgets import Input
from tiny_encoders import save_tiny

from ser_tui.client.hearing import Hearing, Said
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views import emotions

CLASSES = ("anger", "neutral")


def _speech(path: Path, seconds: float) -> Path:
    time = np.arange(round(16_000 * seconds)) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * 200 * time * (1 + 0.1 * time)) + np.random.default_rng(4).normal(0, 0.01, len(time))
    wave[16_000:32_000] = 0.0
    soundfile.write(path, wave, 16_000)
    return path


def _model(folder: Path, parameters: dict[str, object], encoder_folder: Path) -> None:
    import torch

    from ser_tui.encoders.load import load_encoder
    from ser_tui.training import model
    from ser_tui.training.features import Recipe
    from ser_tui.training.head import Head, pooling

    name = save_tiny(encoder_folder, "whisper")
    encoder = load_encoder(name)
    chosen = pooling("last", "mean", encoder)
    torch.manual_seed(1)
    model.save(
        folder, encoder=encoder, encoder_name=name, head=Head(chosen.width(encoder.dimension), 2), pooling=chosen, classes=CLASSES,
        parameters=parameters, recipe=Recipe(2.0), precision="float32", tuned=True,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_class_is_as_dark_as_it_is_probable_where_it_was_heard() -> None:
    said = [Said(0, 1, {"anger": 0.9, "neutral": 0.1}), Said(1, 2, {}, "silent"), Said(2, 4, {"anger": 0.2, "neutral": 0.8})]
    assert emotions.shares(said, "anger", 4.0, 4) == [pytest.approx(0.9), None, pytest.approx(0.2), pytest.approx(0.2)]
    assert emotions.shares(said, "anger", 4.0, 2) == [pytest.approx(0.9), pytest.approx(0.2)]
    anger, neutral, mark, ruler = (line.plain for line in emotions.lines(said, CLASSES, 14 + 12, at=2.0))
    assert len({len(anger), len(neutral), len(ruler), 26}) == 1
    assert anger[14:17] == "\u2588" * 3 and anger[17:20] == "   " and neutral[17:20] == "   " and neutral[20:] == "\u2588" * 6
    assert mark == " " * 20 + "^" and ruler[14] == "0" and ruler.endswith(" 0:04.0")
    assert emotions.summary(said, True).plain.startswith("3s heard in 2 pieces   neutral 67%, anger 33%")
    assert emotions.lines([], CLASSES, 80) == []
    assert emotions.clock(3725.25) == "1:02:05.2" and emotions.clock(59.96) == "1:00.0"


@pytest.mark.slow
async def test_a_recording_is_heard_from_the_results_of_a_run_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    run = explained_run(tmp_path / "runs")
    best = run.folder.state().best
    assert best is not None
    _model(run.folder.best, dict(best.parameters), tmp_path / "encoder")
    path = _speech(tmp_path / "interview.wav", 5.0)
    noise = tmp_path / "noise.wav"
    noise.write_text("no audio at all")
    app = SerTuiApp(tmp_path / "runs")
    async with app.run_test(size=(80, 24)) as pilot:
        await until_shown(pilot, "emodb-gp")
        await press(pilot, "enter")
        await until_shown(pilot, "best BCA")
        await press(pilot, "v")
        await until_shown(pilot, "most confused")
        await press(pilot, "u")
        await until_shown(pilot, "a recording, and pieces of it")
        await press(pilot, "'gone.wav", "enter")
        await until(pilot, lambda: any("a file that is there" in str(one.message) for one in app._notifications))
        app.screen.query_one("#path", Input).value = str(path)
        app.screen.query_one("#cut", Input).value = "1s"
        await press(pilot, "enter")
        await until_shown(pilot, "4s heard in 4 pieces", "anger", "neutral", "silent: every sample is zero")
        await until(pilot, lambda: "hearing on" not in shown(app))
        assert "0:05.0" in shown(app)
        await press(pilot, "down", "down")
        await until(pilot, lambda: "^" in shown(app))
        for value, cut, said in ((str(noise), "1s", "no audio that can be read"), (str(path), "5s", "give --segments 2s at most")):
            app.screen.query_one("#path", Input).value = value
            app.screen.query_one("#cut", Input).value = cut
            await press(pilot, "enter")
            await until_shown(pilot, said)
        await press(pilot, "escape")
        await until_shown(pilot, "most confused")


def test_one_that_is_closed_ends(tmp_path: Path) -> None:
    hearing = Hearing("no-such-run", str(_speech(tmp_path / "a.wav", 3.0)), 1.0)
    hearing.close()
    for thread in hearing._threads:
        thread.join(60)
    hearing._child.wait(60)
    assert hearing.over and hearing.said == [] and hearing.problem
