"""What a run's events add up to: one pure function from state and event to state."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any

from ser_tui.study import events
from ser_tui.study.epochs import Epochs
from ser_tui.study.findings import findings_of, plain, rebounded
from ser_tui.study.formatting import score
from ser_tui.study.frozen import changed
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.narration import kept_lines
from ser_tui.study.predicted import Predicted
from ser_tui.study.scores import BCA
from ser_tui.study.state import Evaluation, Rung, RunState, Trial
from ser_tui.study.status import BY_REQUEST, FailureKind, RunStatus, TrialStatus
from ser_tui.study.type_checks import MAX_NUMBER
from ser_tui.study.worker_time import WorkerTime

LOG_LINES = 500
"""Lines of the run's notes that a state keeps for the screen's log pane; the file has them all."""

DAMAGED = "its lines of the log are damaged"
MOST_MISSING = 10_000
"""Trials whose lines may be lost together. A number further on is not believed: filling the gap would take all memory."""


def reduce(state: RunState, event: events.Event) -> RunState:
    """The state after `event`. Pure; an event that was applied already (same or lower `seq`) changes nothing."""
    if type(event) is events.EpochFinished:
        return _with_epochs(state, [event])
    if event.seq >= 0 and event.seq <= state.seq:
        return state
    if not fits(state, event):
        return state
    after = _with_words(_apply(event, state), event)
    sessions, stages = after.sessions, after.stages
    # Folds may be scored, with progress of their own, long after the search, and a run evaluated that was interrupted.
    outside = isinstance(event, _AFTERWARDS) or (
        isinstance(event, events.Progressed) and (after.status != RunStatus.RUNNING or event.stage not in events.SEARCHING)
    )
    if sessions and not outside:
        sessions = (*sessions[:-1], sessions[-1].until(event))
    if not isinstance(event, events.Progressed | events.Note):
        stages = _going_on(after, {event.trial} if isinstance(event, _OF_A_TRIAL) else ())
    told: dict[int | None, str] = {event.trial: event.time} if isinstance(event, _SIGNS) else {}
    last_time, heard = event.time or after.last_time, _heard(after, told)
    return changed(after, seq=event.seq, last_time=last_time, sessions=sessions, stages=stages, heard=heard)


def _heard(state: RunState, told: Mapping[int | None, str]) -> tuple[tuple[int, str], ...]:
    """When each trial under way was `told` of last, by number."""
    if not state.running or (not told and tuple(number for number, _ in state.heard) == state.running):
        return state.heard if state.running else ()
    before = dict(state.heard)
    return tuple((number, told.get(number) or before.get(number, "")) for number in state.running)


def _going_on(state: RunState, trials: Collection[int]) -> tuple[events.Progressed, ...]:
    """The stages that are not over with what comes next, an event of `trials`, or of none: those of other trials under way."""
    if not state.stages:
        return ()
    return tuple(one for one in state.stages if one.trial in state.running and one.trial not in trials)


def reduce_all(log: Iterable[events.Event], state: RunState | None = None) -> RunState:
    """The state after all events of `log`, beginning with `state` or an empty one."""
    state = state or RunState()
    epochs: list[events.EpochFinished] = []
    """Those that follow each other: most of a log, and taken together."""
    for event in log:
        if type(event) is events.EpochFinished:
            epochs.append(event)
            continue
        if epochs:
            state, epochs = _with_epochs(state, epochs), []
        state = reduce(state, event)
    return _with_epochs(state, epochs)


def _with_epochs(state: RunState, found: Sequence[events.EpochFinished]) -> RunState:
    """The state after these events, as `reduce` would have it one after the other."""
    fresh, seq = [], state.seq
    for event in found:
        if (event.seq < 0 or event.seq > seq) and fits(state, event):
            fresh.append(event)
            seq = event.seq
    if not fresh:
        return state
    trials, sessions = state.trials, state.sessions
    for number in state.running:
        if own := [event for event in fresh if event.trial == number]:
            trial = trials[number - 1]
            before = trial.epochs if isinstance(trial.epochs, Epochs) else Epochs()
            trials = trials.set(number - 1, changed(trial, epochs=before.and_then(own)))
    if sessions:
        sessions = (*sessions[:-1], sessions[-1].until(*fresh))
    times = [event.time for event in fresh if event.time]
    return changed(
        state,
        trials=trials,
        sessions=sessions,
        seq=seq,
        last_time=times[-1] if times else state.last_time,
        stages=_going_on(state, {event.trial for event in fresh}),
        heard=_heard(state, {event.trial: event.time for event in fresh if event.time}),
    )


_AFTERWARDS = (
    events.EvaluationStarted,
    events.EvaluationProgressed,
    events.EvaluationFinished,
    events.EvaluationFailed,
    events.FoldsScored,
    events.FoldTrained,
    events.SeedScored,
    events.Note,
)
"""Events that may come long after the search ended, so that they do not lengthen it."""


_OF_A_TRIAL = (
    events.TrialStarted, events.EpochFinished, events.TrialFinished, events.TrialFailed, events.TrialDropped, events.TrialContinued,
    events.TrialPaused, events.TrialLeft,
)  # fmt: skip


_SIGNS = (*_OF_A_TRIAL, events.Progressed)
"""Of a trial's life."""


def fits(state: RunState, event: events.Event) -> bool:
    """Whether `event` can follow in the log of this run; one of another run, or made by hand, may not."""
    if isinstance(event, events.RunStarted):
        return state.start is None
    if isinstance(event, events.SeedScored | events.FoldTrained) and event.trial > len(state.trials):
        return False
    if isinstance(event, _OF_A_TRIAL) and event.trial > len(state.trials) + MOST_MISSING:
        return False
    known = len(state.start.classes) if state.start is not None else MAX_NUMBER
    if isinstance(event, events.FoldTrained):
        return _within(event.predictions, -1, known) and _within(event.probe, -1, known)
    if not isinstance(event, events.TrialFinished | events.ProbeScored):
        return True
    truth = event.truth if isinstance(event, events.TrialFinished) else ()
    lengths = {len(true) for true in (truth, state.truth) if true}
    return lengths <= {len(event.predictions)} and _within(event.predictions, -1, known) and _within(truth, 0, known)


def _within(labels: Sequence[int], low: int, beyond: int) -> bool:
    return not labels or (min(labels) >= low and max(labels) < beyond)


@singledispatch
def _apply(event: events.Event, state: RunState) -> RunState:
    return state


@_apply.register
def _(event: events.RunStarted, state: RunState) -> RunState:
    return changed(
        state,
        status=RunStatus.RUNNING,
        study=LoggedStudy.of(event.study),
        start=event,
        started=event.time,
        sessions=(WorkerTime.beginning(event),),
        reason="",
        ended="",
    )


@_apply.register
def _(event: events.RunResumed, state: RunState) -> RunState:
    after = _without_running(state, "its worker ended")
    if (event.budget or event.search) and after.start is not None:
        start = after.start
        said = {"budget": event.budget, "search": event.search}
        study = {**start.study, **{name: section for name, section in said.items() if section}}
        found = rebounded(start.study.get("search"), event.search, after.finished_trials) if event.search else ()
        findings = plain((*findings_of(start), *found)) if found else start.findings
        start = changed(start, study=study, planned_trials=event.planned_trials, findings=findings)
        after = changed(after, start=start, study=LoggedStudy.of(study))
    return changed(after, status=RunStatus.RUNNING, reason="", ended="", sessions=(*after.sessions, WorkerTime.beginning(event)))


@_apply.register
def _(event: events.TrialStarted, state: RunState) -> RunState:
    # Trials that this one's proposal knew to be under way go on beside it. Of any other the end cannot be read.
    state = _with_lost_ends(state, [one for one in state.running if one < event.trial and one not in event.pending])
    trial = Trial(
        event.trial, event.parameters, event.phase, started=event.time, expected=event.expected, pending=event.pending,
        until=event.until, asked=event.asked, where=event.where,
    )  # fmt: skip
    return _under_way(event, trial, state)


def _under_way(event: events.TrialStarted | events.TrialContinued, trial: Trial, state: RunState) -> RunState:
    predicted = state.predicted if event.remaining_seconds is None else (event.time, event.remaining_seconds)
    return changed(_put(state, trial), running=(*_without(state, event.trial), event.trial), predicted=predicted)


@_apply.register
def _(event: events.Progressed, state: RunState) -> RunState:
    if event.trial is not None and event.trial not in state.running:
        return state
    return changed(state, stages=(*(one for one in state.stages if one.trial != event.trial), event))


@_apply.register
def _(event: events.TrialFinished, state: RunState) -> RunState:
    trial = changed(
        _begun(state, event.trial),
        status=TrialStatus.COLLAPSED if event.collapsed else TrialStatus.DONE,
        scores=event.scores,
        best_epoch=event.best_epoch,
        best_epoch_value=event.best_epoch_value,
        loss=event.loss,
        seconds=event.seconds,
        predictions=Predicted.of(event.predictions),
        probe_p=event.probe_p,
        outputs=event.outputs,
        unsaved=event.unsaved,
        prepared=event.prepared,
    )
    best = trial if state.beats_best(trial.scores) else state.best
    return changed(_put(state, trial), running=_without(state, event.trial), best=best, truth=event.truth or state.truth)


@_apply.register
def _(event: events.ProbeScored, state: RunState) -> RunState:
    after = changed(state, probe=event)
    if state.best is not None:
        best = changed(state.best, probe_p=event.best_p)
        after = changed(_put(after, best), best=best)
    return after


@_apply.register
def _(event: events.TrialFailed, state: RunState) -> RunState:
    status = TrialStatus.CUT_SHORT if event.kind == FailureKind.CUT_SHORT else TrialStatus.FAILED
    before = _begun(state, event.trial)
    if status == TrialStatus.CUT_SHORT and before.rungs:
        return changed(_put(state, _waiting(before)), running=_without(state, event.trial))
    trial = changed(before, status=status, reason=event.reason, failure=event.kind, seconds=event.seconds)
    return changed(_put(state, trial), running=_without(state, event.trial))


@_apply.register
def _(event: events.TrialDropped, state: RunState) -> RunState:
    trial = changed(_begun(state, event.trial), status=TrialStatus.DROPPED, reason=event.reason, told=event.told, seconds=event.seconds)
    return changed(_put(state, trial), running=_without(state, event.trial))


@_apply.register
def _(event: events.TrialContinued, state: RunState) -> RunState:
    state = _with_lost_ends(state, [one for one in state.running if one != event.trial and one not in event.pending])
    before = state.trial(event.trial) or Trial(event.trial, {})
    done = 0.0 if event.anew or not before.rungs else before.rungs[-1].seconds
    epochs = Epochs() if event.anew else before.epochs
    trial = changed(
        before, status=TrialStatus.RUNNING, reason="", epochs=epochs, until=event.until, seconds=None, pending=event.pending,
        resumed=(event.time, done), where=event.where,
    )  # fmt: skip
    return _under_way(event, trial, state)


@_apply.register
def _(event: events.TrialPaused, state: RunState) -> RunState:
    before = _begun(state, event.trial)
    rung = Rung(event.epoch, event.epochs, event.scores[BCA], event.seconds, event.checkpoint)
    trial = changed(before, rungs=(*(one for one in before.rungs if one.epoch < event.epoch), rung))
    return changed(_put(state, _waiting(trial)), running=_without(state, event.trial))


@_apply.register
def _(event: events.TrialLeft, state: RunState) -> RunState:
    before = state.trial(event.trial)
    if before is None or before.status != TrialStatus.PAUSED:
        return state
    return changed(state, trials=state.trials.set(event.trial - 1, changed(before, status=TrialStatus.DROPPED, reason=event.reason)))


@_apply.register
def _(event: events.TestScored, state: RunState) -> RunState:
    return changed(state, test=event)


@_apply.register
def _(event: events.FoldsScored, state: RunState) -> RunState:
    begun = state.fold_trained if event.nested else tuple(one for one in state.fold_trained if one.protocol != event.protocol)
    return changed(state, folds=(*(f for f in state.folds if f.name != event.name), event), fold_trained=begun)


@_apply.register
def _(event: events.FoldTrained, state: RunState) -> RunState:
    own = (event.trial, event.protocol, event.fold)
    others = (one for one in state.fold_trained if (one.trial, one.protocol, one.fold) != own)
    return changed(state, fold_trained=(*others, event))


@_apply.register
def _(event: events.SeedScored, state: RunState) -> RunState:
    return changed(state, seeds=(*(one for one in state.seeds if (one.trial, one.seed) != (event.trial, event.seed)), event))


@_apply.register
def _(event: events.EvaluationStarted, state: RunState) -> RunState:
    # One that failed is told until its corpus is tried again.
    kept = tuple(e for e in state.evaluations if e.result is not None or (e.reason and e.corpus != event.corpus))
    started = Evaluation(
        event.corpus, event.mapping, 0, event.utterances, speakers=event.speakers, without=event.without
    )  # fmt: skip
    return changed(state, evaluations=(*kept, started))


@_apply.register
def _(event: events.EvaluationProgressed, state: RunState) -> RunState:
    return _evaluated(state, event.corpus, done=event.done, utterances=event.utterances)


@_apply.register
def _(event: events.EvaluationFinished, state: RunState) -> RunState:
    return _evaluated(state, event.corpus, done=event.utterances, utterances=event.utterances, result=event)


@_apply.register
def _(event: events.EvaluationFailed, state: RunState) -> RunState:
    begun = any(e.corpus == event.corpus and e.result is None and not e.reason for e in state.evaluations)
    if not begun:  # its corpus could not even be read
        kept = tuple(e for e in state.evaluations if e.result is not None or e.corpus != event.corpus)
        state = changed(state, evaluations=(*kept, Evaluation(event.corpus, {})))
    return _evaluated(state, event.corpus, reason=event.reason)


@_apply.register
def _(event: events.RunFinished, state: RunState) -> RunState:
    return _ended(_with_lost_ends(state, state.running), RunStatus.DONE, event, event.reason)


@_apply.register
def _(event: events.RunCancelled, state: RunState) -> RunState:
    return _ended(_without_running(state, BY_REQUEST), RunStatus.STOPPED, event, event.reason)


@_apply.register
def _(event: events.RunFailed, state: RunState) -> RunState:
    return _ended(_without_running(state, event.reason), RunStatus.FAILED, event, event.reason)


def _ended(state: RunState, status: RunStatus, event: events.Event, reason: str) -> RunState:
    return changed(state, status=status, reason=reason, ended=event.time)


def _begun(state: RunState, number: int) -> Trial:
    """The trial that an end is about; one without parameters where the line of its start cannot be read."""
    found = state.trial(number)
    if found is None or not (number in state.running or (found.reason == DAMAGED and found.parameters)):
        return Trial(number, {})
    return changed(found, reason="")


def _waiting(trial: Trial) -> Trial:
    """A trial that was paused, as it was when its last checkpoint was written: what came after it is made again."""
    rung = trial.rungs[-1]
    kept = trial.epochs.up_to(rung.epoch) if isinstance(trial.epochs, Epochs) else trial.epochs
    why = f"after {rung.epoch} of {rung.epochs} epochs (rung {len(trial.rungs)}), BCA {score(rung.score.value)} there"
    return changed(trial, status=TrialStatus.PAUSED, reason=why, epochs=kept, seconds=rung.seconds, until=0)


def _without(state: RunState, number: int) -> tuple[int, ...]:
    return tuple(one for one in state.running if one != number)


def _with_lost_ends(state: RunState, numbers: Iterable[int]) -> RunState:
    """Let these trials under way count as failed: they have ended, but those lines cannot be read.

    As trials that never ended they would hold up the count, and later trials would be numbered, and made, again.
    """
    return _with_ends(state, numbers, TrialStatus.FAILED, DAMAGED)


def _with_ends(state: RunState, numbers: Iterable[int], status: TrialStatus, reason: str) -> RunState:
    ended = tuple(numbers)
    if not ended:
        return state
    trials = state.trials
    for number in ended:
        trial = trials[number - 1]
        again = status == TrialStatus.CUT_SHORT and bool(trial.rungs)
        trials = trials.set(number - 1, _waiting(trial) if again else changed(trial, status=status, reason=reason))
    return changed(state, trials=trials, running=tuple(one for one in state.running if one not in ended))


def _put(state: RunState, trial: Trial) -> RunState:
    index = trial.number - 1
    trials = state.trials
    if index < len(trials):
        trials = trials.set(index, trial)
    else:
        # Numbers without a gap are the worker's rule; a damaged log may lack a trial's lines, which then stay visible as such.
        for missing in range(len(trials), index):
            trials = trials.append(Trial(missing + 1, {}, status=TrialStatus.FAILED, reason=DAMAGED))
        trials = trials.append(trial)
    return changed(state, trials=trials)


def _without_running(state: RunState, reason: str) -> RunState:
    return _with_ends(state, state.running, TrialStatus.CUT_SHORT, reason)


def _evaluated(state: RunState, corpus: str, **changes: Any) -> RunState:
    kept = list(state.evaluations)
    for index in range(len(kept) - 1, -1, -1):
        if kept[index].corpus == corpus and kept[index].result is None:
            kept[index] = changed(kept[index], **changes)
            break
    return changed(state, evaluations=tuple(kept))


def _with_words(state: RunState, event: events.Event) -> RunState:
    """`state`, which is the one after `event`, with what is said about it."""
    told = kept_lines(event, state)
    if not told:
        return state
    log = state.log.extend((event.time, "info" if line.level == "info" else "warning", line.text) for line in told)
    return changed(state, log=log[-LOG_LINES:] if len(log) > 2 * LOG_LINES else log)
