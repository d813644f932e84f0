"""Disks and quotas that are used up at some write of a worker, whichever it is."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import Outcome, Reference, Warm, compare, equal, explain, inspect, whole_lines

from ser_tui.client import launch
from ser_tui.store.runs import RunFolder

PAGE = 4096
TMPFS_MEGABYTES = 256


def file_limit(warm: Warm, runs: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """No file may grow beyond a limit (RLIMIT_FSIZE, which fails like a quota), at another size each time."""
    outcome = Outcome("no file may grow (RLIMIT_FSIZE), at random sizes")
    chance = random.Random(seed)
    while outcome.injected < times:
        folder = launch.prepare(reference.study, runs)
        for _ in range(4):
            size = len(whole_lines(folder))
            # Half of them around the end of the log, the others anywhere from its begin to beyond the size of a model.
            limit = size + chance.randint(1, 1500) if size and chance.random() < 0.5 else int(10 ** chance.uniform(0, 7.6))
            _full(outcome, warm, folder, reference, file_bytes=limit)
            if folder.state().status == "done":
                break
        _mended(outcome, warm, folder, reference)
    return outcome


def full_disk(warm: Warm, scratch: Path, times: int, seed: int, reference: Reference) -> Outcome:
    """A small file system that is filled up to so many pages before a worker starts on it."""
    outcome = Outcome("disk full (tmpfs), at random sizes")
    chance = random.Random(seed)
    reason = cannot_mount(scratch)
    if reason:
        outcome.skipped = reason
        return outcome
    with small_disk(scratch, TMPFS_MEGABYTES) as disk:
        while outcome.injected < times:
            folder = launch.prepare(reference.study, disk / "runs")
            for _ in range(3):
                # Models take 8,000 pages, the log two: every power of ten is tried as often as the others.
                fill(disk, int(10 ** chance.uniform(0, 4.1)) - 1)
                _full(outcome, warm, folder, reference)
                (disk / "filler").unlink()
                if folder.state().status == "done":
                    break
            _mended(outcome, warm, folder, reference)
    return outcome


def _full(outcome: Outcome, warm: Warm, folder: RunFolder, reference: Reference, file_bytes: int | None = None) -> None:
    before = whole_lines(folder)
    status = warm.start(folder, file_bytes=file_bytes).wait()
    state = compare(outcome, folder, before, reference)
    if status == 0:
        return
    outcome.injected += 1
    if status != 1 or any(trial.status == "failed" for trial in state.trials):
        outcome.wrong += 1
        outcome.remarks.append(f"{folder.run_id}: a full disk ended the worker with {status}, or counts as a failed trial")
    if state.status == "failed" and "no room left" not in state.reason:
        outcome.wrong += 1
        outcome.remarks.append(f"{folder.run_id}: its reason is {state.reason!r}")


def _mended(outcome: Outcome, warm: Warm, folder: RunFolder, reference: Reference) -> None:
    """There is room again: the run goes on to its end, equal to one that always had room."""
    before = whole_lines(folder)
    if folder.state().status != "done" and warm.start(folder).wait() != 0:
        outcome.stuck += 1
        outcome.remarks.append(f"{folder.run_id}: {explain(folder)[-300:]}")
    compare(outcome, folder, before, reference)
    equal(outcome, folder, reference)
    inspect(outcome, warm, folder)
    shutil.rmtree(folder.path)


def cannot_mount(scratch: Path) -> str:
    """Why no small file system can be made here; empty where one can."""
    if os.geteuid() != 0:
        return "only root may mount a tmpfs"
    try:
        with small_disk(scratch, 1):
            return ""
    except subprocess.CalledProcessError as error:
        return f"no tmpfs can be mounted here ({error.stderr.strip()})"


@contextmanager
def small_disk(scratch: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own of `megabytes`, as long as the block runs."""
    place = scratch / "disk"
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=True, capture_output=True, text=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, pages_left: int) -> None:
    """Write a file that leaves so many pages of `disk`."""
    with (disk / "filler").open("wb") as stream:
        left = shutil.disk_usage(disk).free - pages_left * PAGE
        os.posix_fallocate(stream.fileno(), 0, max(PAGE, left))


def shrink(disk: Path, pages_left: int) -> None:
    """Leave so many pages of `disk`, also while others write to it."""
    while True:
        room = shutil.disk_usage(disk)
        size = room.total - room.free + pages_left * PAGE
        if _remounted(disk, f"size={size}"):
            return


def widen(disk: Path, megabytes: int) -> None:
    """Make room on `disk`."""
    assert _remounted(disk, f"size={megabytes}m")


def _remounted(disk: Path, option: str) -> bool:
    done = subprocess.run(["mount", "-o", f"remount,{option}", str(disk)], capture_output=True, check=False)
    return done.returncode == 0  # not where it would be smaller than what it holds
