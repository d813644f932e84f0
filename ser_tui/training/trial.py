"""What goes into a trial and what comes out of it, shared by fine-tuning and probing. Imports numpy and nothing heavier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.study.errors import UserError
from ser_tui.study.scores import BCA, Score, Share


@dataclass(frozen=True)
class Part:
    """Utterances of one part of a split. `clips`: what is heard; `labels`: class indices; `digests`: content digests, one per
    utterance."""

    clips: tuple[Clip, ...]
    labels: tuple[int, ...]
    digests: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    """Who speaks, an empty text where that is not known; none at all where nobody asked."""

    def __post_init__(self) -> None:
        if not len(self.clips) == len(self.labels) == len(self.digests):
            raise ValueError(f"{len(self.clips)} clips, {len(self.labels)} labels and {len(self.digests)} digests")
        if self.speakers and len(self.speakers) != len(self.clips):
            raise ValueError(f"{len(self.clips)} clips and {len(self.speakers)} speakers")

    def __len__(self) -> int:
        return len(self.clips)


@dataclass(frozen=True)
class Fold:
    """One of the splits whose validation parts are scored together. `places`: where each of `validation` is in the whole of them."""

    name: str
    train: Part
    validation: Part
    places: tuple[int, ...]


@dataclass(frozen=True)
class Rival:
    """Trial `trial`, the best so far: its BCA over all folds, and its predictions for the whole that their validation parts make up."""

    trial: int
    value: float
    predictions: tuple[int, ...]


@dataclass(frozen=True)
class Leg:
    """A stretch of a trial: it is trained up to epoch `until` (0: to its end), where its checkpoint is written into the file `end`. It goes
    on from the checkpoint `begin`; None: from the start."""

    until: int
    end: Path
    begin: Path | None = None


@dataclass(frozen=True)
class EpochReport:
    """One pass over the training part. `epoch` counts from 1; `predictions` are those for the validation part, `value` their BCA."""

    epoch: int
    epochs: int
    loss: float
    value: float
    validation_loss: float
    frozen: bool
    seconds: float
    predictions: tuple[int, ...]


@dataclass(frozen=True)
class TrialResult:
    """A finished trial. Its scores are those of the last epoch trained; the best epoch is reported, never the score."""

    scores: Mapping[Share, Score]
    """Of `predictions`, under the names in `study.scores.SHARES`; without intervals."""
    predictions: tuple[int, ...]
    """Class index per validation utterance, in the part's order; -1 where the utterance could not be read."""
    best_epoch: int
    best_epoch_value: float
    """Its BCA."""
    loss: float
    """Training loss of the last epoch."""
    collapsed: bool
    """Ended early by the collapse guard."""
    seconds: float
    notes: tuple[str, ...]
    """Sentences for people, such as which utterances could not be read."""
    probabilities: NDArray[np.float32] | None = field(default=None, compare=False)
    """Class probabilities [validation utterances, classes] behind `predictions`; rows of NaN where these are -1."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """What else was measured of it, under the names in `study.scores.MEASURES`."""
    folds_run: int = 0
    """Of a trial that was dropped after so many folds, see `training.racing`: its scores are of these alone, and it has no predictions
    for the others. 0: it ran to its end."""
    rival: int = 0
    """The trial that it was then behind."""
    paused: int = 0
    """Of a trial that was paused, so many epochs: its scores are of then, and it has no model. 0: it ran to its end."""
    prepared: float = field(default=0.0, compare=False)
    """Of its `seconds`, those that went into features which later trials find: see `training.preparing`."""

    def value(self, name: Share = BCA) -> float:
        """One of `scores`."""
        return self.scores[name].value


class TrialStopped(Exception):
    """`should_stop` answered yes; the trial has no score."""


class UtteranceChanged(UserError):
    """An audio file is not the one that the manifest was made of: what is computed from it would be scored as another's."""


class NonFiniteLoss(Exception):
    """The training loss or its gradient became NaN or infinite; the trial has no score."""


Stop = Callable[[], bool]
OnEpoch = Callable[[EpochReport], None]
OnProgress = Callable[[int, int], None]
"""(done, total): utterances that are dealt with, and all of them."""
OnFold = Callable[[int, Fold, float], None]
"""(number, fold, BCA): fold `number`, from 1, of a trial that is scored on several is scored."""
OnStage = Callable[[str, int, int], None]
"""(stage, done, total): the same, with what is done to them: see `study.events.Progressed`."""


def silent(stage: str, done: int, total: int) -> None:
    """An OnStage for where nobody listens."""


def unheard(number: int, fold: Fold, value: float) -> None:
    """An OnFold for where nobody listens."""


def check_stop(should_stop: Stop) -> None:
    """Raise TrialStopped if asked to stop."""
    if should_stop():
        raise TrialStopped
