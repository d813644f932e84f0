"""Temperatures: fitted on held-out answers, in what is kept and in the model, while no answer changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation.errors import likelihood, reliability
from ser_tui.experiment import cooling
from ser_tui.experiment.search import search
from ser_tui.inference.loading import Loaded
from ser_tui.store.outputs import Outputs, read
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import Study
from ser_tui.study.load import loads
from ser_tui.training.metrics import class_probabilities
from ser_tui.worker.in_memory import InMemory

PROBE = """
name: cooled
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
method: probe
strategy: random
budget: 1
search: {layers: "1", inverse_regularization: 0.003, max_seconds: 1}
"""


def bold(n: int = 600) -> tuple[np.ndarray, list[int]]:
    """Answers of a model that is three times as sure as it is right to be."""
    random = np.random.default_rng(5)
    logits = random.normal(size=(n, 4))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = [int(random.choice(4, p=row)) for row in shares]
    return class_probabilities(logits * 3), truth


def test_sure_answers_become_as_sure_as_they_are_right_and_stay_the_same_answers() -> None:
    said, truth = bold()
    said[7] = np.nan
    assert cooling.fitted(said, truth) == pytest.approx(3, rel=0.15)
    kept = cooling.cooled_apart(said, truth, [index % 5 for index in range(len(truth))])
    there = np.isfinite(said).all(1)
    assert not np.isfinite(kept[7]).any() and (kept[there].argmax(1) == said[there].argmax(1)).all()
    labels = np.asarray(truth)[there].tolist()
    assert reliability(kept[there], labels)[1] < 0.5 * reliability(said[there], labels)[1]
    assert likelihood(kept[there], labels) < likelihood(said[there], labels)


def test_a_fold_has_no_say_in_its_own_temperature() -> None:
    said, truth = bold()
    folds = [0] * 300 + [1] * 300
    changed = [(label + 1) % 4 for label in truth[:300]] + truth[300:]
    before, after = (cooling.cooled_apart(said, labels, folds) for labels in (truth, changed))
    assert np.array_equal(before[:300], after[:300]) and not np.array_equal(before[300:], after[300:])


def test_nothing_to_fit_leaves_probabilities_as_they_are() -> None:
    right = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)
    assert cooling.fitted(right, [0, 1]) == cooling.fitted(np.full((2, 2), np.nan, dtype=np.float32), [0, 1]) == 1.0
    assert cooling.cooled(right, 1.0) is right


def test_the_kept_model_and_its_outputs_share_the_temperature(small_study: Callable[..., Study]) -> None:
    def kept(calibration: str) -> tuple[Outputs, np.ndarray, list[str]]:
        study = loads(PROBE, "small.yaml", [f"training.calibration={calibration}"])
        with InMemory(study) as memory:
            search(memory, Forecast)
            best, folder = memory.state.best, RunFolder(memory.keeper._folder.path)
            assert best is not None
            model = memory.keeper.load_best(best)
            for known, calibrated in ((model.temperature, calibration == "temperature"), (1.0, False), (2.0, True)):
                assert Loaded(replace(model, temperature=known), "x", folder).calibrated == calibrated, known
            weights = model.head.linear.weight.detach().numpy().copy()
            return read(folder.outputs, best.outputs, 3), weights, [text for _, _, text in memory.state.log]

    plain, weights, _ = kept("none")
    cooled, scaled, log = kept("temperature")
    temperature = cooling.fitted(plain.probabilities, plain.truth)
    assert plain.predictions == cooled.predictions and temperature != 1.0
    assert np.allclose(weights / temperature, scaled, rtol=1e-4)
    assert np.allclose(cooling.cooled(plain.probabilities, temperature), cooled.probabilities, atol=1e-4)
    assert any(f"temperature {temperature:.2f}, fitted on" in text for text in log)
