"""A trial whose process hangs gives no sign of life, which its log shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ser_tui.study import events
from ser_tui.study.reducer import reduce_all
from ser_tui.study.silence import SILENT_SECONDS, silence_text, silent
from ser_tui.study.state_codec import from_lines, to_lines

BEGUN = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


def log(*parts: tuple[float, events.Event]) -> list[events.Event]:
    """Events, each so many seconds after the beginning."""
    times = [(BEGUN + timedelta(seconds=after)).isoformat(timespec="milliseconds").replace("+00:00", "Z") for after, _ in parts]
    return [replace(event, seq=seq, time=time) for seq, (time, (_, event)) in enumerate(zip(times, parts, strict=True))]


STARTED = events.RunStarted(study={"name": "x", "budget": {}}, classes=("a", "b"), utterances={"validation": 2})
BESIDE = (
    (0, STARTED), (1, events.TrialStarted(trial=1, parameters={})), (2, events.TrialStarted(trial=2, parameters={}, pending=(1,))),
    (10, events.EpochFinished(trial=1, epoch=1, epochs=9, loss=1.0, bca=0.5)),
    (20, events.Progressed(stage="training", done=1, utterances=9, trial=2)),
)  # fmt: skip


def test_of_trials_under_way_the_silent_one_is_told_and_since_when() -> None:
    again = events.Progressed(stage="training", done=2, utterances=9, trial=2)
    state = reduce_all(log(*BESIDE, (400, again), (401, events.Note(text="x"))))
    soon, later = (BEGUN + timedelta(seconds=10 + SILENT_SECONDS + beyond) for beyond in (-1, 0))
    assert not silent(state, soon) and not silence_text(state, soon)
    assert silent(state, later) == ((1, "2026-11-22T14:30:10.000Z"),)
    assert silence_text(state, later).startswith("no sign of life since ") and silence_text(state, later).endswith(" (trial 1)")
    assert silence_text(state, later + timedelta(hours=1)).endswith(" (trials 1, 2)")
    assert from_lines(to_lines(state)) == state


def test_what_has_ended_is_not_silent_nor_is_a_run_that_has() -> None:
    failed = events.TrialFailed(trial=1, kind="nan", reason="x", seconds=1.0)
    later = BEGUN + timedelta(hours=1)
    assert [trial for trial, _ in silent(reduce_all(log(*BESIDE, (30, failed))), later)] == [2]
    assert not silent(reduce_all(log(*BESIDE, (30, events.RunCancelled(reason="stopped")))), later)
    assert not silent(reduce_all(log(*BESIDE, (30, events.RunResumed()))), later), "another worker has taken it up"
