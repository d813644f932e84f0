"""The training loop of arXiv 2510.07052, written from its description: what benchmarks/speed.py measures ser_tui against.

One utterance a step, read from its file, cut or zero-padded to the trial's maximum length, no mask, float32. While the
encoder is frozen its whole forward pass is repeated in every epoch; from the unfreeze epoch on all of it is trained, its
convolutions too. Mean over time, a linear head, cross-entropy, AdamW, a cosine over all steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders.load import load_encoder
from ser_tui.study.hyperparameters import Value
from ser_tui.training import audio
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.training.trial import Part


class ReferenceModel(nn.Module):
    """Encoder, mean over all frames, padded ones included, and a linear head: waveform [samples] to logits [classes]."""

    def __init__(self, encoder_name: str, classes: int) -> None:
        super().__init__()
        self.encoder = load_encoder(encoder_name)
        if self.encoder.family != "whisper":
            # transformers' own forward and its own default attention; the product's is part of what is compared.
            config: Any = self._plain.config
            config._attn_implementation = "sdpa"
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(True)
        self.head = nn.Linear(self.encoder.dimension, classes)

    @property
    def _plain(self) -> Any:
        """transformers' own model."""
        return self.encoder.model

    def forward(self, waveform: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoded(waveform))
        return logits

    def encoded(self, waveform: Tensor) -> Tensor:
        """The pooled vector [D]."""
        inputs = self.encoder.inputs(waveform)
        if self.encoder.family == "whisper":
            frames = self.encoder.convolve(inputs)[None]
            lengths = torch.tensor([frames.shape[1]])
            hidden = self.encoder.output(self.encoder.hidden_states(frames, lengths)[-1], lengths)
        else:
            hidden = self._plain(inputs[None]).last_hidden_state
        return hidden[0].mean(0)


@dataclass
class ReferenceTrial:
    """One trial of `epochs` over `train` (428 steps an epoch on EmoDB's split)."""

    model: ReferenceModel
    max_seconds: float
    learning_rate: float
    steps: int

    def __post_init__(self) -> None:
        self._optimizer = torch.optim.AdamW(self.model.parameters(), lr=self.learning_rate)
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, max(1, self.steps))

    def waveform(self, part: Part, index: int) -> Tensor:
        """Utterance `index` of `part` at exactly the maximum length."""
        loaded = audio.load(part.clips[index], max_seconds=self.max_seconds)
        return nn.functional.pad(loaded, (0, audio.cut(self.max_seconds) - len(loaded)))

    def step(self, part: Part, index: int, *, frozen: bool) -> float:
        """One update on one utterance; its loss."""
        self.model.train()
        waveform = self.waveform(part, index)
        if frozen:
            with torch.no_grad():
                pooled = self.model.encoded(waveform)
            logits = self.model.head(pooled)
        else:
            logits = self.model(waveform)
        loss = nn.functional.cross_entropy(logits[None], torch.tensor([part.labels[index]]))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        self._optimizer.step()
        self._schedule.step()
        return float(loss.detach())

    def predict(self, part: Part, index: int) -> int:
        """The class of one utterance."""
        self.model.eval()
        with torch.no_grad():
            return int(self.model(self.waveform(part, index)).argmax())


def run(
    encoder_name: str,
    train: Part,
    validation: Part,
    classes: int,
    parameters: Mapping[str, Value],
    seed: int,
    on_epoch: Callable[[int, float, float], None],
) -> float:
    """A whole trial; its BCA after the last epoch. `on_epoch` hears the epoch, its BCA and its seconds."""
    torch.manual_seed(seed)
    model = ReferenceModel(encoder_name, classes)
    epochs = int(parameters["epochs"])
    trial = ReferenceTrial(model, float(parameters["max_seconds"]), float(parameters["learning_rate"]), epochs * len(train))
    bca = 0.0
    for epoch in range(1, epochs + 1):
        begun = time.perf_counter()
        for index in torch.randperm(len(train)).tolist():
            trial.step(train, index, frozen=epoch <= int(parameters["unfreeze_epoch"]))
        predictions = [trial.predict(validation, index) for index in range(len(validation))]
        bca = balanced_accuracy(validation.labels, predictions, classes)
        on_epoch(epoch, bca, time.perf_counter() - begun)
    return bca
