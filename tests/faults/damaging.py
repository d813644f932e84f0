"""Logs that were cut or have rotted, and clocks that are set: what a worker makes of them that goes on."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from lab import Outcome, Reference, Warm, compare, equal, explain, whole_lines

from ser_tui.client import launch
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study.reducer import reduce_all
from ser_tui.study.summary import elapsed_seconds


def torn(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """The log of a finished run, cut at a random byte, is all that there is of a run: it goes on to the same end."""
    outcome = Outcome("log cut at a random byte")
    chance, whole = random.Random(seed), reference.folder.log.read_bytes()
    for _ in range(times):
        folder = _with_log(reference, runs, whole[: chance.randint(1, len(whole) - 1)])
        before = whole_lines(folder)
        outcome.injected += 1
        _finish(outcome, warm, folder)
        compare(outcome, folder, before, reference)
        equal(outcome, folder, reference)
        shutil.rmtree(folder.path)
    return outcome


def rotten(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """A random byte of a random line has become another one: that line is lost, and named, but no other trial."""
    outcome = Outcome("a byte of the log changed")
    chance, lines = random.Random(seed), reference.folder.log.read_bytes().splitlines(keepends=True)
    for _ in range(times):
        kept = lines[: chance.randint(2, len(lines))]
        hit = chance.randrange(len(kept) - 1)
        line = bytearray(kept[hit])
        where = chance.randrange(len(line) - 1)
        line[where] = chance.choice([byte for byte in range(256) if byte not in (line[where], ord("\n"))])
        folder = _with_log(reference, runs, b"".join([*kept[:hit], bytes(line), *kept[hit + 1 :]]))
        before = reduce_all(LogReader(folder.log).read_all())
        outcome.injected += 1
        _finish(outcome, warm, folder)
        reader = LogReader(folder.log)
        state = reduce_all(reader.read_all())
        problems = [] if [number for number, _ in reader.damaged] == [hit + 1] else [f"damaged lines: {reader.damaged}"]
        problems += [
            f"trial {trial.number} has another score"
            for trial, now in zip(before.trials, state.trials, strict=False)
            if trial.scored and (trial.value(), trial.predictions) != (now.value(), now.predictions)
        ]
        if state.status != "done" or len(state.trials) != len(reference.state.trials):
            outcome.stuck += 1
            outcome.remarks.append(f"line {hit + 1}, byte {where}: {state.status}, {len(state.trials)} trials, {state.reason}")
        outcome.lost += len(problems)
        outcome.remarks += [f"line {hit + 1}, byte {where}: {problem}" for problem in problems]
        shutil.rmtree(folder.path)
    return outcome


def set_clocks(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """Two workers, the first of which is killed, on a machine whose clock is set while they work."""
    outcome = Outcome("clock set by seconds to decades")
    chance = random.Random(seed)
    for _ in range(times):
        begun = time.monotonic()
        folder = launch.prepare(reference.study, runs)
        warm.start(folder, die_at_line=chance.randint(1, reference.lines), environment={"CLOCK": _jumps(chance)}).wait()
        before = whole_lines(folder)
        outcome.injected += 1
        _finish(outcome, warm, folder, CLOCK=_jumps(chance))
        compare(outcome, folder, before, reference)
        equal(outcome, folder, reference)
        if not 0 <= elapsed_seconds(folder.state()) <= time.monotonic() - begun:
            outcome.wrong += 1
            outcome.remarks.append(f"{folder.run_id}: took {elapsed_seconds(folder.state())} s")
        shutil.rmtree(folder.path)
    return outcome


def _jumps(chance: random.Random) -> str:
    """Seconds by which the clock is wrong, one at a look."""
    wrong = (chance.choice((-1, 1)) * 10 ** chance.uniform(0, 9) for _ in range(chance.randint(1, 10)))
    return ",".join(f"{seconds:.3f}" for seconds in wrong)


def _with_log(reference: Reference, runs: Path, log: bytes) -> RunFolder:
    """A run of which all is there that the reference run has, but whose log is `log`."""
    folder = launch.prepare(reference.study, runs)
    shutil.copytree(reference.folder.path, folder.path, dirs_exist_ok=True)
    folder.log.write_bytes(log)
    return folder


def _finish(outcome: Outcome, warm: Warm, folder: RunFolder, **environment: str) -> None:
    """Let a worker go on with the run; count it where that fails."""
    status = warm.start(folder, environment=environment).wait()
    if status:
        outcome.stuck += 1
        outcome.remarks.append(f"{folder.run_id}: ended with {status}: {explain(folder)[-300:]}")
