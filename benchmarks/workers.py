"""Minutes per finished trial: one worker of all threads, and several workers that share them; same study, same machine, one run.

    python benchmarks/workers.py --data ../shared/data [--trials 4] [--workers 2] [--seconds 4] [--dask]

whisper-tiny.en on EmoDB, two epochs. Real runs through the product's own launcher, one after the other, each with the features of
the other in the cache: a run before them, of one trial, makes these and measures what trials cost. Minutes are counted from the
first trial's start to the last one's end, the probe beside the trials included; the start of processes stands beside them. With `--dask`
the trials are made by one Dask worker, and then by several, each of one thread, on this machine, by a scheduler of their own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from dask_clusters import by_dask, cluster

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.study.events import Event, ProbeScored, TrialFinished, TrialStarted, parse_time
from ser_tui.study.load import loads
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores

STUDY = """
name: workers
corpus: emodb
encoder: whisper-tiny.en
strategy: random
search: {learning_rate: {low: 1e-5, high: 1e-3, scale: log}, epochs: 2, unfreeze_epoch: 0}
"""


@dataclass(frozen=True)
class Measured:
    """Of one run, in seconds: the first trial's start since the launch, from there to the last end, each trial's own time, what passed
    between the end of a trial and the start of the one after it, and what the probe took."""

    before: float
    whole: float
    trials: list[float]
    waits: list[float]
    probe: float
    best: float

    @property
    def per_trial(self) -> float:
        """Seconds of the run for each finished trial."""
        return self.whole / len(self.trials)


def measured(runs: Path, workers: int, trials: int, seconds: float, *, dask: bool = False) -> Measured:
    """Run the study with so many workers, of Dask or not."""
    said = [f"workers={workers}", f"budget={trials}", f"search.max_seconds={seconds:g}"]
    with ExitStack() as stack:
        if dask:
            (logs := runs.parent / f"dask-{workers}").mkdir()
            said += by_dask(stack.enter_context(cluster(logs, workers)).address)
        folder = launch.start(loads(STUDY, "benchmark", said), runs)
        while liveness(folder) == "live":
            time.sleep(0.2)
    return _of(folder, LogReader(folder.log).read_all(), workers)


def _of(folder: RunFolder, log: list[Event], workers: int) -> Measured:
    finished = [event for event in log if isinstance(event, TrialFinished)]
    if not finished or folder.state().status != "done":
        raise SystemExit(f"{folder.path}: {folder.state().reason or 'no trial has finished'}")
    starts = {event.trial: parse_time(event.time) for event in log if isinstance(event, TrialStarted)}
    begun = min(starts.values())
    # A trial's own seconds end where its training ends: from there on its worker waits.
    over = sorted(starts[event.trial] + timedelta(seconds=event.seconds or 0.0) for event in finished)
    waits = [(start - end).total_seconds() for end, start in zip(over, sorted(starts.values())[workers:], strict=False)]
    probe = sum(event.seconds for event in log if isinstance(event, ProbeScored))
    ended = max(parse_time(event.time) for event in finished)
    before = begun - parse_time(log[0].time)
    trials = [event.seconds for event in finished if event.seconds is not None]
    best = max(event.bca for event in finished)
    return Measured(before.total_seconds(), (ended - begun).total_seconds(), trials, waits, probe, best)


def main() -> None:
    """Print one table, and the ratio."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="the folder of which EmoDB is a subfolder")
    options.add_argument("--trials", type=int, default=4)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--seconds", type=float, default=4.0, help="the length that utterances are cut to")
    options.add_argument("--dask", action="store_true", help="Dask workers of one thread each")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ser-tui-workers-") as place:
        os.environ.update({"SER_TUI_CACHE": f"{place}/cache", "SER_TUI_CONFIG": f"{place}/config", "SER_TUI_RUNS": f"{place}/runs"})
        registry.remember("emodb", given.data.resolve() / "emodb")
        runs = Path(place, "runs")
        loads_before = os.getloadavg()[0]
        measured(runs, 1, 1, given.seconds)
        found = {count: measured(runs, count, given.trials, given.seconds, dask=given.dask) for count in (1, given.workers)}
    print(f"{processor()}, {cores()} cores; load {loads_before:.1f} before, {os.getloadavg()[0]:.1f} after; {given.trials} trials each\n")
    called = "Dask workers" if given.dask else "workers"
    columns = "s of a trial, mean | s before the first one | s between two trials, median | longest | s of the probe"
    print(f"| {called} | threads of each | min per finished trial | {columns} | best BCA |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count, one in found.items():
        threads = 1 if given.dask else max(1, cores() // count)
        row = (count, threads, f"{one.per_trial / 60:.3f}", f"{statistics.fmean(one.trials):.1f}", f"{one.before:.1f}")
        between = f"{statistics.median(one.waits):.2f} | {max(one.waits):.1f}" if one.waits else "- | -"
        print("| " + " | ".join(map(str, row)) + f" | {between} | {one.probe:.1f} | {one.best:.3f} |")
    alone, several = found[1], found[given.workers]
    training = given.workers * statistics.fmean(alone.trials) / statistics.fmean(several.trials)
    ratio = alone.per_trial / several.per_trial
    print(f"\n{given.workers} {called} make {ratio:.2f} times the trials of one (training alone: {training:.2f})")


if __name__ == "__main__":
    main()
