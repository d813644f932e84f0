"""Probes: what the frozen encoder knows, read off in about a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.linear import fit
from ser_tui.training.model import load_model
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trial import EpochReport, Part, TrialStopped

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]


@pytest.mark.parametrize("family", ["whisper", "hubert"])
def test_a_probe_scores_and_its_saved_model_predicts_the_same(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, family: str
) -> None:
    trainer = ProbeTrainer(tiny(family), *tones, CLASSES, Training(normalize="peak"))
    reports: list[EpochReport] = []
    values: dict[str, Any] = {"layers": "1+2", "pooling": "mean+std", "max_seconds": 1}
    result = trainer.run(values, 0, reports.append, lambda: False)
    assert result.value() > 0.8
    assert [report.value for report in reports] == [result.value()]
    assert trainer.run(values, 1, reports.append, lambda: False).predictions == result.predictions
    trainer.save_best(tmp_path / "best")
    model = load_model(tmp_path / "best")
    assert not model.tuned
    logits = model.predict_logits(tones[1].clips)
    assert tuple(logits.argmax(1).tolist()) == result.predictions
    with pytest.raises(TrialStopped):
        trainer.run(values, 0, reports.append, lambda: True)
    strong, asked, most = {**values, "inverse_regularization": 10.0}, 0, 1_000_000

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > most

    trainer.run(strong, 0, reports.append, should_stop)
    reported, most, asked = len(reports), asked // 2, 0
    with pytest.raises(TrialStopped):  # within the fit, which of a large corpus takes a minute
        trainer.run(strong, 0, reports.append, should_stop)
    assert most > 5 and len(reports) == reported
    with pytest.raises(UserError, match="learning_rate"):
        trainer.run({"learning_rate": 1.0}, 0, reports.append, lambda: False)


def test_a_probe_on_trimmed_audio_is_saved_with_its_trimming(tiny: Callable[[str], str], tones: Split, tmp_path: Path) -> None:
    padded: list[Part] = []
    for name, part in zip(("train", "validation"), tones, strict=True):
        paths = tuple(tmp_path / f"{name}-{clip.path.name}" for clip in part.clips)
        for source, target in zip(part.clips, paths, strict=True):
            wave, _ = soundfile.read(source.path)
            soundfile.write(target, np.concatenate([np.zeros(12_000), wave, np.zeros(8_000)]), 16_000)
        padded.append(replace(part, clips=tuple(map(Clip, paths)), digests=tuple(path.name for path in paths)))
    values: dict[str, Any] = {"layers": "1+2", "pooling": "mean+std", "max_seconds": 1}
    train, validation = padded
    trainer = ProbeTrainer(tiny("whisper"), train, validation, CLASSES, Training(normalize="peak", trim_silence=True))
    reports: list[EpochReport] = []
    result = trainer.run(values, 0, reports.append, lambda: False)
    trainer.save_best(tmp_path / "best")
    labels = torch.tensor(padded[1].labels)

    def loss(folder: Path) -> tuple[float, tuple[int, ...]]:
        logits = torch.from_numpy(load_model(folder).predict_logits(padded[1].clips))
        return float(torch.nn.functional.cross_entropy(logits, labels)), tuple(logits.argmax(1).tolist())

    trained, predictions = loss(tmp_path / "best")
    assert predictions == result.predictions
    assert trained == pytest.approx(reports[0].validation_loss, abs=1e-5)
    # A model of before there was trimming does not say, and hears everything.
    table = json.loads((tmp_path / "best" / "model.json").read_text())
    assert table["recipe"].pop("trim") is True
    (tmp_path / "best" / "model.json").write_text(json.dumps(table))
    assert not load_model(tmp_path / "best").recipe.trim
    assert loss(tmp_path / "best")[0] != pytest.approx(trained, abs=1e-3)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_folded_head_is_scikit_learns_pipeline(classes: int) -> None:
    random = np.random.default_rng(1)
    features = (random.normal(3, 5, (80, 6)) * np.array([1, 10, 0.1, 1, 1, 0])).astype(np.float32)
    labels = random.integers(0, classes, 80)
    reference = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, class_weight="balanced", max_iter=2000)).fit(features, labels)
    head = fit(features, labels, classes, 0.5)
    with torch.no_grad():
        probabilities = torch.softmax(head(torch.from_numpy(features)), 1).numpy()
    assert np.abs(probabilities - reference.predict_proba(features)).max() < 1e-4


def test_a_class_that_training_lacks_is_never_predicted() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(40, 3)).astype(np.float32)
    head = fit(features, np.array([0, 2] * 20), 4, 1.0)
    with torch.no_grad():
        assert set(head(torch.from_numpy(features)).argmax(1).tolist()) <= {0, 2}
    with pytest.raises(UserError, match="one class only"):
        fit(features, np.zeros(40, dtype=np.int64), 4, 1.0)


def test_a_probe_keeps_frames_only_for_fine_tuning_beside_it_and_of_what_is_pooled_needs_none(
    tiny: Callable[[str], str], tones: Split, cache_folder: Path
) -> None:
    for family, beside, first in (("whisper", True, {"pooled"}), ("wav2vec2", False, {"pooled"}), ("wav2vec2", True, {"pooled", "frames"})):
        encoder, found = tiny(family), []
        for kept in (first, {"pooled"}):
            trainer = ProbeTrainer(encoder, *tones, CLASSES, Training(), encoder=load_encoder(encoder) if beside else None)
            found.append(trainer.run({"layers": "2", "max_seconds": 1}, 0, lambda report: None, lambda: False))
            assert {path.name.split("-")[2] for path in (cache_folder / "features").iterdir()} == kept
            for folder in (cache_folder / "features").glob("*-frames-*"):
                shutil.rmtree(folder)
        assert found[0] == replace(found[1], seconds=found[0].seconds, costs=found[0].costs)
        shutil.rmtree(cache_folder)


def test_a_probe_by_an_encoder_that_was_fine_tuned_hears_the_pre_trained_one(
    tiny: Callable[[str], str], tones: Split, cache_folder: Path
) -> None:
    tuner = FineTuner(tiny("whisper"), *tones, CLASSES, Training(precision="float32"))
    tuned: dict[str, Any] = {"learning_rate": 3e-3, "epochs": 1, "unfreeze_epoch": 0, "max_seconds": 1}
    tuner.run(tuned, 1, lambda report: None, lambda: False)
    losses: list[float | None] = []
    for encoder in (tuner.frozen_encoder(), None):
        probe = ProbeTrainer(tiny("whisper"), *tones, CLASSES, Training(), encoder=encoder)
        result = probe.run({"layers": "2", "max_seconds": 1}, 0, lambda report: losses.append(report.validation_loss), lambda: False)
        assert probe.predict(tones[1], lambda: False) == result.predictions
        shutil.rmtree(cache_folder)
    assert losses[0] == losses[1]
    with pytest.raises(UserError, match="no model to save"):
        tuner.save_best(cache_folder)
