"""What a training process and its neighbours on the same cores cost each other: training steps a second, as shares of those alone.

    python benchmarks/neighbours.py [--seconds 10] [--rounds 3]

A training process repeats a step of one transformer layer of Whisper tiny's size, with as many threads as there are
cores, in the environment in which workers are started (passive waiting) or in torch's own (threads spin while they wait).
Alone; beside the app on a live run that logs an epoch every 2 s; beside a second one of its kind. A fair half is .50 each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui")]

from terminal_traffic import schedule, traffic  # noqa: E402  after the paths

from ser_tui.training import threads  # noqa: E402

SETTLE = 4.0
"""Seconds from the start of the processes until steps count."""
TRAIN = """
import sys, time
import torch
torch.set_num_threads(int(sys.argv[2]))
torch.set_flush_denormal(True)
layer = torch.nn.TransformerEncoderLayer(384, 6, 1536, dropout=0.0, batch_first=True, norm_first=True)
batch = torch.randn(8, 150, 384)
def step():
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        layer(batch).float().square().mean().backward()
begin = float(sys.argv[1])
while time.time() < begin:
    step()
steps, until = 0, begin + float(sys.argv[3])
while time.time() < until:
    step()
    steps += 1
print(steps)
"""


def steps_a_second(processes: int, seconds: float, environment: dict[str, str]) -> list[float]:
    """Of each of `processes` that train at the same time."""
    begin = time.time() + SETTLE
    command = [sys.executable, "-c", TRAIN, str(begin), str(threads.cores()), str(seconds)]
    started = [subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return [int(process.communicate()[0]) / seconds for process in started]


@contextmanager
def app(seconds: float) -> Iterator[None]:
    """The app in a terminal of its own, on the screen of a live run, for about `seconds`."""
    from fabricated_runs import begin

    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary) / "runs"
        run = begin(runs, planned=200, begun=datetime.now(UTC) - timedelta(minutes=15))
        run.live()
        thread = threading.Thread(target=traffic, args=(runs, run.folder.run_id, seconds, "xterm-256color", schedule(run, 1, 2.0, 5)))
        thread.start()
        yield
        thread.join()


def main() -> None:
    """Measure and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    kinds = {"as workers wait": threads.environment(), "as torch waits by default": {}}
    print(f"{threads.cores()} cores, {given.seconds:.0f} s each, median of {given.rounds}; load before {os.getloadavg()[0]:.1f}\n")
    print("| threads | alone, steps/s | beside the app | each of two | both of two together |")
    print("|---|---:|---:|---:|---:|")
    for name, environment in kinds.items():
        rows = []
        for _ in range(given.rounds):
            alone = steps_a_second(1, given.seconds, environment)[0]
            with app(given.seconds):
                beside = steps_a_second(1, given.seconds, environment)[0]
            two = steps_a_second(2, given.seconds, environment)
            rows.append((alone, beside / alone, statistics.fmean(two) / alone, sum(two) / alone))
        alone, *shares = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"| {name} | {alone:.1f} | {' | '.join(f'{share:.2f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
