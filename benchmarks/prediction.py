"""How well runs were predicted: the time announced before the first trial, and the remaining time before every later one.

    python benchmarks/prediction.py RUN_FOLDER [RUN_FOLDER ...]

Read from the event logs of runs that ended by themselves and in one go. The error is (predicted - taken) / taken: above 0
the run was quicker than announced. What was taken counts from the announcement to the last trial's end, other work included.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from ser_tui.store.log import LogReader
from ser_tui.study.events import RunFinished, RunResumed, RunStarted, TrialFinished, TrialStarted, parse_time


def errors(folder: Path) -> tuple[str, float, float, list[float]]:
    """Encoder and strategy, predicted and taken seconds, and the relative error of the remaining time at each trial's start."""
    events = LogReader(folder / "events.jsonl").read_all()
    start = next((event for event in events if isinstance(event, RunStarted)), None)
    ended = any(isinstance(event, RunFinished) for event in events)
    if start is None or start.predicted_seconds is None or not ended or any(isinstance(event, RunResumed) for event in events):
        raise SystemExit(f"{folder}: not a run that was predicted and ended in one go")
    end = max(parse_time(event.time) for event in events if isinstance(event, TrialFinished))
    taken = (end - parse_time(start.time)).total_seconds()
    remaining = [
        event.remaining_seconds / left - 1
        for event in events
        if isinstance(event, TrialStarted) and event.remaining_seconds is not None
        if (left := (end - parse_time(event.time)).total_seconds()) > 0
    ]
    return f"{start.study['encoder']}, {start.study['strategy']['kind']}", start.predicted_seconds, taken, remaining


def main() -> None:
    """Print one line per run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", nargs="+", type=Path)
    print("| run | trials | announced, min | taken, min | error | remaining: median of the absolute errors | worst |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for folder in options.parse_args().runs:
        name, predicted, taken, remaining = errors(folder)
        sizes = [abs(error) for error in remaining]
        minutes = f"{predicted / 60:.1f} | {taken / 60:.1f} | {predicted / taken - 1:+.0%}"
        print(f"| {name} | {len(remaining)} | {minutes} | {statistics.median(sizes):.0%} | {max(sizes):.0%} |")


if __name__ == "__main__":
    main()
