"""Who a trial races against, and what the log says of one that lost. The rule: `training.racing`."""

from __future__ import annotations

from ser_tui.evaluation.statistics import Units, interval_speakers, scored
from ser_tui.experiment.data import SplitCorpus
from ser_tui.study.document import Study
from ser_tui.study.event_scores import of_race
from ser_tui.study.events import TrialDropped
from ser_tui.study.scores import BCA
from ser_tui.study.state import RunState, Trial
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.training.trial import Rival, TrialResult


def rival(state: RunState, study: Study) -> Rival | None:
    """The best trial so far, where a fine-tuned trial on several folds races against it; None where nothing is raced for.

    Only BCA is: who searches for minutes, or for two things, may want a trial whose BCA is behind.
    """
    best = state.best
    by_bca = study.objective == BCA and not study.objectives and not study.constraints
    if study.method != "finetune" or not by_bca or best is None or not len(best.predictions):
        return None
    return _as_rival(best)


def dropped(number: int, result: TrialResult, state: RunState, data: SplitCorpus, seed: int) -> TrialDropped:
    """The event of trial `number`, which ended after `result.folds_run` of the folds. The best trial may be another by now than that
    which it was behind."""
    against = _as_rival(state.trials[result.rival - 1])
    places = [place for fold in data.objective_parts[: result.folds_run] for place in fold.places]
    labels = data.part(data.split.validation).labels
    truth, own, other = ([of[place] for place in places] for of in (labels, result.predictions, against.predictions))
    groups, sources = ((None if of is None else [of[place] for place in places]) for of in (
        data.validation_units["groups"], data.validation_units["recordings"],
    ))  # fmt: skip
    classes, units = len(data.classes), Units(groups=groups, recordings=sources)
    ahead = balanced_accuracy(truth, other, classes)
    return TrialDropped(
        trial=number,
        folds=result.folds_run,
        of=len(data.objective_parts),
        **of_race(scored(truth, own, classes, (BCA,), seed=seed, **units)[BCA], ahead),
        utterances=len(places),
        interval_speakers=interval_speakers(groups),
        rival=against.trial,
        told=max(0.0, against.value - (ahead - result.value())),
        seconds=round(result.seconds, 3),
    )


def _as_rival(trial: Trial) -> Rival:
    """A trial that has its score."""
    return Rival(trial.number, trial.value() or 0.0, tuple(trial.predictions))
