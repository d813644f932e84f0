"""An event in words, once: the log pane shows how a line begins; the command line, the log screen and the export show it whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never, cast

from ser_tui.study import events
from ser_tui.study.findings import TOLD_BEFORE, evaluated_on, findings_of
from ser_tui.study.formatting import (
    counted,
    difference_text,
    duration,
    ended,
    loss_text,
    mapping_text,
    measured_text,
    of_speakers,
    parameter,
    predictable,
    probe_parameters,
    progress_text,
    score,
    score_text,
    stopped_or_failed,
    took,
)
from ser_tui.study.headline import chose, chosen_on, p_is_about, pooled_over, speakers_text, validation_speakers
from ser_tui.study.hyperparameters import TRAINED, Value, read_of
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import ACCURACY, BCA, Score
from ser_tui.study.state import RunState
from ser_tui.study.status import FailureKind

Level = Literal["info", "warning", "failure", "detail", "step"]
"""warning: what must be known before a score is believed, or what the worker noticed; failure: something ended without a result;
detail: told where everything is, the screens show it in other shapes; step: so is this, a part of what a detail began."""


@dataclass(frozen=True)
class Line:
    """One line about an event. `more`: what is left out where there is little room."""

    text: str
    level: Level = "info"
    more: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """All of it."""
        return "; ".join((self.text, *filter(None, self.more)))


Narrated = tuple[Line, ...]


def narrate(event: events.Event, state: RunState) -> Narrated:
    """What is to be said about `event`, `state` being a state after it: the next one, or any later one. Pure."""
    return _narrated(cast("events.AnyEvent", event), state)


def kept_lines(event: events.Event, state: RunState) -> Narrated:
    """Those lines that a run's log pane keeps: no details and no steps."""
    if isinstance(event, _NEVER_KEPT):  # nearly every line of a log: no words are made for them
        return ()
    return tuple(line for line in narrate(event, state) if line.level not in ("detail", "step"))


def _budget(budget: Mapping[str, Any]) -> str:
    trials, minutes = budget.get("trials"), budget.get("minutes")
    asked = [counted(trials, "trial")] if type(trials) is int else []
    asked += [counted(minutes, "minute", "g")] if isinstance(minutes, int | float) and not isinstance(minutes, bool) else []
    return f", to go on to {' or '.join(asked)} in all" if asked else ""


def _bounds(event: events.RunResumed, state: RunState) -> tuple[Line, ...]:
    """That a search goes on within other bounds. `state`: the one after `event`."""
    told = next((one.sentence for one in reversed(findings_of(state.start)) if one.kind == "bounds"), "Bounds: the search was edited.")
    return (Line(told, "warning"),) if event.search else ()


_NEVER_KEPT = (events.TrialStarted, events.EpochFinished, events.Progressed, events.EvaluationProgressed, events.Unknown)


def _narrated(event: events.AnyEvent, state: RunState) -> Narrated:
    match event:
        case events.RunStarted():
            return _run_started(event)
        case events.RunResumed():
            resumed = f"resumed after {counted(state.finished_trials, 'finished trial')}{_budget(event.budget)}"
            return (Line(resumed), *_bounds(event, state))
        case events.TrialStarted():
            planned = f"/{state.start.planned_trials}" if state.start and state.start.planned_trials else ""
            words = (
                event.phase, f"attempt {event.attempt}" if event.attempt > 1 else "", event.where and f"on {event.where}",
                f"to epoch {event.until} first" if event.until else "",
            )  # fmt: skip
            how = f" ({', '.join(filter(None, words))})" if any(words) else ""
            return (Line(f"trial {event.trial}{planned} started{how}: {_searched(state, event.parameters)}", "detail"),)
        case events.EpochFinished():
            return (Line(_epoch(event), "step"),)
        case events.Progressed():
            trial = state.current if event.trial is None else state.trial(event.trial)
            told = progress_text(event.stage, event.done, event.utterances, None if trial is None else len(trial.epochs) + 1)
            return (Line(told if event.trial is None else f"trial {event.trial}, {told}", "step"),)
        case events.TrialFinished():
            return _trial_finished(event, state)
        case events.ProbeScored():
            return (_probe_scored(event, state),)
        case events.TrialFailed():
            how = "cut short" if event.kind == FailureKind.CUT_SHORT else "failed"
            return (Line(f"trial {event.trial} {how}: {event.reason}", "failure"),)
        case events.TrialDropped():
            return (_trial_dropped(event),)
        case events.TrialContinued():
            lost = "; its checkpoint cannot be read, it is trained from its first epoch again" if event.anew else ""
            where = f" on {event.where}" if event.where else ""
            told = f"trial {event.trial} goes on after epoch {event.epoch}, to epoch {event.until}{where}{lost}"
            return (Line(told, "warning" if lost else "info"),)
        case events.TrialPaused():
            shown = _scored("BCA", event.scores[BCA], validation_speakers(state.start))
            told = f"trial {event.trial} paused after {event.epoch} of {event.epochs} epochs (rung {event.rung}): {shown} there"
            return (Line(told, more=(f"trained for {took(event.seconds)}",)),)
        case events.TrialLeft():
            return (Line(f"trial {event.trial} dropped {event.reason}"),)
        case events.TestScored():
            return (_test_scored(event, state),)
        case events.FoldsScored():
            on = f"{event.name}: "
            return (_folds_scored(event, state), *(Line(f"{on}{found.sentence}", "warning") for found in findings_of(event)))
        case events.FoldTrained():
            told = f"{event.protocol} fold {event.fold}: trial {event.trial} is trained again"
            return (Line(told, "detail"),)  # a note tells its score
        case events.SeedScored():
            which = f"seed {event.place} of {event.of}" if event.of else f"seed {event.seed}"
            told = f"trial {event.trial} again, {which}: {_scored('BCA', event.scores[BCA], event.interval_speakers)}"
            told += _by_speaker(state)
            if event.test_score is not None:
                told += f"; test part: {_scored('BCA', event.test_score, event.test_interval_speakers)}"
            return (Line(told),)
        case events.EvaluationStarted():
            told = f"evaluating on {_target(event)}: {counted(event.utterances, 'utterance')}"
            told += f" of {event.heard} that are heard" if event.heard > event.utterances else ""
            begun = Line(told, more=(mapping_text(event.mapping),) if event.mapping else ())
            return (begun, *(Line(f"{_target(event)}: {found.sentence}", "warning") for found in findings_of(event)))
        case events.EvaluationProgressed():
            return (Line(f"{event.corpus}: {event.done}/{counted(event.utterances, 'utterance')}", "step"),)
        case events.EvaluationFinished():
            return _evaluation_finished(event, state)
        case events.EvaluationFailed():
            return (Line(f"evaluation on {event.corpus} {stopped_or_failed(event.reason)}", "failure"),)
        case events.RunFinished():
            return (Line(f"run done: {event.reason}"),)
        case events.RunCancelled():
            return (Line(f"run {ended('stopped', event.reason)}", "failure"),)
        case events.RunFailed():
            return (Line(f"run {ended('failed', event.reason)}", "failure"),)
        case events.Note():
            return (Line(event.text, "warning" if event.level == "warning" else "info"),)
        case events.Unknown():
            return (Line(f"{event.kind.replace('_', ' ')} (this version does not know such events)", "detail"),)
        case _:
            assert_never(event)


def _run_started(event: events.RunStarted) -> Narrated:
    parts = ", ".join(f"{count} {name}" for name, count in event.utterances.items() if count)
    planned = counted(event.planned_trials, "trial") if event.planned_trials else "trials until time is up"
    expected = f", about {duration(event.predicted_seconds)}" if event.predicted_seconds else ""
    told = f"run started: {planned}{expected}; utterances: {parts}; {len(event.classes)} classes"
    fixed = LoggedStudy.of(event.study).fixed
    read = read_of(fixed) if TRAINED in fixed else fixed  # where it is searched, each trial has its own
    more = (f"fixed: {', '.join(f'{name} {parameter(name, value)}' for name, value in read.items())}",) if read else ()
    return (Line(told, "detail", more), *(Line(found.sentence, "warning") for found in findings_of(event)))


def _epoch(event: events.EpochFinished) -> str:
    loss = "not finite" if event.loss is None else loss_text(event.loss)
    frozen = ", encoder frozen" if event.frozen else ""
    told = f"trial {event.trial}, epoch {event.epoch}/{event.epochs}: loss {loss}"
    return f"{told}, BCA {score_text(event.score)}{frozen}, {event.seconds:.1f} s"


def _trial_finished(event: events.TrialFinished, state: RunState) -> Narrated:
    speakers = validation_speakers(state.start)
    how = "collapsed to chance" if event.collapsed else "finished"
    best = ", best so far" if state.best is not None and state.best.number == event.trial else ""
    asked = "".join(f", {one.label} {measured_text(one, event.scores.get(one.name))}" for one in state.study.others)
    more = (_of_one(speakers), f"{_accuracy(event)}{asked}, in {took(event.seconds)}{best}")
    told = f"trial {event.trial} {how}: {_scored('BCA', event.scores[BCA], speakers)}"
    if pooled := pooled_over(state.start):
        told = f"{told}, {pooled}"
    told += _by_speaker(state)
    return (Line(told, more=more), *(Line(f"trial {event.trial}: {note}", "warning") for note in event.notes))


def _trial_dropped(event: events.TrialDropped) -> Line:
    shown = _scored("BCA", event.scores[BCA], event.interval_speakers)
    told = f"trial {event.trial} dropped after {event.folds} of {event.of} folds: {shown}"
    beside = f"trial {event.rival} has {score(event.rival_score.value)} on the same utterances, more than 3.3 standard errors more"
    return Line(told, more=(_of_one(event.interval_speakers), beside, f"in {took(event.seconds)}"))


def _probe_scored(event: events.ProbeScored, state: RunState) -> Line:
    speakers, best = validation_speakers(state.start), state.best
    shown = _scored("BCA", event.scores[BCA], speakers)
    beside = "" if best is None else _more_or_less(best.score(), event.scores[BCA], best.probe_p, speakers)
    more = (_of_one(speakers), beside, probe_parameters(event.parameters), f"{_accuracy(event)}, in {took(event.seconds)}")
    return Line(f"probe on the frozen encoder, best of {event.tried}: {shown}", more=more)


def _by_speaker(state: RunState) -> str:
    return f", {state.study.transductive}" if state.study.transductive else ""


def _test_scored(event: events.TestScored, state: RunState) -> Line:
    shown = _scored("BCA", event.scores[BCA], event.interval_speakers)
    beside = _probe(event.probe_score, event.scores[BCA], event.probe_p, event.interval_speakers)
    more = (_of_one(event.interval_speakers), _accuracy(event), beside)
    return Line(f"test part, scored once: {shown}{_by_speaker(state)}", more=more)


def _folds_scored(event: events.FoldsScored, state: RunState) -> Line:
    shown = _scored("pooled BCA", event.scores[BCA], event.interval_speakers)
    top = f", the best {event.averaged} averaged" if event.averaged > 1 else ""
    nested = f", nested ({counted(event.nested, 'trial')} inside each{top})" if event.nested else ""
    how = f"{_by_speaker(state)}; {chose(chosen_on(event, state.study))}"
    told = f"{event.protocol}, {counted(len(event.folds), 'fold')}{nested}: {shown}{how}"
    beside = _probe(event.probe_score, event.scores[BCA], event.probe_p, event.interval_speakers)
    return Line(told, more=(_of_one(event.interval_speakers), beside))


def _evaluation_finished(event: events.EvaluationFinished, state: RunState) -> Narrated:
    on = evaluated_on(_target(event), findings_of(event))
    shown = _scored("BCA", event.scores[BCA], event.interval_speakers)
    named, everybody = (of_speakers(event.speakers, event.without, most) for most in (_NAMED, None))
    more = (
        _of_one(event.interval_speakers), f"chance {score(event.chance)}",
        predictable(event.masked),
        everybody if everybody != named else "", event.not_centred,
    )  # fmt: skip
    told = Line(f"{on}: {_accuracy(event)}, {shown}{_by_speaker(state)}", more=more)
    new = (found for found in findings_of(event) if found.kind not in TOLD_BEFORE)
    return (told, *(Line(f"{on}: {found.sentence}", "warning") for found in new))


_NAMED = 5
"""Speakers that a line names where a score is of some of them only; the whole line names all."""


def _target(event: events.EvaluationStarted | events.EvaluationFinished) -> str:
    whose = of_speakers(event.speakers, event.without, _NAMED)
    return f"{event.corpus} ({whose})" if whose else event.corpus


def _searched(state: RunState, parameters: Mapping[str, Value]) -> str:
    """The values but for those that the study fixes, which the first line of the log has."""
    fixed = state.study.fixed
    told = [f"{name} {parameter(name, value)}" for name, value in read_of(parameters).items() if fixed.get(name) != value]
    return ", ".join(told) or "every hyperparameter is fixed"


def _scored(name: str, score: Score, speakers: int | None) -> str:
    over = f", {speakers_text(speakers)}" if speakers else ""
    return f"{name} {score_text(score)}, n{'=' + str(score.n) if score.n else ' not known'}{over}"


def _of_one(speakers: int | None) -> str:
    """Of one speaker the interval says nothing about others."""
    return "the interval is over the speaker's utterances" if speakers == 1 else ""


def _accuracy(event: events.TrialFinished | events.ProbeScored | events.TestScored | events.EvaluationFinished) -> str:
    return f"accuracy {score_text(event.scores.get(ACCURACY))}"


def _more_or_less(tuned: Score | None, probe: Score, p: float | None, speakers: int | None) -> str:
    return "" if tuned is None else f"fine-tuning {difference_text(tuned.value - probe.value, p, p_is_about(speakers))}"


def _probe(probe: Score | None, tuned: Score, p: float | None, speakers: int | None) -> str:
    return "" if probe is None else f"probe {score_text(probe)}, {_more_or_less(tuned, probe, p, speakers)}"
