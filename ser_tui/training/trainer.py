"""What every method of training shares: an encoder, two parts of a split, and the model of the trial that was just run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.study.document import Method, Training
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.training import model, precision
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe
from ser_tui.training.head import Head, Pooling
from ser_tui.training.memory import as_memory_error
from ser_tui.training.parameters import PROBE_STRENGTHS, complete
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnEpoch, OnStage, Part, Stop, TrialResult, silent


class Trainer(ABC):
    """Runs trials of one method on one split with one encoder, which is loaded once.

    `classes`: the emotions that labels are indices into. `on_stage` hears of features being computed, and of what else takes
    time. `encoder`: the one called `encoder_name` where it is loaded already, with its pre-trained weights. Raises UserError
    where it cannot be loaded, or a part is empty.
    """

    method: ClassVar[Method]
    tunes: ClassVar[bool]
    """Whether a trial may change the encoder's weights: what the frozen encoder knew already then stands beside its score."""
    precision: precision.Precision = "float32"

    def __init__(
        self, encoder_name: str, train: Part, validation: Part, classes: tuple[str, ...], settings: Training,
        *, on_stage: OnStage = silent, encoder: SpeechEncoder | None = None,
    ) -> None:
        if not len(train) or not len(validation):
            raise UserError("the split leaves no utterances to train on or to validate on; choose another protocol")
        self._train, self._validation, self.classes, self._settings = train, validation, classes, settings
        self.on_stage = on_stage
        self._on_progress = partial(on_stage, "features")
        self.encoder: SpeechEncoder = encoder or load_encoder(encoder_name)
        self.encoder_name = encoder_name
        self._tuned = False
        """Whether the encoder holds other weights than its pre-trained ones."""
        self._stores: dict[str, Shards] = {}
        self._data: dict[float, tuple[PartTensors, PartTensors]] = {}
        self._last: tuple[Head, Pooling, Mapping[str, Value]] | None = None
        """The model of the trial just run, and its parameters."""

    @property
    def encoder_fingerprint(self) -> str:
        """Identifies the pre-trained weights."""
        return self.encoder.fingerprint

    def run(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        """Train and score one trial; `parameters` that are not given have their defaults.

        Raises TrialStopped when asked to stop (asked at every batch), NonFiniteLoss, MemoryError when memory runs out, and
        UserError for what the user can mend.
        """
        with as_memory_error():
            return self._run(complete(parameters, self.method), seed, on_epoch, should_stop)

    def save_best(self, folder: Path) -> None:
        """Save the trial just run into `folder`: model.json and the weights it names. Raises UserError, and OSError (no space)."""
        if self._last is None:
            raise UserError("there is no model to save: no trial has been trained to its end")
        head, chosen, parameters = self._last
        model.save(
            folder, encoder=self.encoder, encoder_name=self.encoder_name, head=head, pooling=chosen, classes=self.classes,
            parameters=parameters, recipe=self._recipe(float(parameters["max_seconds"])), precision=self.precision,
            tuned=self._tuned,
        )

    def frozen_encoder(self) -> SpeechEncoder:
        """The encoder, with its pre-trained weights again; the trial just run cannot be saved any more."""
        self._last = None
        return self.encoder

    def start_strengths(self, parameters: Mapping[str, Value], should_stop: Stop) -> Sequence[float]:
        """The values of C among which a trial with `parameters` that is made again on another split chooses its start's: the one
        that was chosen here, where there was a choice. Raises what `run` raises."""
        return PROBE_STRENGTHS

    @abstractmethod
    def _run(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult: ...

    @abstractmethod
    def _recipe(self, max_seconds: float) -> Recipe: ...
