"""The test part: held out from every trial, and scored once, by the best of them, when the search is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.statistics import interval_speakers, lone_recalls, recall_intervals, scored
from ser_tui.experiment.data import SplitCorpus, trained_on
from ser_tui.experiment.outputs import outputs_kept
from ser_tui.experiment.probe_baseline import probe_on_test_part
from ser_tui.experiment.surroundings import Keeper, ModelMissing, Surroundings
from ser_tui.study.document import Study
from ser_tui.study.event_scores import of_whole_part
from ser_tui.study.events import TestScored
from ser_tui.study.state import Trial
from ser_tui.training.metrics import class_probabilities, confusion_matrix, predicted
from ser_tui.training.trainer import Trainer


def score_test_part(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer) -> None:
    """Score the best trial on the held-out part, once: the one number that no choice was made on."""
    state, indices = session.state, data.split.test
    if not indices or state.best is None or state.test is not None:
        return
    try:
        found, predictions, said = _scored_on(session.keeper, state.best, data, study)
    except ModelMissing as error:  # the search has its result
        session.note(f"the test part was not scored: {error}", level="warning")
        return
    labels = data.part(indices).labels
    outputs = outputs_kept(session, "the test part", data.manifest, indices, labels, predictions, said)
    beside = probe_on_test_part(session, study, trained_on(data, study), trainer, predictions)
    session.emit(replace(found, outputs=outputs, **beside))


def _scored_on(keeper: Keeper, best: Trial, data: SplitCorpus, study: Study) -> tuple[TestScored, tuple[int, ...], NDArray[np.float32]]:
    """The best trial's model on the test part, its predictions, and its class probabilities [utterances, classes]."""
    part = data.part(data.split.test)
    # With digests: hours may lie between the manifest and this one look at the test part.
    logits = keeper.load_best(best).predict_logits(part.clips, part.digests, speakers=part.speakers)
    predictions = predicted(logits)
    classes, units = len(data.classes), trained_on(data, study).units(data.split.test)
    counts: Any = confusion_matrix(part.labels, predictions, classes)
    event = TestScored(
        trial=best.number,
        **of_whole_part(scored(part.labels, predictions, classes, seed=study.seed, **units)),
        recall_intervals=recall_intervals(part.labels, predictions, data.classes, seed=study.seed, **units),
        lone_recalls=lone_recalls(part.labels, data.classes, units["groups"]),
        utterances=len(part),
        interval_speakers=interval_speakers(units["groups"]),
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
    )
    return event, predictions, class_probabilities(logits)
