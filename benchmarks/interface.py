"""What the app's screens with plots cost in a real terminal session (a pty): bytes, time to open, the longest stall.

    python benchmarks/interface.py [--seconds 20] [--trials 10000] [--runs 5000] [--json]

Home with `--runs` runs: its first frame, times a bare Textual app's, and the time from a key in its filter to the list. Bytes a
second of a live run screen at 80x24 and 200x50 (an epoch every 2 s, a trial every 10 s; probes: a trial every second), and of one
that is idle; seconds from the key until a run of `--trials` trials, its plots (parameters) and its results are on the screen; and the
longest time for which the event loop answered nothing while that happened. The budgets: 1.5 times, 100 ms; 3 kB/s, 6 kB/s, 0; 1 s
each; 200 ms.

Idle is a finished run; the clock in the head of a live one goes on, see `terminal_traffic.py`, whose parts are used here.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui"), str(ROOT / "benchmarks")]

import bytecode  # noqa: E402  after the paths

APP = """
import asyncio, sys, time
from pathlib import Path
from ser_tui.tui import app
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.terminal.driver import TerminalDriver

class Watched(SerTuiApp):
    CSS_PATH = [Path(app.__file__).parent / name for name in SerTuiApp.CSS_PATH]
    longest = 0.0
    def on_mount(self):
        super().on_mount()
        self.run_worker(self.watch())
    async def watch(self):
        # A stall is how much later than asked the event loop comes back.
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            late = time.perf_counter() - begun - 0.005
            if late > Watched.longest:
                Watched.longest = late
                Path(sys.argv[3]).write_text(str(late))
            elif not Path(sys.argv[3]).exists():
                Watched.longest = 0.0  # it was taken away: from here on is counted

Watched(Path(sys.argv[1]), sys.argv[2] or None, TerminalDriver).run()
"""
BUDGETS = {
    "first_paint_ratio": 1.5, "filter_key_ms": 100,
    "bytes_80x24": 3000, "bytes_200x50": 6000, "probes_80x24": 3000, "probes_200x50": 6000, "idle_80x24": 0, "idle_200x50": 0,
    "open_run_s": 1.0, "open_plots_s": 1.0, "open_results_s": 1.0, "longest_stall_ms": 200,
}  # fmt: skip
LIMIT = 120.0
REPEATS = 7


class Session:
    """The app on a terminal of `size`, (columns, rows)."""

    def __init__(self, runs: Path, run_id: str, size: tuple[int, int], stall: Path) -> None:
        self.output = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
            for name in ("COLUMNS", "LINES", "NO_COLOR"):
                environment.pop(name, None)
            time.sleep(0.1)  # until the terminal has its size
            os.execve(sys.executable, [sys.executable, "-c", APP, str(runs), run_id, str(stall)], environment)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def read(self, seconds: float) -> int:
        """Bytes that come within `seconds`."""
        until, count = time.perf_counter() + seconds, 0
        while (left := until - time.perf_counter()) > 0:
            if select.select([self.descriptor], [], [], left)[0]:
                try:
                    found = os.read(self.descriptor, 65536)
                except OSError:
                    raise SystemExit(f"the app has ended; its last output was {self.output[-500:]!r}") from None
                self.output += found
                count += len(found)
        return count

    def until(self, *markers: bytes) -> float:
        """Seconds until all of `markers` have come."""
        begun = time.perf_counter()
        while not all(marker in self.output for marker in markers):
            if time.perf_counter() - begun > LIMIT:
                raise SystemExit(f"{markers!r} was not painted within {LIMIT:.0f} s; the last output was {self.output[-500:]!r}")
            self.read(0.01)
        return time.perf_counter() - begun

    def press(self, key: bytes, *markers: bytes) -> float:
        """Seconds from a key until all of `markers` have come."""
        self.output = b""
        os.write(self.descriptor, key)
        return self.until(*markers)

    def settle(self, quiet: float = 2.0) -> None:
        """Until nothing has come for `quiet` seconds."""
        last = time.perf_counter()
        begun = last
        while time.perf_counter() - last < quiet and time.perf_counter() - begun < LIMIT:
            if self.read(0.1):
                last = time.perf_counter()


def live(runs: Path, run_id: str, size: tuple[int, int], seconds: float, act: Callable[[float], None], stall: Path) -> tuple[int, int]:
    """(mean, worst second) of the bytes that a run screen sends while `act(seconds gone)` writes its log."""
    with Session(runs, run_id, size, stall) as session:
        session.until(b"trial")
        session.read(6.0)
        counts, begun = [], time.perf_counter()
        for second in range(int(seconds)):
            count = 0
            while (gone := time.perf_counter() - begun) < second + 1:
                act(gone)
                count += session.read(min(0.05, second + 1 - gone))
            counts.append(count)
    return round(sum(counts) / max(1, len(counts))), max(counts, default=0)


def opened(runs: Path, run_id: str, trials: int, stall: Path) -> dict[str, float]:
    """Seconds until a long run, its plots and its results are there."""
    with Session(runs, "", (200, 50), stall) as session:
        session.until(b"long-gp")
        session.settle()
        stall.unlink(missing_ok=True)  # what the start of the process takes is `first_paint.py`'s
        found = {"open_run_s": session.press(b"\r", f"trial {trials}/".encode(), b"best so far", b"chance")}
        session.settle()
        found["open_plots_s"] = session.press(b"p", b"learning_rate", b"max_seconds", b"1e-5")
        session.settle()
        session.press(b"\x1b", b"STATE")
        session.settle()
        found["open_results_s"] = session.press(b"v", b"recall")
        session.settle(1.0)
    found["longest_stall_ms"] = 1000 * float(stall.read_text()) if stall.exists() else 0.0
    return found


def listed(runs: Path, stall: Path) -> dict[str, float]:
    """Home with `runs`: its first frame with its newest run, times a bare Textual app's (medians of seven, in turn), and milliseconds
    from a key in the filter until the list without what does not match is there (the median of as many keys)."""
    import first_paint

    bare, home = [], []
    for _ in range(REPEATS):
        bare += first_paint.seconds_until(first_paint.BARE, [], [b"bare-app-painted"])
        home += first_paint.seconds_until(first_paint.HOME, [str(runs)], [b"many-gp"])
    keys = []
    with Session(runs, "", (80, 24), stall) as session:
        session.until(b"many-gp")
        session.settle()
        session.press(b"/", b"ords, key")
        for _ in range(REPEATS):
            keys.append(session.press(b"q", b"No runs match"))
            session.settle(0.5)
            session.press(b"\x7f", b"many-gp")
            session.settle(0.5)
    return {"first_paint_ratio": statistics.median(home) / statistics.median(bare), "filter_key_ms": 1000 * statistics.median(keys)}


def measured(seconds: float, trials: int, listed_runs: int) -> dict[str, float]:
    """Every figure once."""
    from fabricated_runs import begin, finished
    from many_runs import long, many
    from terminal_traffic import schedule

    from ser_tui.store.index import Index

    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for size in ((80, 24), (200, 50)):
            name = f"{size[0]}x{size[1]}"
            runs, stall = Path(temporary) / f"runs{name}", Path(temporary) / "stall"
            done = finished(runs, number=3)
            begun = datetime.now(UTC) - timedelta(minutes=15)
            tuning, probing = (begin(runs, number=number, planned=200, begun=begun) for number in (1, 0))
            for run in (tuning, probing):
                run.live()
                for number in range(1, 30):
                    run.trial(number, run.rng.uniform(0.3, 0.95), run.parameters())
            found[f"bytes_{name}"], found[f"bytes_{name}_worst"] = live(
                runs, tuning.folder.run_id, size, seconds, schedule(tuning, 30, 2.0, 5), stall
            )
            found[f"probes_{name}"], found[f"probes_{name}_worst"] = live(
                runs, probing.folder.run_id, size, seconds, schedule(probing, 30, 1.0, 1), stall
            )
            found[f"idle_{name}"], _ = live(runs, done.folder.run_id, size, min(seconds, 10), lambda gone: None, stall)
        runs = Path(temporary) / "many"
        runs.mkdir()
        many(runs, listed_runs)
        Index(runs).refresh()
        found |= listed(runs, Path(temporary) / "stall")
        runs = Path(temporary) / "long"
        run_id = long(runs, trials)
        Index(runs).refresh()
        found |= opened(runs, run_id, trials, Path(temporary) / "stall")
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bytecode.ensure(ROOT)
    found = {name: round(value, 3) for name, value in measured(options.seconds, options.trials, options.runs).items()}
    if options.json:
        print(json.dumps({"seconds": options.seconds, "trials": options.trials, "runs": options.runs, **found}))
        return
    print(f"| {options.runs:,} runs, {options.trials:,} trials, {options.seconds:.0f} s of each live screen | measured | at most |")
    print("|---|---:|---:|")
    for name, value in found.items():
        print(f"| {name} | {value:g} | {BUDGETS.get(name, '')} |")


if __name__ == "__main__":
    main()
