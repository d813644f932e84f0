"""Probes: balanced logistic regression on what the frozen encoder already knows. A trial takes about a second.

The chosen layers' statistics stand side by side (for fine-tuning they are averaged): a linear model weighs them by itself.
Features are standardised on the training part. Whisper hears a second of silence after each utterance, which pooling
leaves out: it was trained on windows filled up with silence.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from ser_tui.study.document import Method
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.training import metrics, model
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe
from ser_tui.training.head import Head, Pooling, pooling
from ser_tui.training.memory import as_memory_error
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, OnEpoch, Part, Stop, TrialResult, check_stop

_ITERATIONS = 2000
_ABSENT = -1e4
"""Bias of a class that the training part has not: finite, and never the largest."""


class ProbeTrainer(Trainer):
    """Fits probes on the frozen encoder. A trial's seed changes nothing: the optimum is unique."""

    method: ClassVar[Method] = "probe"
    tunes: ClassVar[bool] = False

    def predict(self, part: Part, should_stop: Stop) -> tuple[int, ...]:
        """The class of each utterance of `part` by the probe just fitted, -1 where one is unreadable. Raises what `run` raises."""
        if self._last is None:
            raise UserError("there is no probe to predict with: none has been fitted to its end")
        head, chosen, values = self._last
        with as_memory_error(), torch.no_grad():
            data = PartTensors(self.encoder, part, self._recipe(float(values["max_seconds"])), self._stores)
            data.prepare(should_stop, self._on_progress)
            data.prepare_pooled(should_stop, self._on_progress)
            if not data.usable:
                return (metrics.UNREADABLE,) * len(part)
            return _predictions(data, head(torch.from_numpy(_features(data, chosen))))

    def fitted(self) -> model.Model:
        """The probe just fitted, ready to predict. Raises UserError."""
        if self._last is None:
            raise UserError("there is no probe to predict with: none has been fitted to its end")
        head, chosen, values = self._last
        encoder, recipe = copy.copy(self.encoder), self._recipe(float(values["max_seconds"]))
        encoder.fingerprint = ""  # as of a model that is loaded: what it hears by path alone is not cached
        return model.Model(
            self.classes, self.encoder_name, self.encoder.fingerprint, values, "float32", chosen, encoder, head, False,
            recipe, {}, frozen_fingerprint=self.encoder.fingerprint,
        )  # fmt: skip

    def _recipe(self, max_seconds: float) -> Recipe:
        settings = self._settings
        return Recipe(
            max_seconds, settings.normalize, context_seconds=self.encoder.context_seconds, trim=settings.trim_silence
        )

    def _load_data(self, max_seconds: float, should_stop: Stop) -> tuple[PartTensors, PartTensors]:
        if max_seconds not in self._data:
            recipe = self._recipe(max_seconds)
            self._data[max_seconds] = (
                PartTensors(self.encoder, self._train, recipe, self._stores, augmented=self._settings.augment),
                PartTensors(self.encoder, self._validation, recipe, self._stores),
            )
        for data in self._data[max_seconds]:
            data.prepare(should_stop, self._on_progress)
            data.prepare_pooled(should_stop, self._on_progress)
        return self._data[max_seconds]

    def _run(self, values: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        start = time.perf_counter()
        self._last = None
        check_stop(should_stop)
        train, validation = self._load_data(float(values["max_seconds"]), should_stop)
        for data, part in ((train, "training"), (validation, "validation")):
            if not data.usable:
                raise UserError(f"no utterance of the {part} part can be read; run: ser-tui corpora check")
        chosen = pooling(str(values["layers"]), str(values["pooling"]), self.encoder, concatenated=True)
        head = fit(_features(train, chosen), _labels(train), len(self.classes), float(values["inverse_regularization"]))
        check_stop(should_stop)
        losses, logits = [], torch.empty(0)
        for data in (train, validation):
            with torch.no_grad():
                logits = head(torch.from_numpy(_features(data, chosen)))
            losses.append(_loss(logits, _labels(data), len(self.classes)))
        predictions = _predictions(validation, logits)
        bca = metrics.balanced_accuracy(validation.labels, predictions, len(self.classes))
        seconds = time.perf_counter() - start
        on_epoch(EpochReport(1, 1, losses[0], bca, losses[1], True, seconds, predictions))
        self._last = (head, chosen, values)
        notes = (*train.notes("training"), *validation.notes("validation"))
        accuracy = metrics.accuracy(validation.labels, predictions, len(self.classes))
        return TrialResult(bca, accuracy, predictions, 1, bca, losses[0], False, seconds, notes)


def best_fit(
    train: PartTensors, validation: PartTensors, chosen: Pooling, classes: int, strengths: Sequence[float], should_stop: Stop
) -> tuple[Head, float]:
    """The probe on `train` whose C, one of the ascending `strengths`, has the highest BCA on `validation`, and that C.

    Of equals the most regularised one. Both parts must be prepared, pooled statistics too. Raises UserError, TrialStopped.
    """
    best: tuple[float, Head, float] | None = None
    for strength in strengths:
        check_stop(should_stop)
        head = fit(_features(train, chosen), _labels(train), classes, strength)
        with torch.no_grad():
            predictions = _predictions(validation, head(torch.from_numpy(_features(validation, chosen))))
        bca = metrics.balanced_accuracy(validation.labels, predictions, classes)
        if best is None or bca > best[0]:
            best = (bca, head, strength)
    if best is None:
        raise ValueError("no strengths to choose from")
    return best[1], best[2]


def fit(features: NDArray[np.float32], labels: NDArray[np.int64], classes: int, inverse_regularization: float) -> Head:
    """Balanced L2 logistic regression on standardised `features` [N, width], as a head that takes them as they are.

    The standardisation is folded into the weights. Raises UserError when the labels are all the same.
    """
    if len(np.unique(labels)) < 2:
        raise UserError("the training part holds one class only; choose another protocol")
    scaler = StandardScaler().fit(features.astype(np.float64))
    # An L2-regularised optimum lies in the span of the utterances: solved there, it has no more unknowns than they.
    left, singular, right = np.linalg.svd(scaler.transform(features), full_matrices=False)
    regression = LogisticRegression(C=inverse_regularization, class_weight="balanced", max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # Weakly regularised probes that separate the training part have no optimum to converge to.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(left * singular, labels)
    weight, bias = np.asarray(regression.coef_ @ right), np.asarray(regression.intercept_, dtype=np.float64)
    if len(regression.classes_) == 2:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scaler.scale_
    bias = bias - weight @ scaler.mean_
    head = Head(features.shape[1], classes).eval()
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.fill_(_ABSENT)
        head.linear.weight[regression.classes_] = torch.from_numpy(weight).float()
        head.linear.bias[regression.classes_] = torch.from_numpy(bias).float()
    return head


def _features(data: PartTensors, chosen: Pooling) -> NDArray[np.float32]:
    features: NDArray[np.float32] = chosen.select(data.pooled(data.usable)).numpy()
    return features


def _labels(data: PartTensors) -> NDArray[np.int64]:
    return np.asarray([data.labels[index] for index in data.usable], dtype=np.int64)


def _predictions(data: PartTensors, logits: torch.Tensor) -> tuple[int, ...]:
    """Class index per utterance of `data` out of `logits` [usable, classes]."""
    predictions = [metrics.UNREADABLE] * len(data.labels)
    for index, prediction in zip(data.usable, logits.argmax(1).tolist(), strict=True):
        predictions[index] = prediction
    return tuple(predictions)


def _loss(logits: torch.Tensor, labels: NDArray[np.int64], classes: int) -> float:
    return float(log_loss(labels, torch.softmax(logits.double(), 1).numpy(), labels=list(range(classes))))
