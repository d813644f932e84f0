"""The trainer that a study's method asks for."""

from __future__ import annotations

from collections.abc import Sequence

from ser_tui.experiment.data import SplitCorpus
from ser_tui.study.document import Study
from ser_tui.training.finetune import FineTuner
from ser_tui.training.parameters import START_STRENGTHS
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import Fold, OnStage, Part, silent


def make_trainer(
    study: Study, data: SplitCorpus, start_strengths: Sequence[float] = START_STRENGTHS, on_stage: OnStage = silent
) -> Trainer:
    """A trainer for `study` on `data`. The rest: see `FineTuner`. Raises UserError where the encoder cannot be loaded."""
    parts = (data.part(data.split.train), data.part(data.split.validation))
    return make_trainer_of(study, *parts, data.classes, start_strengths, on_stage, data.objective_parts)


def make_trainer_of(
    study: Study,
    train: Part,
    validation: Part,
    classes: tuple[str, ...],
    start_strengths: Sequence[float] = START_STRENGTHS,
    on_stage: OnStage = silent,
    folds: Sequence[Fold] = (),
) -> Trainer:
    """A trainer for `study` on two parts of any choice, or on `folds`: see `Trainer`."""
    if study.method == "probe":
        from ser_tui.training.probe import ProbeTrainer

        return ProbeTrainer(study.encoder, train, validation, classes, study.training, on_stage=on_stage, folds=folds)
    if study.method == "autospeech":
        from ser_tui.training.autospeech import AutoSpeechTrainer

        return AutoSpeechTrainer(study.encoder, train, validation, classes, study.training, on_stage=on_stage, folds=folds)
    return FineTuner(
        study.encoder, train, validation, classes, study.training, on_stage=on_stage, start_strengths=start_strengths, folds=folds
    )
