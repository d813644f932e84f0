"""Classes of unlike size in fine-tuning: weights on the loss of each utterance, or batches that draw every class as often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ser_tui.training.metrics import class_counts


def class_weights(labels: Sequence[int], classes: int) -> list[float]:
    """n / (K n_c) for each class with n_c of the n `labels`, of which K classes occur (as scikit-learn's "balanced"): their mean
    over the utterances is 1, so that a learning rate means what it did. 0 for a class that does not occur."""
    counts = class_counts(labels, classes)
    present = int((counts > 0).sum())
    return [len(labels) / (present * int(count)) if count else 0.0 for count in counts]


def criterion(balance: str, labels: Sequence[int], classes: int, smoothing: float) -> nn.Module:
    """The training loss of a batch, of logits [B, C] and classes [B]: cross-entropy, weighted where `balance` says so."""
    if balance == "weights":
        return _Weighted(class_weights(labels, classes), smoothing)
    return nn.CrossEntropyLoss(label_smoothing=smoothing)


class _Weighted(nn.Module):
    """The mean over the batch of each utterance's weighted cross-entropy.

    Not by the sum of the batch's weights, as PyTorch's own `weight` has it: the parts of a batch then would not add up to it, and
    an utterance of a rare class would count for more in some batches than in others.
    """

    def __init__(self, weights: Sequence[float], smoothing: float) -> None:
        super().__init__()
        self._weights, self._smoothing = torch.tensor(weights), smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        losses = nn.functional.cross_entropy(logits, labels, label_smoothing=self._smoothing, reduction="none")
        return (losses * self._weights[labels]).mean()


def drawn(labels: Sequence[int], seed: int, epoch: int) -> list[int]:
    """Indices of `labels`, as many as there are, every class that occurs as often (give or take one).

    Within a class no utterance is drawn twice before each was drawn once. The same arguments draw the same ones on every machine.
    """
    random = np.random.default_rng([seed, epoch, 1])
    held = np.asarray(labels)
    found = np.unique(held)
    # Who gets what does not divide evenly changes from epoch to epoch.
    quotas = np.full(len(found), len(held) // len(found))
    quotas[random.permutation(len(found))[: len(held) % len(found)]] += 1
    chosen: list[int] = []
    for label, quota in zip(found, quotas, strict=True):
        own = np.flatnonzero(held == label)
        turns = [random.permutation(own) for _ in range(-(-int(quota) // len(own)))]
        chosen += (int(index) for index in np.concatenate(turns)[: int(quota)]) if turns else ()
    return chosen
