"""Classes of unlike size: weights and draws, and what they do to a training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import loads
from ser_tui.study.training import Training
from ser_tui.training import balancing
from ser_tui.training.finetune import FineTuner
from ser_tui.training.linear import fit
from ser_tui.training.trial import Part

LABELS = [0] * 12 + [1] * 3 + [3]


def test_weights_make_every_class_count_the_same_and_an_utterance_one_on_average() -> None:
    weights = balancing.class_weights(LABELS, 4)
    shares = Counter(LABELS)
    assert weights[2] == 0 and [weights[label] * shares[label] for label in (0, 1, 3)] == pytest.approx([16 / 3] * 3)
    assert np.mean([weights[label] for label in LABELS]) == pytest.approx(1)


def test_the_parts_of_a_batch_add_up_to_its_weighted_loss() -> None:
    logits, labels = torch.randn(16, 4, generator=torch.Generator().manual_seed(1)), torch.tensor(LABELS)
    loss = balancing.criterion("weights", LABELS, 4, 0.1)
    parts = [loss(logits[half], labels[half]) * 0.5 for half in (slice(0, 8), slice(8, 16))]
    assert float(sum(parts)) == pytest.approx(float(loss(logits, labels)))
    weights = torch.tensor(balancing.class_weights(LABELS, 4))
    whole = balancing.criterion("weights", LABELS, 4, 0.0)(logits, labels)
    assert float(whole) == pytest.approx(float(nn.CrossEntropyLoss(weight=weights)(logits, labels))), "over all of it, PyTorch's own"
    even = balancing.criterion("weights", [0, 1, 2, 3] * 4, 4, 0.1)
    assert float(even(logits, labels)) == pytest.approx(float(nn.CrossEntropyLoss(label_smoothing=0.1)(logits, labels)))


def test_every_class_is_drawn_as_often_and_nobody_twice_before_all_once() -> None:
    for epoch in range(5):
        drawn = balancing.drawn(LABELS, 7, epoch)
        counts = Counter(LABELS[index] for index in drawn)
        assert len(drawn) == 16 and sorted(counts.values()) == [5, 5, 6]
        often = Counter(drawn)
        for label in (0, 1, 3):
            own = [often[index] for index, other in enumerate(LABELS) if other == label]
            assert max(own) - min(own) <= 1
        assert drawn == balancing.drawn(LABELS, 7, epoch) != balancing.drawn(LABELS, 8, epoch)


def test_a_probe_without_balance_leans_to_the_larger_class() -> None:
    random = np.random.default_rng(3)
    labels = np.array([0] * 90 + [1] * 10, dtype=np.int64)
    features = (random.normal(size=(100, 3)) + 0.5 * labels[:, None]).astype(np.float32)
    with torch.no_grad():
        plain, even = (
            int((fit(features, labels, 2, 1.0, balanced=balanced)(torch.from_numpy(features)).argmax(1) == 1).sum())
            for balanced in (False, True)
        )
    assert plain < even


@pytest.mark.parametrize("balance", ["weights", "sampling"])
def test_fine_tuning_hears_a_rare_class(tiny: Callable[[str], str], tones: tuple[Part, Part], balance: str) -> None:
    train, validation = tones
    few = [index for index, label in enumerate(train.labels) if label or index % 6 == 0]
    clips, labels = tuple(train.clips[index] for index in few), tuple(train.labels[index] for index in few)
    part = Part(clips, labels, tuple(train.digests[index] for index in few))
    settings = Training(precision="float32", balance=balance)
    trainer = FineTuner(tiny("wav2vec2"), part, validation, ("low", "high", "noise"), settings)
    values: dict[str, Value] = {"layers": "2", "max_seconds": 1, "epochs": 2, "learning_rate": 1e-3, "head_initialization": "probe"}
    first, second = (trainer.run(values, 3, lambda report: None, lambda: False) for _ in range(2))
    assert first.predictions == second.predictions and first.value() > 0.5


def test_what_a_probe_or_the_papers_loop_cannot_do_is_refused() -> None:
    with pytest.raises(Exception, match="a probe has not"):
        loads("method: probe\ntraining: {balance: sampling}\n")
    with pytest.raises(Exception, match="paper does not balance"):
        loads("training: {balance: weights, paper_exact: true}\n")
