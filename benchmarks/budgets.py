"""The interface's budgets in one table, of this checkout and, in the same session, of another one.

    python benchmarks/budgets.py [--against CHECKOUT] [--runs 5000] [--seconds 20] [--repeats 5] [--json]

Each checkout is measured by its own `first_paint.py`, `event_latency.py` and `terminal_traffic.py`, one after the other, on the same
machine and with the same packages. Added here: processor seconds (user and system, the whole process) of `ser-tui --version`, of
`import ser_tui` and of `ser-tui runs` with ten runs, and the memory of the app on its home screen and on a run's screen (resident,
after the screen has its rows). Processor seconds are also given in units of a loop of ten million additions in this Python, the
median of what it takes between the measurements: machines, and one machine's hours, differ by three.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "tui"), str(ROOT / "benchmarks")]

import bytecode  # noqa: E402  after the paths

LOOP = "i = 0\nfor k in range(10_000_000):\n    i += k\n"
APP = """
import sys
from pathlib import Path
from ser_tui.tui.app import run
run(Path(sys.argv[1]), *sys.argv[2:])
"""
ROWS = {
    "paint": ("home with {runs:,} runs: first frame with its rows, times a bare Textual app", "1.5"),
    "latency_median": ("an event until its bytes are sent, median, ms", "250"),
    "latency_most": ("the same, the worst, ms", "250"),
    "idle": ("sent by a screen in which nothing changes, bytes a second", "0"),
    "tuning": ("sent while fine-tuning at 80x24, worst second, bytes", "3,000"),
    "probes": ("sent while probing at 80x24, worst second, bytes", "3,000"),
    "home_mb": ("memory of the app, home screen with ten runs, MB", ""),
    "run_mb": ("memory of the app, screen of a run of 15 trials, MB", ""),
    "version": ("`ser-tui --version`, processor s (loops)", ".08"),
    "import": ("`import ser_tui`, processor s (loops)", ".1"),
    "ten": ("`ser-tui runs` with ten runs, processor s (loops)", ".25"),
    "loop": ("the loop, processor s", ""),
}


def processor_seconds(checkout: Path, arguments: list[str], environment: dict[str, str]) -> float:
    """User and system time of this Python with `arguments`, run in `checkout`."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.chdir(checkout)
        os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, "PYTHONPATH": str(checkout), **environment})
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{arguments} ended with {os.waitstatus_to_exitcode(status)} in {checkout}")
    return used.ru_utime + used.ru_stime


def app_memory(checkout: Path, arguments: list[str], marker: bytes) -> float:
    """MB that the app holds a second after `marker` was painted."""
    import pty

    pid, descriptor = pty.fork()
    if pid == 0:
        environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(checkout)}
        os.execve(sys.executable, [sys.executable, "-c", APP, *arguments], environment)
    output, end, seen = b"", time.monotonic() + 120, 0.0
    try:
        while time.monotonic() < end and not (seen and time.monotonic() - seen > 1):
            if select.select([descriptor], [], [], 0.1)[0]:
                output += os.read(descriptor, 65536)
            if marker in output and not seen:
                seen = time.monotonic()
        if not seen:
            raise SystemExit(f"{marker!r} was not painted; the last output was {output[-300:]!r}")
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)


def of_script(checkout: Path, name: str, *arguments: str) -> Any:
    """What a benchmark of `checkout` prints as JSON."""
    command = [sys.executable, f"benchmarks/{name}.py", *arguments, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}.py in {checkout}: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def measured(checkout: Path, options: argparse.Namespace, loops: list[float]) -> dict[str, float]:
    """Every figure of one checkout."""
    paint = of_script(checkout, "first_paint", "--runs", str(options.runs), "--repeats", str(options.repeats))
    latency = of_script(checkout, "event_latency")
    sent = of_script(checkout, "terminal_traffic", "--seconds", f"{options.seconds:g}")["bytes_per_second"]
    found = {
        "paint": paint["ratio_with_rows"], "latency_median": latency["median_ms"], "latency_most": latency["max_ms"],
        "idle": sent["nothing changes"]["worst"], "tuning": sent["fine-tuning"]["worst"], "probes": sent["probes"]["worst"],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary) / "runs"
        # Each checkout makes its own runs: one may not read what a newer one writes.
        made = (
            "import sys; sys.path[:0] = ['tests/tui']\nfrom pathlib import Path\nfrom fabricated_runs import finished\n"
            "from ser_tui.store.index import Index\n"
            f"runs = Path({str(runs)!r})\n"
            "ids = [finished(runs, number=n, trials=15, name=f'run{n:02d}-gp').folder.run_id for n in range(10)]\n"
            "Index(runs).refresh()\nprint(ids[0])"
        )
        environment = {**os.environ, "PYTHONPATH": str(checkout)}
        run_id = subprocess.run(
            [sys.executable, "-c", made], cwd=checkout, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()[-1]
        found["home_mb"] = app_memory(checkout, [str(runs)], b"run00")
        found["run_mb"] = app_memory(checkout, [str(runs), run_id], b"trials are done")
        commands = {
            "version": ["-m", "ser_tui.cli", "--version"], "import": ["-c", "import ser_tui"], "ten": ["-m", "ser_tui.cli", "runs"],
        }  # fmt: skip
        for name, arguments in commands.items():
            taken = []
            for _ in range(options.repeats + 1):
                taken.append(processor_seconds(checkout, arguments, {"SER_TUI_RUNS": str(runs)}))
                loops.append(processor_seconds(checkout, ["-c", LOOP], {}))
            found[name] = statistics.median(taken[1:])
    return found


def main() -> None:
    """Measure one checkout after the other, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name, checkout in {"before": options.against, "now": ROOT}.items():
        if checkout is not None:
            bytecode.ensure(checkout.resolve())
            loops: list[float] = []
            found[name] = measured(checkout.resolve(), options, loops)
            found[name]["loop"] = statistics.median(loops)
    if options.json:
        print(json.dumps({"runs": options.runs, "seconds": options.seconds, "repeats": options.repeats, **found}))
        return
    print("| | " + " | ".join(found) + " | at most |\n|---|" + "---:|" * (len(found) + 1))
    for name, (title, most) in ROWS.items():
        cells = [
            f"{one[name]:.2f} ({one[name] / one['loop']:.2f})" if "(loops)" in title else f"{one[name]:,.2f}".removesuffix(".00")
            for one in found.values()
        ]
        print(f"| {title.format(runs=options.runs)} | {' | '.join(cells)} | {most} |")


if __name__ == "__main__":
    main()
