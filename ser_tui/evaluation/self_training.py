"""Self-training: a model's surest answers about a corpus teach a second head, which knows that corpus's voices and rooms.

Pseudo-labels (Lee 2013), without the training data: linear discriminants are fitted on the utterances that the model answers most
surely, with its answers for labels, and both heads answer together; that is repeated with their answers. No label of the corpus is used,
but its recordings are, so that what it scores is no plain zero-shot score: it is transductive.

SHARE, WEIGHT, ROUNDS and STRENGTH were chosen on EmoDB and EMOVO, each answered by probes that were trained on the other
(docs/measured/unheard.md).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from ser_tui.training import discriminant
from ser_tui.training.linear import standardise

SHARE = 0.8
"""Of the utterances of each answer, those that teach: the surest ones."""
WEIGHT = 2.0
"""What a logarithmic probability of the second head counts beside one of the model's."""
ROUNDS = 3
STRENGTH = 0.25
"""C of the discriminants."""
LEAST = 10
"""Utterances, on average of a class that can be answered, below which nothing is taught."""
_FLOOR = 1e-9
"""A probability that is never fallen short of, so that neither head, which may be far too sure of another corpus, excludes an answer."""


def self_trained(features: NDArray[np.float32], logits: NDArray[np.floating], answers: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Logits [N, C] of the model and of what its own answers teach, out of its `features` [N, width] and `logits` [N, C]; `answers` [C]:
    which classes can be answered. Rows that are not finite stay so. None where there are too few utterances, or the surest ones are all of
    one class.
    """
    known = np.flatnonzero(np.isfinite(logits).all(axis=1) & np.isfinite(features).all(axis=1))
    if len(known) < LEAST * max(int(answers.sum()), 1):
        return None
    heard = features[known]
    first = _likely(logits[known], answers)
    said = first
    for _ in range(ROUNDS):
        taught = _surest(said)
        labels = said[taught].argmax(axis=1).astype(np.int64)
        if len(np.unique(labels)) < 2:
            return None
        head = discriminant.solve(standardise(heard[taught]), labels, logits.shape[1], STRENGTH)
        with torch.no_grad():
            second = _likely(head(torch.from_numpy(heard)).numpy(), answers)
        said = first + WEIGHT * second
    found = np.full(logits.shape, np.nan)
    found[known] = said
    return found


def _likely(logits: NDArray[np.floating], answers: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logarithmic probabilities [N, C] among the classes that can be answered; none is less than that of `_FLOOR`."""
    likely = log_softmax(np.where(answers, logits.astype(np.float64), -np.inf), axis=1)
    return np.asarray(np.maximum(likely, np.log(_FLOOR)), dtype=np.float64)


def _surest(said: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows of `said` [N, C] that teach: of each answer, the SHARE whose answer is likeliest. Of equals the first."""
    given, likely = said.argmax(axis=1), log_softmax(said, axis=1).max(axis=1)
    rows: list[int] = []
    for label in np.unique(given):
        own = np.flatnonzero(given == label)
        rows += own[np.argsort(-likely[own], kind="stable")[: int(np.ceil(SHARE * len(own)))]].tolist()
    return np.asarray(sorted(rows), dtype=np.intp)
