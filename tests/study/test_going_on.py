"""Whether a search that is done has anything left to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ser_tui.study.errors import UsageError
from ser_tui.study.events import RunStarted, TestScored
from ser_tui.study.going_on import ALL_TRIED, refuse_all_tried, refuse_done
from ser_tui.study.load import loads, to_plain
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import RunStatus, TrialStatus

TEXT = "search: {epochs: {low: 1, high: 9}, layers: {choices: [last, '2']}}\n"


def over(text: str, reason: str = "2 trials are done", status: RunStatus = RunStatus.DONE, **more: Any) -> RunState:
    """A run of that study that is over after two trials."""
    start = RunStarted(study=to_plain(loads(text)), classes=("a", "b"), utterances={"validation": 2})
    state = RunState(status=status, start=start, reason=reason, **more)
    return replace(state, trials=state.trials.extend(Trial(number, {}, status=TrialStatus.FAILED) for number in (1, 2)))


@pytest.mark.parametrize(
    ("begun", "now", "reason", "way"),
    [
        ("budget: 2", "budget: 2", "2 trials are done", "`ser-tui resume x --trials N` goes on to N trials in all"),
        ("budget: {minutes: 3}", "budget: {minutes: 3}", "3 minutes are over", "`ser-tui resume x --minutes M` goes on to M minutes"),
        ("budget: 2", "budget: 1", "2 trials are done", "--trials N"),
        ("budget: 2", "budget: {trials: 2, minutes: 9}", "2 trials are done", "--trials N"),
        ("budget: 5", "budget: 9", ALL_TRIED, "wider bounds"),
    ],
)
def test_a_search_that_is_done_says_so_and_what_would_make_it_go_on(begun: str, now: str, reason: str, way: str) -> None:
    with pytest.raises(UsageError) as told:
        refuse_done("x", over(TEXT + begun, reason), loads(TEXT + now))
    assert str(told.value).startswith(f"x is done ({reason}): nothing is left to do; ") and way in str(told.value)


def test_one_whose_test_part_is_scored_names_no_larger_budget() -> None:
    scored = TestScored(trial=1, bca=0.5, interval=(0.1, 0.9), accuracy=0.5, utterances=2, confusion=((1, 0), (0, 1)))
    with pytest.raises(UsageError, match="its test part is scored, which is done once: start a new run"):
        refuse_done("x", over(TEXT + "budget: 2", test=scored), loads(TEXT + "budget: 2"))


@pytest.mark.parametrize(
    ("begun", "now", "reason"),
    [
        ("budget: 2", "budget: 3", "2 trials are done"), ("budget: 2", "budget: {minutes: 9}", "2 trials are done"),
        ("budget: 5", "budget: 5\nsearch: {epochs: {low: 1, high: 12}}", ALL_TRIED),
    ],
)  # fmt: skip
def test_one_whose_document_leaves_something_to_do_goes_on(begun: str, now: str, reason: str) -> None:
    document = now if "search" in now else TEXT + now
    refuse_done("x", over(TEXT + begun, reason), loads(document))
    for status in (RunStatus.STOPPED, RunStatus.FAILED, RunStatus.RUNNING):
        refuse_done("x", over(TEXT + begun, status=status), loads(TEXT + begun))


def test_no_budget_makes_one_go_on_that_has_tried_every_point() -> None:
    tried = over(TEXT + "budget: 5", ALL_TRIED)
    with pytest.raises(UsageError, match=r"no budget makes it go on; wider bounds"):
        refuse_all_tried("x", tried, loads(TEXT + "budget: 30"))
    refuse_all_tried("x", tried, loads("budget: 5\nsearch: {epochs: {low: 1, high: 12}}"))
    refuse_all_tried("x", over(TEXT + "budget: 5", "5 trials are done"), loads(TEXT + "budget: 30"))
