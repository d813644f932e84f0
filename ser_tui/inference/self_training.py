"""Answers after self-training on all that is asked about, beside those of the model: see `ser_tui.evaluation.self_training`.

They are transductive: what is said of one recording depends on the others, so that all of them are heard before anything is answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.evaluation.self_training import refuse_few, self_trained
from ser_tui.inference.pieces import Cut, Stretch
from ser_tui.inference.predicting import MOST, SECONDS, Progress, all_pieces, answers_on, lone, without_samples
from ser_tui.inference.sources import Recording
from ser_tui.store.answers import Answer
from ser_tui.study.errors import UserError
from ser_tui.study.findings import FEW
from ser_tui.training import hearing
from ser_tui.training.audio import SAMPLE_RATE
from ser_tui.training.averaging import AveragedModel
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import Model

Found = list[tuple[Recording, Stretch]]


def teachable(model: AveragedModel, utterances: int | None = None) -> Model:
    """The one model on a frozen encoder that `model` is. Raises UserError where it is another, or where so many `utterances`, if that
    is known before they are heard, are too few."""
    member, *others = model.members
    if others:
        raise UserError("self-training needs one model, and this is an ensemble: name one of its members, or leave self-training out")
    if member.tuned:
        raise UserError(
            "self-training needs a model on a frozen encoder (method: probe), and the encoder of this one was trained with it: leave "
            "self-training out"
        )
    if utterances is not None:
        with _told():
            refuse_few(utterances, len(member.classes))
    return member


def taught(features: NDArray[np.float32], logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Class probabilities [N, C] after self-training, out of what the head heard [N, width] and said [N, C]. Raises UserError where too
    little can be taught."""
    with _told():
        return class_probabilities(self_trained(features, logits, np.ones(logits.shape[1], dtype=bool)))


@contextmanager
def _told() -> Iterator[None]:
    """Within it a UserError says what it is about, and what to do."""
    try:
        yield
    except UserError as error:
        raise UserError(f"no answers after self-training: {error}; give more recordings, or leave self-training out") from None


def answers_after(model: AveragedModel, sources: Sequence[Recording], cut: Cut, told: Progress) -> Iterator[list[Answer]]:
    """Answers on `sources` with those after self-training, all at the end; before that nothing, now and then, so that whoever waits
    sees how far it has come. `predicting.check` and `teachable` must have passed. Of each piece the pooled vector is kept, a few kilobytes.

    Raises UserError where too little could be heard to teach anything.
    """
    member = teachable(model)
    found, vectors, waiting = Found(), list[NDArray[np.float32]](), list[Tensor]()
    for source, piece in all_pieces(model, iter(sources), cut, told):
        found.append((source, without_samples(piece)))
        if piece.waveform is not None:
            waiting.append(piece.waveform)
        if len(waiting) >= MOST or sum(map(len, waiting)) >= SECONDS * SAMPLE_RATE:
            vectors.append(_heard(member, waiting))
            waiting = []
            yield []
    vectors.append(_heard(member, waiting))
    yield _answers(model, member, found, np.concatenate(vectors), told)


def _heard(member: Model, waveforms: Sequence[Tensor]) -> NDArray[np.float32]:
    return member.heard([hearing.prepared(one, member.recipe) for one in waveforms], pooled=True)


def _answers(model: AveragedModel, member: Model, found: Found, vectors: NDArray[np.float32], told: Progress) -> list[Answer]:
    names = list[str]()
    if member.pooling.by_speaker:
        found, vectors = _without_lone(found, vectors, told)
        names = [repr(source.voice) for source, piece in found if piece.waveform is not None]
    features = member.features_of(vectors, names)
    logits = member.answered(features)
    return answers_on(model, found, class_probabilities(logits), taught(features, logits))


def _without_lone(found: Found, vectors: NDArray[np.float32], told: Progress) -> tuple[Found, NDArray[np.float32]]:
    """`found` and its `vectors` [pieces that were heard, width] without the only utterances of speakers, of which their own statistics
    leave nothing. `told` hears of speakers of few."""
    rows = iter(np.asarray(np.isfinite(vectors).all(axis=1)).tolist())
    readable = [piece.waveform is not None and next(rows) for _, piece in found]
    count = Counter(source.voice for (source, _), known in zip(found, readable, strict=True) if known)
    told.few += [speaker for (speaker, _), of in count.items() if 1 < of < FEW]
    left = [
        (source, replace(piece, waveform=None, problem=lone(source.speaker)) if known and count[source.voice] == 1 else piece)
        for (source, piece), known in zip(found, readable, strict=True)
    ]
    heard = [after.waveform is not None for (_, before), (_, after) in zip(found, left, strict=True) if before.waveform is not None]
    return left, vectors[np.asarray(heard, dtype=bool)]
