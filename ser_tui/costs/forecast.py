"""How long a search will take, and what is left of it, from this machine's costs and from the trials that are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ser_tui.costs import calibration
from ser_tui.costs.trial_costs import Costs, cuts, mean_trial_seconds, of_a_worker, probe_seconds, run_seconds, seconds_left, trial_seconds
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.strategies.registry import planned_trials, share_of_epochs
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.hyperparameters import Value
from ser_tui.study.space import highest
from ser_tui.study.state import RunState
from ser_tui.study.status import TrialStatus
from ser_tui.study.type_checks import MAX_NUMBER
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import NonFiniteLoss


class Forecast:
    """Predictions for one study on one corpus. Measures the machine's costs first, where they are not known yet."""

    def __init__(self, study: Study, data: SplitCorpus, trainer: Trainer, should_stop: Callable[[], bool]) -> None:
        self._study = study
        self._speech = calibration.speech(data, study)
        finite = planned_trials(study.strategy, study.search)
        # A grid of nine dimensions has more points than a log can count, let alone a budget.
        limits = [limit for limit in (finite, study.budget.trials) if limit is not None and limit <= MAX_NUMBER]
        self.planned = min(limits) if limits else None
        """Trials that the budget, or the space, allows; None: as many as the minutes allow."""
        self._costs: Costs | None = None
        self.crew = Crew()
        if study.method == "autospeech":
            return  # each member takes another time, and the cap is what a person knows it by
        try:
            self._costs = calibration.costs(study, data, trainer, should_stop)
            beside = trainer.lacking(float(highest(study.search["max_seconds"])), beside=True) if trainer.tunes else 1.0
            self._speech = replace(self._speech, lacking={cut: trainer.lacking(cut) for cut in cuts(study)}, lacking_beside=beside)
        except (NonFiniteLoss, MemoryError, UserError, RuntimeError, ValueError, OSError):
            pass  # the trials themselves will say what is wrong; only the prediction is lacking

    def whole(self) -> float | None:
        """Seconds for the whole search; None where nothing is known."""
        if self._costs is None or self.planned is None:
            minutes = self._study.budget.minutes
            return None if minutes is None else minutes * 60
        share = share_of_epochs(self._study)
        return run_seconds(self._costs, self._speech, self._study, self.planned, self.crew.gain) * share

    def folds(self, count: int) -> float | None:
        """Seconds for so many folds, each trained as a trial of the study is, features aside; None where nothing is known."""
        return None if self._costs is None else count * mean_trial_seconds(self._costs, self._speech, self._study)

    def remaining(self, state: RunState, parameters: Mapping[str, Value]) -> float | None:
        """Seconds for the trial that is about to start with `parameters` and for those after it."""
        if self._costs is None or self.planned is None:
            return None
        # Without parameters where that line of the log is damaged.
        done = [
            (trial.parameters, trial.seconds)
            for trial in state.trials
            if trial.status == TrialStatus.DONE and trial.seconds is not None and trial.parameters
        ]
        later = max(0, self.planned - state.finished_trials - 1)
        costs, workers = of_a_worker(self._costs, self.crew.workers, self.crew.gain), self.crew.workers
        left = seconds_left(costs, self._speech, self._study, done, parameters, later) * share_of_epochs(self._study)
        if workers > 1:  # of one worker, who is not alone; those under way have trained for a while
            left = max(0.0, left - sum(epoch.seconds for trial in state.under_way for epoch in trial.epochs)) / workers
            left = max(left, trial_seconds(costs, self._speech, parameters, self._study.method))
        return left + (probe_seconds(self._costs, self._speech, self._study) if state.probe is None else 0.0)
