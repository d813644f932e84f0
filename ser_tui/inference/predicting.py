"""What a model says of recordings, in order, a few minutes of audio in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ser_tui.inference.pieces import Cut, Stretch, pieces
from ser_tui.inference.sources import Recording
from ser_tui.store.answers import SILENT, Answer, Key, shown
from ser_tui.study.errors import UserError
from ser_tui.training.model import Model

_SECONDS = 240.0
"""Of audio that the model is given at once."""
_MOST = 128
"""Pieces of it."""
FEW = 10
"""Utterances of a speaker below which statistics over them say little."""


@dataclass
class Progress:
    """How far it has come."""

    sources: int
    done: int = 0
    seconds: float = 0.0
    """Of audio that was heard."""
    beyond: int = 0
    """Recordings of which the model heard the beginning alone."""
    few: list[str] = field(default_factory=list)
    """Speakers of few utterances, where the model takes features by speakers."""


def check(model: Model, sources: Sequence[Recording], cut: Cut) -> None:
    """Raise UserError where the model cannot answer as it is asked to."""
    hears = model.recipe.max_seconds
    if cut.seconds is not None and cut.seconds > hears:
        raise UserError(f"this model uses {hears:g} s of an utterance: give --segments {hears:g}s at most")
    if not cut.whole and (one := next((source for source in sources if not source.clip.whole), None)) is not None:
        raise UserError(f"{one.name}: {one.clip} is a segment already; leave out --segments and --vad, or name whole recordings")
    if model.pooling.by_speaker:
        unknown = [source for source in sources if not source.speaker and not source.problem]
        if unknown:
            raise UserError(
                f"this model takes features by each speaker's own statistics (training.normalize_speaker), and {len(unknown)} recordings "
                f"have no speaker (first: {unknown[0].name}): give a table with a column of speakers (--speaker-column NAME)"
            )


def predictions(
    model: Model, sources: Sequence[Recording], cut: Cut, done: Collection[Key] = (), progress: Progress | None = None
) -> Iterator[list[Answer]]:
    """Answers on `sources`, some at a time, those that are `done` left out. `check` must have passed.

    In the order of `sources`; of a model by speakers in that of speakers, each at once. What cannot be read is an answer too.
    """
    told = progress or Progress(len(sources))
    if model.pooling.by_speaker:
        yield from _by_speaker(model, sources, cut, done, told)
        return
    waiting: list[tuple[Recording, Stretch]] = []
    seconds = 0.0
    for source, piece in _all(model, _left(sources, cut, done, told), cut, told):
        if _key(source, piece) in done:
            continue
        waiting.append((source, piece))
        seconds += min(piece.seconds, model.recipe.max_seconds)
        if seconds >= _SECONDS or len(waiting) >= _MOST:
            yield _answers(model, waiting)
            waiting, seconds = [], 0.0
    if waiting:
        yield _answers(model, waiting)


def _left(sources: Sequence[Recording], cut: Cut, done: Collection[Key], told: Progress) -> Iterator[Recording]:
    """Sources that are not wholly done: of recordings in pieces all but the last one that there is anything of."""
    if cut.whole:
        for source in sources:
            if (shown(source.name), source.clip.start, source.clip.end) in done:
                told.done += 1
            else:
                yield source
        return
    names = [name for name, *_ in done]
    begun = set(names) - set(names[-1:])
    for source in sources:
        if shown(source.name) in begun:
            told.done += 1
        else:
            yield source


def _all(model: Model, sources: Iterator[Recording], cut: Cut, told: Progress) -> Iterator[tuple[Recording, Stretch]]:
    for source in sources:
        clip = source.clip
        if source.problem:
            yield source, Stretch(clip.start, clip.end, None, problem=source.problem)
        else:
            beyond = False
            for piece in pieces(clip, cut, model.recipe):
                told.seconds += piece.seconds
                beyond |= piece.seconds > model.recipe.max_seconds
                yield source, piece
            told.beyond += beyond
        told.done += 1


def _answers(model: Model, found: Sequence[tuple[Recording, Stretch]]) -> list[Answer]:
    heard = [piece.waveform for _, piece in found if piece.waveform is not None]
    return _told(model, found, model.heard(heard) if heard else np.empty((0, len(model.classes)), np.float32))


def _told(model: Model, found: Sequence[tuple[Recording, Stretch]], logits: NDArray[np.float32]) -> list[Answer]:
    """The answers on `found`, of whose pieces with a waveform `logits` are."""
    rows = iter(probabilities(logits))
    answers = []
    for source, piece in found:
        problem, said = piece.problem, tuple[float, ...]()
        if piece.waveform is not None:
            row = next(rows)
            if np.isfinite(row).all():
                said = tuple(float(one) for one in row)
            else:
                problem = f"shorter than {model.encoder.minimum_samples / 16:g} ms"
        answers.append(Answer(source.name, piece.start, piece.end, said, problem, bool(problem) and problem != SILENT))
    return answers


def _by_speaker(model: Model, sources: Sequence[Recording], cut: Cut, done: Collection[Key], told: Progress) -> Iterator[list[Answer]]:
    """Of each speaker the pooled vectors of all pieces are kept, a few kilobytes each, until all are there."""
    ordered = sorted(sources, key=lambda source: source.speaker)
    names = {name for name, *_ in done}
    last = next(reversed(list(done)), ("", None, None))[0]
    for speaker, own in groupby(ordered, key=lambda source: source.speaker):
        group = list(own)
        keys = [(shown(source.name), source.clip.start, source.clip.end) for source in group]
        over = all(key in done for key in keys) if cut.whole else all(name in names and name != last for name, *_ in keys)
        if over:
            told.done += len(group)
            continue
        found: list[tuple[Recording, Stretch]] = []
        vectors: list[NDArray[np.float32]] = []
        waiting: list[Stretch] = []

        def hear(waiting: list[Stretch] = waiting, vectors: list[NDArray[np.float32]] = vectors) -> None:
            vectors.append(model.heard([piece.waveform for piece in waiting if piece.waveform is not None]))
            waiting.clear()

        for source, piece in _all(model, iter(group), cut, told):
            held = None if piece.waveform is None else piece.waveform[:0].clone()
            found.append((source, replace(piece, waveform=held)))
            if piece.waveform is not None:
                waiting.append(piece)
            if len(waiting) >= _MOST:
                hear()
        if waiting:
            hear()
        if vectors:
            whole = np.concatenate(vectors)
            count = int(np.isfinite(whole).all(axis=1).sum())
            if count < 2:  # of one utterance its own mean leaves nothing
                why = f"one utterance of speaker {speaker}: this model needs several of each"
                found = [(source, replace(one, waveform=None, problem=one.problem or why)) for source, one in found]
                logits = np.empty((0, len(model.classes)), np.float32)
            else:
                if count < FEW:
                    told.few.append(speaker)
                logits = model.heard_by_speaker(whole, [speaker] * len(whole))
        else:
            logits = np.empty((0, len(model.classes)), np.float32)
        answers = _told(model, found, logits)
        yield [answer for answer in answers if answer.key not in done]


def _key(source: Recording, piece: Stretch) -> Key:
    return shown(source.name), piece.start, piece.end


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The softmax of `logits` [N, classes]; NaN stays."""
    exact = logits.astype(np.float64)
    raised = np.exp(exact - exact.max(axis=1, keepdims=True)) if len(exact) else exact
    found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found
