"""Fine-tuning: one trial trains encoder and head on the training part and scores them on the validation part.

    trainer = FineTuner("whisper-tiny.en", train, validation, classes, study.training)
    result = trainer.run(parameters, seed, on_epoch=print, should_stop=lambda: False)
    trainer.save_best(folder)                     # the trial just run, for ser_tui.training.model.load_model

`run` raises TrialStopped when asked to stop (asked at every batch), NonFiniteLoss, MemoryError when memory runs out, and
UserError for what the user can mend. Seeds make a trial repeat itself bit for bit on the same machine and thread count,
whatever is cached already.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.document import Method
from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training import adapting, balancing, batches, checkpoint, metrics, precision
from ser_tui.training.adapting import Adaptation, adaptation
from ser_tui.training.collapse import CollapseGuard
from ser_tui.training.data import PartTensors, refuse_unusable
from ser_tui.training.features import Recipe
from ser_tui.training.head import Head, Pooling, pooling
from ser_tui.training.memory import as_memory_error
from ser_tui.training.optimizer import Optimizer
from ser_tui.training.parameters import START_STRENGTHS, complete
from ser_tui.training.preparing import preparing
from ser_tui.training.shapes import rounded
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, Fold, NonFiniteLoss, OnEpoch, OnStage, Part, Stop, TrialResult, check_stop, silent
from ser_tui.training.weight_averaging import Average

_EVALUATION_BATCH = 16
MOST_STATES = 16_000_000
"""Numbers in the hidden states of all layers, padding included, that one backward pass may go through: more of a batch's long
utterances at once take gigabytes and no less time. Eight utterances of 4 s with wav2vec2-base; 26 s of eight with Whisper tiny."""


class FineTuner(Trainer):
    """Trains encoder and head. The encoder is put back to its pre-trained weights before every trial.

    `on_stage` hears of batches trained on and of those scored as well. `start_strengths`: among them the C of heads that start
    as probes is chosen, on the validation part.
    """

    method: ClassVar[Method] = "finetune"
    tunes: ClassVar[bool] = True

    def __init__(
        self,
        encoder_name: str,
        train: Part,
        validation: Part,
        classes: tuple[str, ...],
        settings: Training,
        *,
        on_stage: OnStage = silent,
        start_strengths: Sequence[float] = START_STRENGTHS,
        folds: Sequence[Fold] = (),
        encoder: SpeechEncoder | None = None,
    ) -> None:
        super().__init__(encoder_name, train, validation, classes, settings, on_stage=on_stage, folds=folds, encoder=encoder)
        self.precision = precision.choose(settings.precision, paper_exact=settings.paper_exact)
        self._prepare_parameters()
        self._pristine = {name: tensor.clone() for name, tensor in self.encoder.state_dict().items()}
        self._adaptation: Adaptation = adaptation({})
        self._below: int | None = None
        """The hidden state that enters the lowest trained layer of this trial, where it is kept; None: trials begin at the frames."""
        self._start_strengths = start_strengths
        self._starts: dict[tuple[Part, Pooling, float], tuple[Head, float]] = {}

    def frozen_encoder(self) -> SpeechEncoder:
        """The encoder, with its pre-trained weights again; the trial just run cannot be saved any more."""
        self._reset()
        return super().frozen_encoder()

    def start_strengths(self, parameters: Mapping[str, Value], should_stop: Stop) -> Sequence[float]:
        """The C of the probe that a trial with `parameters` starts from; all, where it starts from none. Raises what `run` raises."""
        completed = complete(parameters, self.method, self._settings.classifier)
        if completed["head_initialization"] != "probe":
            return super().start_strengths(parameters, should_stop)
        with as_memory_error():
            self.frozen_encoder()
            if self._folds:
                self._enter(0)
            data = self._load_data(float(completed["max_seconds"]), should_stop)
            return (self._start(*data, self._pooling(completed), should_stop)[1],)

    def refit(self, should_stop: Stop) -> None:
        """See `Trainer.refit`. A head that starts as a probe keeps the C that was chosen while the validation part was not heard."""
        if self._last is None:
            return super().refit(should_stop)
        before, values = self._start_strengths, self._last[2]
        if values["head_initialization"] == "probe":
            found = self._starts.get((self._train, self._pooling(values), float(values["max_seconds"])))
            self._start_strengths = before if found is None else (found[1],)
        try:
            return super().refit(should_stop)
        finally:
            self._start_strengths = before

    def _prepare_parameters(self) -> None:
        trained = {id(parameter) for parameter in self.encoder.transformer_parameters()}
        if self._settings.train_front_end:
            trained |= {id(parameter) for parameter in self.encoder.front_end_parameters()}
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(id(parameter) in trained)

    def _adapt(self, parameters: Mapping[str, Value], chosen: Pooling) -> None:
        """Let gradients reach what the trial trains. The encoder must hold its pre-trained weights. Raises UserError."""
        self._adaptation = adaptation(parameters)
        if self._adaptation.full:
            self._prepare_parameters()
        else:
            self._trained = self._adaptation.enter(self.encoder, chosen)
        below = self._adaptation.below(self.encoder, chosen)
        self._below = None if below == 0 and self.encoder.cheap_entry else below

    def _reset(self) -> None:
        adapting.leave(self.encoder)
        self._trained = None
        if self._tuned:
            self.encoder.load_state_dict(self._pristine, strict=True)
            self._tuned = False
        self.encoder.eval()
        self.encoder.zero_grad(set_to_none=True)

    def _recipe(self, max_seconds: float) -> Recipe:
        # float16 keeps more of a value than the bfloat16 that the transformer rounds it to.
        rounded = torch.float16 if self.precision == "bfloat16" else torch.float32
        settings = self._settings
        return Recipe(max_seconds, settings.normalize, pad_to_max=settings.paper_exact, dtype=rounded, trim=settings.trim_silence)

    def _load_data(self, max_seconds: float, should_stop: Stop) -> tuple[PartTensors, PartTensors]:
        if max_seconds not in self._data:
            pair = tuple(
                PartTensors(
                    self.encoder,
                    part,
                    self._recipe(max_seconds),
                    self._stores,
                    train_front_end=self._settings.train_front_end,
                    augmented=augmented,
                )
                for part, augmented in ((self._train, self._settings.augment), (self._validation, ()))
            )
            self._data[max_seconds] = (pair[0], pair[1])
        train, validation = self._data[max_seconds]
        for data, part in ((train, "training"), (validation, "validation")):
            data.prepare(should_stop, self._on_progress)
            refuse_unusable(data, part)
        return train, validation

    def _pooling(self, parameters: Mapping[str, Value]) -> Pooling:
        return pooling(str(parameters["layers"]), str(parameters["pooling"]), self.encoder)

    def _start(self, train: PartTensors, validation: PartTensors, chosen: Pooling, should_stop: Stop) -> tuple[Head, float]:
        """The probe on this trainer's own features (layers averaged, no silence appended), and its C.

        On layers side by side, as probes have them, the start is better and what fine-tuning makes of it worse: docs/probes.md.
        The encoder must hold its pre-trained weights.
        """
        from ser_tui.training.probe import best_fit  # scikit-learn takes a second, which other trials need not wait for

        key = (self._train, chosen, train.recipe.max_seconds)
        if key not in self._starts:
            for data in (train, validation):
                data.prepare_pooled(should_stop, self._on_progress)
            balanced, strengths = self._settings.balance != "none", self._start_strengths
            with preparing():
                self._starts[key] = best_fit(train, validation, chosen, len(self.classes), strengths, should_stop, balanced=balanced)
        return self._starts[key]

    def _run(self, parameters: Mapping[str, Value], seed: int, on_epoch: OnEpoch, should_stop: Stop) -> TrialResult:
        start = time.perf_counter()
        self._last = None
        self._reset()
        check_stop(should_stop)
        train, validation = self._load_data(float(parameters["max_seconds"]), should_stop)
        chosen = self._pooling(parameters)
        head = self._new_head(parameters, train, validation, chosen, seed, should_stop)
        self._adapt(parameters, chosen)
        epochs, unfreeze = int(parameters["epochs"]), int(parameters["unfreeze_epoch"])
        size = int(parameters["batch_size"])
        trained = [parameter for parameter in self.encoder.parameters() if parameter.requires_grad]
        thaw = self._thawing(parameters, chosen, trained)
        optimizer = self._optimizer(parameters, chosen, trained, head, epochs * -(-len(train.usable) // size))
        average = self._average([*trained, *head.parameters()], epochs, unfreeze)
        criterion, guard = self._criterion([train.labels[index] for index in train.usable], float(parameters["label_smoothing"]))
        reports: list[EpochReport] = []
        collapsed, logits = False, torch.empty(0)
        rung, spent, until = self._rung, 0.0, epochs
        # A checkpoint fits the trial alone that it was made of.
        made_of = repr((sorted(parameters.items()), seed, self.encoder_fingerprint, self.precision, self.classes, len(train.usable)))
        if rung is not None and rung.begin is not None:
            progress = checkpoint.load(rung.begin, made_of, self.encoder, head, optimizer, guard, average)
            reports, spent, self._tuned = progress.reports(epochs), progress.seconds, progress.tuned
        if rung is not None and 0 < rung.until < epochs:
            until = rung.until
        for epoch in range(len(reports) + 1, until + 1):
            frozen = epoch <= unfreeze or self._adaptation.trained == adapting.HEAD
            began = time.perf_counter()
            thaw(epoch)
            loss = self._epoch(train, head, chosen, criterion, optimizer, average, size, seed, epoch, frozen, should_stop)
            with average.in_place():
                logits = self._logits(validation, head, chosen, should_stop, frozen=not self._tuned)
            report = self._report(validation, logits, epoch, epochs, loss, frozen, time.perf_counter() - began)
            reports.append(report)
            on_epoch(report)
            if self._guarded and not frozen and epoch < epochs and guard.collapsed(loss, report.predictions):
                collapsed = True
                break
        paused = until if until < epochs and not collapsed else 0
        if paused and rung is not None:
            thaw(epochs + self.encoder.layers)  # a checkpoint holds all that the trial may train
            done = tuple((report.epoch, report.loss, report.value) for report in reports)
            progress = checkpoint.HowFar(done, spent + time.perf_counter() - start, made_of, self._tuned)
            checkpoint.save(rung.end, progress, self.encoder, head, optimizer, guard, average)
        else:
            average.settle()
            self._last = (head, chosen, dict(parameters))
        notes = (*train.notes("training"), *validation.notes("validation"))
        said = validation.probabilities(logits)
        found = self._result(reports, collapsed, spent + time.perf_counter() - start, notes, said)
        return replace(found, paused=paused) if paused else found

    def _new_head(
        self, parameters: Mapping[str, Value], train: PartTensors, validation: PartTensors, chosen: Pooling, seed: int, should_stop: Stop
    ) -> Head:
        """The trial's head, drawn by `seed`, or the probe that it starts from."""
        probe = self._start(train, validation, chosen, should_stop)[0] if parameters["head_initialization"] == "probe" else None
        torch.manual_seed(seed)
        head = Head(chosen.width(self.encoder.dimension), len(self.classes), float(parameters["head_dropout"]))
        if probe is not None:
            head.load_state_dict(probe.state_dict())
        return head

    def _criterion(self, labels: list[int], smoothing: float) -> tuple[nn.Module, CollapseGuard]:
        balance = self._settings.balance
        guard = CollapseGuard(labels if balance in ("auto", "none") else sorted(set(labels)))
        return balancing.criterion(balance, labels, len(self.classes), smoothing), guard

    @property
    def _guarded(self) -> bool:
        return self._settings.collapse_guard and not self._settings.paper_exact

    def _optimizer(
        self, parameters: Mapping[str, Value], chosen: Pooling, trained: Sequence[nn.Parameter], head: Head, steps: int
    ) -> Optimizer:
        decay = float(parameters["layer_decay"])
        depths = adapting.depths(self.encoder, chosen) if decay != 1.0 else {}
        return Optimizer(
            trained, head.parameters(), factors={one: decay**depth for one, depth in depths.items()},
            learning_rate=float(parameters["learning_rate"]), head_factor=float(parameters["head_learning_rate_factor"]),
            weight_decay=float(parameters["weight_decay"]), clip=self._settings.gradient_clip, steps=steps, warmup=self._settings.warmup,
        )  # fmt: skip

    def _thawing(self, parameters: Mapping[str, Value], chosen: Pooling, trained: Sequence[nn.Parameter]) -> Callable[[int], None]:
        """Lets gradients reach, of what the trial trains, the layers whose turn it is in an epoch (Howard, Ruder 2018)."""
        layers, unfreeze = int(parameters["thaw_layers"]), int(parameters["unfreeze_epoch"])
        depths = adapting.depths(self.encoder, chosen) if layers else {}

        def thaw(epoch: int) -> None:
            for one in trained if layers else ():
                one.requires_grad_(depths[one] < layers * (epoch - unfreeze))

        return thaw

    def _average(self, parameters: Sequence[nn.Parameter], epochs: int, unfreeze: int) -> Average:
        return Average(self._settings.averaging, parameters, min(epochs, unfreeze + 1 + (epochs - unfreeze) // 2))

    def _epoch(
        self,
        train: PartTensors,
        head: Head,
        chosen: Pooling,
        criterion: nn.Module,
        optimizer: Optimizer,
        average: Average,
        size: int,
        seed: int,
        epoch: int,
        frozen: bool,
        should_stop: Stop,
    ) -> float:
        """One pass over the training part; the mean loss of an utterance. Raises NonFiniteLoss."""
        if not frozen:
            self._tuned = True
        self._learn(chosen, not frozen)
        head.train()
        if frozen:
            train.prepare_pooled(should_stop, self._on_progress)
        elif self._below is not None:
            train.prepare_entering(self._below, should_stop, self._on_progress)
        total, seen = 0.0, 0
        usable = train.usable
        if self._settings.balance == "sampling":
            usable = [usable[position] for position in balancing.drawn([train.labels[index] for index in usable], seed, epoch)]
        for batch in batches.shuffled([train.length(index) for index in usable], size, seed, epoch):
            check_stop(should_stop)
            indices = [usable[position] for position in batch]
            for part in [indices] if frozen else self._fitting(train, indices):
                labels = torch.tensor([train.labels[index] for index in part])
                pooled = chosen.select(train.pooled(part)) if frozen else self._pool(train, part, chosen)
                # The batch's mean loss, a part at a time: the gradients of the parts add up to the batch's.
                loss = criterion(head(pooled), labels) * (len(part) / len(indices))
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise NonFiniteLoss(f"the loss became {value} in epoch {epoch}")
                loss.backward()
                total += value * len(indices)
            seen += len(batch)
            self.on_stage("training", seen, len(train.usable))
            if not optimizer.step():
                raise NonFiniteLoss(f"the gradient became infinite or NaN in epoch {epoch}")
            average.after_step()
        average.after_epoch(epoch)
        return total / len(train.usable)

    def _learn(self, chosen: Pooling, learns: bool) -> None:
        """Put the encoder, or the layers of it from the lowest trained one on, into training mode; what lies below never is."""
        below = self._adaptation.below(self.encoder, chosen)
        if below is None:
            self.encoder.train(learns)
            return
        self.encoder.eval()
        for block in self.encoder.blocks[below:]:
            block.train(learns)

    def _fitting(self, data: PartTensors, indices: list[int]) -> list[list[int]]:
        """`indices` in as few parts, as even as can be, as keep what the backward pass needs of each within `MOST_STATES`."""
        frames = len(indices) * max(data.length(index) for index in indices)
        count = min(len(indices), -(-frames * self.encoder.layers * self.encoder.dimension // MOST_STATES))
        return [indices[part * len(indices) // count : (part + 1) * len(indices) // count] for part in range(count)]

    def _pool(self, data: PartTensors, indices: list[int], chosen: Pooling) -> Tensor:
        if self._below is None:
            frames, lengths, real = data.frames(indices)
            with precision.autocast(self.precision):
                return chosen.of(self.encoder, rounded(frames, self.encoder, self.precision), lengths, real)
        entering, lengths, real, lower = data.entered(indices, self._below)
        with precision.autocast(self.precision):
            states = self.encoder.continued(
                rounded(entering, self.encoder, self.precision), lengths, self._below, min(chosen.highest, self.encoder.layers)
            )
            return chosen.of_states(self.encoder, states, lengths, real, lower)

    def _logits(self, data: PartTensors, head: Head, chosen: Pooling, should_stop: Stop, *, frozen: bool) -> Tensor:
        """Logits [N, classes] of the usable utterances of `data`, in order."""
        self.encoder.eval()
        head.eval()
        if frozen:
            data.prepare_pooled(should_stop, self._on_progress)
        elif self._below is not None:
            data.prepare_entering(self._below, should_stop, self._on_progress)
        logits, seen = torch.empty(len(data.usable), len(self.classes)), 0
        with torch.no_grad():
            for batch in batches.sorted_by_length([data.length(index) for index in data.usable], _EVALUATION_BATCH):
                check_stop(should_stop)
                indices = [data.usable[position] for position in batch]
                logits[batch] = head(chosen.select(data.pooled(indices)) if frozen else self._pool(data, indices, chosen))
                seen += len(batch)
                self.on_stage("scoring", seen, len(data.usable))
        if not torch.isfinite(logits).all():
            # argmax would answer with the first class, which looks like a score.
            raise NonFiniteLoss("the trained model's outputs are infinite or NaN")
        return logits

    def _report(
        self, validation: PartTensors, logits: Tensor, epoch: int, epochs: int, loss: float, frozen: bool, seconds: float
    ) -> EpochReport:
        labels = torch.tensor([validation.labels[index] for index in validation.usable])
        predictions = validation.predictions(logits)
        return EpochReport(
            epoch,
            epochs,
            loss,
            metrics.balanced_accuracy(validation.labels, predictions, len(self.classes)),
            float(nn.functional.cross_entropy(logits, labels)),
            frozen,
            seconds,
            predictions,
        )

    def _result(
        self, reports: list[EpochReport], collapsed: bool, seconds: float, notes: tuple[str, ...], said: NDArray[np.float32]
    ) -> TrialResult:
        last, best = reports[-1], max(reports, key=lambda report: (report.value, -report.epoch))
        return TrialResult(
            metrics.shares(self._validation.labels, last.predictions, len(self.classes)),
            last.predictions,
            best.epoch,
            best.value,
            last.loss,
            collapsed,
            seconds,
            notes,
            said,
        )
