"""A saved ensemble as one model: the weighted mean of its members' class probabilities (soft voting: Kuncheva 2004, section 5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.store import ensembles
from ser_tui.study.errors import UserError
from ser_tui.training.metrics import class_probabilities
from ser_tui.training.model import Model, load_model
from ser_tui.training.trial import OnProgress, Stop


@dataclass(frozen=True)
class AveragedModel:
    """Models of the same classes, maybe in another order, and the weight of each."""

    members: tuple[Model, ...]
    weights: tuple[float, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it tells apart: the first member's, in its order."""
        return self.members[0].classes

    @property
    def by_speaker(self) -> bool:
        """Whether it must be told who speaks: see `training.speakers`."""
        return any(member.pooling.by_speaker for member in self.members)

    @property
    def problems(self) -> dict[int, str]:
        """Of the last call: index -> why an utterance has no probabilities from any member."""
        first, *others = (member.problems for member in self.members)
        return {index: why for index, why in first.items() if all(index in other for other in others)}

    def probabilities(
        self, clips: Sequence[Clip], digests: Sequence[str] = (), *, speakers: Sequence[str] = (),
        should_stop: Stop = lambda: False, on_progress: OnProgress | None = None,
    ) -> NDArray[np.float32]:
        """Class probabilities [N, classes] of `clips`, the mean of those members that could read each; NaN where none could.

        Arguments, and what is raised: see `Model.predict_logits`. Each member hears all utterances as it was trained to.
        """
        total = np.zeros((len(clips), len(self.classes)))
        share = np.zeros((len(clips), 1))
        for number, (member, weight) in enumerate(zip(self.members, self.weights, strict=True)):

            def told(done: int, count: int, number: int = number) -> None:
                if on_progress is not None:
                    on_progress(number * count + done, count * len(self.members))

            logits = member.predict_logits(clips, digests, speakers=speakers, should_stop=should_stop, on_progress=told)
            said = class_probabilities(logits)[:, [member.classes.index(name) for name in self.classes]]
            there = np.isfinite(said).all(axis=1, keepdims=True)
            total += np.where(there, said, 0.0) * weight
            share += there * weight
        mean: NDArray[np.float32] = np.where(share > 0, total / np.maximum(share, 1e-12), np.nan).astype(np.float32)
        return mean


def load_averaged(folder: Path) -> AveragedModel:
    """The ensemble in `folder`, which `store.ensembles.save` made. Everything in it is read as data. Raises UserError."""
    saved = ensembles.read(folder)
    members = tuple(load_model(one.folder) for one in saved)
    first = members[0]
    for one, member in zip(saved, members, strict=True):
        if set(member.classes) != set(first.classes):
            raise UserError(f"{folder}: {one.run} tells other classes apart than {saved[0].run}; save the ensemble again")
    return AveragedModel(members, tuple(one.weight for one in saved))
