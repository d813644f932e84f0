"""The folds of a protocol as they are scored one after another, and all of them together: what the log says of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.manifest import Manifest
from ser_tui.evaluation.statistics import Units, interval_speakers, paired_difference, scored
from ser_tui.experiment.cooling import cooled_apart
from ser_tui.experiment.outputs import outputs_kept
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.event_scores import fold_row, of_pool, of_pooled_probe
from ser_tui.study.findings import Finding, of_segments
from ser_tui.study.scores import BCA, Score


class FoldScores:
    """Scores of folds of so many `classes`, with intervals by `seed`. `truth` and `predictions`: of all folds so far, one after another."""

    def __init__(self, classes: int, seed: int) -> None:
        self._classes, self._seed = classes, seed
        self.truth: list[int] = []
        self.predictions: list[int] = []
        self._groups: list[str] = []
        self._recordings: list[str] = []
        self._named = True
        """Whether intervals may be over speakers: where one fold's are not known, or are trained on, those of the others say nothing of
        all."""
        self._rows: list[dict[str, Any]] = []
        self._scores: list[Score] = []
        self._indices: list[Sequence[int]] = []
        self._said: list[NDArray[np.float32] | None] = []

    def add(
        self,
        name: str,
        indices: Sequence[int],
        truth: Sequence[int],
        predictions: Sequence[int],
        said: NDArray[np.float32] | None,
        units: Units,
        **more: Any,
    ) -> Score:
        """Take in fold `name`, which is scored on the utterances at `indices` of the manifest; its score. `said`: class probabilities,
        where they are known; `more`: what else its row in the log has."""
        score = self._score(truth, predictions, units)
        self._rows.append({**fold_row(name, score, len(truth), interval_speakers(units["groups"])), **more})
        self._scores.append(score)
        self._indices.append(indices)
        self._said.append(said)
        self.truth += truth
        self.predictions += predictions
        self._groups += units["groups"] or ()
        self._recordings += units["recordings"] or ()
        self._named = self._named and units["groups"] is not None
        return score

    @property
    def _units(self) -> Units:
        return Units(groups=self._groups if self._named else None, recordings=self._recordings)

    def _score(self, truth: Sequence[int], predictions: Sequence[int], units: Units) -> Score:
        return scored(truth, predictions, self._classes, (BCA,), seed=self._seed, **units)[BCA]

    def pooled(self) -> dict[str, Any]:
        """The fields of FoldsScored that tell of all folds."""
        values = [score.value for score in self._scores]
        return {
            "folds": tuple(self._rows),
            **of_pool(self._score(self.truth, self.predictions, self._units)),
            "mean": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
            "utterances": len(self.truth),
            "interval_speakers": interval_speakers(self._units["groups"]),
        }

    def beside(self, probed: Sequence[int]) -> dict[str, Any]:
        """The fields of FoldsScored that tell of the run's probe, which said `probed`; none where it was not fitted for every fold."""
        if len(probed) != len(self.truth):
            return {}
        return {
            **of_pooled_probe(self._score(self.truth, probed, self._units)),
            "probe_p": paired_difference(self.truth, probed, self.predictions, self._classes, **self._units)[1],
        }

    def segments(self) -> tuple[Finding, ...]:
        """What must be said where the folds have segments of recordings."""
        return of_segments(interval_speakers(self._units["groups"]), self._recordings)

    def keep(self, session: Surroundings, of: str, manifest: Manifest, *, calibrate: bool) -> str:
        """Keep what was said in all folds, called `of`, one after the other; the digest, empty where a fold's is not known. `calibrate`: by
        the temperatures that fit the other folds."""
        held = [one for one in self._said if one is not None]
        numbers = [number for number, indices in enumerate(self._indices) for _ in indices]
        whole = np.concatenate(held) if len(held) == len(self._said) else None
        if whole is not None and calibrate:
            whole = cooled_apart(whole, self.truth, numbers)
        return outputs_kept(session, of, manifest, [*chain.from_iterable(self._indices)], self.truth, self.predictions, whole, numbers)
