"""What a log may hold: every event that a worker writes, and nothing that would surprise whoever shows it."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest

from ser_tui.study import events
from ser_tui.study.log_codec import DamagedLine, decode, encode
from ser_tui.study.reducer import reduce, reduce_all
from ser_tui.study.state import RunState

TIME = "2026-11-22T14:30:15.000Z"


def forged(event: events.Event, **changes: Any) -> bytes:
    """`event` as a line with `changes` in its data (or its time) and a checksum that fits."""
    body = json.loads(encode(event))
    del body["crc"]
    for name, value in changes.items():
        (body if name in body else body["data"])[name] = value
    text = json.dumps(body, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()


EPOCH = events.EpochFinished(seq=1, time=TIME, trial=1, epoch=1, epochs=2, loss=0.5, bca=0.5)


def test_a_forged_line_that_changes_nothing_is_read() -> None:
    assert decode(forged(EPOCH)) == EPOCH


@pytest.mark.parametrize(
    "changes",
    [
        {"trial": "1"}, {"trial": 0}, {"trial": -3}, {"trial": True}, {"trial": 2**60}, {"loss": "low"}, {"loss": float("nan")},
        {"bca": [0.5]}, {"frozen": 1}, {"time": "yesterday"}, {"time": "2026-11-22T14:30:15"}, {"time": 3}, {"seq": -1}, {"seq": "0"},
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_damage(changes: dict[str, Any]) -> None:
    with pytest.raises(DamagedLine):
        decode(forged(EPOCH, **changes))


@pytest.mark.parametrize("clock", [-1.0, True, "3", 1e300, [1.0]])
def test_a_clock_that_is_none_is_damage(clock: Any) -> None:
    told = replace(EPOCH, clock=1.5)
    assert decode(forged(told)) == told
    with pytest.raises(DamagedLine):
        decode(forged(told, clock=clock))


def test_a_trial_number_out_of_all_proportion_takes_no_memory() -> None:
    state = reduce(RunState(), events.TrialStarted(seq=0, time=TIME, trial=2**40, parameters={}))
    assert len(state.trials) == 0


def test_predictions_of_classes_that_the_run_has_not_are_not_believed() -> None:
    start = events.RunStarted(seq=0, time=TIME, study={}, classes=("anger", "fear"), utterances={})
    finished = events.TrialFinished(
        seq=1, time=TIME, trial=1, bca=1.0, interval=(1.0, 1.0), utterances=2, best_epoch=1, best_epoch_bca=1.0,
        accuracy=1.0, loss=0.1, seconds=1.0, predictions=(0, 7), truth=(0, 1),
    )  # fmt: skip
    assert reduce_all([start, finished]).best is None
