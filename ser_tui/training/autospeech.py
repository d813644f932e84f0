"""An AutoSpeech 2020 style baseline: cheap classifiers first, then dearer ones, and the geometric means of them.

As in the challenge's winning solutions (Liu et al. 2021, TPAMI 43, on AutoDL and AutoSpeech), some score stands after seconds, and better
ones come for as long as there is time. A trial names its members:

    log-mel    mean and deviation of the log-mel spectrum, logistic regression
    encoder    the study's frozen encoder, logistic regression: the probe
    speaker    a speaker embedding (`encoders.speaker`), logistic regression
    crnn       a small network on MFCC, trained from random weights

and is scored as their geometric mean. A member is trained once with a seed, in the first trial that names it with what it reads of the
trial's parameters; trials of a search all have the study's seed. The last, which takes minutes, is kept on the disk (`shared`), so that a
run that was killed goes on without training it again; of the others the features are cached. Every scaler is fitted on the training part
alone: those of logistic regression in `training.linear`, that of the MFCC here.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ser_tui import places
from ser_tui.encoders import weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.spectra import CEPSTRA, ConvolutionalRecurrent, LogMel
from ser_tui.study.document import Method
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import MEMBERS, Value
from ser_tui.study.training import Training
from ser_tui.training import metrics, model
from ser_tui.training.data import PartTensors, refuse_unusable
from ser_tui.training.features import Recipe
from ser_tui.training.finetune import FineTuner
from ser_tui.training.joint import POOLING, JointEncoder, JointMember, averaging_head
from ser_tui.training.probe import ProbeTrainer
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, Leg, OnEpoch, Rival, Stop, TrialResult, check_stop

CRNN: Mapping[str, Value] = {
    "epochs": 30,
    "learning_rate": 1e-3,
    "head_learning_rate_factor": 1.0,
    "batch_size": 16,
    "weight_decay": 0.01,
    "pooling": "mean+std",
    "label_smoothing": 0.1,
    "head_dropout": 0.2,
}
"""How the small network is trained; to the end of its epochs, whatever the validation part says of them."""
_SAID = "said.safetensors"
"""Beside a kept member's model: what it said of the validation part. Written last, so that a folder which holds it is whole."""


@dataclass(frozen=True)
class _Fitted:
    """A member that is trained. `said`: class probabilities [validation utterances, classes], NaN where one is unreadable."""

    member: JointMember
    said: NDArray[np.float32]
    loss: float
    notes: tuple[str, ...]


class AutoSpeechTrainer(Trainer):
    """Trains members, and averages them. `shared`: see `Trainer`."""

    method: ClassVar[Method] = "autospeech"
    tunes: ClassVar[bool] = False

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._members: dict[str, _Fitted] = {}
        self._joint: JointEncoder | None = None
        """Of the trial just run."""
        self._tuned = True  # it is no encoder that a name, and its pre-trained weights, could stand for

    def run(
        self,
        parameters: Mapping[str, Value],
        seed: int,
        on_epoch: OnEpoch,
        should_stop: Stop,
        rival: Rival | None = None,
        rung: Leg | None = None,
    ) -> TrialResult:
        """See `Trainer.run`. It stops at the deadline, too; `refit`, of a trial that has its score, does not."""
        return super().run(parameters, seed, on_epoch, lambda: should_stop() or time.monotonic() >= self.deadline, rival, rung)

    def _run(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        start = time.perf_counter()
        self._last = self._joint = None
        check_stop(should_stop)
        names = str(parameters[MEMBERS]).split("+")
        told: list[EpochReport] = []

        def alone(report: EpochReport) -> None:
            told.append(report)
            on_epoch(report)

        hear = alone if len(names) == 1 else _unheard
        fitted = [self._fitted(name, parameters, seed, hear, should_stop) for name in names]
        said = geometric_mean([one.said for one in fitted])
        predictions = metrics.predicted(said)
        classes, truth = len(self.classes), self._validation.labels
        value, loss = metrics.balanced_accuracy(truth, predictions, classes), float(np.mean([one.loss for one in fitted]))
        seconds = time.perf_counter() - start
        if not told:  # an average, or a member that was trained before
            on_epoch(EpochReport(1, 1, loss, value, _cross_entropy(said, truth), True, seconds, predictions))
        self._joint = JointEncoder([one.member for one in fitted], classes).eval()
        self._joint.fingerprint = self.encoder.fingerprint
        self._last = (averaging_head(len(names), classes), POOLING, dict(parameters))
        notes = tuple(dict.fromkeys(note for one in fitted for note in one.notes))
        return TrialResult(metrics.shares(truth, predictions, classes), predictions, 1, value, loss, False, seconds, notes, said)

    @property
    def _model_encoder(self) -> SpeechEncoder:
        return self.encoder if self._joint is None else self._joint

    def _trained_parameters(self) -> int | None:
        if self._joint is None:
            return None
        networks = [member.encoder for member in self._joint.members if member.tuned]
        return sum(one.numel() for module in (self._joint.heads, *networks) for one in module.parameters())

    def _latency_key(self) -> Any:
        return None if self._last is None else tuple(sorted(self._last[2].items()))

    def _recipe(self, max_seconds: float) -> Recipe:
        return Recipe(max_seconds, self._settings.normalize, trim=self._settings.trim_silence)

    def _fitted(self, name: str, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> _Fitted:
        """The member `name`, out of memory, off the disk, or trained now."""
        key = self._key(name, parameters, seed)
        if key not in self._members:
            place = self.shared / key if self.shared is not None and name == "crnn" else None
            found = None if place is None else self._kept(place, name)
            if found is None:
                found = self._trained_now(name, parameters, seed, on_epoch, should_stop, place)
            self._members[key] = found
        return self._members[key]

    def _key(self, name: str, parameters: Mapping[str, Value], seed: int) -> str:
        """Of the member, what it is trained by and what on. Nothing but the small network depends on a seed."""
        of = {**_read_by(name, parameters), "seed": seed if name == "crnn" else 0}
        heard = [list(zip(map(str, part.clips), part.digests, part.labels, strict=True)) for part in (self._train, self._validation)]
        settings = self._settings.model_dump(mode="json")
        told = json.dumps([name, sorted(of.items()), heard, settings, self.encoder.fingerprint, self.classes])
        return f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:24]}"

    def _trained_now(
        self, name: str, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop, place: Path | None
    ) -> _Fitted:
        trainer, values = self._trainer_of(name, parameters, seed, should_stop)
        result = trainer.run(values, seed, on_epoch, should_stop)
        said = result.probabilities
        if said is None:
            raise ValueError(f"{name} said nothing of the validation part")
        made = _Fitted(_member(name, trainer.fitted()), said, result.loss, result.notes)
        if place is not None:
            places.folder_within(place)
            trainer.save_best(place)
            facts = {"loss": str(result.loss), "notes": json.dumps(result.notes)}
            weights.save({"said": torch.from_numpy(said)}, place / _SAID, facts)
        return made

    def _trainer_of(self, name: str, parameters: Mapping[str, Value], seed: int, should_stop: Stop) -> tuple[Trainer, dict[str, Value]]:
        """Who trains the member, and by which parameters. Raises UserError where it cannot be had."""
        told, classes, values = self.on_stage, self.classes, _read_by(name, parameters)
        if name == "crnn":
            balance = "weights" if self._settings.balance == "auto" else self._settings.balance
            settings = self._settings.model_copy(update={**_AS_IT_IS, "balance": balance})
            encoder = self._network(float(parameters["max_seconds"]), settings, seed, should_stop)
            tuner = FineTuner("crnn", self._train, self._validation, classes, settings, on_stage=told, encoder=encoder)
            return tuner, values
        encoders: Mapping[str, Any] = {"encoder": lambda: self.encoder, "log-mel": LogMel, "speaker": _speaker}
        made = ProbeTrainer(name, self._train, self._validation, classes, self._settings, on_stage=told, encoder=encoders[name]())
        return made, values

    def _network(self, max_seconds: float, settings: Training, seed: int, should_stop: Stop) -> SpeechEncoder:
        """The small network with random weights, which takes MFCC by their moments on the training part."""
        torch.manual_seed(seed)
        network = ConvolutionalRecurrent().eval()
        recipe = Recipe(max_seconds, settings.normalize, trim=settings.trim_silence)
        data = PartTensors(network, self._train, recipe, {}, augmented=settings.augment)
        data.prepare(should_stop, self._on_progress)
        refuse_unusable(data, "training")
        spectra = torch.cat([data.frames([index])[0].reshape(-1, CEPSTRA) for index in data.usable])
        network.scale_by(spectra.mean(0), spectra.std(0))
        return network

    def _kept(self, place: Path, name: str) -> _Fitted | None:
        """The member that lies in `place`; None where there is none, or none that can be read."""
        if not (place / _SAID).is_file():
            return None
        with suppress(UserError, OSError, SafetensorError, RuntimeError, KeyError, ValueError):
            with safe_open(place / _SAID, framework="pt") as file:
                facts, said = file.metadata() or {}, file.get_tensor("said").numpy()
            if said.shape == (len(self._validation), len(self.classes)):
                return _Fitted(_member(name, model.load_model(place)), said, float(facts["loss"]), tuple(json.loads(facts["notes"])))
        return None


_AS_IT_IS: Mapping[str, Any] = {
    "precision": "float32",
    "collapse_guard": False,
    "averaging": "none",
    "train_front_end": False,
    "paper_exact": False,
}
"""Settings of the small network's training that are not the study's: those are about the encoder's."""


def _read_by(name: str, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """What the member `name` is trained by, those of a trial's `parameters` that it reads among it."""
    cut = {"max_seconds": parameters["max_seconds"]}
    if name == "crnn":
        return {**CRNN, **cut}
    pooled: dict[str, Value] = {"layers": "last", "pooling": "mean+std" if name == "log-mel" else "mean"}
    if name == "encoder":
        pooled = {one: parameters[one] for one in pooled}
    return {**cut, **pooled, "inverse_regularization": parameters["inverse_regularization"]}


def geometric_mean(said: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The geometric mean of class probabilities [N, classes], brought to a sum of 1; NaN where one of them is."""
    logarithms = [np.log(np.maximum(one.astype(np.float64), np.finfo(np.float64).tiny)) for one in said]
    return metrics.class_probabilities(np.mean(logarithms, axis=0))


def _cross_entropy(said: NDArray[np.float32], truth: tuple[int, ...]) -> float:
    known = np.flatnonzero(np.isfinite(said).all(axis=1))
    likely = said[known, np.asarray(truth)[known]].astype(np.float64)
    return float(-np.log(np.maximum(likely, np.finfo(np.float64).eps)).mean())


def _member(name: str, made: model.Model) -> JointMember:
    return JointMember(name, made.encoder, made.pooling, made.head, made.recipe, made.tuned)


def _speaker() -> SpeechEncoder:
    from ser_tui.encoders import speaker

    return speaker.load()


def _unheard(report: EpochReport) -> None:
    """A member's epochs are those of the trial that trains it alone."""
