"""Self-training: a model's surest answers about a corpus teach a second head, which knows that corpus's voices and rooms.

Pseudo-labels (Lee 2013), without the training data: linear discriminants are fitted on the utterances that the model answers most
surely, with its answers for labels, and both heads answer together; that is repeated with their answers. No label of the corpus is used,
but its recordings are, so that what it scores is no plain zero-shot score: it is transductive.

SHARE, WEIGHT, ROUNDS and STRENGTH were chosen on EmoDB and EMOVO, each answered by probes that were trained on the other
(docs/measured/unheard-tried.md).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
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
MOST = 20_000
"""Utterances that teach at most, evenly drawn from the sure ones: discriminants need no more, and a head on more of them gigabytes."""
_FLOOR = 1e-9
"""A probability that is never fallen short of, so that neither head, which may be far too sure of another corpus, excludes an answer."""


def self_trained(features: NDArray[np.float32], logits: NDArray[np.floating], answers: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logits [N, C] of the model and of what its own answers teach, out of its `features` [N, width] and `logits` [N, C]; `answers` [C]:
    which classes can be answered. They are the weighted mean of both heads' logarithmic probabilities. Rows that are not finite stay so,
    and features that are all zero, such as those of a speaker's only utterance by that speaker's own statistics, teach nothing. In
    whatever order utterances come, each is answered alike.

    Raises UserError where too few utterances can teach, or the surest ones are all of one class.
    """
    finite = np.isfinite(logits).all(axis=1) & np.isfinite(features).all(axis=1)
    known = np.flatnonzero(finite)
    heard = features if len(known) == len(features) else features[known]
    can_teach = np.asarray(heard.any(axis=1))
    refuse_few(int(can_teach.sum()), int(answers.sum()))
    first, apart = _likely(logits[known], answers), _apart(logits[known], answers)
    said = first
    for _ in range(ROUNDS):
        taught = _surest(said, apart, can_teach)
        labels = said[taught].argmax(axis=1).astype(np.int64)
        if len(np.unique(labels)) < 2:
            raise UserError("the surest answers are all of one class, which teaches nothing")
        head = discriminant.solve(standardise(heard[taught]), labels, logits.shape[1], STRENGTH)
        with torch.no_grad():
            second = _likely(head(torch.from_numpy(heard)).numpy(), answers)
        said = first + WEIGHT * second
    found = np.full(logits.shape, np.nan)
    found[known] = said / (1 + WEIGHT)
    return found


def refuse_few(utterances: int, classes: int) -> None:
    """Raise UserError where so many utterances are too few to teach so many classes."""
    if utterances < LEAST * classes:
        raise UserError(f"{counted(utterances, 'utterance')} can teach too little of {classes} classes: {LEAST} a class are the least")


def _likely(logits: NDArray[np.floating], answers: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logarithmic probabilities [N, C] among the classes that can be answered; none is less than that of `_FLOOR`."""
    likely = log_softmax(np.where(answers, logits.astype(np.float64), -np.inf), axis=1)
    return np.asarray(np.maximum(likely, np.log(_FLOOR)), dtype=np.float64)


def _apart(logits: NDArray[np.floating], answers: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How far the first of the classes that can be answered is before the second in `logits` [N, C]: [N], zero where there is no second."""
    able = np.sort(logits[:, answers].astype(np.float64), axis=1)
    return np.asarray(able[:, -1] - able[:, -2] if able.shape[1] > 1 else np.zeros(len(able)))


def _surest(said: NDArray[np.float64], apart: NDArray[np.float64], can_teach: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Rows of `said` [N, C] that teach: of each answer, the SHARE whose answer is likeliest. Of equals those that are further `apart` [N]:
    a model that is far too sure is equally sure of most, and the first ones would be the first speakers."""
    given, likely = said.argmax(axis=1), log_softmax(said, axis=1).max(axis=1)
    chosen: list[NDArray[np.intp]] = []
    for label in np.unique(given):
        own = np.flatnonzero((given == label) & can_teach)
        chosen.append(own[np.lexsort((-apart[own], -likely[own]))][: int(np.ceil(SHARE * len(own)))])
    count = sum(map(len, chosen))
    if count > MOST:
        chosen = [own[np.linspace(0, len(own) - 1, max(len(own) * MOST // count, 1)).astype(np.intp)] for own in chosen if len(own)]
    return np.sort(np.concatenate(chosen))
