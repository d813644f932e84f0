"""Members that are trained once and averaged: what is saved is what was scored, nothing of the validation part is learnt from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders import speaker
from ser_tui.encoders.load import build
from ser_tui.encoders.spectra import ConvolutionalRecurrent, LogMel
from ser_tui.study.errors import UserError
from ser_tui.study.training import Training
from ser_tui.training import autospeech
from ser_tui.training.autospeech import AutoSpeechTrainer, geometric_mean
from ser_tui.training.model import load_model
from ser_tui.training.trial import EpochReport, Fold, Part, TrialStopped

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]
VALUES: dict[str, Any] = {"layers": "1+2", "pooling": "mean+std", "max_seconds": 1}


@pytest.fixture(autouse=True)
def _few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autospeech, "CRNN", {**autospeech.CRNN, "epochs": 3})


@pytest.fixture
def make(tiny: Callable[[str], str]) -> Callable[..., AutoSpeechTrainer]:
    return lambda parts, **named: AutoSpeechTrainer(tiny("whisper"), *parts, CLASSES, Training(normalize="peak"), **named)


def run(trainer: AutoSpeechTrainer, members: str, seed: int = 0) -> tuple[Any, list[EpochReport]]:
    reports: list[EpochReport] = []
    return trainer.run({**VALUES, "members": members}, seed, reports.append, lambda: False), reports


def test_a_mean_of_members_is_scored_as_its_saved_model_answers(make: Callable[..., Any], tones: Split, tmp_path: Path) -> None:
    trainer = make(tones)
    alone = [run(trainer, name)[0] for name in ("log-mel", "encoder", "crnn")]
    assert alone[0].value() > 0.8 and all(one.costs["trained_parameters"] > 0 and one.costs["latency"] > 0 for one in alone)
    mean, reports = run(trainer, "log-mel+encoder+crnn")
    said = np.exp(np.mean([np.log(one.probabilities) for one in alone], axis=0))
    assert mean.probabilities == pytest.approx(said / said.sum(axis=1, keepdims=True), abs=1e-5)
    assert [report.value for report in reports] == [mean.value()]
    trainer.save_best(tmp_path / "best")
    model = load_model(tmp_path / "best")
    logits = model.predict_logits(tones[1].clips)
    assert tuple(logits.argmax(1).tolist()) == mean.predictions
    assert torch.softmax(torch.from_numpy(logits), 1).numpy() == pytest.approx(mean.probabilities, abs=1e-4)
    waveform = torch.from_numpy(soundfile.read(tones[1].clips[0].path, dtype="float32")[0])
    from ser_tui.training import hearing

    assert model.heard([hearing.prepared(waveform, model.recipe)])[0] == pytest.approx(logits[0], abs=1e-5)


def test_the_same_members_again_are_scored_on_every_fold_again(make: Callable[..., Any], tones: Split) -> None:
    train, validation = tones
    folds = (Fold("one", train, validation, tuple(range(len(validation)))),)
    trainer = make(tones, folds=folds)
    first, again = (run(trainer, "log-mel", seed)[0] for seed in (0, 1))
    assert first.predictions == again.predictions


def test_a_temperature_changes_no_answer_of_the_saved_mean(make: Callable[..., Any], tones: Split, tmp_path: Path) -> None:
    trainer = make(tones)
    result, _ = run(trainer, "log-mel+encoder")
    trainer.save_best(tmp_path / "warm")
    trainer.cool(2.0)
    trainer.save_best(tmp_path / "cool")
    warm, cool = (load_model(tmp_path / name).predict_logits(tones[1].clips) for name in ("warm", "cool"))
    assert cool == pytest.approx(warm / 2, abs=1e-5) and tuple(cool.argmax(1).tolist()) == result.predictions


def test_nothing_that_is_fitted_has_heard_the_validation_part(make: Callable[..., Any], tones: Split, tmp_path: Path) -> None:
    """Loud noise in its place changes no weight and no scaler."""
    train, validation = tones
    paths = tuple(tmp_path / f"poison-{place}.wav" for place in range(len(validation)))
    for place, path in enumerate(paths):
        soundfile.write(path, np.random.default_rng(place).uniform(-1, 1, 16_000), 16_000)
    poisoned = replace(validation, clips=tuple(map(Clip, paths)), digests=tuple(path.name for path in paths))
    weights = []
    for name, part in (("clean", validation), ("poisoned", poisoned)):
        trainer = make((train, part))
        run(trainer, "log-mel+encoder+crnn")
        trainer.save_best(tmp_path / name)
        model = load_model(tmp_path / name)
        weights.append({**model.encoder.state_dict(), **model.head.state_dict()})
    assert weights[0].keys() == weights[1].keys() and "encoders.2.deviation" in weights[0]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not torch.equal(weights[0]["encoders.2.deviation"], torch.ones(40))


def test_a_member_that_was_trained_is_not_trained_again_after_a_kill(make: Callable[..., Any], tones: Split, tmp_path: Path) -> None:
    first = make(tones)
    first.shared = tmp_path / "shared"
    alone, _ = run(first, "crnn", seed=5)
    stages: list[str] = []
    second = make(tones, on_stage=lambda stage, done, total: stages.append(stage))
    second.shared = tmp_path / "shared"
    again, reports = run(second, "crnn", seed=5)
    assert "training" not in stages and again.predictions == alone.predictions
    assert [report.value for report in reports] == [again.value()]
    mean, _ = run(second, "log-mel+crnn", seed=5)
    third = make(tones)
    run(third, "log-mel", seed=5)
    assert mean.probabilities == pytest.approx(geometric_mean([third._members[key].said for key in third._members] + [alone.probabilities]))
    # Half of one, or one of another split, is none.
    for folder in (tmp_path / "shared").iterdir():
        (folder / "said.safetensors").write_bytes(b"half")
    fourth = make(tones, on_stage=lambda stage, done, total: stages.append(stage))
    fourth.shared = tmp_path / "shared"
    assert run(fourth, "crnn", seed=5)[0].predictions == alone.predictions and "training" in stages


def test_another_seed_trains_another_network_and_what_it_does_not_read_trains_none(
    make: Callable[..., Any], tones: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, begun = make(tones), list[str]()
    real = AutoSpeechTrainer._trainer_of

    def told(self: AutoSpeechTrainer, name: str, *rest: Any) -> Any:
        begun.append(name)
        return real(self, name, *rest)

    monkeypatch.setattr(AutoSpeechTrainer, "_trainer_of", told)

    def said(seed: int, **other: Any) -> Any:
        values = {**VALUES, "members": "log-mel+crnn", **other}
        return trainer.run(values, seed, lambda report: None, lambda: False).probabilities

    first, second = said(1), said(2)
    assert begun == ["log-mel", "crnn", "crnn"] and not np.allclose(first, second, atol=1e-3), "the deviation of seeds is one"
    assert np.array_equal(first, said(1)) and len(begun) == 3
    assert not np.array_equal(first, said(1, inverse_regularization=0.5)) and begun[3:] == ["log-mel"]
    said(1, layers="1")
    assert len(begun) == 4, "neither member reads the encoder's layers"


def test_a_member_under_way_ends_when_the_time_is_over(make: Callable[..., Any], tones: Split) -> None:
    trainer = make(tones)
    kept, _ = run(trainer, "log-mel")

    def late(report: EpochReport) -> None:
        trainer.deadline = time.monotonic()

    with pytest.raises(TrialStopped):
        trainer.run({**VALUES, "members": "crnn"}, 0, late, lambda: False)
    trainer.deadline = float("inf")
    assert run(trainer, "log-mel")[0].predictions == kept.predictions


def test_refitting_trains_the_members_on_both_parts(make: Callable[..., Any], tones: Split, tmp_path: Path) -> None:
    trainer = make(tones)
    run(trainer, "log-mel+crnn")
    trainer.save_best(tmp_path / "before")
    trainer.deadline = time.monotonic()  # minutes that are over then do not take the score from the trial
    trainer.refit(lambda: False)
    trainer.save_best(tmp_path / "after")
    before, after = (load_model(tmp_path / name).encoder.state_dict() for name in ("before", "after"))
    assert not torch.equal(before["heads.0.linear.weight"], after["heads.0.linear.weight"])
    assert not torch.equal(before["encoders.1.mean"], after["encoders.1.mean"])


@pytest.mark.parametrize("make_encoder", [LogMel, ConvolutionalRecurrent, speaker.SpeakerEmbedding])
def test_what_members_hear_does_not_depend_on_the_batch(make_encoder: Callable[[], Any]) -> None:
    torch.manual_seed(0)
    encoder = make_encoder().eval()
    waves = [torch.randn(samples) * 0.1 for samples in (400, 16_000, 30_123, 48_000, 24_641)]
    frames = [encoder.front_end(wave) for wave in waves]
    assert [len(one) for one in frames] == [encoder.frames(len(wave)) for wave in waves]
    lengths = torch.tensor([len(one) for one in frames])
    with torch.no_grad():
        together = encoder.hidden_states(torch.nn.utils.rnn.pad_sequence(frames, batch_first=True), lengths)[-1]
        for place, one in enumerate(frames):
            alone = encoder.hidden_states(one[None], lengths[place : place + 1])[-1][0]
            assert torch.allclose(together[place, : len(one)], alone, atol=1e-5)
    again = build(encoder.describe())
    assert type(again) is type(encoder) and again.state_dict().keys() == encoder.state_dict().keys()


def test_the_speaker_embedding_says_how_to_have_it_or_is_the_packages(shared_data: Path) -> None:
    if why := speaker.lacking():
        assert why == "not installed: pip install --no-deps resemblyzer==0.1.4"
        with pytest.raises(UserError, match="pip install --no-deps"):
            speaker.load()
        pytest.skip("needs the package resemblyzer (pip install --no-deps resemblyzer==0.1.4)")
    encoder = speaker.load()
    waveform, _ = soundfile.read(shared_data / "emodb" / "03a01Fa.flac", dtype="float32")
    frames = encoder.front_end(torch.from_numpy(waveform))
    with torch.no_grad():
        (said,) = encoder.hidden_states(frames[None], torch.tensor([len(frames)]))
    assert said[0].norm(dim=1) == pytest.approx(1.0, abs=1e-5) and bool((said >= 0).all())
