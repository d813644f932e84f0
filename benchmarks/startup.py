"""From a worker's creation to its first training step, in the second run on the same corpus.

    SER_TUI_DATA=../shared/data python benchmarks/startup.py [--rounds 5] [--encoder whisper-tiny.en]

A first run fills the caches. In every round after that a worker is started as the app starts it. Its first training step
begins with its first epoch: when that epoch's event was written, less the epoch's own time. Beside that: the processor time
that it had used by the end of that epoch, and the packages whose libraries it had loaded.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import bytecode
import psutil

from ser_tui.client import launch
from ser_tui.store.log import LogReader
from ser_tui.store.runs import worker_facts
from ser_tui.study.document import Study
from ser_tui.study.events import EpochFinished, RunFailed
from ser_tui.study.load import validate

PATIENCE = 900.0
"""Seconds that the first run, which computes all features, is given."""


def study(encoder: str, unfreeze: int) -> Study:
    """One epoch of the strategy that the paper's fastest search used, so that what it imports counts."""
    search = {"learning_rate": 1e-5, "epochs": {"low": 1, "high": 2}, "unfreeze_epoch": unfreeze, "max_seconds": 2}
    return validate({"name": "startup", "encoder": encoder, "search": search, "strategy": "gp", "budget": 1})


def created(pid: int) -> float:
    """When process `pid` was created, to 10 ms: psutil's time of boot, on which its own answer rests, is a whole second."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Start:
    """Of a worker, when its first epoch had ended. `seconds`: from its creation to the epoch's beginning."""

    seconds: float
    processor_seconds: float
    packages: tuple[str, ...]


def packages(pid: int) -> tuple[str, ...]:
    """The installed packages whose shared libraries process `pid` has mapped."""
    found = re.findall(r"/site-packages/([A-Za-z]\w*)(?=[/.])", Path(f"/proc/{pid}/maps").read_text())
    return tuple(sorted(set(found)))


def first_step(wanted: Study, runs: Path) -> Start:
    """Start a worker on `wanted`, wait for its first epoch's end, stop it."""
    folder = launch.start(wanted, runs)
    facts = worker_facts(folder)
    assert facts is not None
    worker = psutil.Process(facts.process.pid)
    born = created(facts.process.pid)
    log, deadline = LogReader(folder.log), time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in log.read():
            if isinstance(event, RunFailed):
                raise SystemExit(event.reason)
            if isinstance(event, EpochFinished):
                used, loaded = worker.cpu_times(), packages(worker.pid)
                folder.stop_request.touch()
                psutil.wait_procs([worker], timeout=60)
                seconds = datetime.fromisoformat(event.time).timestamp() - event.seconds - born
                return Start(seconds, used.user + used.system, loaded)
        time.sleep(0.01)
    raise SystemExit(f"no epoch within {PATIENCE:.0f} s; see {folder.worker_log}")


def measure(encoder: str, rounds: int, unfreeze: int = 0) -> list[Start]:
    """The starts of `rounds` runs after a first one."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary)
        first_step(study(encoder, unfreeze), runs)
        return [first_step(study(encoder, unfreeze), runs) for _ in range(rounds)]


def main() -> None:
    """Print one line per kind of first epoch."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--encoder", default="whisper-tiny.en")
    given = options.parse_args()
    bytecode.ensure(Path(__file__).resolve().parents[1])
    load = os.getloadavg()[0]
    for title, unfreeze in (("unfrozen", 0), ("frozen", 1)):
        found = measure(given.encoder, given.rounds, unfreeze)
        seconds = [start.seconds for start in found]
        each = ", ".join(f"{one:.2f}" for one in seconds)
        print(f"worker to first step of an {title} epoch: median {statistics.median(seconds):.2f} s ({each}); load {load:.1f}", flush=True)
        used = statistics.median(start.processor_seconds for start in found)
        print(f"  processor time up to that epoch's end: median {used:.2f} s", flush=True)
        print(f"  libraries loaded of {', '.join(found[-1].packages)}", flush=True)


if __name__ == "__main__":
    main()
