"""What trials are measured by: the scores of their answers for the validation part, and the event that tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ser_tui.corpora.splitting.worst_groups import groups
from ser_tui.evaluation.statistics import around, paired_difference
from ser_tui.experiment import cooling, grouping
from ser_tui.experiment.data import SplitCorpus
from ser_tui.study import scores
from ser_tui.study.document import Study
from ser_tui.study.event_scores import of_groups, of_trial
from ser_tui.study.events import TrialFinished
from ser_tui.study.scores import Score, Share
from ser_tui.study.state import RunState
from ser_tui.training.trial import TrialResult


class TrialScores:
    """Those of the trials of one search, which have one validation part. `truth`: class index per utterance of it."""

    def __init__(self, study: Study, data: SplitCorpus) -> None:
        self._study, self._data = study, data
        self.truth = data.part(data.split.validation).labels
        self._groups = groups(study, data.validation)

    def cooled(self, result: TrialResult) -> tuple[TrialResult, float | None]:
        """`result` by the temperature that fits its held-out answers, where the study asks for that, and that temperature."""
        said, truth = result.probabilities, self.truth
        if said is None or self._study.training.calibration != "temperature":
            return result, None
        temperature = cooling.fitted(said, truth)
        folds = [number for number, fold in enumerate(self._data.objective_parts) for _ in fold.places]
        places = [place for fold in self._data.objective_parts for place in fold.places]
        numbers = [fold for _, fold in sorted(zip(places, folds, strict=True))] if places else [0] * len(truth)
        return replace(result, probabilities=cooling.cooled_apart(said, truth, numbers)), temperature

    def finished(self, number: int, result: TrialResult, state: RunState, outputs: str) -> TrialFinished:
        """The event of trial `number`, which ran to its end in the run of `state`. `outputs`: the digest of its kept probabilities."""
        truth, probe, against = self.truth, state.probe, None
        if probe is not None:
            classes, units = len(self._data.classes), self._data.validation_units
            against = paired_difference(truth, probe.predictions, result.predictions, classes, **units)[1]
        return TrialFinished(
            trial=number,
            **of_trial(self.with_intervals(result.scores, result.predictions), result.best_epoch_value),
            utterances=len(truth),
            best_epoch=result.best_epoch,
            loss=result.loss,
            seconds=round(result.seconds, 3),
            prepared=round(result.prepared, 3),
            collapsed=result.collapsed,
            predictions=result.predictions,
            truth=() if state.truth else truth,
            notes=result.notes,
            probe_p=against,
            outputs=outputs,
            costs=result.costs,
            worst=of_groups(self._worst(result, intervals=True)),
        )

    def is_best(self, result: TrialResult, state: RunState) -> bool:
        """Whether a trial that `state` does not know yet is better than all in it."""
        return not result.folds_run and not result.paused and state.beats_best(self.measured(result))

    def measured(self, result: TrialResult) -> dict[str, Score]:
        """What a trial that the log does not know yet is measured by."""
        took = scores.of_trial(result.scores, round(result.seconds, 3), result.costs, round(result.prepared, 3))
        return {**took, **self._worst(result)}

    def _worst(self, result: TrialResult, *, intervals: bool = False) -> dict[str, Score]:
        """Of the groups that the study asks for, the worst one's score; nothing where it asks for none."""
        truth, said, classes = self.truth, result.predictions, len(self._data.classes)
        found = grouping.worst(self._groups, truth, said, classes)
        if not intervals:
            return found
        return grouping.with_intervals(found, self._groups, truth, said, classes, self._data.validation_units, self._study.seed)

    def with_intervals(self, named: Mapping[Share, Score], predictions: Sequence[int]) -> dict[Share, Score]:
        """Scores of `predictions` for the validation part, with their intervals."""
        classes, units = len(self._data.classes), self._data.validation_units
        return around(named, self.truth, predictions, classes, seed=self._study.seed, **units)
