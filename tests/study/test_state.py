"""The reducer: what a run's events add up to."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ser_tui.cli.following import lines
from ser_tui.study import events
from ser_tui.study.errors import UserError
from ser_tui.study.findings import findings_of
from ser_tui.study.going_on import refuse_after_test
from ser_tui.study.log_codec import DamagedLine, decode, encode
from ser_tui.study.narration import narrate
from ser_tui.study.reducer import LOG_LINES, reduce, reduce_all
from ser_tui.study.run_summary import from_stored, to_stored
from ser_tui.study.scores import Score
from ser_tui.study.searching import Budget
from ser_tui.study.state import RunState
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.study.summary import best_so_far, counted_trials, elapsed_seconds, remaining_seconds, summarize, thinned


def log(*parts: events.Event, start: int = 0, minute: int = 0) -> list[events.Event]:
    """`parts` numbered, one second apart."""
    import dataclasses

    return [
        dataclasses.replace(part, seq=start + index, time=f"2026-11-22T14:{minute:02d}:{index:02d}.000Z")
        for index, part in enumerate(parts)
    ]


def started(trials: int | None = 3, **extra: Any) -> events.RunStarted:
    return events.RunStarted(
        study={"name": "x", "corpus": "demo", "strategy": {"kind": "gp"}, "protocol": {"kind": "random"}, "budget": {}},
        classes=("anger", "fear"), utterances={"train": 8, "validation": 2}, planned_trials=trials, **extra,
    )  # fmt: skip


def finished(number: int, bca: float, **extra: object) -> events.TrialFinished:
    fields: dict[str, object] = {
        "interval": (bca - 0.1, bca + 0.1), "utterances": 2, "best_epoch": 1, "best_epoch_bca": bca, "accuracy": bca,
        "loss": 0.5, "seconds": 10.0,
    }  # fmt: skip
    return events.TrialFinished(trial=number, bca=bca, **(fields | extra))  # type: ignore[arg-type]


def trial(number: int) -> events.TrialStarted:
    return events.TrialStarted(trial=number, parameters={"epochs": number})


def epoch(number: int, at: int) -> events.EpochFinished:
    return events.EpochFinished(trial=number, epoch=at, epochs=2, loss=1.0, bca=0.5)


def test_a_finished_run_goes_on_with_a_larger_budget() -> None:
    first = log(started(1), trial(1), finished(1, 0.6), events.RunFinished(reason="1 trial is done"))
    assert reduce_all(first).can_go_on
    resumed = events.RunResumed(budget={"trials": 2, "minutes": 30}, planned_trials=2)
    state = reduce_all([*first, *log(resumed, trial(2), start=4, minute=1)])
    assert state.status == "running" and state.start is not None and state.start.planned_trials == 2 and state.study.minutes == 30
    [line] = narrate(resumed, state)
    assert line.text == "resumed after 1 finished trial, to go on to 2 trials or 30 minutes in all"
    tested = events.TestScored(trial=1, bca=0.5, interval=(0.1, 0.9), accuracy=0.5, utterances=2, confusion=((1, 0), (0, 1)))
    after = reduce_all([*first, *log(tested, start=4, minute=1)])
    assert not after.can_go_on, "its test part is scored once"
    refuse_after_test(after, Budget(trials=1))  # nothing more would be tried
    with pytest.raises(UserError, match="test part is scored"):
        refuse_after_test(after, Budget(trials=2))


def test_a_run_from_start_to_end() -> None:
    state = reduce_all(
        log(started(), trial(1), epoch(1, 1), epoch(1, 2), finished(1, 0.6), trial(2), finished(2, 0.9), trial(3),
            events.TrialFailed(trial=3, kind="nan", reason="loss is NaN", seconds=1.0), events.RunFinished(reason="3 trials are done"))
    )  # fmt: skip
    assert state.status == "done"
    assert [t.status for t in state.trials] == ["done", "done", "failed"]
    assert state.best is not None and state.best.number == 2
    assert len(state.trials[0].epochs) == 2
    assert state.finished_trials == 3
    assert best_so_far(counted_trials(state)) == [0.6, 0.9, 0.9]
    assert elapsed_seconds(state) == 9


def test_the_trial_under_way_is_seen_with_its_epochs() -> None:
    state = reduce_all(log(started(), trial(1), epoch(1, 1)))
    assert state.current is not None and state.current.epochs[-1].epoch == 1
    assert state.status == "running" and state.finished_trials == 0


def test_how_far_a_stage_has_come_counts_as_time_and_is_over_with_what_comes_next() -> None:
    halfway = events.Progressed(stage="features", done=5, utterances=10)
    state = reduce_all(log(started(), trial(1), halfway, events.Note(text="a file is unreadable")))
    assert state.progress is not None and state.progress.done == 5
    assert elapsed_seconds(state) == 2
    assert reduce_all(log(epoch(1, 1), start=4), state).progress is None
    # The baselines of an evaluation are no time of a search, not even of one that was interrupted.
    evaluating = log(events.Progressed(stage="untuned baseline", done=5, utterances=10), start=4, minute=30)
    assert elapsed_seconds(reduce_all(evaluating, state)) == 2


def test_each_trial_under_way_has_a_stage_of_its_own_until_something_of_it_follows() -> None:
    def stage(number: int | None, done: int) -> events.Progressed:
        return events.Progressed(stage="training", done=done, utterances=10, trial=number)

    both = log(started(), trial(1), replace(trial(2), pending=(1,)), stage(1, 3), stage(2, 4), stage(1, 5))
    state = reduce_all(both)
    assert [(one.trial, one.done) for one in state.stages] == [(2, 4), (1, 5)], "what was told last is last"
    first, second = state.stage_of(1), state.stage_of(2)
    assert first is not None and second is not None and (first.done, second.done) == (5, 4)
    after = reduce_all(log(epoch(1, 1), start=6), state)
    assert after.stage_of(1) is None and after.stage_of(2) == second, "the epoch of one does not end the other's stage"
    assert reduce_all(log(finished(2, 0.5), start=7), after).stages == ()
    assert reduce_all(log(events.RunResumed(), start=6, minute=5), state).stages == ()
    assert reduce_all(log(stage(9, 1), start=6), state).stages == state.stages, "of a trial that is not under way"
    # Logs of before stages had trials: it is that of the only one, and of nobody where there are two.
    assert reduce_all(log(stage(None, 2), start=6), state).stage_of(1) == first
    alone = reduce_all(log(started(), trial(1), stage(None, 2)))
    assert alone.stage_of(1) == alone.progress is not None
    assert reduce_all(both, from_lines(to_lines(state))) == state


def test_a_trial_cut_short_by_death_is_repeated_under_its_number() -> None:
    first = log(started(), trial(1), finished(1, 0.5), trial(2), epoch(2, 1))
    state = reduce_all(first + log(events.RunResumed(), start=5, minute=10))
    assert [t.status for t in state.trials] == ["done", "cut_short"]
    state = reduce_all(log(trial(2), finished(2, 0.7), start=6, minute=11), state)
    assert [t.status for t in state.trials] == ["done", "done"]
    assert state.best is not None and state.best.number == 2


def test_the_pause_before_a_resumption_is_no_elapsed_time() -> None:
    first = log(started(), trial(1), finished(1, 0.5))
    state = reduce_all(first + log(events.RunResumed(), trial(2), finished(2, 0.6), start=3, minute=50))
    assert elapsed_seconds(state) == 4


def test_an_evaluation_or_folds_days_later_do_not_lengthen_the_search() -> None:
    over = log(started(), trial(1), finished(1, 0.5), events.RunFinished(reason="done"))
    folds = events.FoldsScored(
        trial=1, protocol="loso", folds=(), pooled_bca=0.5, interval=(0.4, 0.6), mean=0.5, deviation=0.0, utterances=2
    )
    features = events.Progressed(stage="features", done=1, utterances=2)
    for event in (events.EvaluationStarted(corpus="demo", mapping={}, utterances=4), features, folds):
        later = log(event, start=4, minute=59)
        assert elapsed_seconds(reduce_all(over + later)) == 3
        assert reduce_all(over + later).status == "done"


def test_an_evaluation_that_failed_is_told_until_its_corpus_is_tried_again() -> None:
    over = log(started(), trial(1), finished(1, 0.5), events.RunFinished(reason="done"))
    failed = events.EvaluationFailed(corpus="nowhere", reason="not on this machine")  # before it began: no such corpus
    begun = events.EvaluationStarted(corpus="demo", mapping={}, utterances=4)
    state = reduce_all(over + log(failed, begun, start=4, minute=30))
    assert [(e.corpus, e.reason) for e in state.evaluations] == [("nowhere", "not on this machine"), ("demo", "")]
    again = events.EvaluationStarted(corpus="nowhere", mapping={}, utterances=2)
    state = reduce_all(log(again, start=6, minute=40), state)
    assert [(e.corpus, e.reason) for e in state.evaluations] == [("nowhere", "")]


def test_events_that_were_applied_already_change_nothing() -> None:
    sequence = log(started(), trial(1), finished(1, 0.5))
    state = reduce_all(sequence)
    assert reduce(state, sequence[1]) == state


def test_a_state_is_never_changed_in_place() -> None:
    states = list(itertools.accumulate(log(started(), trial(1), epoch(1, 1), finished(1, 0.5)), reduce, initial=RunState()))
    assert [len(state.trials) for state in states] == [0, 0, 1, 1, 1]
    assert [state.best is None for state in states] == [True, True, True, True, False]


def probed(bca: float, **extra: object) -> events.ProbeScored:
    fields: dict[str, object] = {
        "parameters": {"layers": "2", "inverse_regularization": 0.1}, "tried": 12, "interval": (bca - 0.1, bca + 0.1),
        "accuracy": bca, "utterances": 2, "predictions": (0, 1), "best_p": 0.5, "seconds": 3.0,
    }  # fmt: skip
    return events.ProbeScored(bca=bca, **(fields | extra))  # type: ignore[arg-type]


def test_the_probe_stands_beside_the_best_trial_with_that_trials_own_test() -> None:
    first = log(started(), trial(1), finished(1, 0.6), probed(0.7))
    state = reduce_all(first)
    told = summarize("x", state).probe
    assert told is not None and told.difference is not None
    assert (told.score.value, round(told.difference, 9), told.p) == (0.7, -0.1, 0.5)
    assert state.trials[0].probe_p == 0.5 and state.trials[0] == state.best
    state = reduce_all(log(trial(2), finished(2, 0.9, probe_p=0.01), trial(3), finished(3, 0.8, probe_p=0.3), start=4), state)
    told = summarize("x", state).probe
    assert told is not None and told.difference is not None
    assert (round(told.difference, 9), told.p) == (0.2, 0.01)
    assert [t.probe_p for t in state.trials] == [0.5, 0.01, 0.3]


def test_a_probe_of_other_utterances_or_with_impossible_scores_is_not_believed() -> None:
    before = log(started(), trial(1), finished(1, 0.6, predictions=(0, 1), truth=(0, 1)))
    for strange in (probed(0.7, predictions=(0, 1, 1)), probed(0.7, predictions=(0, 2))):
        assert reduce_all(before + log(strange, start=3)).probe is None
    for strange in (probed(1e308), probed(0.5, best_p=-0.5)):
        with pytest.raises(DamagedLine):
            decode(encode(log(strange)[0]))


def test_lost_lines_leave_a_visible_gap() -> None:
    state = reduce_all(log(started(), trial(3), finished(3, 0.5)))
    assert [t.status for t in state.trials] == ["failed", "failed", "done"]
    assert "damaged" in state.trials[0].reason


def test_remaining_time_follows_the_trials_done_and_the_minutes_allowed() -> None:
    state = reduce_all(log(started(3), trial(1), finished(1, 0.5)))
    now = datetime(2026, 11, 22, 14, 0, 2, tzinfo=UTC)
    assert remaining_seconds(state, now) == 20
    limited = events.RunStarted(study={"budget": {"minutes": 0.2}}, classes=(), utterances={}, planned_trials=3)
    assert remaining_seconds(reduce_all(log(limited, trial(1), finished(1, 0.5))), now) == 10


def test_what_is_left_is_told_as_a_trial_begins_by_what_was_predicted_then() -> None:
    """Told at the end of the trial before, which was slower than predicted, it was about a second, with a whole trial to come."""
    slow = log(started(2), replace(trial(1), remaining_seconds=1.0), finished(1, 0.5), replace(trial(2), remaining_seconds=1e9))
    said = [lines(reduce_all(slow[: place + 1]), event)[0] for place, event in enumerate(slow)]
    assert [place for place, line in enumerate(said) if " left" in line] == [3], said


def test_ten_thousand_trials_reduce_to_a_short_summary() -> None:
    parts: list[events.Event] = [started(10_000)]
    for number in range(1, 10_001):
        parts += [trial(number), finished(number, number / 20_000)]
    import dataclasses

    state = reduce_all(dataclasses.replace(p, seq=i, time="2026-11-22T14:00:00.000Z") for i, p in enumerate(parts))
    summary = summarize("20261122-143015-x-k3f9", state)
    assert summary.trials == 10_000
    assert len(summary.values) == 400 and summary.values[-1] == 0.5
    assert len(state.log) <= 1000


def test_thinning_keeps_the_ends() -> None:
    series = [float(value) for value in range(1000)]
    short = thinned(list(series))
    assert (short[0], short[-1], len(short)) == (0.0, 999.0, 400)


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5, 6])
def test_a_damaged_line_costs_its_own_trial_and_no_later_one(lost: int) -> None:
    whole = log(started(), trial(1), finished(1, 0.5), trial(2), finished(2, 0.9), trial(3), finished(3, 0.7))
    state = reduce_all(whole[:lost] + whole[lost + 1 :] + log(events.RunResumed(), start=7))
    assert [t.number for t in state.trials] == [1, 2, 3]
    # The next trial's number: only the last one, had it not ended, would be made again.
    assert state.finished_trials == (2 if lost == 6 else 3)
    assert all(t.scored for t in state.trials if t.number != (lost + 1) // 2)


def test_without_speaker_labels_it_is_open_whether_speakers_are_shared() -> None:
    said = "Not every utterance has a speaker label: whether the parts share speakers cannot be told."
    for warnings, shared, wanted in (((said,), False, None), ((said,), True, True), ((), True, True), ((), False, False)):
        state = reduce_all(log(started(warnings=warnings, shares_speakers=shared)))
        assert summarize("run", state).shares_speakers is wanted, "as logs of before there was a field for it said it"
    for unlabelled, shared, wanted in ((True, False, None), (True, True, True), (False, False, False)):
        state = reduce_all(log(started(warnings=("in other words",), shares_speakers=shared, unlabelled_speakers=unlabelled)))
        assert summarize("run", state).shares_speakers is wanted


@pytest.mark.parametrize("interval", [(0.1,), ("a", "b"), 0.5, (True, False), {"low": 0.1}])
def test_a_fold_s_interval_that_is_none_is_not_believed(interval: object) -> None:
    def line(**extra: object) -> bytes:
        fold = {"name": "a", "bca": 0.5, "utterances": 2, **extra}
        scored = events.FoldsScored(
            trial=1, protocol="loso", folds=(fold,), pooled_bca=0.5, interval=(0.4, 0.6), mean=0.5, deviation=0.0, utterances=2
        )
        return encode(log(scored)[0])

    assert decode(line()) and decode(line(interval=(0.4, 0.6)))
    with pytest.raises(DamagedLine):
        decode(line(interval=interval))


def parallel(number: int, *pending: int) -> events.TrialStarted:
    return events.TrialStarted(trial=number, parameters={"learning_rate": 1e-4 * number}, based_on=(), pending=pending)


def test_trials_go_on_beside_each_other() -> None:
    mixed = [epoch(2, 1), epoch(1, 1), epoch(2, 2), epoch(3, 1)]
    whole = log(started(), parallel(1), parallel(2, 1), parallel(3, 1, 2), *mixed, finished(2, 0.7), finished(1, 0.9), epoch(3, 2))
    state = reduce_all(whole[:8])
    assert [(trial.number, len(trial.epochs)) for trial in state.under_way] == [(1, 1), (2, 2), (3, 1)]
    assert state.current is state.trial(3) and state.finished_trials == 0
    after = reduce_all(whole[8:], state)
    assert after.running == (3,) and [len(trial.epochs) for trial in after.trials] == [1, 2, 2]
    assert (after.best, after.trial(1)) == (after.trials[0], after.trials[0]) and after.trials[1].parameters == {"learning_rate": 2e-4}
    one_by_one = RunState()
    for event in whole:
        one_by_one = reduce(one_by_one, event)
    assert one_by_one == after


def test_a_workers_end_ends_all_that_was_under_way() -> None:
    state = reduce_all(log(started(), parallel(1), parallel(2, 1), finished(1, 0.5), parallel(3, 2), events.RunResumed()))
    assert [trial.status for trial in state.trials] == ["done", "cut_short", "cut_short"] and not state.running
    lost = reduce_all(log(started(), parallel(1), parallel(2, 1), parallel(3, 2)))
    assert [trial.status for trial in lost.trials] == ["failed", "running", "running"], "1 was over when 3 was proposed: its end is lost"
    late = reduce_all(log(finished(1, 0.5), start=4), lost)
    assert late.trials[0].status == "done" and late.trials[0].parameters, "an end that comes all the same is believed"


def test_a_trial_that_is_paused_at_a_rung_goes_on_from_there_or_anew_and_is_left_at_last() -> None:
    def paused(at: int, rung: int, seconds: float) -> events.TrialPaused:
        return events.TrialPaused(
            trial=1, epoch=at, epochs=6, rung=rung, bca=0.5, interval=(0.4, 0.6), utterances=2, seconds=seconds, checkpoint=f"c{at}"
        )  # fmt: skip

    begun = replace(trial(1), until=2)
    left = events.TrialLeft(trial=1, epoch=4, epochs=6, rung=2, bca=0.5, ahead=1, of=2)
    told = log(
        started(), begun, epoch(1, 1), epoch(1, 2), paused(2, 1, 20.0), events.TrialContinued(trial=1, epoch=2, until=4), epoch(1, 3),
        events.TrialFailed(trial=1, kind="cut_short", reason="stopped", seconds=25.0),
        events.TrialContinued(trial=1, epoch=2, until=4), epoch(1, 3), epoch(1, 4), paused(4, 2, 41.0),
        events.TrialContinued(trial=1, epoch=0, until=2, anew=True), epoch(1, 1), epoch(1, 2), paused(2, 1, 19.0),
        events.TrialContinued(trial=1, epoch=2, until=4), epoch(1, 3), events.RunCancelled(reason="x"), left, left,
    )  # fmt: skip

    def after(number: int) -> tuple[Any, ...]:
        one = reduce_all(told[:number]).trials[0]
        return str(one.status), [each.epoch for each in one.epochs], [rung.epoch for rung in one.rungs], one.seconds, one.until

    first = ("paused", [1, 2], [2], 20.0, 0)
    assert after(5) == first == after(8), "what came after its checkpoint is made again"
    assert reduce_all(told[:5]).trials[0].reason == "after 2 of 6 epochs (rung 1), BCA .500 there"
    on, anew = reduce_all(told[:7]), reduce_all(told[:14])
    assert after(7) == ("running", [1, 2, 3], [2], None, 4) and on.running == (1,) and on.trials[0].resumed == (told[5].time, 20.0)
    assert after(12) == ("paused", [1, 2, 3, 4], [2, 4], 41.0, 0)
    assert after(14) == ("running", [1], [2, 4], None, 2) and anew.trials[0].resumed == (told[12].time, 0.0)
    assert after(16) == ("paused", [1, 2], [2], 19.0, 0) == after(19) and reduce_all(told[:19]).running == ()
    assert after(20)[0] == "dropped" and reduce_all(told).trials == reduce_all(told[:20]).trials
    assert reduce_all(log(started(), trial(1), left)).trials[0].status == "running", "it was never paused"
    failed = reduce_all([*told[:7], *log(events.TrialFailed(trial=1, kind="error", reason="x", seconds=25.0), start=7)])
    assert failed.trials[0].status == "failed" and failed.running == ()


def test_beside_a_trial_that_goes_on_those_are_under_way_that_its_worker_knew_of() -> None:
    def paused(number: int) -> events.TrialPaused:
        return events.TrialPaused(trial=number, epoch=1, epochs=6, rung=1, bca=0.5, interval=(0.4, 0.6), utterances=2, seconds=1.0)

    begun = [started(), trial(1), paused(1), trial(2), replace(trial(3), pending=(2,))]
    for pending, running, second in (((2, 3), (2, 3, 1), "running"), ((3,), (3, 1), "failed")):
        state = reduce_all(log(*begun, events.TrialContinued(trial=1, epoch=1, until=2, pending=pending)))
        assert (state.running, state.trials[1].status) == (running, second), "the end of any other cannot be read"


def test_a_seed_is_told_once_and_an_evaluation_that_failed_leaves_the_others() -> None:
    seed = events.SeedScored(trial=1, seed=7, bca=0.5, interval=(0.4, 0.6), utterances=2, seconds=1.0)
    told = reduce_all(log(started(), trial(1), finished(1, 0.5), seed, replace(seed, seed=8), replace(seed, bca=0.6)))
    assert [(one.seed, one.bca) for one in told.seeds] == [(8, 0.5), (7, 0.6)]
    one = events.EvaluationStarted(corpus="a", mapping={}, utterances=2)
    state = reduce_all(log(started(), one, *(events.EvaluationFailed(corpus="b", reason=why) for why in ("gone", "empty"))))
    assert [(each.corpus, each.reason) for each in state.evaluations] == [("a", ""), ("b", "empty")]


def test_of_a_long_log_the_last_lines_are_kept() -> None:
    notes = [events.Note(text=f"n{number}", level="warning" if number % 2 else "info") for number in range(1200)]
    kept = reduce_all(log(*notes)).log
    assert LOG_LINES <= len(kept) <= 2 * LOG_LINES and [line[1:] for line in kept[-2:]] == [("info", "n1198"), ("warning", "n1199")]
    assert [line[2] for line in kept] == [f"n{number}" for number in range(1200 - len(kept), 1200)]


def test_folds_that_are_trained_are_kept_until_all_of_their_protocol_are_scored() -> None:
    def fold(protocol: str, name: str, predictions: tuple[int, ...] = (0, 1)) -> events.FoldTrained:
        return events.FoldTrained(trial=1, protocol=protocol, fold=name, split="0", predictions=predictions)

    scored = events.FoldsScored(
        trial=1, protocol="loso", folds=(), pooled_bca=0.5, interval=(0.4, 0.6), mean=0.5, deviation=0.0, utterances=4
    )
    begun = [started(), trial(1), finished(1, 0.5), fold("loso", "a"), fold("loso", "b"), fold("loso", "a", (1, 1)), fold("kfold", "a")]

    def kept(*more: events.Event) -> list[tuple[str, str, tuple[int, ...]]]:
        return [(one.protocol, one.fold, tuple(one.predictions)) for one in reduce_all(log(*begun, *more)).fold_trained]

    three = [("loso", "b", (0, 1)), ("loso", "a", (1, 1)), ("kfold", "a", (0, 1))]
    assert kept() == kept(replace(scored, nested=3)) == three, "nested ones are others"
    assert kept(scored) == three[2:]
    assert kept(replace(fold("loso", "c", (0, -1)), probe=(-1, 1)))[3:] == [("loso", "c", (0, -1))], "one could not be read"
    assert kept(fold("loso", "c", (0, 2)), replace(fold("loso", "c"), probe=(0, -2)), replace(fold("loso", "c"), trial=2)) == three
    [twice] = reduce_all(log(*begun, scored, replace(scored, pooled_bca=0.6))).folds
    assert twice.pooled_bca == 0.6


def test_a_resumed_run_keeps_its_budget_and_bounds_unless_the_worker_says_others() -> None:
    (start,) = log(started(3))
    kept = reduce_all([start, *log(events.RunResumed(), start=1)])
    assert kept.start == start
    more = reduce_all([start, *log(events.RunResumed(budget={"trials": 9}, planned_trials=9), start=1)])
    assert more.start is not None and (more.start.planned_trials, more.start.study["budget"]) == (9, {"trials": 9})
    assert more.start.study["strategy"] == {"kind": "gp"} and more.start.findings == kept.start.findings
    search = {"epochs": {"low": 1, "high": 9}}
    wider = reduce_all([*log(started(3), trial(1), finished(1, 0.5)), *log(events.RunResumed(search=search), start=3)])
    assert wider.start is not None and wider.start.study == {**start.study, "search": search}
    assert [(one.kind, one.count) for one in findings_of(wider.start)] == [("bounds", 1)]


def test_answers_of_impossible_classes_are_not_believed() -> None:
    for said, truth, believed in (((0, -1), (0, 1), True), ((0, 2), (0, 1), False), ((0, 1), (0, -1), False), ((0, 1), (0, 1, 1), False)):
        state = reduce_all(log(started(), trial(1), finished(1, 0.5, predictions=said, truth=truth)))
        assert (state.best is not None) is believed, (said, truth)


def test_best_follows_the_objective() -> None:
    start = events.RunStarted(study={"objective": "minutes"}, classes=("anger", "fear"), utterances={"validation": 2}, planned_trials=3)
    took = [finished(1, 0.5, seconds=30.0), finished(2, 0.9, seconds=90.0), finished(3, 0.4, seconds=20.0)]
    state = reduce_all(log(start, *(event for number, end in enumerate(took, 1) for event in (trial(number), end))))
    assert state.best is not None and state.best.number == 3
    told = summarize("x", state)
    assert told.values == (0.5, 1.5, 20 / 60) and told.best_so_far == (0.5, 0.5, 20 / 60) and told.scores == (0.5, 0.9, 0.4)
    assert from_stored(to_stored(told)) == told
    plain = reduce_all(log(started(), *(event for number, end in enumerate(took, 1) for event in (trial(number), end))))
    assert plain.best is not None and plain.best.number == 2


def test_a_cost_that_was_not_measured_is_never_the_best() -> None:
    start = events.RunStarted(study={"objectives": ["peak_memory", "bca"]}, classes=("anger", "fear"), utterances={})
    state = reduce_all(log(start, trial(1), finished(1, 0.9), trial(2), finished(2, 0.5, costs={"peak_memory": 5e8})))
    assert state.best is not None and state.best.number == 2 and state.best.score("peak_memory") == Score(5e8)
    assert state.study.objectives == ("peak_memory", "bca")
