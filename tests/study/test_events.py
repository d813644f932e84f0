"""Events: what is written is what is read, and damage is noticed."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_tui.study.events import TYPES, EpochFinished, Note, TrialFinished, TrialStarted, Unknown, now
from ser_tui.study.log_codec import DamagedLine, decode, encode
from ser_tui.study.reducer import reduce
from ser_tui.study.state import RunState

TIME = "2026-11-22T14:30:15.000Z"


@given(st.text(), st.dictionaries(st.text(), st.integers() | st.text(), max_size=3))
def test_any_text_survives_the_log(text: str, data: dict[str, int | str]) -> None:
    note = Note(seq=3, time=TIME, text=text, data=data)
    line = encode(note)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert decode(line) == note


def test_a_value_that_is_no_number_becomes_a_gap() -> None:
    event = EpochFinished(seq=0, time=TIME, trial=1, epoch=1, epochs=2, loss=math.nan, bca=math.inf)
    read = decode(encode(event))
    assert isinstance(read, EpochFinished)
    assert read.loss is None and read.bca is None


def test_every_single_changed_byte_is_noticed() -> None:
    line = encode(TrialStarted(seq=1, time=TIME, trial=4, parameters={"learning_rate": 1.8e-4}))
    for index in range(len(line) - 1):
        for value in (line[index] ^ 1, 0):
            damaged = line[:index] + bytes([value]) + line[index + 1 :]
            with pytest.raises(DamagedLine):
                decode(damaged)


@given(st.binary(max_size=200))
def test_garbage_is_damage(data: bytes) -> None:
    with pytest.raises(DamagedLine):
        decode(data)


def test_a_newer_format_says_so() -> None:
    line = encode(Note(seq=0, time=TIME, text="x"))
    import json
    import zlib

    body = json.loads(line)
    del body["crc"]
    body["v"] = 99
    text = json.dumps(body, separators=(",", ":"))
    newer = f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'.encode()
    with pytest.raises(DamagedLine, match="newer ser_tui"):
        decode(newer)


def test_an_event_of_a_newer_version_is_passed_over_and_its_lines_crc_still_counts() -> None:
    newer = encode(Note(text="x", seq=3, time=now())).replace(b'"note"', b'"moved"')
    body, _, _ = newer.partition(b',"crc"')
    line = body + b',"crc":"%08x"}\n' % zlib.crc32(body + b"}")
    event = decode(line)
    assert isinstance(event, Unknown) and (event.seq, event.kind) == (3, "moved")
    assert reduce(RunState(seq=2), event) == RunState(seq=3, last_time=event.time)
    with pytest.raises(DamagedLine):
        decode(newer)


def test_type_names_are_unique() -> None:
    assert len(TYPES) == len(set(TYPES.values()))


def test_a_cost_that_is_no_number_is_none_of_a_trials_scores() -> None:
    """A search for little of it would have nothing to compare."""
    scored: dict[str, Any] = {"bca": 0.5, "interval": (0.4, 0.6), "best_epoch": 1, "best_epoch_bca": 0.5, "accuracy": 0.5}
    costs = {"latency": math.nan, "peak_memory": 1e9}
    event = TrialFinished(trial=1, utterances=9, loss=1.0, seconds=90.0, prepared=30.0, costs=costs, **scored)
    read = decode(encode(replace(event, seq=0, time="2026-11-25T12:00:00.000Z")))
    assert isinstance(read, TrialFinished)
    assert {name: one.value for name, one in read.scores.items()} == {"bca": 0.5, "accuracy": 0.5, "minutes": 1.0, "peak_memory": 1e9}
