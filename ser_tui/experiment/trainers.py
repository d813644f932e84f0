"""The trainer that a study's method asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ser_tui.experiment.data import Data
from ser_tui.study.document import Study
from ser_tui.study.hyperparameters import Value
from ser_tui.training.finetune import Trainer
from ser_tui.training.parameters import PROBE_STRENGTHS
from ser_tui.training.trial import EpochReport, OnStage, Part, TrialResult, silent


class AnyTrainer(Protocol):
    """What the search needs of a trainer, whatever the method."""

    @property
    def precision(self) -> str:
        """float32 or bfloat16."""
        ...

    @property
    def encoder_fingerprint(self) -> str:
        """Identifies the pre-trained weights."""
        ...

    def run(
        self,
        parameters: Mapping[str, Value],
        seed: int,
        on_epoch: Callable[[EpochReport], None],
        should_stop: Callable[[], bool],
    ) -> TrialResult:
        """Train and score one trial."""
        ...

    def save_best(self, folder: Path) -> None:
        """Write the model that was trained last."""
        ...


def make_trainer(
    study: Study, data: Data, start_strengths: Sequence[float] = PROBE_STRENGTHS, on_stage: OnStage = silent
) -> AnyTrainer:
    """A trainer for `study` on `data`. The rest: see `Trainer`. Raises UserError where the encoder cannot be loaded."""
    parts = (data.part(data.split.train), data.part(data.split.validation))
    return make_trainer_of(study, *parts, data.classes, start_strengths, on_stage)


def make_trainer_of(
    study: Study, train: Part, validation: Part, classes: tuple[str, ...],
    start_strengths: Sequence[float] = PROBE_STRENGTHS, on_stage: OnStage = silent,
) -> AnyTrainer:
    """A trainer for `study` on two parts of any choice."""
    if study.method == "probe":
        from ser_tui.training.probe import ProbeTrainer

        return ProbeTrainer(study.encoder, train, validation, classes, study.training, on_stage=on_stage)
    return Trainer(
        study.encoder, train, validation, classes, study.training, on_stage=on_stage, start_strengths=start_strengths
    )
