"""What a list of thousands of runs, and a run of tens of thousands of trials, cost: processor seconds, memory, time to open.

    python benchmarks/many_runs.py [--runs 2000] [--trials 20000] [--repeats 3] [--alone] [--against CHECKOUT] [--json]

The folders are made here, of events as a worker writes them, through `ser_tui.study.log_codec`. Each figure is the median of the
repeats, user and system time of the process together. `cold`: the index was deleted before, so that every run is read, as its
worker has left it: with the snapshot of its state beside its log (with `--alone`: without, as version 0.1.0 left it); `warm`: the
index is there. The long run has the snapshot from the second repeat on in any case, since a reader keeps it. `--against` measures
another checkout of ser_tui on the same folders, in turn with this one. In parentheses: the same in units of what a loop of ten
million additions takes in this Python at that time, since machines, and one machine's hours, differ by three.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from datetime import timedelta
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
BUDGETS = {"runs_cold_s": 2.0, "runs_warm_s": 0.4, "show_s": 2.0, "show_mb": 120.0, "app_first_rows_s": 1.0}
FIGURES = {
    "runs_cold_s": "`ser-tui runs`, cold, processor s", "runs_warm_s": "`ser-tui runs`, warm, processor s",
    "show_s": "`ser-tui show` of the long run, processor s", "show_mb": "the same, MB at most",
    "app_first_rows_s": "app opened on it, s to the first trials", "app_all_rows_s": "the same, s to the last trial",
    "loop_s": "the loop, processor s",
}  # fmt: skip


def many(folder: Path, number: int, trials: int = 15) -> None:
    """`number` finished runs of `trials` trials each: one that is made, and copies under other ids."""
    from fabricated_runs import BEGIN, finished

    first = finished(folder, trials=trials, name="many-gp", probe=0.9).folder.path
    leave(first / "events.jsonl")
    for index in range(1, number):
        clock = BEGIN - timedelta(hours=index)
        suffix = "".join("23456789abcdefgh"[(index // 16**place) % 16] for place in range(4))
        shutil.copytree(first, folder / f"{clock:%Y%m%d-%H%M%S}-many-gp-{suffix}")


def long(folder: Path, trials: int) -> str:
    """The id of a finished run of `trials` trials."""
    from fabricated_runs import SCORES, begin

    from ser_tui.study import events

    run = begin(folder, planned=trials, name="long-gp")
    for number in range(1, trials + 1):
        run.write(*run.trial_events(number, SCORES[(number - 1) % len(SCORES)], run.parameters()))
    run.write(events.RunFinished(reason=f"{trials} trials are done"))
    leave(run.folder.log)
    return run.folder.run_id


def leave(log: Path) -> None:
    """Keep the state of `log` beside it, as its worker does when it ends."""
    from ser_tui.store import snapshot
    from ser_tui.study.reducer import reduce_all

    reader, state = snapshot.resumed(log)
    snapshot.keep(reader, reduce_all(reader.each(), state), least=1)


def cost(checkout: Path, runs: Path, *arguments: str) -> tuple[float, float]:
    """(processor seconds, MB at most) of a command on `runs`."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.chdir(checkout)
        os.execve(
            sys.executable, [sys.executable, "-m", "ser_tui.cli", *arguments],
            {**os.environ, "SER_TUI_RUNS": str(runs), "PYTHONPATH": str(checkout)},
        )  # fmt: skip
    _, status, used = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"ser-tui {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measured(checkout: Path, runs: Path, one: Path, run_id: str, trials: int) -> dict[str, float]:
    """Every figure once."""
    import budgets
    import first_paint

    first_paint.ROOT = checkout
    before = budgets.processor_seconds(checkout, ["-c", budgets.LOOP], {})
    (runs / "index.json").unlink(missing_ok=True)
    cold, _ = cost(checkout, runs, "runs")
    warm, _ = cost(checkout, runs, "runs")
    show, megabytes = cost(checkout, one, "show", run_id)
    rows, last = first_paint.seconds_until(APP, [str(one), run_id], [b"done", f"{trials} trials are done".encode()], 120)
    loop = (before + budgets.processor_seconds(checkout, ["-c", budgets.LOOP], {})) / 2
    return dict(zip(FIGURES, (cold, warm, show, megabytes, rows, last, loop), strict=True))


def main() -> None:
    """Make the folders, measure in turn, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--trials", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--against", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    checkouts = {"here": ROOT} | ({"against": options.against.resolve()} if options.against else {})
    for checkout in checkouts.values():
        bytecode.ensure(checkout)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
    with tempfile.TemporaryDirectory() as temporary:
        runs, one = Path(temporary) / "many", Path(temporary) / "long"
        runs.mkdir()
        one.mkdir()
        many(runs, options.runs)
        run_id = long(one, options.trials)
        if options.alone:
            for kept in Path(temporary).glob("*/*/state.snapshot"):
                kept.unlink()
        for _ in range(options.repeats):
            for name, checkout in checkouts.items():
                found[name].append(measured(checkout, runs, one, run_id, options.trials))
    medians: dict[str, Any] = {
        name: {figure: round(statistics.median(one[figure] for one in each), 2) for figure in FIGURES} for name, each in found.items()
    }
    if options.json:
        print(json.dumps({"runs": options.runs, "trials": options.trials, "repeats": options.repeats, **medians}))
        return
    print(f"{options.runs:,} runs of 15 trials, one run of {options.trials:,}, median of {options.repeats}\n")
    print("| | " + " | ".join(medians) + " | at most |\n|---|" + "---:|" * (len(medians) + 1))
    for figure, title in FIGURES.items():
        cells = [f"{one[figure]:g}" + ("" if "MB" in title else f" ({one[figure] / one['loop_s']:.2f})") for one in medians.values()]
        print(f"| {title} | {' | '.join(cells)} | {BUDGETS.get(figure, '')} |")


if __name__ == "__main__":
    main()
