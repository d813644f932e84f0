"""Probes: what the frozen encoder knows, read off in about a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ser_tui.study.document import Training
from ser_tui.study.errors import UserError
from ser_tui.training.model import load_model
from ser_tui.training.probe import ProbeTrainer, fit
from ser_tui.training.trial import EpochReport, Part, TrialStopped

CLASSES = ("low", "high", "noise")
Split = tuple[Part, Part]


@pytest.mark.parametrize("family", ["whisper", "hubert"])
def test_a_probe_scores_and_its_saved_model_predicts_the_same(
    tiny: Callable[[str], str], tones: Split, tmp_path: Path, family: str
) -> None:
    trainer = ProbeTrainer(tiny(family), *tones, CLASSES, Training(normalize="peak"), threads_wanted=1)
    reports: list[EpochReport] = []
    values: dict[str, Any] = {"layers": "1+2", "pooling": "mean+std", "max_seconds": 1}
    result = trainer.run(values, 0, reports.append, lambda: False)
    assert result.bca > 0.8
    assert [report.bca for report in reports] == [result.bca]
    assert trainer.run(values, 1, reports.append, lambda: False).predictions == result.predictions
    trainer.save_best(tmp_path / "best")
    model = load_model(tmp_path / "best")
    assert not model.tuned
    logits = model.predict_logits(tones[1].paths)
    assert tuple(logits.argmax(1).tolist()) == result.predictions
    with pytest.raises(TrialStopped):
        trainer.run(values, 0, reports.append, lambda: True)
    with pytest.raises(UserError, match="learning_rate"):
        trainer.run({"learning_rate": 1.0}, 0, reports.append, lambda: False)


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
