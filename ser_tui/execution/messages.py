"""What the search's process and a local worker say to each other: one message a frame of a pipe, in MessagePack.

Nothing is unpickled. Numbers come through to the bit; paths as the bytes that they are on the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.store.files import FULL, DiskError, disk_message
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.scores import Score, Share
from ser_tui.training.memory import is_memory_error
from ser_tui.training.trial import EpochReport, Fold, Leg, NonFiniteLoss, Part, Rival, TrialResult, TrialStopped, UtteranceChanged

if TYPE_CHECKING:  # a worker hears of no search
    from ser_tui.experiment.executing import Hearer


class Message(msgspec.Struct, tag=True, kw_only=True):
    """One of the classes below."""


class PlainPart(msgspec.Struct, frozen=True, array_like=True):
    """A `training.trial.Part`."""

    clips: tuple[tuple[bytes, float | None, float | None], ...]
    labels: tuple[int, ...]
    digests: tuple[str, ...]
    speakers: tuple[str, ...]

    @staticmethod
    def of(part: Part) -> PlainPart:
        """`part` as it is sent."""
        clips = tuple((os.fsencode(clip.path), clip.start, clip.end) for clip in part.clips)
        return PlainPart(clips, part.labels, part.digests, part.speakers)

    def part(self) -> Part:
        """It again."""
        clips = tuple(Clip(Path(os.fsdecode(path)), start, end) for path, start, end in self.clips)
        return Part(clips, self.labels, self.digests, self.speakers)


class PlainFold(msgspec.Struct, frozen=True, array_like=True):
    """A `training.trial.Fold`."""

    name: str
    train: PlainPart
    validation: PlainPart
    places: tuple[int, ...]

    @staticmethod
    def of(fold: Fold) -> PlainFold:
        """`fold` as it is sent."""
        return PlainFold(fold.name, PlainPart.of(fold.train), PlainPart.of(fold.validation), fold.places)

    def fold(self) -> Fold:
        """It again."""
        return Fold(self.name, self.train.part(), self.validation.part(), self.places)


class PlainLeg(msgspec.Struct, frozen=True, array_like=True):
    """A `training.trial.Leg`."""

    until: int
    end: bytes
    begin: bytes | None

    @staticmethod
    def of(rung: Leg) -> PlainLeg:
        """`rung` as it is sent."""
        begin = None if rung.begin is None else os.fsencode(rung.begin.absolute())
        return PlainLeg(rung.until, os.fsencode(rung.end.absolute()), begin)

    def rung(self) -> Leg:
        """It again."""
        return Leg(self.until, Path(os.fsdecode(self.end)), None if self.begin is None else Path(os.fsdecode(self.begin)))


class MeasureEpoch(Message):
    """To a worker: train a little on these parts, to see how long that takes while others do the same."""

    study: str
    train: PlainPart
    validation: PlainPart
    classes: tuple[str, ...]


class Prepare(Message):
    """To a worker: the study, as YAML, and the parts of its trials."""

    study: str
    train: PlainPart
    validation: PlainPart
    classes: tuple[str, ...]
    folds: tuple[PlainFold, ...]
    encoder_name: str = ""
    """What saved models call the encoder that the study names by a folder of this machine alone; empty: as the study does."""


class Train(Message):
    """To a worker: make a trial."""

    parameters: dict[str, Value]
    seed: int
    rival: Rival | None = None
    rung: PlainLeg | None = None


class Refit(Message):
    """To a worker: train the trial just made once more, on both parts."""


class Cool(Message):
    """To a worker: see `Trainer.cool`."""

    temperature: float


class Save(Message):
    """To a worker: save the model of the trial just made."""

    folder: bytes


class Stop(Message):
    """To a worker: end what is under way within a batch."""


class Measured(Message):
    """From a worker: see `costs.worker_gain.epoch_of`."""

    seconds: float
    peak: float | None
    share: float


class Prepared(Message):
    """From a worker: it can make trials, with an encoder of these weights in this precision."""

    fingerprint: str
    precision: str


class EpochReported(Message):
    """From a worker: an `EpochReport`."""

    report: EpochReport


class FoldScored(Message):
    """From a worker: see `Hearer.on_fold`."""

    fold: int
    value: float


class Staged(Message):
    """From a worker: see `Hearer.on_stage`."""

    stage: str
    done: int
    total: int


class Trained(Message):
    """From a worker: a `TrialResult`; probabilities as bytes of float32 in rows of `columns`."""

    scores: dict[Share, float]
    predictions: tuple[int, ...]
    best_epoch: int
    best_epoch_value: float
    loss: float
    collapsed: bool
    seconds: float
    notes: tuple[str, ...]
    probabilities: bytes | None
    columns: int
    costs: dict[str, float]
    folds_run: int
    rival: int
    paused: int = 0
    prepared: float = 0.0

    @staticmethod
    def of(result: TrialResult) -> Trained:
        """`result` as it is sent."""
        said = result.probabilities
        names = [name for name in Trained.__struct_fields__ if name not in ("scores", "probabilities", "columns", "costs")]
        return Trained(
            **{name: getattr(result, name) for name in names}, costs=dict(result.costs),
            scores={name: score.value for name, score in result.scores.items()},
            probabilities=None if said is None else np.ascontiguousarray(said, dtype="<f4").tobytes(),
            columns=0 if said is None else said.shape[1],
        )  # fmt: skip

    def result(self) -> TrialResult:
        """It again."""
        said: NDArray[np.float32] | None = None
        if self.probabilities is not None:
            said = np.frombuffer(self.probabilities, dtype="<f4").reshape(-1, self.columns).astype(np.float32)
        names = [name for name in Trained.__struct_fields__ if name not in ("scores", "probabilities", "columns")]
        return TrialResult(
            **{name: getattr(self, name) for name in names}, probabilities=said,
            scores={name: Score(value) for name, value in self.scores.items()},
        )  # fmt: skip


class Done(Message):
    """From a worker: it has refitted, or saved, what it was asked to."""


class Failed(Message):
    """From a worker: what it was asked for has failed. `kind`: a key of `_ERRORS`, "os", or another exception's name."""

    kind: str
    text: str
    number: int | None = None
    """errno of an OSError."""
    file: bytes | None = None

    @staticmethod
    def of(error: Exception) -> Failed:
        """`error` as it is sent: memory and full disks are told where they are met."""
        if is_memory_error(error):
            return Failed(kind="memory", text=str(error))
        if isinstance(error, OSError) and not isinstance(error, UserError):
            if error.errno in FULL:
                return Failed(kind="disk", text=str(disk_message(error, "training", Path(error.filename or "."))))
            file = None if error.filename is None else os.fsencode(error.filename)
            return Failed(kind="os", text=error.strerror or str(error), number=error.errno, file=file)
        for kind, known in _ERRORS.items():
            if isinstance(error, known):
                return Failed(kind=kind, text=str(error))
        return Failed(kind=type(error).__name__, text=str(error))

    def error(self) -> Exception:
        """It again, as the search knows it; an exception of another kind as the RuntimeError that ends a trial."""
        if self.kind == "os":
            return OSError(self.number or errno.EIO, self.text, None if self.file is None else os.fsdecode(self.file))
        made = _ERRORS.get(self.kind)
        return RuntimeError(f"{self.kind}: {self.text}") if made is None else made(self.text)


_ERRORS: Mapping[str, type[Exception]] = {
    "stopped": TrialStopped, "nan": NonFiniteLoss, "memory": MemoryError, "disk": DiskError, "changed": UtteranceChanged,
    "user": UserError, "value": ValueError, "runtime": RuntimeError,
}  # fmt: skip
"""The first that an error is an instance of names it: those of a kind come ahead of the kind."""

Asked = MeasureEpoch | Prepare | Train | Refit | Cool | Save | Stop
Told = Measured | Prepared | EpochReported | FoldScored | Staged | Trained | Done | Failed
_asked, _told = msgspec.msgpack.Decoder(Asked), msgspec.msgpack.Decoder(Told)
encode = msgspec.msgpack.encode


def asked(frame: bytes) -> Asked:
    """The message to a worker in `frame`."""
    found: Asked = _asked.decode(frame)
    return found


def told(frame: bytes) -> Told:
    """The message of a worker in `frame`."""
    found: Told = _told.decode(frame)
    return found


def let_hear(hearer: Hearer, trial: int, message: Told) -> None:
    """Tell `hearer` what `message` says of how `trial` comes along; nothing of any other message."""
    if isinstance(message, EpochReported):
        hearer.on_epoch(trial, message.report)
    elif isinstance(message, FoldScored):
        hearer.on_fold(trial, message.fold, message.value)
    elif isinstance(message, Staged):
        hearer.on_stage(trial, message.stage, message.done, message.total)
