"""What every method of training shares: an encoder, two parts of a split, and the model of the trial that was just run."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.study.document import Method
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.scores import CHECKPOINT_SIZE, ENERGY, ENERGY_ESTIMATE, LATENCY, PEAK_MEMORY, TRAINED_PARAMETERS
from ser_tui.study.training import Training
from ser_tui.training import augment, latency, metrics, model, precision, racing
from ser_tui.training.adapting import LORA, adaptation
from ser_tui.training.data import PartTensors
from ser_tui.training.energy import ProcessorEnergy
from ser_tui.training.features import Recipe, lacking
from ser_tui.training.head import Head, Pooling
from ser_tui.training.memory import PeakMemory, as_memory_error
from ser_tui.training.parameters import START_STRENGTHS, complete
from ser_tui.training.preparing import Preparation
from ser_tui.training.shards import Shards
from ser_tui.training.trial import EpochReport, Fold, Leg, OnEpoch, OnFold, OnStage, Part, Rival, Stop, TrialResult, silent, unheard


class Trainer(ABC):
    """Runs trials of one method on one split with one encoder, which is loaded once.

    `classes`: the emotions that labels are indices into. `on_stage` hears of features being computed, and of what else takes
    time. `encoder`: the one called `encoder_name` where it is loaded already, with its pre-trained weights. `folds`: a trial is
    trained and scored on each of them, and its score is that of all predictions for `validation`, pooled; the last one's model
    is kept, and `on_fold` hears of each. Raises UserError where the encoder cannot be loaded, or a part is empty.
    """

    method: ClassVar[Method]
    tunes: ClassVar[bool]
    """Whether a trial may change the encoder's weights: what the frozen encoder knew already then stands beside its score."""
    precision: precision.Precision = "float32"

    def __init__(
        self,
        encoder_name: str,
        train: Part,
        validation: Part,
        classes: tuple[str, ...],
        settings: Training,
        *,
        on_stage: OnStage = silent,
        encoder: SpeechEncoder | None = None,
        folds: Sequence[Fold] = (),
    ) -> None:
        if not len(train) or not len(validation):
            raise UserError("the split leaves no utterances to train on or to validate on; choose another protocol")
        self._train, self._validation, self.classes, self._settings = train, validation, classes, settings
        self._whole, self._seed = validation, 0
        self._rival: Rival | None = None
        self._rung: Leg | None = None
        self._folds, self._of_folds = folds, [dict[float, tuple[PartTensors, PartTensors]]() for _ in folds]
        self.on_fold: OnFold = unheard
        self.on_stage = on_stage
        self._on_progress = partial(on_stage, "features")
        self._beside = encoder is not None
        """Whether the encoder is that of another trainer, beside which this one fits."""
        self.encoder: SpeechEncoder = encoder or load_encoder(encoder_name)
        self.encoder_name = encoder_name
        self._tuned = False
        """Whether the encoder holds other weights than its pre-trained ones."""
        self._trained: Mapping[str, nn.Parameter] | None = None
        """What of the encoder the trial may change, by name; None: all, or nothing that is known by name."""
        self._latencies: dict[Hashable, float] = {}
        self.shared: Path | None = None
        """A folder of the run's, where trials may keep what later ones take from them; None: nothing outlives this process."""
        self.deadline = math.inf
        """When, by `time.monotonic`, trials end that were told to keep to the run's minutes."""
        self._stores: dict[str, Shards] = {}
        self._data: dict[float, tuple[PartTensors, PartTensors]] = {}
        self._last: tuple[Head, Pooling, Mapping[str, Value]] | None = None
        """The model of the trial just run, and its parameters."""
        self._temperature: float | None = None
        """What its logits were divided by; None: by nothing that was fitted."""

    @property
    def encoder_fingerprint(self) -> str:
        """Identifies the pre-trained weights."""
        return self.encoder.fingerprint

    def run(
        self,
        parameters: Mapping[str, Value],
        seed: int,
        on_epoch: OnEpoch,
        should_stop: Stop,
        rival: Rival | None = None,
        rung: Leg | None = None,
    ) -> TrialResult:
        """Train and score one trial; `parameters` that are not given have their defaults. `rival`: on several folds, the trial ends
        before the last where it is behind this one beyond doubt, see `training.racing`; probes, which are quick, run to the end. `rung`: of
        a fine-tuned trial on one split, the stretch of it that is trained now; None: all of it.

        Raises TrialStopped when asked to stop (asked at every batch), NonFiniteLoss, MemoryError when memory runs out, and
        UserError for what the user can mend.
        """
        self._seed, self._rival, self._rung, self._temperature = seed, rival, rung, None
        with as_memory_error(), PeakMemory() as peak, ProcessorEnergy() as energy, Preparation() as kept:
            completed, run = complete(parameters, self.method, self._settings.classifier), self._run_folds if self._folds else self._run
            result = run(completed, seed, on_epoch, should_stop)
        costs = {
            PEAK_MEMORY: peak.bytes, TRAINED_PARAMETERS: self._trained_parameters(), CHECKPOINT_SIZE: self._checkpoint_size(),
            LATENCY: self._latency(), ENERGY: _less(energy.joules, kept.joules),
            ENERGY_ESTIMATE: _less(energy.estimated, kept.estimated),
        }  # fmt: skip
        told = {name: float(value) for name, value in costs.items() if value is not None}
        return replace(result, costs=told, prepared=kept.seconds)

    def _trained_parameters(self) -> int | None:
        """How many numbers the trial just run has fitted: the head's, and those of the encoder that it may change."""
        if self._last is None:
            return None
        encoder = [one for one in self.encoder.parameters() if one.requires_grad] if self._tuned else []
        return sum(one.numel() for one in (*self._last[0].parameters(), *encoder))

    def _checkpoint_size(self) -> int | None:
        """Bytes of the tensors that `save_best` would write."""
        if self._last is None:
            return None
        return sum(tensor.nbytes for tensor in model.contents(self._model_encoder, self._last[0], self._saved_part()).values())

    @property
    def _model_encoder(self) -> SpeechEncoder:
        """What the model of the trial just run hears with."""
        return self.encoder

    def _saved_part(self) -> Mapping[str, nn.Parameter] | None:
        return self._trained if self._tuned or self._trained is None else {}

    def _latency(self) -> float | None:
        """Seconds that the model takes for a second of audio; measured once for all trials whose models compute the same."""
        if self._last is None:
            return None
        found = self.fitted()
        what = adaptation(found.parameters)
        pooled = found.pooling if found.tuned else found.pooling.highest
        key = self._latency_key() or (latency.heard(found.recipe), pooled, what if found.tuned and what.trained == LORA else None)
        if key not in self._latencies:
            with as_memory_error():
                self._latencies[key] = latency.measured(found)
        return self._latencies[key]

    def _latency_key(self) -> Hashable:
        """What the model's time depends on; None: as that of others, on how it hears and what it pools."""
        return None

    def fitted(self) -> model.Model:
        """The model of the trial just run, ready to predict until the next one. Raises UserError."""
        if self._last is None:
            raise UserError("there is no model to predict with: no trial has been trained to its end")
        head, chosen, values = self._last
        encoder, recipe = copy.copy(self._model_encoder), self._recipe(float(values["max_seconds"]))
        encoder.fingerprint = ""  # as of a model that is loaded: what it hears by path alone is not cached
        below = adaptation(values).below(encoder, chosen) or 0
        return model.Model(
            self.classes, self.encoder_name, self.encoder.fingerprint, values, self.precision, chosen, encoder.eval(), head.eval(),
            self._tuned, recipe, {}, frozen_fingerprint="" if self._tuned else self.encoder.fingerprint, below=below,
        )  # fmt: skip

    def _run_folds(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        """One trial on each of the folds. Its epochs are told once all folds have had theirs, pooled."""
        whole, results, reports = self._whole, list[TrialResult](), list[list[EpochReport]]()
        for number, fold in enumerate(self._folds, 1):
            told: list[EpochReport] = []
            self._enter(number - 1)
            results.append(self._run(parameters, seed, told.append, should_stop))
            reports.append(told)
            self.on_fold(number, fold, results[-1].value())
            if self._rival is not None and racing.LEAST_FOLDS <= number < len(self._folds):
                run = self._folds[:number]
                found = racing.standing(run, [result.predictions for result in results], self._rival, len(self.classes))
                if found.behind:
                    return self._dropped(run, results, found)
        epochs = [
            pooled_report(self._folds, [told[min(index, len(told) - 1)] for told in reports], whole, len(self.classes), index + 1)
            for index in range(max(map(len, reports)))
        ]
        for report in epochs:
            on_epoch(report)
        last, best = epochs[-1], max(epochs, key=lambda report: (report.value, -report.epoch))
        return TrialResult(
            metrics.shares(whole.labels, last.predictions, len(self.classes)), last.predictions, best.epoch, best.value, last.loss,
            all(result.collapsed for result in results), sum(result.seconds for result in results),
            tuple(dict.fromkeys(note for result in results for note in result.notes)),
            pooled_probabilities(self._folds, [result.probabilities for result in results], len(whole)),
        )  # fmt: skip

    def _dropped(self, run: Sequence[Fold], results: Sequence[TrialResult], found: racing.Standing) -> TrialResult:
        """The result of a trial that ends after the folds `run`."""
        predictions = pooled_predictions(run, [result.predictions for result in results], len(self._whole))
        truth = [label for fold in run for label in fold.validation.labels]
        scores = metrics.shares(truth, [label for result in results for label in result.predictions], len(self.classes))
        last = results[-1]
        return TrialResult(
            scores, predictions, last.best_epoch, found.value, last.loss,
            all(result.collapsed for result in results), sum(result.seconds for result in results),
            tuple(dict.fromkeys(note for result in results for note in result.notes)), folds_run=len(run),
            rival=0 if self._rival is None else self._rival.trial,
        )  # fmt: skip

    def _enter(self, index: int) -> None:
        """Train and score on fold `index` from here on."""
        fold = self._folds[index]
        self._train, self._validation, self._data = fold.train, fold.validation, self._of_folds[index]

    def save_best(self, folder: Path) -> None:
        """Save the trial just run into `folder`: model.json and the weights it names. Raises UserError, and OSError (no space)."""
        if self._last is None:
            raise UserError("there is no model to save: no trial has been trained to its end")
        head, chosen, parameters = self._last
        model.save(
            folder,
            encoder=self._model_encoder,
            encoder_name=self.encoder_name,
            head=head,
            pooling=chosen,
            classes=self.classes,
            parameters=parameters,
            recipe=self._recipe(float(parameters["max_seconds"])),
            precision=self.precision,
            tuned=self._tuned,
            trained=self._saved_part(),
            temperature=self._temperature,
        )

    def cool(self, temperature: float) -> None:
        """Divide the logits of the trial just run by `temperature`, in what `save_best` saves. Its answers stay as they are."""
        if self._last is None:
            raise UserError("there is no model to calibrate: no trial has been trained to its end")
        head = copy.deepcopy(self._last[0])
        with torch.no_grad():
            head.linear.weight.div_(temperature)
            head.linear.bias.div_(temperature)
        self._last, self._temperature = (head, *self._last[1:]), temperature

    def refit(self, should_stop: Stop) -> None:
        """Train the trial just run once more, on training and validation part together, so that `save_best` saves that. Raises what
        `run` raises."""
        if self._last is None:
            raise UserError("there is nothing to train once more: no trial has been trained to its end")
        self._rung = None
        kept, values = (self._train, self._validation, self._data), self._last[2]
        self._train, self._validation, self._data = joined([part for fold in self._parts() for part in fold]), self._whole, {}
        try:
            with as_memory_error():
                self._run(values, self._seed, lambda report: None, should_stop)
        finally:
            self._train, self._validation, self._data = kept

    def _parts(self) -> Sequence[tuple[Part, Part]]:
        return [(fold.train, fold.validation) for fold in self._folds] or [(self._train, self._validation)]

    def lacking(self, max_seconds: float, *, beside: bool = False) -> float:
        """The share of the features of trials that hear `max_seconds` which are still to be computed, 0 to 1, about. `beside`: of those of
        the probe beside them. Raises UserError."""
        recipe, settings = self._recipe(max_seconds), self._settings
        if beside:
            recipe = replace(recipe, pad_to_max=False, context_seconds=self.encoder.context_seconds, dtype=torch.float32)
        heard, kinds = joined([part for fold in self._parts() for part in fold]), augment.copies(settings.augment)
        inputs = settings.train_front_end and not beside
        return lacking(self.encoder, heard, recipe, self._stores, kinds, pooled=beside or not self.tunes, inputs=inputs)

    def frozen_encoder(self) -> SpeechEncoder:
        """The encoder, with its pre-trained weights again; the trial just run cannot be saved any more."""
        self._last = None
        return self.encoder

    def start_strengths(self, parameters: Mapping[str, Value], should_stop: Stop) -> Sequence[float]:
        """The values of C among which a trial with `parameters` that is made again on another split chooses its start's: the one
        that was chosen here, where there was a choice. Raises what `run` raises."""
        return START_STRENGTHS

    @abstractmethod
    def _run(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult: ...

    @abstractmethod
    def _recipe(self, max_seconds: float) -> Recipe: ...


def _less(whole: float | None, kept: float) -> float | None:
    """What is left of `whole` without what went into features that are kept."""
    return None if whole is None else max(0.0, whole - kept)


def joined(parts: Sequence[Part]) -> Part:
    """All utterances of `parts`, each once."""
    rows: dict[Clip, tuple[int, str, str]] = {}
    for part in parts:
        known = part.speakers or ("",) * len(part)
        rows |= dict(zip(part.clips, zip(part.labels, part.digests, known, strict=True), strict=True))
    labels, digests, speakers = zip(*rows.values(), strict=True)
    return Part(tuple(rows), labels, digests, speakers)


def pooled_report(folds: Sequence[Fold], reports: Sequence[EpochReport], whole: Part, classes: int, epoch: int) -> EpochReport:
    """One report for `whole`, out of those of the `folds` whose validation parts it is made of; losses are an utterance's."""
    predictions = pooled_predictions(folds, [report.predictions for report in reports], len(whole))

    def mean(values: Sequence[float], parts: Sequence[Part]) -> float:
        return sum(value * len(part) for value, part in zip(values, parts, strict=True)) / sum(map(len, parts))

    return EpochReport(
        epoch, reports[0].epochs, mean([report.loss for report in reports], [fold.train for fold in folds]),
        metrics.balanced_accuracy(whole.labels, predictions, classes),
        mean([report.validation_loss for report in reports], [fold.validation for fold in folds]),
        all(report.frozen for report in reports), sum(report.seconds for report in reports), predictions,
    )  # fmt: skip


def pooled_predictions(folds: Sequence[Fold], said: Sequence[Sequence[int]], count: int) -> tuple[int, ...]:
    """What was `said` in each of the `folds`, at its places in the whole of `count` utterances; -1 where no fold has one."""
    return metrics.placed(chain.from_iterable(said), chain.from_iterable(fold.places for fold in folds), count)


def pooled_probabilities(folds: Sequence[Fold], said: Sequence[NDArray[np.float32] | None], count: int) -> NDArray[np.float32] | None:
    """Class probabilities [count, classes] of the whole that the validation parts of `folds` make up, out of those of each; None
    where one has none."""
    held = [one for one in said if one is not None]
    if len(held) < len(folds):
        return None
    whole = np.full((count, held[0].shape[1]), np.nan, dtype=np.float32)
    for fold, one in zip(folds, held, strict=True):
        whole[list(fold.places)] = one
    return whole
