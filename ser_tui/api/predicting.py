"""Trained models for scripts and notebooks: from speech to emotions and their probabilities."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ser_tui.api.running import Run
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.inference.loading import answering
from ser_tui.inference.pieces import Cut
from ser_tui.inference.predicting import MOST, Progress, check, predictions
from ser_tui.inference.self_training import answers_after, teachable
from ser_tui.inference.sources import Recording
from ser_tui.store.answers import Answer
from ser_tui.store.held_folders import held_folder
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.uses import LEAST_SEGMENT, MOST_SEGMENT
from ser_tui.training.averaging import AveragedModel

Speech = str | os.PathLike[str] | tuple[NDArray[Any], int]
"""An audio file; or samples [samples] or [samples, channels], floats from -1 to 1 or integers of their type's whole range, with
their rate in Hz."""


_AT_ONCE = 2 * MOST
"""Utterances that are in memory, and as files, at a time."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of N utterances, in order."""

    classes: tuple[str, ...]
    """The emotions, in alphabetical order."""
    probabilities: NDArray[np.float32]
    """[N, classes], each row summing to 1: the softmax of the model's outputs, calibrated where the run's study has
    `training.calibration`. NaN where there is none."""
    problems: Mapping[int, str]
    """Index -> which file it is and why it has no answer: it cannot be read, is silent, or is a speaker's only one."""
    transductive: NDArray[np.float32] | None = None
    """As `probabilities`, after self-training on all N utterances together, and not calibrated; None: that was not asked for."""

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The most probable emotion of each; None where it could not be read."""
        return _labels(self.classes, self.probabilities)

    @property
    def transductive_labels(self) -> tuple[str | None, ...]:
        """The same after self-training; of no utterance where that was not asked for."""
        return () if self.transductive is None else _labels(self.classes, self.transductive)


@dataclass(frozen=True)
class Segments:
    """What a model says of the N pieces of one recording, in order."""

    classes: tuple[str, ...]
    starts: NDArray[np.float64]
    """[N], seconds."""
    ends: NDArray[np.float64]
    probabilities: NDArray[np.float32]
    """[N, classes], as in `Predictions`; NaN where a piece is silent."""
    problem: str = ""
    """Why the recording could not be read, or not to its end."""

    @property
    def labels(self) -> tuple[str | None, ...]:
        """The most probable emotion of each; None of a silent one."""
        return _labels(self.classes, self.probabilities)


def _rows(classes: Sequence[str], said: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """The probabilities [N, classes] that were said of N utterances, NaN where nothing was."""
    nothing = (float("nan"),) * len(classes)
    return np.array([one or nothing for one in said], np.float32).reshape(len(said), len(classes))


def _labels(classes: Sequence[str], probabilities: NDArray[np.float32]) -> tuple[str | None, ...]:
    best = np.nan_to_num(probabilities, nan=-1.0).argmax(axis=1)
    known = np.asarray(np.isfinite(probabilities).all(axis=1))
    return tuple(classes[index] if sure else None for index, sure in zip(best, known, strict=True))


class Predictor:
    """A trained model, or an ensemble of several, whose probabilities are averaged. `load_model` gives these."""

    def __init__(self, model: AveragedModel) -> None:
        self._model = model

    @property
    def members(self) -> tuple[Predictor, ...]:
        """The models of an ensemble; of a single model itself alone."""
        return tuple(Predictor(AveragedModel.of(member)) for member in self._model.members)

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it tells apart, in alphabetical order."""
        return self._model.classes

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The hyperparameters that it was trained with; of an ensemble those in which all `members` agree."""
        first, *others = (member.parameters for member in self._model.members)
        return {name: value for name, value in first.items() if all(name in one and one[name] == value for one in others)}

    @property
    def encoder(self) -> str:
        """The name of the encoder that it was trained from; of an ensemble all of them, joined by +."""
        return "+".join(dict.fromkeys(member.encoder_name for member in self._model.members))

    def predict(self, speech: Iterable[Speech], speakers: Sequence[str] = (), *, self_train: bool = False) -> Predictions:
        """Hear each of `speech` (see `Speech`) as in training: resampled to 16 kHz, channels averaged, cut at the model's length.

        `speakers`: who speaks in each, which a model that takes features by each speaker's own statistics
        (`training.normalize_speaker`) must know: what it says of one then depends on the others, so give many of each.
        What cannot be read or is silent, and the only utterance of a speaker where the model takes speakers' statistics, has NaN for
        probabilities and its reason in `problems`: in all of this it answers as `ser-tui predict` does. `self_train`: the surest of these
        answers then teach a second head, without labels (docs/zero-shot.md), and what both say is in `transductive`, since it hangs on
        all that is given; for a single model on a frozen encoder, and ten utterances a class at least. Raises UserError where samples or
        a rate are no audio, and where that cannot be done.
        """
        given: Iterable[Speech] = [speech] if isinstance(speech, str | os.PathLike) else speech
        if self_train or speakers or self._model.by_speaker:  # what is said of one hangs on the others
            said = self._said(list(given), 0, speakers, self_train=self_train)
        else:
            if isinstance(given, Sequence):  # what is wrong with the last one is not to be found out after hours
                for index, item in enumerate(given):
                    _refuse_no_speech(item, index)
            said, rest = [], iter(given)
            while block := list(islice(rest, _AT_ONCE)):
                said += self._said(block, len(said))
        return Predictions(
            self.classes, _rows(self.classes, [answer.probabilities for answer, _ in said]),
            {index: f"{name}: {answer.problem}" for index, (answer, name) in enumerate(said) if answer.problem},
            _rows(self.classes, [answer.after for answer, _ in said]) if self_train else None,
        )  # fmt: skip

    def _said(
        self, given: Sequence[Speech], first: int, speakers: Sequence[str] = (), *, self_train: bool = False
    ) -> list[tuple[Answer, str]]:
        """The answer on each of `given`, of which the first is number `first` of all, and what it is called."""
        with held_folder() as folder:
            clips = [Clip(_as_file(item, folder / f"{index}.wav", index)) for index, item in enumerate(given, first)]
            if len(speakers) not in (0, len(clips)):
                raise UserError(f"speakers: {len(speakers)} for {counted(len(clips), 'recording')}; name one for each")
            if self._model.by_speaker and clips and not (speakers and all(speakers)):
                raise UserError("this model takes features by each speaker's own statistics: call predict(speech, speakers=[...])")
            if self_train:
                teachable(self._model, len(clips))
            who = speakers or ("",) * len(clips)
            sources = [Recording(str(index), clip, name) for index, (clip, name) in enumerate(zip(clips, who, strict=True))]
            asked = self._model, sources, Cut()
            made = answers_after(*asked, Progress(len(sources))) if self_train else predictions(*asked)
            answers = sorted((answer for some in made for answer in some), key=lambda answer: int(answer.file))
        return [(answer, _named(item, index)) for index, (answer, item) in enumerate(zip(answers, given, strict=True), first)]

    def predict_segments(
        self, recording: str | os.PathLike[str], seconds: float | None = 3.0, *, voice: bool = False, speaker: str = ""
    ) -> Segments:
        """Hear a recording of any length in segments of `seconds`, or, with `voice`, where voice begins and ends (silero-vad:
        ser-tui[vad]). It is read once, a few minutes at a time. `speaker`: who speaks, which a model by speakers' statistics must
        know. Raises UserError where the model cannot do that.
        """
        path = Path(recording)
        sources = [Recording(str(path), Clip(path), speaker)]
        cut = Cut(None if voice else seconds, voice)
        if cut.whole:
            raise UserError("predict_segments: seconds of a segment, or voice=True; predict() hears whole utterances")
        if not voice and not LEAST_SEGMENT <= (seconds or 0.0) <= MOST_SEGMENT:
            raise UserError(f"predict_segments: {seconds} s of a segment; give {LEAST_SEGMENT:g} to {MOST_SEGMENT:g}")
        check(self._model, sources, cut)
        found = [answer for answers in predictions(self._model, sources, cut) for answer in answers]
        problem = next((answer.problem for answer in found if answer.unreadable), "")
        kept = [answer for answer in found if not answer.unreadable]
        return Segments(
            self.classes, np.array([answer.start or 0.0 for answer in kept]), np.array([answer.end or 0.0 for answer in kept]),
            _rows(self.classes, [answer.probabilities for answer in kept]), problem,
        )  # fmt: skip


def load_model(run: Run | str | os.PathLike[str]) -> Predictor:
    """The best trial's model of a run (a `Run`, or what `open_run` takes), the model in a bundle, that in a folder that holds
    model.json, or the ensemble in a folder that `ser-tui ensemble --save` made.

    Raises UserError where there is none, or where it is damaged.
    """
    with answering(run.path if isinstance(run, Run) else run) as loaded:
        return Predictor(loaded.model)


def _named(item: Speech, index: int) -> str:
    return f"item {index}" if isinstance(item, tuple) else str(item)


def _as_file(item: Speech, place: Path, index: int) -> Path:
    """The audio file that `item` is, or `place`, written with its samples: they are heard in the very way of files."""
    if not isinstance(item, tuple):
        return Path(item)
    samples, rate = _samples(item, index)
    if samples.dtype.kind == "i":
        samples = samples / float(-np.iinfo(samples.dtype).min)
    try:
        soundfile.write(place, samples.astype(np.float32), rate, subtype="FLOAT")
    except (soundfile.SoundFileError, ValueError, OSError) as error:
        raise UserError(f"item {index}: cannot be kept as audio: {error}") from None
    return place


def _refuse_no_speech(item: Speech, index: int) -> None:
    """Raise UserError, or Path's TypeError, where `item` can be no `Speech`. Files are not looked at."""
    if isinstance(item, tuple):
        _samples(item, index)
    else:
        Path(item)


def _samples(item: tuple[NDArray[Any], int], index: int) -> tuple[NDArray[Any], int]:
    """The samples that `item` holds, and their rate. Raises UserError where they are none."""
    if len(item) != 2:
        raise UserError(f"item {index}: a tuple of {len(item)}; give (samples, rate in Hz), or the path of a file")
    samples, rate = np.asarray(item[0]), item[1]
    known = isinstance(rate, int | float | np.integer | np.floating) and not isinstance(rate, bool)
    if not known or not 0 < rate <= 10_000_000 or int(rate) != rate:
        raise UserError(f"item {index}: {rate!r} is no sample rate in Hz")
    if samples.ndim not in (1, 2) or not len(samples) or samples.dtype.kind not in "fi":
        raise UserError(
            f"item {index}: samples are an array [samples] or [samples, channels] of floats or signed integers, not {samples.dtype} "
            f"{list(samples.shape)}"
        )
    if not np.isfinite(samples).all():
        raise UserError(f"item {index}: holds samples that are not finite (NaN or infinite)")
    return samples, int(rate)
