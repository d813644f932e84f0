"""The event log: nothing that was appended is lost, nothing torn is taken for an event."""

from __future__ import annotations

import errno
import io
import os
import random
import re
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from zoo import POWERLESS

from ser_tui.store.log import LogReader, LogWriter
from ser_tui.study import log_codec
from ser_tui.study.errors import UserError
from ser_tui.study.events import EpochFinished, Event, Note, now
from ser_tui.study.log_codec import encode


def texts(found: list[Event]) -> list[str]:
    return [event.text for event in found if isinstance(event, Note)]


def write(path: Path, *lines: str) -> None:
    with LogWriter(path) as log:
        for line in lines:
            log.append(Note(text=line))


def test_events_come_back_in_order_with_seq_and_time(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one", "two")
    write(path, "three")
    found = LogReader(path).read_all()
    assert texts(found) == ["one", "two", "three"]
    assert [event.seq for event in found] == [0, 1, 2]
    assert all(event.time.endswith("Z") for event in found)
    assert path.stat().st_mode & 0o777 == 0o600


def test_cut_at_every_byte_it_opens_says_what_was_dropped_and_appends(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one", "two ü", "three")
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == 10]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        # A line whose newline alone is missing is whole: it was reported.
        kept = sum(end - 1 <= cut for end in ends)
        with LogWriter(path) as log:
            assert texts(log.events) == ["one", "two ü", "three"][:kept]
            assert log.dropped == (0 if cut in ends or cut + 1 in ends or cut == 0 else cut - max([0, *[e for e in ends if e <= cut]]))
            log.append(Note(text="after"))
        reader = LogReader(path)
        found = reader.read_all()
        assert texts(found) == [*["one", "two ü", "three"][:kept], "after"]
        assert [event.seq for event in found] == list(range(kept + 1))
        assert reader.damaged == []


def test_a_damaged_line_costs_itself_only(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one", "two", "three")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"two", b"TWO") + b"\0\0\0\n" + lines[2])
    reader = LogReader(path)
    assert texts(reader.read_all()) == ["one", "three"]
    assert [line for line, _ in reader.damaged] == [2, 3]
    write(path, "four")
    assert [event.seq for event in LogReader(path).read_all()] == [0, 2, 3]


def test_a_reader_follows_and_leaves_a_torn_tail_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    reader = LogReader(path)
    assert reader.read() == []
    write(path, "one", "two")
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert texts(reader.read()) == ["one"]
    path.write_bytes(whole)
    assert texts(reader.read()) == ["two"]
    assert reader.read() == []


def test_reads_are_bounded_but_a_long_line_gets_through(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, *["x" * 100] * 50, "y" * 5000)
    reader = LogReader(path)
    assert 0 < len(reader.read(limit=1000)) < 10
    assert len(texts(reader.read_all())) + len(texts(LogReader(path).read(limit=1000))) >= 50
    assert texts(LogReader(path).read_all())[-1] == "y" * 5000


def test_a_log_that_became_shorter_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one", "two")
    reader = LogReader(path)
    reader.read_all()
    path.unlink()
    write(path, "new")
    assert texts(reader.read()) == ["new"]
    assert reader.restarted


def test_a_full_disk_is_one_line_and_the_log_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one")
    before = path.read_bytes()
    # The limit is set in a process of its own: it cannot be raised again.
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from ser_tui.store.log import LogWriter\n"
        "from ser_tui.study.errors import UserError\n"
        "from ser_tui.study.events import Note\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 50}, {len(before) + 50}))\n"
        "try:\n"
        "    LogWriter(Path(sys.argv[1])).append(Note(text='x' * 300))\n"
        "except UserError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert "no room left while writing the run's log" in done.stdout and done.stdout.count("\n") == 1
    assert path.read_bytes() == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_lines_that_could_not_be_read_are_not_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one", "two")
    before = path.read_bytes()

    def broken(path: Path) -> io.BufferedReader:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    # A disk that fails to read once cannot be had here.
    monkeypatch.setattr("ser_tui.store.log.open_regular", broken)
    with pytest.raises(UserError, match="could not be read to its end"):
        LogWriter(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    write(path, "three")
    assert texts(LogReader(path).read_all()) == ["one", "two", "three"]


@pytest.mark.skipif(os.geteuid() == 0 and not POWERLESS, reason="root may write anywhere: install setpriv, or be another user")
def test_a_log_that_may_not_be_written_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write(path, "one")
    path.chmod(0o400)
    writes = "import sys, pathlib\nfrom ser_tui.store.log import LogWriter\nLogWriter(pathlib.Path(sys.argv[1]))"
    done = subprocess.run(
        [*POWERLESS, sys.executable, "-c", writes, str(path)], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert re.search(r"Error: cannot write .*\n\Z", done.stderr), done.stderr


def test_a_line_of_any_length_costs_itself_and_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with LogWriter(path) as log:
        log.append(Note(text="before"))
    with path.open("ab") as stream:
        for _ in range(40):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\n")
    with LogWriter(path) as log:
        assert log.damaged == [(2, "longer than 8 MB")]
        log.append(Note(text="after"))
    tracemalloc.start()
    reader = LogReader(path)
    assert texts(reader.read_all()) == ["before", "after"] and reader.offset == path.stat().st_size
    assert tracemalloc.get_traced_memory()[1] < 30 << 20, "not the whole line at once"
    tracemalloc.stop()
    with path.open("ab") as stream:
        stream.write(b"y" * (20 << 20))  # its end never came
    assert texts(reader.read_all()) == []
    with LogWriter(path) as log:
        assert log.dropped == 20 << 20
        log.append(Note(text="more"))
    assert texts(reader.read_all()) == ["more"]


def test_an_epoch_that_is_taken_apart_quickly_is_what_the_slow_way_finds() -> None:
    rng = random.Random(3)
    numbers = (0, 1, 0.5, 1e-7, 123456.789, None)
    for seq in range(300):
        event = EpochFinished(
            trial=rng.randint(1, 9), epoch=rng.randint(0, 9), epochs=9, loss=rng.choice(numbers), bca=rng.choice(numbers),
            validation_loss=rng.choice(numbers), frozen=rng.random() < 0.5, seconds=rng.choice((0, 2.5)),
            interval=rng.choice((None, (0.1, 0.9), (0, 1))), seq=seq, time=now(), clock=rng.choice((None, 0.0, 17.25)),
        )  # fmt: skip
        line = encode(event)
        assert log_codec._epoch(line) == log_codec._decoded(line) == event
        place = rng.randrange(len(line) - 1)
        damaged = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        assert log_codec._epoch(damaged) is None, "whatever is not certain goes the slow way"
