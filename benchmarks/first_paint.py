"""How late the home screen is painted with 1,000 past runs, against a bare Textual app, side by side on a real pty.

    python benchmarks/first_paint.py [--runs 1000] [--repeats 7] [--json]

Prints medians in milliseconds from the start of the process: the bare app's text; the home screen's first frame; the
newest run's row in its table; and the ratios. The budget of docs/ is 1.5 for the home screen.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui"), str(ROOT / "benchmarks")]

import bytecode  # noqa: E402  after the paths

BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("bare-app-painted")
Bare().run()
"""
HOME = """
import sys
from pathlib import Path
from ser_tui.tui.app import run
run(Path(sys.argv[1]))
"""


def seconds_until(code: str, arguments: list[str], markers: list[bytes], limit: float = 60.0) -> list[float]:
    """Start `code` on an 80x24 pty and return when each of `markers` was first in its output."""
    begun = time.perf_counter()
    pid, descriptor = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(ROOT)}
        os.execve(sys.executable, [sys.executable, "-c", code, *arguments], environment)
    seen: dict[bytes, float] = {}
    output = b""
    try:
        while len(seen) < len(markers) and time.perf_counter() - begun < limit:
            if select.select([descriptor], [], [], 1.0)[0]:
                try:
                    output += os.read(descriptor, 65536)
                except OSError:
                    break
                for marker in markers:
                    if marker in output:
                        seen.setdefault(marker, time.perf_counter() - begun)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
    missing = [marker for marker in markers if marker not in seen]
    if missing:
        raise SystemExit(f"{missing[0]!r} was not painted within {limit:.0f} s; the last output was {output[-500:]!r}")
    return [seen[marker] for marker in markers]


def past_runs(folder: Path, number: int) -> str:
    """Fabricate `number` finished runs, index them as the app does, and return what its row begins with."""
    from fabricated_runs import finished

    from ser_tui.store.index import Index

    for index in range(number):
        finished(folder, number=index, trials=15, name=f"run{index:04d}-gp")
    Index(folder).refresh()
    return "run0000"


def main() -> None:
    """Measure, alternating, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bytecode.ensure(ROOT)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "runs"
        newest = past_runs(folder, options.runs)
        bare: list[float] = []
        frame: list[float] = []
        rows: list[float] = []
        for repeat in range(options.repeats + 1):
            one = seconds_until(BARE, [], [b"bare-app-painted"])[0]
            two, three = seconds_until(HOME, [str(folder)], [b"ser_tui", newest.encode()])
            if repeat:  # the first round fills the file caches
                bare.append(one)
                frame.append(two)
                rows.append(three)
    medians = [1000 * statistics.median(series) for series in (bare, frame, rows)]
    found = {
        "runs": options.runs,
        "repeats": options.repeats,
        "bare_ms": round(medians[0]),
        "home_ms": round(medians[1]),
        "home_with_rows_ms": round(medians[2]),
        "ratio": round(medians[1] / medians[0], 2),
        "ratio_with_rows": round(medians[2] / medians[0], 2),
    }
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.runs} past runs, median of {options.repeats}, 80x24")
    print(f"  bare Textual app          {found['bare_ms']:>6} ms")
    print(f"  home screen, first frame  {found['home_ms']:>6} ms   ratio {found['ratio']:.2f}")
    print(f"  home screen, runs listed  {found['home_with_rows_ms']:>6} ms   ratio {found['ratio_with_rows']:.2f}   (budget 1.5)")


if __name__ == "__main__":
    main()
