"""How far a run has come, and its summary: figures that a state adds up to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from ser_tui.study.constraints import Constraint, rank
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
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, Measure, Score
from ser_tui.study.seeds import seeds_summary
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus
from ser_tui.study.time_to_score import learning_area, passed, searched_on, searched_with, trials_to

SERIES = 400
"""Longest series that a summary keeps; longer ones are thinned, the last value always kept."""


def elapsed_seconds(state: RunState, now: datetime | None = None) -> float:
    """Time that workers spent on the search, without the pauses between them. With `now`, a running one counts up to it."""
    total = sum(session.seconds for session in state.sessions)
    if now is not None and state.status == RunStatus.RUNNING and state.sessions:
        total += _since(state.sessions[-1].last, now)
    return total


def trial_seconds(trial: Trial, now: datetime | None = None) -> float | None:
    """Time that the trial took, as its worker measured it; with `now`, of one under way the time that it takes so far."""
    if now is None or trial.status != TrialStatus.RUNNING:
        return trial.seconds
    since, before = trial.resumed or (trial.started, 0.0)
    return before + _since(since, now) if since else None


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


def best_so_far(trials: Iterable[Trial], measure: Measure = MEASURES[BCA], constraints: Sequence[Constraint] = ()) -> list[float | None]:
    """What the best trial has of `measure` after each trial that counts; None before the first. The first one that keeps the
    `constraints` may have less of it than those before, which broke them."""
    best: tuple[float, float] | None = None
    shown: float | None = None
    series: list[float | None] = []
    for trial in trials:
        found = rank(trial.scores, measure, constraints)
        if found is not None and (best is None or found > best):
            best, shown = found, trial.value(measure.name)
        series.append(shown)
    return series


def trials_without_gain(trials: Sequence[Trial], state: RunState, since: int = 0) -> int:
    """How many of `trials` (that count, in order) followed the last one that was better than all before it, the first `since` left
    out of the count; 0 before the first score."""
    series = best_so_far(trials, state.measure, state.study.constraints)
    rises = [place for place, value in enumerate(series) if value is not None and (not place or value != series[place - 1])]
    return len(series) - max(rises[-1] + 1, since) if rises else 0


def counted_trials(state: RunState) -> list[Trial]:
    """Trials that count against the budget, in order."""
    return [trial for trial in state.trials if trial.status.counts]


def summarize(run_id: str, state: RunState) -> RunSummary:
    """The summary of a run."""
    trials = counted_trials(state)
    start, study = state.start, state.study
    found, measure = findings_of(start), state.measure
    reached = passed(state)
    return RunSummary(
        version=VERSION,
        run_id=run_id,
        status=state.status,
        reason=state.reason,
        name=study.name or run_id[16:-5],
        corpus=study.corpus,
        encoder=study.encoder,
        method=study.method,
        strategy=state.strategy,
        protocol=study.protocol,
        shares_speakers=shares_speakers(start),
        warnings=said(found),
        findings=found,
        started=state.started,
        ended=state.ended,
        seconds=round(elapsed_seconds(state), 3) if state.sessions else None,
        trials=len(trials),
        planned_trials=start.planned_trials if start else study.trials,
        utterances=dict(start.utterances) if start else {},
        classes=start.classes if start else (),
        headline=headline(state),
        best=trial_summary(state.best) if state.best else None,
        interval_speakers=validation_speakers(start),
        pooled_over=pooled_over(start),
        scores=thinned([trial.value() for trial in trials]),
        best_so_far=thinned(best_so_far(trials, measure, study.constraints)),
        trial_seconds=thinned([trial.seconds for trial in trials]),
        trials_to_90=trials_to(reached, 0.9),
        passed=reached,
        alc=learning_area(state),
        machines=searched_on(state),
        software=searched_with(state),
        probe=None if state.probe is None else probe_summary(state.probe, state.best),
        test=None if state.test is None else _test(state.test),
        folds=tuple(_folds(event, study) for event in state.folds),
        seeds=seeds_summary(state),
        evaluations=tuple(_evaluation(one.corpus, one.result) for one in state.evaluations if one.result is not None),
        study_document=plain(study.plain),
        objectives=study.objectives,
        objective_values=None if measure.name == BCA else thinned([trial.value(measure.name) for trial in trials]),
    )


def trial_summary(trial: Trial) -> TrialSummary:
    """One trial without its predictions."""
    return TrialSummary(
        number=trial.number,
        parameters=trial.parameters,
        phase=trial.phase,
        status=trial.status,
        score=trial.score(),
        utterances=trial.utterances,
        accuracy=trial.score(ACCURACY),
        best_epoch=trial.best_epoch,
        best_epoch_score=trial.best_epoch_score,
        epochs_done=len(trial.epochs),
        loss=trial.loss,
        seconds=trial.seconds,
        reason=trial.reason,
        probe_p=trial.probe_p,
        scores=trial.scores,
        unsaved=trial.unsaved or None,
        where=trial.where,
        prepared=trial.prepared,
    )


def probe_summary(probe: ProbeScored, best: Trial | None) -> ProbeSummary:
    """The probe beside the trials; `difference` is the best trial's BCA minus the probe's, `p` its paired test's."""
    tuned, score = None if best is None else best.value(), probe.scores[BCA]
    return ProbeSummary(
        parameters=probe.parameters,
        tried=probe.tried,
        accuracy=probe.scores[ACCURACY],
        utterances=probe.utterances,
        seconds=probe.seconds,
        score=score,
        difference=None if tuned is None else tuned - score.value,
        p=None if best is None else best.probe_p,
    )


def _test(event: TestScored) -> TestSummary:
    return TestSummary(
        score=event.scores[BCA],
        accuracy=event.scores[ACCURACY],
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        probe=_beside(event.probe_score, event.scores[BCA], event.probe_p),
    )


def _folds(event: FoldsScored, study: LoggedStudy) -> FoldsSummary:
    return FoldsSummary(
        protocol=event.name,
        score=event.scores[BCA],
        mean=event.mean,
        deviation=event.deviation,
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        chosen_on=chosen_on(event, study),
        probe=_beside(event.probe_score, event.scores[BCA], event.probe_p),
        findings=findings_of(event),
    )


def _evaluation(corpus: str, event: EvaluationFinished) -> EvaluationSummary:
    found = findings_of(event)
    return EvaluationSummary(
        corpus=corpus,
        accuracy=event.scores[ACCURACY],
        score=event.scores[BCA],
        utterances=event.utterances,
        interval_speakers=event.interval_speakers,
        chance=event.chance,
        masked=event.masked,
        mapping=event.mapping,
        warnings=said(found),
        findings=found,
        speakers=event.speakers,
        without=event.without,
        trial=event.trial,
    )


def _beside(probe: Score | None, tuned: Score, p: float | None) -> ProbeBeside | None:
    return None if probe is None or probe.interval is None else ProbeBeside(probe, tuned.value - probe.value, p)


def thinned(series: Sequence[float | None]) -> tuple[float | None, ...]:
    """At most SERIES values of `series`, evenly chosen, the last one always among them."""
    if len(series) <= SERIES:
        return tuple(series)
    step = (len(series) - 1) / (SERIES - 1)
    return tuple(series[round(index * step)] for index in range(SERIES))
