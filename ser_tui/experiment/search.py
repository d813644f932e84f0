"""The search: ask the strategy, train, tell it, until the budget is used up. Everything that happened is in the log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ser_tui.experiment import bounds, members, racing, rungs
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.beginning import say_what_begins
from ser_tui.experiment.budget import BudgetLeft
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Executing, Executor, Stages, Task, WorkerDied, in_process
from ser_tui.experiment.failures import failure, refuse_failures, refuse_scoreless
from ser_tui.experiment.folds import score_folds
from ser_tui.experiment.held_out import score_test_part
from ser_tui.experiment.outputs import outputs_kept
from ser_tui.experiment.parts import refuse_changes, refuse_other_groups
from ser_tui.experiment.probe_baseline import SearchProbe
from ser_tui.experiment.proposing import Spans, begun_again, history, known_before, spans, strategy_of, trial_seed
from ser_tui.experiment.reading import reading_own
from ser_tui.experiment.resume_checks import begun_study, refuse_other_encoder, refuse_other_strategy
from ser_tui.experiment.rungs import told_of
from ser_tui.experiment.surroundings import Forecaster, Forecasting, Surroundings
from ser_tui.experiment.trainers import make_trainer
from ser_tui.experiment.trial_scores import TrialScores
from ser_tui.store.files import FULL, DiskError
from ser_tui.strategies.base import Continuing, Proposal, Strategy
from ser_tui.study import formatting
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.event_scores import of_epoch
from ser_tui.study.events import EpochFinished, RunCancelled, RunFinished, TrialContinued, TrialFailed, TrialStarted
from ser_tui.study.going_on import ALL_TRIED, minutes_over
from ser_tui.study.hyperparameters import Value
from ser_tui.study.outputs import is_among_best
from ser_tui.study.protocol import FOLDED
from ser_tui.study.scores import BCA, Score
from ser_tui.study.state import Trial
from ser_tui.study.status import FailureKind, TrialStatus
from ser_tui.training.memory import is_memory_error
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, Leg, TrialResult, TrialStopped, UtteranceChanged


def search(session: Surroundings, forecaster: Forecaster, executing: Executing = in_process) -> bool:
    """Run the surroundings' study to its end, or on from where its log stops. Raises UserError where it cannot go on.

    `executing`: where the trials are made. Everything else, the log and the strategy above all, is this process's.

    True: a trial has run out of memory, and the search shall go on in a fresh process. Freed blocks leave the heap full of
    holes, and oneDNN never recovers from some allocations that failed: in this one, trials that fit would fail as well.
    """
    _end_what_was_under_way(session)
    start = session.state.start
    study = members.here(begun_study(session.keeper, start), start)
    if start is not None:
        refuse_other_strategy(session.keeper, study, start)
    data = corpus_data.load(study, reading_own(session, study))
    session.limit_memory()  # before an encoder's folder, which anybody may have made, is read
    stages = Stages(session)
    trainer = make_trainer(study, data, on_stage=stages)
    trainer.shared = session.keeper.shared
    if start is not None:
        refuse_changes(session.keeper, data, start)
        refuse_other_encoder(trainer, start)
        refuse_other_groups(session.keeper, study, data, start)
    prior = known_before(session, study, start)
    strategy = strategy_of(study, prior)
    forecast = forecaster(study, data, trainer, session.should_stop)
    executor = executing(session, study, data, trainer, stages)
    try:
        forecast.crew = executor.crew
        say_what_begins(session, study, data, trainer, strategy, forecast, start, prior)
        return _Search(session, study, data, trainer, strategy, forecast, executor).run()
    finally:
        executor.close()


def _end_what_was_under_way(session: Surroundings) -> None:
    """Before anything that takes time: a live worker shall not make a dead one's trial look as if it was being trained."""
    for trial in session.state.under_way:
        seconds = sum(epoch.seconds for epoch in trial.epochs)
        session.emit(TrialFailed(trial=trial.number, kind=FailureKind.CUT_SHORT, reason="its worker ended", seconds=seconds))


class _Search:
    """The loop's surroundings: one study, one strategy, those who make the trials. The trainer is for what is no trial of it."""

    def __init__(
        self,
        session: Surroundings,
        study: Study,
        data: SplitCorpus,
        trainer: Trainer,
        strategy: Strategy,
        forecast: Forecasting,
        executor: Executor,
    ) -> None:
        self.executor = executor
        self.forecast = forecast
        self.session = session
        self.study = study
        self.data = data
        self.trainer = trainer
        self.strategy = strategy
        self._scores = TrialScores(study, data)
        self._budget = BudgetLeft(study, session.state)
        self._probe = SearchProbe(session, study, data, trainer)
        self._started: dict[int, TrialStarted | TrialContinued] = {}
        """How each trial under way began, or was gone on with."""
        self._continuing = strategy if isinstance(strategy, Continuing) else None
        self._deaths: Counter[int] = Counter()
        """How often the process of a trial died that was being continued."""
        self._begun: dict[int, float] = {}
        """When, by a clock that nobody sets."""
        self._results: dict[int, TrialResult] = {}
        """Of trials whose refit is under way."""
        self._short_of_memory = False
        """Whether the trial that is being settled has its score, and ran out of memory after that."""
        self._again = begun_again(session.state, study)
        """How trials began that are to begin once more."""

    def run(self) -> bool:
        """Trial after trial; whether the search shall go on in a fresh process."""
        try:
            return self._run()
        finally:
            self._probe.end()

    def _run(self) -> bool:
        while True:
            if self.session.should_stop():
                self._stop()
                self.session.emit(RunCancelled(reason=self.session.stop_reason))
                return False
            if self._alone:
                self._probe.score()
            over = self._fill()
            if over and not self._started:
                with suppress(TrialStopped):
                    self._probe.score_beside(wait=True)
                self._conclude(over)
                return False
            with suppress(TrialStopped):
                self._probe.score_beside()
            ended = self.executor.next(self)
            if ended is not None and not self._settled(ended):
                return True

    def _fill(self) -> str:
        """Begin trials while somebody is free; why none of the search's begins any more, empty while one may."""
        while self.executor.free:
            over = self._budget.over(self.session.state, len(self._started))
            if self._again and not over:
                self._begin(self._again.pop(0))
                continue
            proposal, based_on, pending = self._proposed(over)
            if proposal is None:
                return over or ALL_TRIED
            if proposal.continues is not None:
                trial = told_of(self.session.state, True)[proposal.continues]
                self._continue(trial, proposal.until, based_on, pending)
            else:
                self._begin(self._start_of(self._next_number(), proposal, based_on, pending))
        return ""

    def _conclude(self, over: str) -> None:
        refuse_scoreless(self.session.state, over)
        if self._continuing is not None:
            rungs.leave(self.session, self.study, self._continuing, over=True)
        self.executor.close()
        self.session.keeper.settle_shared()
        score_test_part(self.session, self.study, self.data, self.trainer)
        if self.study.protocol.kind in FOLDED:
            self._score_folds()
        self.session.emit(RunFinished(reason=over))

    def _stop(self) -> None:
        """Let what is under way end within a batch; what happens to be done by then is kept."""
        self.executor.stop()
        while self._started:
            ended = self.executor.next(self)
            if ended is not None:
                self._settled(ended)

    def _proposed(self, over: str) -> tuple[Proposal | None, Spans, tuple[int, ...]]:
        """The next trial, or the one to be continued, and the numbers of those that the strategy was told of: finished or paused, and under
        way. Where the search is `over` no trial begins any more."""
        if over and self._continuing is None:
            return None, (), ()
        state, space = self.session.state, self.study.search
        known, others = told_of(state, self._continuing is not None), state.under_way
        told = history(known, self.study, self.strategy, state.start)
        pending = [bounds.told(trial.proposed, space) for trial in others]
        if over and self._continuing is not None:
            proposal = self._continuing.last(told, pending, timed_out=self._budget.timed_out)
        else:
            proposal = self.strategy.propose(told, pending)
            if proposal is None and self._continuing is not None:
                proposal = self._continuing.last(told, pending, timed_out=False)
        numbers = tuple(trial.number for trial in others)
        return proposal, spans(trial.number for trial in known if trial.number not in numbers), numbers

    def _next_number(self) -> int:
        # A trial that was cut short is no observation: the strategy proposes it again, and it keeps its number.
        trials = self.session.state.trials
        return next((trial.number for trial in trials if trial.status == TrialStatus.CUT_SHORT), len(trials) + 1)

    def _start_of(self, number: int, proposal: Proposal, based_on: Spans, pending: tuple[int, ...]) -> TrialStarted:
        parameters = self._fitting(proposal.parameters)
        # Told what it proposed: a strategy that never hears of a point proposes it again and again.
        asked = {name: value for name, value in proposal.parameters.items() if parameters[name] != value}
        expected = proposal.expected
        if expected is not None:
            expected = self.session.state.measure.told(expected[0]), expected[1]  # strategies maximise; a cost is told to them negated
        return TrialStarted(
            trial=number,
            parameters=parameters,
            phase=proposal.phase,
            seed=trial_seed(self.study, number),
            based_on=based_on,
            pending=pending,
            expected=expected,
            until=proposal.until,
            asked=asked,
        )

    def _begin(self, start: TrialStarted) -> None:
        remaining = self.forecast.remaining(self.session.state, start.parameters)
        self.session.emit(replace(start, remaining_seconds=remaining, where=self.executor.place))
        self._started[start.trial], self._begun[start.trial] = start, time.monotonic()
        self.session.limit_memory()
        if self.study.method == "autospeech":
            self.trainer.deadline = self._budget.deadline
        against = racing.rival(self.session.state, self.study)
        rung = Leg(start.until, self.session.keeper.checkpoint(start.trial, start.until)) if start.until else None
        self.executor.submit(Task(start.trial, start.parameters, start.seed, against, rung))

    def _continue(self, trial: Trial, until: int, based_on: Spans, pending: tuple[int, ...]) -> None:
        """Go on with a trial that waits."""
        rung, whole = rungs.rung_of(self.session, trial, until)
        last = trial.rungs[-1]
        event = TrialContinued(
            trial=trial.number, epoch=last.epoch, until=until or last.epochs, anew=not whole, based_on=based_on, pending=pending,
            remaining_seconds=self.forecast.remaining(self.session.state, trial.parameters), where=self.executor.place,
        )  # fmt: skip
        self.session.emit(event)
        self._started[trial.number], self._begun[trial.number] = event, time.monotonic()
        self.session.limit_memory()
        self.executor.submit(Task(trial.number, trial.parameters, trial_seed(self.study, trial.number), rung=rung))

    def _settled(self, ended: Ended) -> bool:
        """Log how a trial ended, unless it is trained once more first; False where the search must go on in a fresh process."""
        number, missing = ended.trial, ""
        try:
            if ended.error is not None:
                missing = self._missing_for(number, ended.error) if number in self._results else ""
                if not missing:
                    raise ended.error
            elif ended.result is not None:
                self._results[number] = ended.result
                if self.study.training.refit == "all" and self._scores.is_best(ended.result, self.session.state):
                    self.session.note(f"trial {number} is the best so far: trained once more, on training and validation part")
                    self.executor.refit(number)
                    return True
        except TrialStopped:
            over = minutes_over(self.study.budget.minutes or 0.0) if self._budget.timed_out else "stopped"
            self._failed(number, FailureKind.CUT_SHORT, self.session.stop_reason or over)
        except WorkerDied as error:
            self._died(number, error)
        except Exception as error:
            self._failed(number, *failure(error, number))
        else:
            try:
                self._finished(number, self._results[number], missing)
            except WorkerDied as error:  # while it saved its model
                self._died(number, error)
        renewing = self._short_of_memory or self.session.state.trials[number - 1].failure == FailureKind.MEMORY
        self._short_of_memory = False
        for known in (self._started, self._begun, self._results):
            known.pop(number, None)
        self.executor.release(number)
        refuse_failures(self.session.state)
        return not renewing or self.session.should_stop() or self.executor.renew(number)

    def _missing_for(self, number: int, error: Exception) -> str:
        """Why trial `number`, which is measured, has no model, where `error` kept it from being trained once more, or saved; empty where
        the trial is made again once what it failed for is mended, which costs its score but no model."""
        if isinstance(error, WorkerDied):
            return "" if self.session.should_stop() or self._is_made_again(number, error) else str(error)
        if isinstance(error, TrialStopped | DiskError | UtteranceChanged) or (isinstance(error, OSError) and error.errno in FULL):
            return ""
        if isinstance(error, MemoryError) or is_memory_error(error):
            self._short_of_memory = True
            return "not enough memory"
        return " ".join((str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}").split())[:300]

    def _is_made_again(self, number: int, error: WorkerDied) -> bool:
        """Whether trial `number` is begun, or gone on with, once more after the death of its process."""
        start = self._started[number]
        tries = self._deaths[number] + 1 if isinstance(start, TrialContinued) else start.attempt
        return tries < error.most_attempts

    def _died(self, number: int, error: WorkerDied) -> None:
        start = self._started[number]
        if self.session.should_stop():
            self._failed(number, FailureKind.CUT_SHORT, self.session.stop_reason)
        elif isinstance(start, TrialContinued):
            again = self._is_made_again(number, error)
            self._deaths[number] += 1
            if again:  # it waits again, and the strategy takes it up
                self._failed(number, FailureKind.CUT_SHORT, f"{error}; it is gone on with again")
            else:
                self._failed(number, FailureKind.ERROR, f"{error}; {self._deaths[number]} times now")
        elif self._is_made_again(number, error):
            self._failed(number, FailureKind.CUT_SHORT, f"{error}; it is made again")
            self._again.append(replace(start, attempt=start.attempt + 1))
        else:
            self._failed(number, FailureKind.ERROR, f"{error}; {start.attempt} times now")

    def _fitting(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """`parameters`, the batch halved below the smallest one that did not fit into memory so far in this run."""
        failed = [trial for trial in self.session.state.trials if trial.failure == FailureKind.MEMORY and "batch_size" in trial.parameters]
        if not failed or "batch_size" not in parameters:
            return dict(parameters)
        largest = max(1, min(int(trial.parameters["batch_size"]) for trial in failed) // 2)
        if int(parameters["batch_size"]) > largest:
            self.session.note(f"batches of {largest} from here on: larger ones did not fit into memory", level="warning")
            return {**parameters, "batch_size": largest}
        return dict(parameters)

    def on_epoch(self, trial: int, report: EpochReport) -> None:
        """Log an epoch."""
        self.session.emit(
            EpochFinished(
                trial=trial,
                epoch=report.epoch,
                epochs=report.epochs,
                loss=report.loss,
                validation_loss=report.validation_loss,
                frozen=report.frozen,
                seconds=round(report.seconds, 3),
                **of_epoch(self._scores.with_intervals({BCA: Score(report.value)}, report.predictions)[BCA]),
            )
        )

    def on_fold(self, trial: int, fold: int, value: float) -> None:
        """Note the score of one of the folds that a trial is scored on."""
        parts = self.data.objective_parts
        of = parts[fold - 1]
        told = f"trial {trial}, fold {fold} of {len(parts)} ({of.name}): BCA {formatting.score(value)}"
        self.session.note(f"{told}, n={len(of.validation)}")

    def on_stage(self, trial: int, stage: str, done: int, total: int) -> None:
        """Tell how far a trial has come."""
        self.session.progress(stage, done, total, trial)

    def _save(self, number: int, temperature: float | None) -> str:
        """Save the model of trial `number`; why it is missing, where what it failed for is no reason to lose its score."""

        def write(folder: Path) -> None:
            if temperature is not None:
                self.executor.cool(number, temperature)
            self.executor.save(number, folder)

        try:
            self.session.keeper.save_candidate(number, write)
        except Exception as error:  # see `_missing_for`, which knows those that are not the model's alone
            if missing := self._missing_for(number, error):
                return missing
            raise
        return ""

    def _finished(self, number: int, result: TrialResult, missing: str = "") -> None:
        """Log what a trial was measured by. `missing`: why it has no model, where that is known already."""
        if result.paused:
            score = self._scores.with_intervals({BCA: result.scores[BCA]}, result.predictions)[BCA]
            event = rungs.paused(self.session, number, result, score, len(self._scores.truth))
            self.session.emit(event)
            if self._continuing is not None:
                rungs.leave(self.session, self.study, self._continuing)
            return
        if result.folds_run:
            self.session.emit(racing.dropped(number, result, self.session.state, self.data, self.study.seed))
            return
        state, truth, (result, temperature) = self.session.state, self._scores.truth, self._scores.cooled(result)
        best = self._scores.is_best(result, state)
        if temperature is not None and best:
            self.session.note(f"trial {number}: temperature {temperature:.2f}, fitted on {len(truth)} validation utterances")
        outputs = ""
        if is_among_best(state, self._scores.measured(result)):
            manifest, indices, said = self.data.manifest, self.data.split.validation, result.probabilities
            outputs = outputs_kept(self.session, f"trial {number}", manifest, indices, truth, result.predictions, said)
        finished = self._scores.finished(number, result, state, outputs)
        if best and not missing:
            # Written before the score is reported: a best trial that the log knows has its model, unless it says that it has none.
            missing = self._save(number, temperature)
        self.session.emit(replace(finished, unsaved=missing) if best and missing else finished)
        if best and missing:
            self.session.note(f"trial {number} is the best so far, but its model is missing: {missing}", level="warning")
        self.session.keeper.settle_outputs(self.session.state)
        if self._continuing is not None:
            self.session.keeper.settle_checkpoints(self.session.state)
        if best:
            self.session.keeper.settle(self.session.state.best)

    @property
    def _alone(self) -> bool:
        """Whether this process makes the trials itself. A cluster's workers train elsewhere, and more of them may join than there are."""
        return self.executor.crew.workers == 1 and not self.study.executor.is_dask

    def _failed(self, number: int, kind: FailureKind, reason: str) -> None:
        seconds = round(time.monotonic() - self._begun[number], 3)
        self.session.emit(TrialFailed(trial=number, kind=kind, reason=" ".join(reason.split())[:500], seconds=seconds))

    def _score_folds(self) -> None:
        kind, best = self.study.protocol.kind, self.session.state.best
        if best is not None and any((one.trial, one.protocol, one.nested) == (best.number, kind, 0) for one in self.session.state.folds):
            return  # by a worker that was killed after it, or before the search went on and found nothing better
        try:
            score_folds(self.session, kind)
        except DiskError:
            raise
        except UserError as error:
            # The search has its result; made again, the folds would fail again.
            self.session.note(f"{self.study.protocol.kind} was not scored: {error}", level="warning")
