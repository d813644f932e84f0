"""Bytes that the run screen sends to an 80x24 terminal, measured on a real pty while a log is being written.

    python benchmarks/terminal_traffic.py [--seconds 20] [--term xterm-256color] [--json]

Four situations, one after the other: a finished run (nothing changes), a live run without news (only its clock goes on),
fine-tuning (an epoch every 2 s, a trial every 10 s), and probes (a trial every second). Prints bytes a second, the mean and
the worst single second. The budget is 3 kB/s, and nothing at all where nothing changes.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui"), str(ROOT / "benchmarks")]

import bytecode  # noqa: E402  after the paths

APP = """
import sys
from pathlib import Path
from ser_tui.tui.app import run
run(Path(sys.argv[1]), sys.argv[2])
"""
SETTLE = 4.0
"""Seconds until the first frames are out."""


def traffic(runs: Path, run_id: str, seconds: float, term: str, act: Callable[[float], None]) -> list[int]:
    """Bytes in each second, while `act(seconds gone)` is called every 50 ms."""
    pid, descriptor = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": term, "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(ROOT)}
        os.execve(sys.executable, [sys.executable, "-c", APP, str(runs), run_id], environment)
    counts = [0] * int(seconds)
    begun = time.perf_counter() + SETTLE
    try:
        while (gone := time.perf_counter() - begun) < seconds:
            if select.select([descriptor], [], [], 0.05)[0]:
                read = len(os.read(descriptor, 65536))
                if 0 <= gone < len(counts):
                    counts[int(gone)] += read
            if gone >= 0:
                act(gone)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
    return counts


def schedule(run: Any, first: int, seconds_per_epoch: float, epochs: int) -> Callable[[float], None]:
    """Writes trials from number `first` on, an epoch every `seconds_per_epoch`."""
    events = _endless(run, first, epochs)
    written = 0
    step = seconds_per_epoch * epochs / (epochs + 2)

    def act(gone: float) -> None:
        nonlocal written
        while written * step < gone:
            run.write(next(events))
            written += 1

    return act


def _endless(run: Any, first: int, epochs: int) -> Iterator[Any]:
    number = first
    while True:
        parameters = {**run.parameters(), "epochs": epochs}
        yield from run.trial_events(number, run.rng.uniform(0.3, 0.95), parameters)
        number += 1


def main() -> None:
    """Measure and print."""
    from fabricated_runs import begin, finished, under_way

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--term", default="xterm-256color")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bytecode.ensure(ROOT)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary) / "runs"
        done = finished(runs, number=3)
        # Begun a while ago, not days: then the clock in the heading shows seconds, and is sent with each of them.
        begun = datetime.now(UTC) - timedelta(minutes=15)
        silent = under_way(runs, number=2, begun=begun)
        silent.live()
        tuning, probing = (begin(runs, number=number, planned=200, begun=begun) for number in (1, 0))
        for run in (tuning, probing):
            run.live()
            for number in range(1, 30):
                run.trial(number, run.rng.uniform(0.3, 0.95), run.parameters())
        situations = {
            "nothing changes": (done, lambda gone: None),
            "live, no news": (silent, lambda gone: None),
            "fine-tuning": (tuning, schedule(tuning, 30, 2.0, 5)),
            "probes": (probing, schedule(probing, 30, 1.0, 1)),
        }
        for name, (run, act) in situations.items():
            counts = traffic(runs, run.folder.run_id, options.seconds, options.term, act)
            found[name] = {"mean": round(sum(counts) / len(counts)), "worst": max(counts)}
    if options.json:
        print(json.dumps({"term": options.term, "seconds": options.seconds, "bytes_per_second": found}))
        return
    print(f"80x24, TERM={options.term}, {options.seconds:.0f} s each; bytes a second (budget 3,000)")
    for name, row in found.items():
        print(f"  {name:<18} mean {row['mean']:>6,}   worst second {row['worst']:>6,}")


if __name__ == "__main__":
    main()
