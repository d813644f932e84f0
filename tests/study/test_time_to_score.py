"""When a run first passed .80, .90, .95: by the worker's time, without pauses, whatever else is under way."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from pyrsistent import pvector

from ser_tui.study.events import RunStarted
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.scores import BCA, Score
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus
from ser_tui.study.time_to_score import area_text, learning_area, machines_until, passed, passed_text, searched_on, times_text, trials_to
from ser_tui.study.worker_time import WorkerTime


def at(seconds: float) -> str:
    return f"2026-11-26T10:{int(seconds) // 60:02d}:{seconds % 60:06.3f}Z"


def trial(number: int, begun: float, seconds: float, bca: float, status: TrialStatus = TrialStatus.DONE) -> Trial:
    scores = {} if status == TrialStatus.CUT_SHORT else {BCA: Score(bca, (bca - 0.1, bca + 0.05))}
    return Trial(number, {}, status=status, started=at(begun), scores=scores, seconds=seconds)


def state(*trials: Trial, sessions: tuple[WorkerTime, ...] | None = None) -> RunState:
    return RunState(trials=pvector(trials), sessions=sessions or (WorkerTime(at(0), None, at(900), 900.0),))


def test_trials_and_time_to_each_mark_and_one_that_was_not_reached() -> None:
    found = passed(state(trial(1, 5, 55, 0.5), trial(2, 62, 60, 0.91), trial(3, 125, 60, 0.93)))
    assert [(one.mark, one.trial, one.trials, one.seconds) for one in found] == [(0.8, 2, 2, 122.0), (0.9, 2, 2, 122.0)]
    assert passed_text(found) == "BCA passed .80 after 2 trials (2m02s), .90 after 2 (2m02s), not .95"
    assert times_text(found) == "2m02s / 2m02s / -" and trials_to(found, 0.9) == 2 and trials_to(found, 0.95) is None


def test_an_interval_above_a_mark_does_not_pass_it() -> None:
    assert passed(state(trial(1, 0, 10, 0.79))) == () and passed_text(()) == "BCA did not pass .80"


def test_a_pause_between_two_workers_is_no_time_of_the_search() -> None:
    sessions = (WorkerTime(at(0), None, at(100), 100.0), WorkerTime(at(600), None, at(900), 300.0))
    cut = trial(2, 90, 10, 0.0, TrialStatus.CUT_SHORT)
    (found,) = passed(state(trial(1, 0, 90, 0.5), cut, trial(3, 610, 50, 0.85), sessions=sessions))
    assert (found.trial, found.trials, found.seconds) == (3, 2, 160.0)


def test_of_two_at_a_time_the_one_that_ended_first_counts() -> None:
    (found,) = passed(state(trial(1, 0, 100, 0.85), trial(2, 5, 30, 0.86)))
    assert (found.trial, found.seconds) == (2, 35.0)


def test_a_trial_that_was_made_again_does_not_hide_one_that_ended_before_it() -> None:
    # The second was retried: it began at 500 s for the last time, after all others were over.
    found = passed(state(trial(1, 0, 400, 0.82), trial(2, 500, 50, 0.9), trial(3, 5, 100, 0.83)))
    assert [(one.mark, one.trial, one.seconds) for one in found] == [(0.8, 3, 105.0), (0.9, 2, 550.0)]


def test_a_trial_that_was_gone_on_with_ends_when_its_last_part_did() -> None:
    """It had been trained for 20 of its 50 seconds when it was paused at a rung."""
    paused = replace(trial(1, 0, 50, 0.85), resumed=(at(500), 20.0))
    (alone,) = passed(state(paused))
    assert alone.seconds == 530.0
    (found,) = passed(state(paused, trial(2, 25, 500, 0.86)))
    assert (found.trial, found.trials, found.seconds) == (2, 2, 525.0)
    (found,) = passed(state(paused, trial(2, 25, 515, 0.86)))
    assert (found.trial, found.seconds) == (1, 530.0)


def test_machines_are_those_that_had_worked_when_the_last_trial_began_or_was_gone_on_with() -> None:
    sessions = (WorkerTime(at(0), None, at(100), 100.0, "small"), WorkerTime(at(600), None, at(900), 300.0, "big"))
    early = trial(1, 0, 90, 0.5)
    assert machines_until([early], sessions) == ("small",)
    for late in (trial(2, 600, 9, 0.5), replace(early, resumed=(at(610), 50.0)), replace(early, started="")):
        assert machines_until([late], sessions) == ("small", "big")
    assert machines_until([early], (*sessions, WorkerTime("", None, "", machine="odd"), WorkerTime(at(0), None, at(9)))) == (
        "small",
        "odd",
    ), "it may have been at it"
    both = state(early, sessions=(*sessions, replace(sessions[0], machine=""), sessions[0]))
    assert searched_on(both) == ("small", "big")
    cluster = replace(both, study=LoggedStudy.of({"executor": {"kind": "dask"}}))
    assert searched_on(cluster) == ("a Dask cluster",)
    start = RunStarted(study={}, classes=(), utterances={}, machine={"workers": 4})
    assert searched_on(replace(cluster, start=start)) == ("a Dask cluster, 4 workers",)


def test_a_log_without_times_still_counts_trials() -> None:
    (found,) = passed(state(replace(trial(1, 0, 1, 0.85), started="", seconds=None), sessions=(WorkerTime("", None, ""),)))
    assert (found.trials, found.seconds) == (1, None) and passed_text([found]) == "BCA passed .80 after 1 trial, not .90"


def test_the_area_under_the_curve_is_over_the_logarithm_of_time_and_of_the_best_so_far() -> None:
    whole = WorkerTime(at(0), None, at(3000), 3000.0)
    # At 60 s log(1 + 60/60) = log 2 of log 31 are over; a worse trial and one after the horizon change nothing.
    found = state(trial(1, 0, 60, 0.5), trial(2, 70, 30, 0.4), trial(3, 400, 20, 0.8), trial(4, 1900, 50, 0.99), sessions=(whole,))
    expected = 0.5 * (1 - math.log(2) / math.log(31)) + 0.3 * (1 - math.log(8) / math.log(31))
    assert learning_area(found) == pytest.approx(expected, abs=1e-6)
    beside = state(trial(1, 0, 420, 0.8), trial(2, 5, 55, 0.5), sessions=(whole,))
    assert learning_area(beside) == pytest.approx(expected, abs=1e-6), "in the order in which they ended"
    assert area_text(learning_area(found)) == "; area under its curve .52, over log time to 1,800 s (t0 60 s)"
    assert learning_area(state(trial(1, 0, 60, 0.0, TrialStatus.CUT_SHORT))) is None and area_text(None) == ""
    assert learning_area(state(replace(trial(1, 0, 1, 0.85), started=""), sessions=(whole,))) is None, "a log without times"
