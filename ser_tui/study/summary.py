"""How far a run has come, and its summary: figures that a state adds up to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ser_tui.study.events import EvaluationFinished, FoldsScored, ProbeScored, TestScored, parse_time
from ser_tui.study.findings import findings_of, said, shares_speakers
from ser_tui.study.headline import chosen_on, headline, pooled_over, validation_speakers
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.records import plain
from ser_tui.study.run_summary import (
    VERSION,
    EvaluationSummary,
    FoldsSummary,
    ProbeBeside,
    ProbeSummary,
    RunSummary,
    TestSummary,
    TrialSummary,
)
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus

SERIES = 400
"""Longest series that a summary keeps; longer ones are thinned, the last value always kept."""


def elapsed_seconds(state: RunState, now: datetime | None = None) -> float:
    """Time that workers spent on the search, without the pauses between them. With `now`, a running one counts up to it."""
    total = sum(session.seconds for session in state.sessions)
    if now is not None and state.status == RunStatus.RUNNING and state.sessions:
        total += _since(state.sessions[-1].last, now)
    return total


def remaining_seconds(state: RunState, now: datetime | None = None) -> float | None:
    """What a running search still takes: the worker's last prediction less the time since, within the budget's minutes.

    Where the worker could not predict, the mean time of the finished trials for those to come. None: nothing to go by.
    """
    if state.start is None or state.status != RunStatus.RUNNING:
        return None
    now = now or datetime.now(UTC)
    limits: list[float] = []
    planned = state.start.planned_trials
    timed = [trial.seconds for trial in state.trials if trial.seconds is not None and trial.status != TrialStatus.CUT_SHORT]
    if state.predicted is not None:
        limits.append(state.predicted[1] - _since(state.predicted[0], now))
    elif planned is not None and timed:
        running = [_since(trial.started, now) for trial in state.under_way]
        left = (planned - state.finished_trials) * sum(timed) / len(timed) - sum(running)
        limits.append(left / max(1, len(running)))
    minutes = state.study.minutes
    if minutes is not None:
        limits.append(minutes * 60 - elapsed_seconds(state, now))
    return max(0.0, min(limits)) if limits else None


def _since(time: str, now: datetime) -> float:
    return max(0.0, (now - parse_time(time)).total_seconds())


def best_so_far(trials: list[Trial]) -> list[float | None]:
    """The best BCA after each trial that counts; None before the first score."""
    best: float | None = None
    series: list[float | None] = []
    for trial in trials:
        if trial.bca is not None and (best is None or trial.bca > best):
            best = trial.bca
        series.append(best)
    return series


def counted_trials(state: RunState) -> list[Trial]:
    """Trials that count against the budget, in order."""
    return [trial for trial in state.trials if trial.status.counts]


def summarize(run_id: str, state: RunState) -> RunSummary:
    """The summary of a run."""
    trials = counted_trials(state)
    start, study = state.start, state.study
    best = best_so_far(trials)
    found = findings_of(start)
    return RunSummary(
        version=VERSION,
        run_id=run_id,
        status=state.status,
        reason=state.reason,
        name=study.name or run_id[16:-5],
        corpus=study.corpus,
        encoder=study.encoder,
        method=study.method,
        strategy=study.strategy,
        protocol=study.protocol,
        shares_speakers=shares_speakers(start),
        warnings=said(found),
        findings=found,
        started=state.started,
        ended=state.ended,
        seconds=round(elapsed_seconds(state), 3) if state.sessions else None,
        trials=len(trials),
        planned_trials=start.planned_trials if start else None,
        utterances=dict(start.utterances) if start else {},
        classes=start.classes if start else (),
        headline=headline(state),
        best=trial_summary(state.best) if state.best else None,
        interval_speakers=validation_speakers(start),
        pooled_over=pooled_over(start),
        values=thinned([trial.bca for trial in trials]),
        best_so_far=thinned(best),
        trial_seconds=thinned([trial.seconds for trial in trials]),
        trials_to_90=next((i for i, value in enumerate(best, 1) if value is not None and value >= 0.9), None),
        probe=None if state.probe is None else probe_summary(state.probe, state.best),
        test=None if state.test is None else _test(state.test),
        folds=tuple(_folds(event, study) for event in state.folds),
        evaluations=tuple(_evaluation(one.corpus, one.result) for one in state.evaluations if one.result is not None),
        study=LoggedStudy.of(plain(study.plain)),  # as the index gives it back
    )


def trial_summary(trial: Trial) -> TrialSummary:
    """One trial without its predictions."""
    return TrialSummary(
        number=trial.number,
        parameters=trial.parameters,
        phase=trial.phase,
        status=trial.status,
        score=_score(trial.bca, trial.interval),
        utterances=trial.utterances,
        accuracy=_score(trial.accuracy, trial.accuracy_interval),
        best_epoch=trial.best_epoch,
        best_epoch_score=_score(trial.best_epoch_bca, trial.best_epoch_interval),
        epochs_done=len(trial.epochs),
        loss=trial.loss,
        seconds=trial.seconds,
        reason=trial.reason,
        probe_p=trial.probe_p,
    )


def probe_summary(probe: ProbeScored, best: Trial | None) -> ProbeSummary:
    """The probe beside the trials; `difference` is the best trial's BCA minus the probe's, `p` its paired test's."""
    tuned = None if best is None else best.bca
    return ProbeSummary(
        parameters=probe.parameters,
        tried=probe.tried,
        accuracy=Score(probe.accuracy, probe.accuracy_interval),
        utterances=probe.utterances,
        seconds=probe.seconds,
        score=Score(probe.bca, probe.interval),
        difference=None if tuned is None else tuned - probe.bca,
        p=None if best is None else best.probe_p,
    )


def _test(event: TestScored) -> TestSummary:
    return TestSummary(
        score=Score(event.bca, event.interval),
        accuracy=Score(event.accuracy, event.accuracy_interval),
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        probe=_beside(_score(event.probe_bca, event.probe_interval), event.bca, event.probe_p),
    )


def _folds(event: FoldsScored, study: LoggedStudy) -> FoldsSummary:
    return FoldsSummary(
        protocol=f"{event.protocol}, nested" if event.nested else event.protocol,
        score=Score(event.pooled_bca, event.interval),
        mean=event.mean,
        deviation=event.deviation,
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        chosen_on=chosen_on(event, study),
        probe=_beside(_score(event.probe_pooled_bca, event.probe_interval), event.pooled_bca, event.probe_p),
    )


def _evaluation(corpus: str, event: EvaluationFinished) -> EvaluationSummary:
    found = findings_of(event)
    return EvaluationSummary(
        corpus=corpus,
        accuracy=Score(event.accuracy, event.accuracy_interval),
        score=Score(event.bca, event.bca_interval),
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        chance=event.chance,
        masked=event.masked,
        mapping=event.mapping,
        warnings=said(found),
        findings=found,
        speakers=event.speakers,
        without=event.without,
    )


def _beside(probe: Score | None, tuned: float, p: float | None) -> ProbeBeside | None:
    return None if probe is None or probe.interval is None else ProbeBeside(probe, tuned - probe.value, p)


def _score(value: float | None, interval: tuple[float, float] | None) -> Score | None:
    return None if value is None else Score(value, interval)


def thinned(series: Sequence[float | None]) -> tuple[float | None, ...]:
    """At most SERIES values of `series`, evenly chosen, the last one always among them."""
    if len(series) <= SERIES:
        return tuple(series)
    step = (len(series) - 1) / (SERIES - 1)
    return tuple(series[round(index * step)] for index in range(SERIES))
