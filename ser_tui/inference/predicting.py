"""What a model says of recordings, in order, a few minutes of audio in memory at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.corpora.hearing.prints import Listener
from ser_tui.evaluation.audible import NARROW
from ser_tui.inference.going_on import Finished
from ser_tui.inference.pieces import Cut, Stretch, pieces
from ser_tui.inference.sources import Recording
from ser_tui.store.answers import SILENT, Answer, Key, shown
from ser_tui.study.errors import UserError
from ser_tui.study.findings import FEW
from ser_tui.study.formatting import counted
from ser_tui.training import audio
from ser_tui.training.audio import SAMPLE_RATE, AudioError
from ser_tui.training.averaging import AveragedModel

SECONDS = 240.0
"""Of audio that the model is given at once."""
MOST = 128
"""Pieces of it."""
_WEIGHED = 100
"""Sources up to which what is left is told by their lengths: of more, one is as long as another."""
_BAND_SECONDS = 5
"""Of a recording by which it is told whether it is narrow-band."""


@dataclass
class Progress:
    """How far it has come."""

    sources: int
    done: int = 0
    seconds: float = 0.0
    """Of audio that was heard."""
    lengths: Mapping[Key, float] = field(default_factory=dict)
    """Seconds of each source, by `Recording.key`, where they are few, so that one may be most of the work; else each counts as much."""
    heard: float = 0.0
    """How much of the sources was heard, in what `weight` says of each."""
    passed: float = 0.0
    """How much was known to be done."""
    beyond: int = 0
    """Recordings of which the model heard the beginning alone."""
    narrow: int = 0
    """Recordings that hold nothing in the upper half of the spectrum, by their first piece that can be heard."""
    few: list[str] = field(default_factory=list)
    """Speakers of few utterances, where the model takes features by speakers."""
    mixed: list[str] = field(default_factory=list)
    """Speakers of whom there were answers already, by the statistics of what was asked about then."""

    def weight(self, source: Recording) -> float:
        """What `source` counts for in what is left."""
        return self.lengths.get(source.key, 0.0) if self.lengths else 1.0

    def over(self, source: Recording, *, known: bool = False) -> None:
        """All of `source` was dealt with; `known`: it was done before."""
        self.done += 1
        self.passed += self.weight(source) if known else 0.0

    def left(self, seconds: float) -> float | None:
        """Seconds that the rest will take where what was heard took `seconds`; None where nothing was heard yet."""
        whole = sum(self.lengths.values()) if self.lengths else float(self.sources)
        return seconds * max(0.0, whole - self.passed - self.heard) / self.heard if self.heard > 0 else None


def progress_of(sources: Sequence[Recording]) -> Progress:
    """That of `sources`: few are weighed by their lengths, for which the headers of their files are read."""
    if len(sources) > _WEIGHED:
        return Progress(len(sources))
    lengths: dict[Key, float] = {}
    for source in sources:
        with suppress(AudioError):
            if not source.problem:
                there = audio.extent(source.clip)
                lengths[source.key] = there.frames / there.rate
    return Progress(len(sources), lengths=lengths)


def check(model: AveragedModel, sources: Sequence[Recording], cut: Cut) -> None:
    """Raise UserError where the model cannot answer as it is asked to."""
    hears = model.hears
    if cut.seconds is not None and cut.seconds > hears:
        who = "this model" if len(model.members) == 1 else "a member of this ensemble"
        raise UserError(f"{who} uses {hears:g} s of an utterance: give --segments {hears:g}s at most")
    if not cut.whole and (one := next((source for source in sources if not source.clip.whole), None)) is not None:
        raise UserError(f"{one.name}: {one.clip} is a segment already; leave out --segments and --vad, or name whole recordings")
    if model.by_speaker:
        unknown = [source for source in sources if not source.speaker and not source.problem]
        if unknown:
            raise UserError(
                "this model takes features by each speaker's own statistics (training.normalize_speaker), and "
                f"{counted(len(unknown), 'recording')} {'has' if len(unknown) == 1 else 'have'} no speaker (first: {unknown[0].name}): "
                "give a table with a column of speakers (--column speaker=HEADER)"
            )


def predictions(
    model: AveragedModel, sources: Sequence[Recording], cut: Cut, done: Collection[Key] = (), progress: Progress | None = None
) -> Iterator[list[Answer]]:
    """Answers on `sources`, some at a time, those that are `done` left out. `check` must have passed.

    In the order of `sources`; of a model by speakers in that of speakers, each at once. What cannot be read is an answer too.
    """
    told = progress or Progress(len(sources))
    if model.by_speaker:
        yield from _by_speaker(model, sources, cut, done, told)
        return
    waiting: list[tuple[Recording, Stretch]] = []
    seconds = passed = 0.0
    for source, piece in all_pieces(model, _left(sources, cut, done, told), cut, told):
        if _key(source, piece) in done:
            passed += piece.seconds
            if passed >= SECONDS:  # so that whoever waits sees how far it has come
                yield []
                passed = 0.0
            continue
        waiting.append((source, piece))
        seconds += 0.0 if piece.waveform is None else len(piece.waveform) / SAMPLE_RATE
        if seconds >= SECONDS or len(waiting) >= MOST:
            yield _answers(model, waiting)
            waiting, seconds = [], 0.0
    if waiting:
        yield _answers(model, waiting)


def _left(sources: Sequence[Recording], cut: Cut, done: Collection[Key], told: Progress) -> Iterator[Recording]:
    """Sources that are not known to be done."""
    finished = Finished(done, cut)
    for source in sources:
        if finished.has(source):
            told.over(source, known=True)
        else:
            yield source


def all_pieces(model: AveragedModel, sources: Iterator[Recording], cut: Cut, told: Progress) -> Iterator[tuple[Recording, Stretch]]:
    """What `model` is to hear of `sources`, in order, and of which of them each is; `told` hears how far it has come."""
    for source in sources:
        clip, before, weight = source.clip, told.heard, told.weight(source)
        if source.problem:
            yield source, Stretch(clip.start, clip.end, None, problem=source.problem)
        else:
            beyond, heard = False, False
            for piece in pieces(clip, cut, model.hears, model.needs):
                told.seconds += piece.seconds
                if told.lengths:
                    told.heard = before + min(weight, (piece.end or piece.seconds) - (clip.start or 0.0))
                beyond |= piece.seconds > model.hears
                if piece.waveform is not None and not heard:
                    heard = True
                    told.narrow += _narrow(piece.waveform)
                yield source, piece
            told.beyond += beyond
        told.heard = before + weight
        told.over(source)


def _narrow(waveform: Tensor) -> bool:
    """Whether a waveform [samples] at 16 kHz holds nothing in the upper half of its spectrum, as where its file is of 8 kHz."""
    listener = Listener(SAMPLE_RATE)
    listener.add(waveform[: SAMPLE_RATE * _BAND_SECONDS].numpy())
    upper = listener.upper()
    return upper is not None and upper < NARROW


def _answers(model: AveragedModel, found: Sequence[tuple[Recording, Stretch]]) -> list[Answer]:
    heard = [piece.waveform for _, piece in found if piece.waveform is not None]
    return answers_on(model, found, model.said(model.heard(heard)))


def answers_on(
    model: AveragedModel, found: Sequence[tuple[Recording, Stretch]], shares: NDArray[np.float32], after: NDArray[np.float32] | None = None
) -> list[Answer]:
    """The answers on `found`, of whose pieces with a waveform `shares` are the class probabilities, and `after` those after
    self-training."""
    rows = iter(zip(shares, shares[:, :0] if after is None else after, strict=True))
    answers = []
    for source, piece in found:
        problem, said, taught = piece.problem, tuple[float, ...](), tuple[float, ...]()
        if piece.waveform is not None:
            row, row_after = next(rows)
            if np.isfinite(row).all():
                said, taught = tuple(float(one) for one in row), tuple(float(one) for one in row_after)
            else:
                problem = f"shorter than {model.least_milliseconds:g} ms"
        answers.append(Answer(source.name, piece.start, piece.end, said, problem, bool(problem) and problem != SILENT, taught))
    return answers


def _by_speaker(
    model: AveragedModel, sources: Sequence[Recording], cut: Cut, done: Collection[Key], told: Progress
) -> Iterator[list[Answer]]:
    """Of each speaker the pooled vectors of all pieces are kept, a few kilobytes each, until all are there."""
    ordered = sorted(sources, key=lambda source: source.voice)
    finished = Finished(done, cut)
    for (speaker, _), own in groupby(ordered, key=lambda source: source.voice):
        group = list(own)
        if all(_answered(model, source, cut, done, finished) for source in group):
            for source in group:
                told.over(source, known=True)
            continue
        answers = _of_speaker(model, speaker, group, cut, told)
        new = [answer for answer in answers if answer.key not in done]
        if new and len(new) < len(answers):
            told.mixed.append(speaker)
        yield new


def _of_speaker(model: AveragedModel, speaker: str, sources: Sequence[Recording], cut: Cut, told: Progress) -> list[Answer]:
    found: list[tuple[Recording, Stretch]] = []
    heard: list[list[NDArray[np.float32]]] = []
    waiting: list[Tensor] = []
    for source, piece in all_pieces(model, iter(sources), cut, told):
        found.append((source, without_samples(piece)))
        if piece.waveform is not None:
            waiting.append(piece.waveform)
        if len(waiting) >= MOST:
            heard.append(model.heard(waiting))
            waiting = []
    if waiting:
        heard.append(model.heard(waiting))
    if not heard:
        return answers_on(model, found, np.empty((0, len(model.classes)), np.float32))
    whole = [np.concatenate(parts) for parts in zip(*heard, strict=True)]
    pairs = zip(model.members, whole, strict=True)
    count = min(int(np.isfinite(one).all(axis=1).sum()) for member, one in pairs if member.pooling.by_speaker)
    if count < 2:  # of one utterance its own mean leaves nothing
        why = lone(speaker)
        found = [(source, replace(one, waveform=None, problem=one.problem or why)) for source, one in found]
        return answers_on(model, found, np.empty((0, len(model.classes)), np.float32))
    if count < FEW:
        told.few.append(speaker)
    return answers_on(model, found, model.said(whole, [speaker] * len(whole[0])))


def without_samples(piece: Stretch) -> Stretch:
    """The piece, of which only whether it could be heard is kept: a recording of hours has many."""
    return replace(piece, waveform=None if piece.waveform is None else piece.waveform[:0].clone())


def lone(speaker: str) -> str:
    """Why a model by speakers' statistics says nothing of the only utterance of `speaker`."""
    return f"one utterance of speaker {speaker}: this model needs several of each"


def _answered(model: AveragedModel, source: Recording, cut: Cut, done: Collection[Key], finished: Finished) -> bool:
    """Whether there is an answer on all of `source`: where need be it is cut, but the model does not hear it."""
    if finished.has(source):
        return True
    return finished.begun(source) and all(_key(source, piece) in done for piece in pieces(source.clip, cut, model.hears, model.needs))


def _key(source: Recording, piece: Stretch) -> Key:
    return shown(source.name), piece.start, piece.end
