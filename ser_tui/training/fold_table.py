"""The features of all utterances that the folds of a protocol hold, once: every fold is a choice of rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.training.data import PartTensors
from ser_tui.training.features import Recipe
from ser_tui.training.head import Pooling
from ser_tui.training.linear import Kept
from ser_tui.training.shards import Shards
from ser_tui.training.speakers import by_speaker
from ser_tui.training.trial import Fold, Part

_WINDOW = 1_024
"""Utterances whose statistics are in memory at once."""
_MOST_TABLES = 8
"""Poolings whose features are kept at once."""


def vectors(data: PartTensors, chosen: Pooling) -> NDArray[np.float32]:
    """Pooled vectors [usable, width] of `data`, by the speakers' own statistics where `chosen` says so. Raises UserError."""
    usable = data.usable
    # In windows: the statistics of all layers are many times as large as what is chosen of them.
    parts = [chosen.select(data.pooled(usable[first : first + _WINDOW])).numpy() for first in range(0, len(usable), _WINDOW)]
    found: NDArray[np.float32] = np.concatenate(parts)
    return by_speaker(found, [data.speakers[index] for index in data.usable]) if chosen.by_speaker else found


class FoldTable:
    """Utterances of `folds`, each once, and their copies under `augmented`, which are trained on only.

    `data` must be prepared, pooled statistics too, and then `settle` be called, before anything else is asked.
    """

    def __init__(
        self, encoder: SpeechEncoder, folds: Sequence[Fold], recipe: Recipe, stores: dict[str, Shards], augmented: Sequence[str]
    ) -> None:
        self._folds, self._number = folds, dict[Clip, int]()
        clips: list[Clip] = []
        labels: list[int] = []
        digests: list[str] = []
        speakers: list[str] = []
        for fold in folds:
            for part in (fold.train, fold.validation):
                known = part.speakers or ("",) * len(part)
                for clip, label, digest, speaker in zip(part.clips, part.labels, part.digests, known, strict=True):
                    if clip not in self._number:
                        self._number[clip] = len(clips)
                        clips.append(clip)
                        labels.append(label)
                        digests.append(digest)
                        speakers.append(speaker)
        whole = Part(tuple(clips), tuple(labels), tuple(digests), tuple(speakers))
        self.data = PartTensors(encoder, whole, recipe, stores, augmented=augmented)
        self.kept = Kept()
        """Standardised training rows, which trials that differ in C only share."""
        self._row: dict[int, int] = {}
        self._rows: list[tuple[NDArray[np.intp], NDArray[np.intp], tuple[int, ...]]] = []
        self._features: dict[Pooling, NDArray[np.float32]] = {}
        self.labels: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        """Of the rows."""

    def settle(self) -> None:
        """Find out which rows each fold has."""
        usable, count = self.data.usable, len(self._number)
        self._row = {index: row for row, index in enumerate(usable)}
        self.labels = np.asarray([self.data.labels[index] for index in usable], dtype=np.int64)
        copies = range(len(self.data.labels) // count)
        for fold in self._folds:
            train = [self._number[clip] + copy * count for copy in copies for clip in fold.train.clips]
            scored = [(place, self._number[clip]) for place, clip in enumerate(fold.validation.clips)]
            heard = [(place, self._row[index]) for place, index in scored if index in self._row]
            self._rows.append((
                np.asarray([self._row[index] for index in train if index in self._row], dtype=np.intp),
                np.asarray([row for _, row in heard], dtype=np.intp), tuple(place for place, _ in heard),
            ))  # fmt: skip

    def features(self, chosen: Pooling) -> NDArray[np.float32]:
        """Pooled vectors [rows, width]."""
        if chosen not in self._features:
            while len(self._features) >= _MOST_TABLES:
                del self._features[next(iter(self._features))]
            self._features[chosen] = vectors(self.data, chosen)
        return self._features[chosen]

    @property
    def folds(self) -> int:
        """How many there are."""
        return len(self._folds)

    def scored(self, fold: int) -> int:
        """Utterances that fold number `fold`, from 0, is scored on, unreadable ones included."""
        return len(self._folds[fold].validation)

    def rows_to_train(self, fold: int) -> NDArray[np.intp]:
        """Rows that fold number `fold`, from 0, is trained on, copies behind the utterances."""
        return self._rows[fold][0]

    def rows_to_score(self, fold: int) -> NDArray[np.intp]:
        """Rows that it is scored on."""
        return self._rows[fold][1]

    def places(self, fold: int) -> tuple[int, ...]:
        """Where in its validation part those are."""
        return self._rows[fold][2]
