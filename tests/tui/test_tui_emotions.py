"""A recording, and what a run's best model hears in it over time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fabricated_outputs import explained_run
from piloting import press, shown, until, until_shown
from textual.widgets import Input
from tiny_encoders import save_tiny

from ser_tui.client.hearing import Hearing, Said
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.pieces import Cut
from ser_tui.inference.predicting import check
from ser_tui.inference.sources import Recording
from ser_tui.study import findings
from ser_tui.study.errors import UserError
from ser_tui.study.state import RunState
from ser_tui.study.uses import PredictRequest
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.views import emotions

CLASSES = ("anger", "neutral")


class _Asked:
    """What `check` asks a model."""

    members = (None,)

    def __init__(self, hears: float, by_speaker: bool) -> None:
        self.hears, self.by_speaker = hears, by_speaker


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


@pytest.mark.parametrize(
    ("calibrated", "models", "said"),
    [
        (True, 1, "SURE is calibrated by the run's temperature (training.calibration)"),
        (False, 1, "SURE is not calibrated: it is the softmax of the model's output"),
        (None, 1, "it is not known whether SURE is calibrated, because the study of the model is missing"),
        (False, 3, "SURE is not calibrated: it is the mean over 3 models"),
    ],
)
def test_how_far_the_confidence_may_be_believed_is_said(calibrated: bool | None, models: int, said: str) -> None:
    assert [line.plain for line in emotions.caveats(calibrated, models, RunState())] == [said]


def test_what_the_model_scored_and_that_nobody_spoke_is_said_beside_what_it_says(tmp_path: Path) -> None:
    spoken = findings.plain(findings.synthetic(["demo"]))
    state = explained_run(tmp_path).folder.state()
    assert state.start is not None
    state = replace(state, start=replace(state.start, findings=spoken))
    _, model, synthetic = (line.plain for line in emotions.caveats(False, 1, state))
    assert (
        model.startswith("the model is trial 2: BCA .871 [")
        and "validation; n = " in model
        and model.endswith("; the best of several trials there")
    )
    assert synthetic == "Synthetic speech: a synthesizer spoke demo. The score says nothing about people."


def test_advice_for_a_command_line_is_said_in_the_words_of_the_screen() -> None:
    """Of every error of the command that can come of what is asked on the screen."""
    heard = Recording("a.wav", Clip(Path("a.wav")))
    for model, cut, said in (
        (_Asked(2.0, False), Cut(5.0), "this model uses 2 s of an utterance: write 2s at most below the path"),
        (_Asked(2.0, True), Cut(voice=True), "(transductive): one recording is too little for it"),
    ):
        with pytest.raises(UserError) as caught:
            check(model, [heard], cut)  # type: ignore[arg-type]
        here = emotions.problem(str(caught.value)).plain
        assert said in here and "--" not in here
    request = PredictRequest("run", ("a.wav",), "lines", segments=0.1)
    assert emotions.problem(request.problem()).plain == "pieces of 0.1s: write 0.25s to 600s below the path"
    assert emotions.problem("a.wav: no audio that can be read").plain == "a.wav: no audio that can be read"


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
        model = f"the model is trial {best.number}: BCA .871 ["
        await until_shown(pilot, "SURE is not calibrated: it is the softmax of the model's output", model, "] validation; n = ")
        await press(pilot, "down", "down")
        await until(pilot, lambda: "^" in shown(app))
        for value, cut, said in (
            (str(noise), "1s", "no audio that can be read"),
            (str(path), "5s", "this model uses 2 s of an utterance: write 2s at most below the path"),
        ):
            app.screen.query_one("#path", Input).value = value
            app.screen.query_one("#cut", Input).value = cut
            await press(pilot, "enter")
            await until_shown(pilot, said)
        app.screen.query_one("#cut", Input).value = "100ms"
        await press(pilot, "enter")
        await until(pilot, lambda: any("write 0.25s to 600s below the path" in str(one.message) for one in app._notifications))
        await press(pilot, "escape")
        await until_shown(pilot, "most confused")


def test_one_that_is_closed_ends(tmp_path: Path) -> None:
    hearing = Hearing("no-such-run", str(_speech(tmp_path / "a.wav", 3.0)), 1.0)
    hearing.close()
    for thread in hearing._threads:
        thread.join(60)
    hearing._child.wait(60)
    assert hearing.over and hearing.said == [] and hearing.problem
