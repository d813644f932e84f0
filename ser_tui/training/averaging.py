"""One model or several as one that answers: the weighted mean of their class probabilities (soft voting: Kuncheva 2004, section 5.2)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ser_tui.store import ensembles
from ser_tui.study.errors import UserError
from ser_tui.training import hearing
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import Model, load_model


@dataclass(frozen=True)
class AveragedModel:
    """Models of the same classes, maybe in another order, and the weight of each."""

    members: tuple[Model, ...]
    weights: tuple[float, ...]

    @staticmethod
    def of(model: Model) -> AveragedModel:
        """`model` alone, which then answers as it does by itself."""
        return AveragedModel((model,), (1.0,))

    @property
    def identity(self) -> str:
        """Digest of all that its answers depend on besides the audio: of one model its own."""
        if len(self.members) == 1:
            return self.members[0].identity
        told = [[member.identity, weight] for member, weight in zip(self.members, self.weights, strict=True)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def hears(self) -> float:
        """Seconds of an utterance that every member hears."""
        return min(member.recipe.max_seconds for member in self.members)

    @property
    def needs(self) -> float | None:
        """Seconds of an utterance that a member may look at; None: all of it, as one leaves out silence before it cuts."""
        if any(member.recipe.trim for member in self.members):
            return None
        return max(member.recipe.max_seconds for member in self.members)

    @property
    def least_milliseconds(self) -> float:
        """Of an utterance that some member can hear."""
        return min(member.encoder.minimum_samples for member in self.members) / 16

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it tells apart: the first member's, in its order."""
        return self.members[0].classes

    @property
    def by_speaker(self) -> bool:
        """Whether it must be told who speaks: see `training.speakers`."""
        return any(member.pooling.by_speaker for member in self.members)

    def heard(self, waveforms: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """What each member makes of waveforms [samples] at 16 kHz, which it trims, cuts and normalises as in training: for `said`."""
        return [member.heard([hearing.prepared(one, member.recipe) for one in waveforms]) for member in self.members]

    def said(self, heard: Sequence[NDArray[np.float32]], speakers: Sequence[str] = ()) -> NDArray[np.float32]:
        """Class probabilities [N, classes] of N waveforms, of which the members `heard` that much: the mean of those members that could
        read each; NaN where none could. `speakers`: who speaks, where `by_speaker`. Raises UserError where one is not known."""
        pairs = zip(self.members, heard, strict=True)
        return self._mean(
            [member.answered(member.features_of(one, speakers)) if member.pooling.by_speaker else one for member, one in pairs]
        )

    def _mean(self, logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Class probabilities [N, classes] by the members' `logits` [N, classes], each in its own order of classes."""
        total = np.zeros((len(logits[0]), len(self.classes)))
        share = np.zeros((len(logits[0]), 1))
        for member, weight, own in zip(self.members, self.weights, logits, strict=True):
            said = class_probabilities(own)[:, [member.classes.index(name) for name in self.classes]]
            there = np.isfinite(said).all(axis=1, keepdims=True)
            total += np.where(there, said, 0.0) * weight
            share += there * weight
        mean: NDArray[np.float32] = np.where(share > 0, total / np.maximum(share, 1e-12), np.nan).astype(np.float32)
        return mean


def load_averaged(folder: Path) -> AveragedModel:
    """The ensemble in `folder`, which `store.ensembles.save` made. Everything in it is read as data. Raises UserError."""
    saved = ensembles.read(folder)
    members = tuple(load_model(one.folder, "save the ensemble again") for one in saved)
    first = members[0]
    for one, member in zip(saved, members, strict=True):
        if set(member.classes) != set(first.classes):
            raise UserError(f"{folder}: {one.run} tells other classes apart than {saved[0].run}; save the ensemble again")
    return AveragedModel(members, tuple(one.weight for one in saved))
