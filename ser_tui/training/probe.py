"""Probes: balanced logistic regression on what the frozen encoder already knows. A trial takes about a second.

The chosen layers' statistics stand side by side (for fine-tuning they are averaged): a linear model weighs them by itself.
Features are standardised on the training part. Whisper hears a second of silence after each utterance, which pooling
leaves out: it was trained on windows filled up with silence.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from ser_tui.study.document import Method
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.training import discriminant, linear, metrics
from ser_tui.training.data import PartTensors, refuse_unusable
from ser_tui.training.features import Recipe
from ser_tui.training.fold_table import FoldTable, vectors
from ser_tui.training.head import Head, Pooling, pooling
from ser_tui.training.linear import Standardised, refuse_one_class, solve, standardise
from ser_tui.training.memory import as_memory_error
from ser_tui.training.parameters import complete
from ser_tui.training.trainer import Trainer, pooled_probabilities, pooled_report
from ser_tui.training.trial import EpochReport, OnEpoch, Part, Stop, TrialResult, check_stop


class ProbeTrainer(Trainer):
    """Fits probes on the frozen encoder. A trial's seed changes nothing: the optimum is unique."""

    method: ClassVar[Method] = "probe"
    tunes: ClassVar[bool] = False

    @property
    def _alone(self) -> bool:
        """Whether no other trials read the frames of its utterances: those of fine-tuning beside it do, where none hears silence
        behind them."""
        return not self._beside or bool(self.encoder.context_seconds)

    @cached_property
    def _tables(self) -> dict[float, FoldTable]:
        """What all folds hold, by the seconds that are heard of each utterance."""
        return {}

    def _run_folds(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        """All folds on one table of features: each is a choice of its rows."""
        start = time.perf_counter()
        self._last = None
        check_stop(should_stop)
        table = self.table(float(parameters["max_seconds"]), should_stop)
        chosen = self.pooling(parameters)
        features, strength, classes = table.features(chosen), float(parameters["inverse_regularization"]), len(self.classes)
        reports: list[EpochReport] = []
        said: list[NDArray[np.float32] | None] = []
        for number, fold in enumerate(self._folds, 1):
            check_stop(should_stop)
            train, scored = table.rows_to_train(number - 1), table.rows_to_score(number - 1)
            if not len(train) or not len(scored):
                raise UserError(f"no utterance of fold {fold.name} can be read; run: ser-tui corpora check")
            labels = table.labels[train]
            standard = table.kept.of((number, chosen), features, train)
            head = self.solved(standard, labels, strength, should_stop)
            with torch.no_grad():
                logits = [head(torch.from_numpy(features[rows])) for rows in (train, scored)]
            predictions = metrics.placed(logits[1].argmax(1).tolist(), table.places(number - 1), len(fold.validation))
            answers = np.full((len(fold.validation), classes), np.nan, dtype=np.float32)
            answers[list(table.places(number - 1))] = logits[1].numpy()
            said.append(metrics.class_probabilities(answers))
            value = metrics.balanced_accuracy(fold.validation.labels, predictions, classes)
            losses = [_loss(found, table.labels[rows]) for found, rows in zip(logits, (train, scored), strict=True)]
            reports.append(EpochReport(1, 1, losses[0], value, losses[1], True, 0.0, predictions))
            self.on_fold(number, fold, value)
            self._last = (head, chosen, parameters)
        whole, seconds = self._whole, time.perf_counter() - start
        report = replace(pooled_report(self._folds, reports, whole, classes, 1), seconds=seconds)
        on_epoch(report)
        scores = metrics.shares(whole.labels, report.predictions, classes)
        notes = table.data.notes("corpus")
        return TrialResult(
            scores, report.predictions, 1, report.value, report.loss, False, seconds, notes,
            pooled_probabilities(self._folds, said, len(whole)),
        )  # fmt: skip

    @property
    def balanced(self) -> bool:
        """Whether each class weighs the same in a fit."""
        return self._settings.balance != "none"

    def solved(self, data: Standardised, labels: NDArray[np.int64], strength: float, should_stop: Stop) -> Head:
        """The head that the study's classifier makes of the rows of `data` with `labels` and the C `strength`. Raises UserError,
        TrialStopped."""
        if self._settings.classifier == "discriminant":
            return discriminant.solve(data, labels, len(self.classes), strength, balanced=self.balanced)
        step = partial(check_stop, should_stop)
        return linear.solve(data, labels, len(self.classes), strength, balanced=self.balanced, on_step=step)

    def completed(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters` with the study's defaults. Raises UserError for a name that probes do not read."""
        return complete(parameters, self.method, self._settings.classifier)

    def pooling(self, values: Mapping[str, Value]) -> Pooling:
        """The `Pooling` of a probe with the parameters `values`."""
        layers, wanted = str(values["layers"]), str(values["pooling"])
        return pooling(layers, wanted, self.encoder, concatenated=True, by_speaker=self._settings.normalize_speaker)

    def crossed(self, should_stop: Stop) -> Crossed:
        """The folds as nested choices want them."""
        return Crossed(self, should_stop)

    def table(self, max_seconds: float, should_stop: Stop) -> FoldTable:
        """What all folds hold, with its features computed."""
        if max_seconds not in self._tables:
            found = FoldTable(self.encoder, self._folds, self._recipe(max_seconds), self._stores, self._settings.augment)
            found.data.prepare(should_stop, self._on_progress, pooled=True, once=self._alone)
            found.data.prepare_pooled(should_stop, self._on_progress)
            found.settle()
            self._tables[max_seconds] = found
        return self._tables[max_seconds]

    def predict(self, part: Part, should_stop: Stop) -> tuple[int, ...]:
        """The class of each utterance of `part` by the probe just fitted, -1 where one is unreadable. Raises what `run` raises."""
        if self._last is None:
            raise UserError("there is no probe to predict with: none has been fitted to its end")
        head, chosen, values = self._last
        with as_memory_error(), torch.no_grad():
            data = PartTensors(self.encoder, part, self._recipe(float(values["max_seconds"])), self._stores)
            data.prepare(should_stop, self._on_progress, pooled=True, once=self._alone)
            data.prepare_pooled(should_stop, self._on_progress)
            if not data.usable:
                return (metrics.UNREADABLE,) * len(part)
            return data.predictions(head(torch.from_numpy(vectors(data, chosen))))

    def _recipe(self, max_seconds: float) -> Recipe:
        settings = self._settings
        return Recipe(max_seconds, settings.normalize, context_seconds=self.encoder.context_seconds, trim=settings.trim_silence)

    def _load_data(self, max_seconds: float, should_stop: Stop) -> tuple[PartTensors, PartTensors]:
        if max_seconds not in self._data:
            recipe = self._recipe(max_seconds)
            pair = (
                PartTensors(self.encoder, self._train, recipe, self._stores, augmented=self._settings.augment),
                PartTensors(self.encoder, self._validation, recipe, self._stores),
            )
            for data, part in zip(pair, ("training", "validation"), strict=True):
                data.prepare(should_stop, self._on_progress, pooled=True, once=self._alone)
                refuse_unusable(data, part)
                data.prepare_pooled(should_stop, self._on_progress)
            self._data[max_seconds] = pair
        return self._data[max_seconds]

    def _run(self, values: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        start = time.perf_counter()
        self._last = None
        check_stop(should_stop)
        train, validation = self._load_data(float(values["max_seconds"]), should_stop)
        chosen, classes = self.pooling(values), len(self.classes)
        features = [data.remembered(chosen, partial(vectors, data, chosen)) for data in (train, validation)]
        standard = train.remembered(("standard", chosen), partial(standardise, features[0]))
        head = self.solved(standard, _labels(train), float(values["inverse_regularization"]), should_stop)
        check_stop(should_stop)
        with torch.no_grad():
            logits = [head(torch.from_numpy(found)) for found in features]
        losses = [_loss(found, _labels(data)) for found, data in zip(logits, (train, validation), strict=True)]
        predictions = validation.predictions(logits[1])
        value = metrics.balanced_accuracy(validation.labels, predictions, classes)
        seconds = time.perf_counter() - start
        on_epoch(EpochReport(1, 1, losses[0], value, losses[1], True, seconds, predictions))
        self._last = (head, chosen, values)
        notes = (*train.notes("training"), *validation.notes("validation"))
        scores = metrics.shares(validation.labels, predictions, classes)
        said = validation.probabilities(logits[1])
        return TrialResult(scores, predictions, 1, value, losses[0], False, seconds, notes, said)


class Crossed:
    """Probes trained without two of `trainer`'s folds, each of which scores the other: what a choice inside a fold is made on."""

    def __init__(self, trainer: ProbeTrainer, should_stop: Stop) -> None:
        self._trainer, self._should_stop = trainer, should_stop
        self._found: dict[tuple[tuple[tuple[str, Value], ...], int, int], tuple[NDArray[np.intp], NDArray[np.intp]]] = {}

    def inner(self, parameters: Mapping[str, Value], outer: int) -> float:
        """The BCA of `parameters` over the other folds, pooled, by probes that heard neither the fold scored nor `outer`."""
        truth, predictions = list[int](), list[int]()
        values = self._trainer.completed(parameters)
        table = self._trainer.table(float(values["max_seconds"]), self._should_stop)
        for other in range(table.folds):
            if other == outer:
                continue
            rows, found = self._scored(values, outer, other)
            truth += table.labels[rows].tolist()
            predictions += found.tolist()
        if not truth:
            raise UserError("nested folds: nothing of the other folds may be heard to choose by; choose another protocol")
        return metrics.balanced_accuracy(truth, predictions, len(self._trainer.classes))

    def outer(self, parameters: Mapping[str, Value], outer: int) -> NDArray[np.float32]:
        """Class probabilities [n, C] that the probe with `parameters`, trained without `outer`, gives that fold's utterances; NaN
        for those that cannot be read."""
        values = self._trainer.completed(parameters)
        table = self._trainer.table(float(values["max_seconds"]), self._should_stop)
        rows = table.rows_to_score(outer)
        logits = np.full((table.scored(outer), len(self._trainer.classes)), np.nan, dtype=np.float32)
        logits[list(table.places(outer))] = self._fitted(table, values, (outer, outer), table.rows_to_train(outer), [rows])[0]
        return metrics.class_probabilities(logits)

    def _scored(self, values: Mapping[str, Value], outer: int, other: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of fold `other` that `outer` leaves to be heard, and what is predicted for them."""
        key = tuple(sorted(values.items()))
        if (key, outer, other) not in self._found:
            table = self._trainer.table(float(values["max_seconds"]), self._should_stop)
            train = np.intersect1d(table.rows_to_train(outer), table.rows_to_train(other))
            pairs = ((outer, other), (other, outer))
            rows = [np.intersect1d(table.rows_to_score(two), table.rows_to_train(one)) for one, two in pairs]
            low, high = sorted((outer, other))
            nothing = [np.empty((0, len(self._trainer.classes)), dtype=np.float32)] * 2
            found = self._fitted(table, values, (low, high), train, rows) if any(map(len, rows)) else nothing
            for (one, two), scored, logits in zip(pairs, rows, found, strict=True):
                self._found[key, one, two] = scored, logits.argmax(1).astype(np.intp)
        return self._found[key, outer, other]

    def _fitted(
        self,
        table: FoldTable,
        values: Mapping[str, Value],
        pair: tuple[int, int],
        train: NDArray[np.intp],
        rows: Sequence[NDArray[np.intp]],
    ) -> list[NDArray[np.float32]]:
        """Logits [n, C] of each of `rows` by the probe that is trained on the rows `train`."""
        check_stop(self._should_stop)
        chosen = self._trainer.pooling(values)
        features = table.features(chosen)
        standard = table.kept.of((pair, chosen), features, train)
        head = self._trainer.solved(standard, table.labels[train], float(values["inverse_regularization"]), self._should_stop)
        with torch.no_grad():
            return [head(torch.from_numpy(features[scored])).numpy() for scored in rows]


def best_fit(
    train: PartTensors,
    validation: PartTensors,
    chosen: Pooling,
    classes: int,
    strengths: Sequence[float],
    should_stop: Stop,
    *,
    balanced: bool = True,
) -> tuple[Head, float]:
    """The probe on `train` whose C, one of the ascending `strengths`, has the highest BCA on `validation`, and that C.

    Of equals the most regularised one. Both parts must be prepared, pooled statistics too. Raises UserError, TrialStopped.
    """
    best: tuple[float, Head, float] | None = None
    refuse_one_class(_labels(train))
    standard, scored = standardise(vectors(train, chosen)), vectors(validation, chosen)
    for strength in strengths:
        check_stop(should_stop)
        head = solve(standard, _labels(train), classes, strength, balanced=balanced, on_step=partial(check_stop, should_stop))
        with torch.no_grad():
            predictions = validation.predictions(head(torch.from_numpy(scored)))
        value = metrics.balanced_accuracy(validation.labels, predictions, classes)
        if best is None or value > best[0]:
            best = (value, head, strength)
    if best is None:
        raise ValueError("no strengths to choose from")
    return best[1], best[2]


def _labels(data: PartTensors) -> NDArray[np.int64]:
    return np.asarray([data.labels[index] for index in data.usable], dtype=np.int64)


def _loss(logits: torch.Tensor, labels: NDArray[np.int64]) -> float:
    """The mean cross-entropy of `logits` [N, C], no probability counted as less than what 1 can be told apart from."""
    likely = np.log(np.finfo(np.float64).eps)
    found = log_softmax(logits.double().numpy(), axis=1)[np.arange(len(labels)), labels]
    return float(-np.maximum(found, likely).mean())
