"""What a process that is to make a search's trials is told of it."""

from __future__ import annotations

from ser_tui.execution.messages import PlainFold, PlainPart, Prepare
from ser_tui.experiment.data import SplitCorpus
from ser_tui.study.document import Study
from ser_tui.study.load import dumps


def preparing(study: Study, data: SplitCorpus, precision: str) -> Prepare:
    """The message. `precision`: what "auto" means is the search's to say: measured anew in each process it may come out otherwise."""
    exact = study.model_copy(update={"training": study.training.model_copy(update={"precision": precision})})
    return Prepare(
        study=dumps(exact),
        train=PlainPart.of(data.part(data.split.train)),
        validation=PlainPart.of(data.part(data.split.validation)),
        classes=data.classes,
        folds=tuple(map(PlainFold.of, data.objective_parts)),
    )
