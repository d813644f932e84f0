"""The state kept beside a log: the same as the log's, and nothing where either is other than it was."""

from __future__ import annotations

import json
import os
import random
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_tui.store import snapshot
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader, LogWriter
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.frozen import changed
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce, reduce_all
from ser_tui.study.state import RunState
from ser_tui.study.state_codec import NotKept, from_lines, to_lines
from ser_tui.study.summary import summarize

SCORE = st.floats(0, 1)
LOSS = st.none() | st.floats(0, 9)
INTERVAL = st.tuples(SCORE, SCORE)
TRIAL = st.integers(1, 4)
LABELS = st.lists(st.integers(-1, 2), max_size=3).map(tuple) | st.just((500, -1, 2))
TEXT = st.text(max_size=4) | st.just("\udc80 na\u00efve")
PARAMETERS = st.dictionaries(st.sampled_from(("learning_rate", "epochs", "layers")), st.integers(0, 9) | SCORE | TEXT)
STARTED = st.builds(
    events.RunStarted, study=st.fixed_dictionaries({"name": TEXT, "search": st.just({"epochs": {"choices": (1, 2)}})}),
    classes=st.just(("a", "b", "c")) | st.just(tuple(map(str, range(600)))), utterances=st.just({"validation": 3}),
    warnings=st.lists(TEXT).map(tuple),
)  # fmt: skip
EVALUATION = events.EvaluationFinished(
    corpus="emovo", trial=1, mapping={"calm": ""}, masked=True, utterances=3, dropped=0, classes=("a",), columns=("a",), confusion=((3,),),
    accuracy=1.0, accuracy_interval=(0.5, 1.0), bca=1.0, bca_interval=(0.5, 1.0), recalls={"a": 1.0}, chance=1.0,
)  # fmt: skip
FOLDS = events.FoldsScored(
    trial=1, protocol="loso", folds=({"name": "03", "bca": 0.5, "utterances": 3, "interval": (0.1, 0.9)},), pooled_bca=0.5,
    interval=(0.1, 0.9), mean=0.5, deviation=0.0, utterances=3,
)  # fmt: skip
TEST = events.TestScored(trial=1, bca=0.5, interval=(0.1, 0.9), accuracy=0.5, utterances=3, confusion=((3,),))
EVENT = st.one_of(
    st.builds(events.RunResumed),
    st.builds(events.TrialStarted, trial=TRIAL, parameters=PARAMETERS, remaining_seconds=st.none() | SCORE),
    st.builds(
        events.EpochFinished, trial=TRIAL, epoch=st.integers(0, 9), epochs=st.integers(0, 9), loss=LOSS, bca=LOSS,
        validation_loss=LOSS, frozen=st.booleans(), seconds=SCORE, interval=st.none() | INTERVAL,
    ),
    st.builds(events.Progressed, stage=st.sampled_from(("training", "reading")), done=TRIAL, utterances=TRIAL),
    st.builds(
        events.TrialFinished, trial=TRIAL, bca=SCORE, interval=INTERVAL, utterances=TRIAL, best_epoch=TRIAL, best_epoch_bca=SCORE,
        accuracy=SCORE, loss=LOSS, seconds=SCORE, predictions=LABELS, notes=st.lists(TEXT, max_size=2).map(tuple),
    ),
    st.builds(events.TrialFailed, trial=TRIAL, kind=st.sampled_from(("nan", "cut_short")), reason=TEXT, seconds=SCORE),
    st.builds(
        events.ProbeScored, parameters=PARAMETERS, tried=TRIAL, bca=SCORE, interval=INTERVAL, accuracy=SCORE, utterances=TRIAL,
        predictions=LABELS, best_p=st.none() | SCORE, seconds=SCORE,
    ),
    st.just(TEST), st.just(FOLDS), st.just(EVALUATION),
    st.builds(events.EvaluationStarted, corpus=st.sampled_from(("emovo", "tess")), mapping=st.just({"calm": ""}), utterances=TRIAL),
    st.builds(events.EvaluationFailed, corpus=st.sampled_from(("emovo", "tess")), reason=TEXT),
    st.builds(events.Note, text=TEXT), st.builds(events.RunFinished, reason=TEXT), st.builds(events.RunCancelled, reason=TEXT),
)  # fmt: skip


def stamped(found: list[events.Event]) -> list[events.Event]:
    """As a log holds them."""
    times = (f"2026-11-22T14:{index // 60:02}:{index % 60:02}.000Z" for index in range(len(found)))
    return [decode(encode(replace(e, seq=i, time=t, clock=float(i)))) for i, (e, t) in enumerate(zip(found, times, strict=True))]


@settings(deadline=None, max_examples=40)
@given(STARTED, st.lists(EVENT, max_size=40), st.lists(EVENT, max_size=10))
def test_what_comes_after_adds_up_to_the_same(start: events.RunStarted, before: list[events.Event], after: list[events.Event]) -> None:
    log = stamped([start, *before, *after])
    early, late = log[: 1 + len(before)], log[1 + len(before) :]
    state = reduce_all(early)
    kept = from_lines(list(to_lines(state)))
    assert kept == state
    assert reduce_all(late, kept) == reduce_all(log)
    again = kept
    for event in late:
        again = reduce(again, event)
    assert again == reduce_all(log)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A run's log of three trials, one of them under way, with a damaged line and a snapshot of all of it."""
    path = tmp_path / "20261122-143015-long-gp-2222" / "events.jsonl"
    path.parent.mkdir()
    with LogWriter(path) as writer:
        writer.append(events.RunStarted(study={"name": "long-gp"}, classes=("a", "b"), utterances={"validation": 2}))
        for number in (1, 2, 3):
            writer.append(events.TrialStarted(trial=number, parameters={"epochs": 1}))
            writer.append(events.EpochFinished(trial=number, epoch=1, epochs=1, loss=None, bca=0.5))
            if number < 3:
                writer.append(finished(number))
    path.write_bytes(path.read_bytes() + b"rubbish\n")
    reader = LogReader(path)
    snapshot.keep(reader, reduce_all(reader.each()), least=1)
    return path


def finished(number: int) -> events.TrialFinished:
    """Trial `number`'s end."""
    return events.TrialFinished(
        trial=number, bca=0.5 + number / 10, interval=(0.1, 0.9), utterances=2, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=1.0,
        seconds=2.0, predictions=(0, 1),
    )  # fmt: skip


def whole(path: Path) -> tuple[LogReader, RunState]:
    """What the log alone says."""
    reader = LogReader(path)
    return reader, reduce_all(reader.each())


def test_a_reader_goes_on_where_the_snapshot_ends(log: Path) -> None:
    with LogWriter(log) as writer:
        writer.append(finished(3))
    reader, state = snapshot.resumed(log)
    assert 0 < reader.offset < log.stat().st_size
    state = reduce_all(reader.each(), state)
    other, expected = whole(log)
    assert state == expected
    assert state.best is not None and state.best.number == 3
    assert (reader.line, reader.damaged, reader.offset, reader.digest.digest()) == (
        other.line, other.damaged, other.offset, other.digest.digest(),
    )  # fmt: skip
    assert RunFolder(log.parent).state() == expected


def test_deleting_it_changes_nothing(log: Path) -> None:
    with_it = RunFolder(log.parent).state()
    log.with_name(snapshot.NAME).unlink()
    assert RunFolder(log.parent).state() == with_it
    assert snapshot.resumed(log)[0].offset == 0


def test_a_log_that_is_other_than_it_was_is_read_anew(log: Path) -> None:
    data = log.read_bytes()
    rng = random.Random(1)
    for index in [0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(30))]:
        log.write_bytes(data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :])
        assert snapshot.resumed(log)[0].offset == 0
        assert RunFolder(log.parent).state() == whole(log)[1]
    for shorter in (b"", data[: len(data) // 2], data[:-1]):
        log.write_bytes(shorter)
        assert snapshot.resumed(log)[0].offset == 0


def test_a_snapshot_that_is_damaged_is_as_good_as_none(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    data, expected = path.read_bytes(), whole(log)[1]
    rng = random.Random(2)
    for index in (rng.randrange(len(data)) for _ in range(200)):
        path.write_bytes(data[:index] + bytes([data[index] ^ 1 << rng.randrange(8)]) + data[index + 1 :])
        reader, state = snapshot.resumed(log)
        assert reduce_all(reader.each(), state) == expected
    for other in (b"", b"{}\n", b"[]\n\n\n", data[:-9], data[: len(data) // 2], data + b"{}\n", b"\0" * 4096):
        path.write_bytes(other)
        reader, state = snapshot.resumed(log)
        assert reader.offset == 0 and state == RunState()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("status", "splendid"), ("status", 3), ("trials", 2), ("started", "yesterday"), ("start", None), ("best", None),
        ("sessions", [{"begun": "x", "clock": 0.0, "last": "", "seconds": 0.0}]), ("log", [["a", "b"]]), ("truth", ["a"]),
        ("folds", [None]), ("evaluations", [{}]), ("probe", "{}"), ("running", [1]), ("running", [99]), ("running", "1"),
    ],
)  # fmt: skip
def test_lines_of_another_hand_are_refused(log: Path, place: str, value: object) -> None:
    """Their checksum fits: whoever made them knew how."""
    head, *trials = to_lines(whole(log)[1])
    made = {**json.loads(head), place: value}
    lines = [json.dumps(made).encode() + b"\n", *trials]
    if place == "best":
        assert from_lines(lines).best is None  # a run may have none
        return
    with pytest.raises(NotKept):
        from_lines(lines)


@pytest.mark.parametrize(
    ("index", "value"),
    [
        (0, 7), (1, []), (3, "splendid"), (4, "noon"), (5, "AAAA"), (5, None), (6, "high"), (9, float("nan")), (10, float("inf")),
        (13, ["a"]), (13, 3),
    ],
)  # fmt: skip
def test_trials_of_another_hand_are_refused(log: Path, index: int, value: object) -> None:
    head, block = to_lines(whole(log)[1])
    trials = json.loads(block)
    trials[0][index] = value
    with pytest.raises(NotKept):
        from_lines([head, json.dumps(trials).encode() + b"\n"])


@pytest.fixture
def over(log: Path) -> Path:
    """The same run, over, with a snapshot of all of its log."""
    with LogWriter(log) as writer:
        for event in (finished(3), TEST, FOLDS, EVALUATION, events.RunFinished(reason="3 trials are done")):
            writer.append(event)
    reader, state = whole(log)
    snapshot.keep(reader, state, least=1)
    return log


def test_the_summary_of_a_run_that_is_over_is_kept_too(over: Path) -> None:
    """What a list says of it is the same without the state, also under another name; as soon as the log is longer it is none."""
    run_id = over.parent.name
    [listed] = Index(over.parent.parent).refresh()
    kept = snapshot.summary(over)
    assert kept == changed(summarize(run_id, whole(over)[1]), log_bytes=over.stat().st_size, damaged_lines=1)
    assert listed == changed(kept, state="done")
    renamed = over.parent.rename(over.parent.with_name("20261122-143015-long-gp-3333"))
    assert [one.run_id for one in Index(renamed.parent).refresh()] == [renamed.name]
    with LogWriter(renamed / "events.jsonl") as writer:
        writer.append(events.RunResumed())
    assert snapshot.summary(renamed / "events.jsonl") is None


def test_a_run_that_is_under_way_keeps_no_summary(log: Path) -> None:
    assert snapshot.summary(log) is None


def test_a_summary_that_is_not_as_it_was_written_is_as_good_as_none(over: Path) -> None:
    path = over.with_name(snapshot.NAME)
    head, kept, rest = path.read_bytes().split(b"\n", 2)
    true, rng = snapshot.summary(over), random.Random(3)
    for index in (rng.randrange(len(kept)) for _ in range(200)):
        path.write_bytes(b"\n".join((head, kept[:index] + bytes([kept[index] ^ 1 << rng.randrange(8)]) + kept[index + 1 :], rest)))
        assert snapshot.summary(over) in (None, true)  # true where a bit of the checksum's letter case alone was turned
    said = json.loads(kept[9:])
    changes: tuple[dict[str, Any], ...] = (
        {"started": "noon"}, {"ended": "2026-11-22T14:00:00"}, {"status": "running"}, {"status": "splendid"}, {"version": 10},
        {"objectives": ["luck"]}, {"headline": {**said["headline"], "kind": "best"}}, {"trials": "3"}, {"findings": [{}]},
        {"scores": [None, "x"]},
    )  # fmt: skip
    for change in changes:
        told = json.dumps({**said, **change}).encode()
        path.write_bytes(b"\n".join((head, b"%08x %b" % (zlib.crc32(told), told), rest)))
        assert snapshot.summary(over) is None, change
        assert Index(over.parent.parent).refresh()[0].trials == 3


def test_one_of_another_version_is_not_believed(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    head, rest = path.read_bytes().split(b"\n", 1)
    for change in ({"format": 99}, {"ser_tui": "0.0.1"}):
        path.write_bytes(json.dumps({**json.loads(head), **change}).encode() + b"\n" + rest)
        assert snapshot.resumed(log)[0].offset == 0


def test_a_checksum_that_fits_does_not_make_a_state(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    head = path.read_bytes().split(b"\n", 1)[0]
    path.write_bytes(head + b"\n-\n" + b"[]\n" + f"{zlib.crc32(b'[]' + bytes([10])):08x}".encode() + b"\n")
    assert snapshot.resumed(log)[0].offset == 0


def test_a_short_log_has_none_of_its_readers(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    path.unlink()
    RunFolder(log.parent).state()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_costs_nothing(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    path.unlink()
    path.with_name(f".{snapshot.NAME}.new").mkdir()  # as root, who may write everywhere
    reader, state = whole(log)
    snapshot.keep(reader, state, least=1)
    assert not path.exists()


def test_what_a_killed_process_left_half_written_is_replaced(log: Path) -> None:
    path = log.with_name(snapshot.NAME)
    path.unlink()
    left = path.with_name(f".{snapshot.NAME}.new")
    left.write_bytes(b"half")
    reader, state = whole(log)
    snapshot.keep(reader, state, least=1)
    assert not path.exists()  # another process may be at it
    os.utime(left, (1, 1))
    reader.kept = 0
    snapshot.keep(reader, state, least=1)
    assert snapshot.resumed(log)[1] == state
    assert not left.exists()
