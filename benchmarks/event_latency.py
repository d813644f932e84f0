"""How late an event of a live run is on the terminal: from its append to the log until its bytes come out of a real pty.

    python benchmarks/event_latency.py [--events 20] [--term xterm-256color] [--json]

The run screen is open at 80x24 on a run whose worker is this process. Each event is a finished epoch; looked for is
its loss, which the line `current` shows before the table does. Appends are 0.4 to 1.4 s apart, so that they meet the
screen's polling at any phase. Prints median and maximum in milliseconds; the budget is 250 ms. What lies between the pty and
a person's eyes, ssh and the terminal's own drawing, is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import random
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui")]

import bytecode  # noqa: E402  after the paths
from terminal_traffic import APP  # noqa: E402  after the paths

LIMIT = 10.0
"""Seconds after which an event counts as not shown."""


def read(descriptor: int, seconds: float) -> bytes:
    """What comes within `seconds`, or earlier than that the first bytes of it."""
    return os.read(descriptor, 65536) if select.select([descriptor], [], [], max(0.0, seconds))[0] else b""


def drain(descriptor: int, seconds: float) -> None:
    """Read and forget for `seconds`."""
    until = time.perf_counter() + seconds
    while (left := until - time.perf_counter()) > 0:
        read(descriptor, left)


def seconds_until(descriptor: int, marker: bytes, begun: float) -> float:
    """Seconds from `begun` until `marker` has come."""
    output = b""
    while time.perf_counter() - begun < LIMIT:
        output += read(descriptor, 0.5)
        if marker in output:
            return time.perf_counter() - begun
    raise SystemExit(f"{marker!r} was not on the screen within {LIMIT:.0f} s; the last output was {output[-500:]!r}")


def latencies(number: int, term: str) -> list[float]:
    """Seconds from append to bytes, for `number` events."""
    from fabricated_runs import under_way

    from ser_tui.study import events

    rng = random.Random(3)
    found: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary) / "runs"
        run = under_way(runs, epochs_done=1)
        run.live()
        pid, descriptor = pty.fork()
        if pid == 0:
            environment = {**os.environ, "TERM": term, "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(ROOT)}
            os.execve(sys.executable, [sys.executable, "-c", APP, str(runs), run.folder.run_id], environment)
        try:
            seconds_until(descriptor, b"epoch 1/8", time.perf_counter())
            drain(descriptor, 2.0)
            for index in range(number):
                drain(descriptor, rng.uniform(0.4, 1.4))
                # First and last digit differ from the ones before: only cells that changed are sent.
                loss = 1 + index % 9 + rng.randrange(100) / 100 + (1 + index % 9) / 1000
                epoch = events.EpochFinished(trial=7, epoch=2 + index, epochs=number + 2, loss=round(loss, 3), bca=0.5)
                begun = time.perf_counter()
                run.write(epoch)
                found.append(seconds_until(descriptor, f"{loss:.3f}".encode(), begun))
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(descriptor)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--term", default="xterm-256color")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bytecode.ensure(ROOT)
    found = [1000 * seconds for seconds in latencies(options.events, options.term)]
    result = {"events": len(found), "median_ms": round(statistics.median(found)), "max_ms": round(max(found))}
    if options.json:
        print(json.dumps({"term": options.term, **result}))
        return
    print(f"80x24, TERM={options.term}: a finished epoch appended to the log, until its loss is sent")
    print(f"  median {result['median_ms']} ms   max {result['max_ms']} ms   of {len(found)}   (budget 250 ms)")


if __name__ == "__main__":
    main()
