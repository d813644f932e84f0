"""How soon a search on EmoDB reaches BCA .95 and .97, and how many trials it makes in a minute: one worker of all threads, several
workers of a share of them, and successive halving; same trials' budget, same machine, several seeds.

    python benchmarks/time_to_score.py --data ../shared/data --out FOLDER [--seeds 0,1,2,3,4] [--ways one,several,halving-several]
                                       [--trials 15] [--bounds recommended] [--report]

whisper-tiny.en on a random fifth of EmoDB, by real runs through the product's own launcher, one after the other, in the bounds that
the product recommends for it. `--bounds wide`: the paper's rates, epochs and lengths instead, the rest as recommended. A run of one trial
goes before them and makes the features, which all find in the cache. A run that came to its end is kept in `--out` and not made again; one
that was stopped is made anew, so that no time is counted twice. The order of the ways goes round with the seeds.

Minutes until a score are counted from the run's begin (imports included) to the end of the first trial that has it, as `ser-tui show`
counts them. Trials a minute are those that have begun, whether they were trained to their end or left, from the first one's start to the
last one's end, the probe beside them included. Processor seconds are of all processes of a run. What others took of the processor
meanwhile is told, as shares of all cores: programs that give way (nice), and those that do not.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from scipy import stats

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.encoders import registry as encoders
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness, worker_facts
from ser_tui.study.events import Event, TrialFailed, TrialFinished, TrialLeft, TrialPaused, TrialStarted, parse_time
from ser_tui.study.load import loads
from ser_tui.study.time_to_score import passed
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores

MARKS = (0.95, 0.97)
STUDY = """
name: time-to-score
corpus: emodb
encoder: whisper-tiny.en
protocol: {{kind: random, size: 0.2, seed: 42}}
search: {search}
"""
WAYS: Mapping[str, tuple[str, int]] = {
    "one": ("strategy=tpe", 1), "several": ("strategy=tpe", cores()),
    "halving-one": ("strategy=halving", 1), "halving-several": ("strategy=halving", cores()),
}  # fmt: skip
"""The strategy of each way, and its workers."""


@dataclass(frozen=True)
class Measured:
    """One run. Times in seconds; `marks` from the run's begin to each of MARKS, None where no trial reached it. `niced` and `others`:
    shares of all cores that other programs took, those that give way and those that do not."""

    run: str
    trials: int
    """Those that have begun."""
    scored: int
    """Those that were trained to their end."""
    before: float
    """From the run's begin to the first trial's start."""
    whole: float
    """From there to the last trial's end."""
    training: float
    """Of all trials, added up."""
    best: float
    marks: tuple[float | None, ...]
    processor: float
    niced: float
    others: float

    @property
    def per_minute(self) -> float:
        """Trials that the search made in a minute."""
        return 60 * self.trials / self.whole


def searched(runs: Path, text: str, way: str, seed: int, trials: int) -> Measured:
    """One run to its end."""
    strategy, workers = WAYS[way]
    study = loads(text, "benchmark", [strategy, f"workers={workers}", f"seed={seed}", f"budget={trials}"])
    before, begun = psutil.cpu_times(), time.monotonic()
    folder = launch.start(study, runs)
    spent = dict[int, float]()
    while liveness(folder) == "live":
        facts = worker_facts(folder)
        if facts is not None:
            spent |= _spent(facts.process.pid)
        time.sleep(0.5)
    after, room = psutil.cpu_times(), (time.monotonic() - begun) * (os.cpu_count() or 1)
    own, niced = sum(spent.values()), after.nice - before.nice
    others = after.user + after.system - before.user - before.system - own
    return _of(folder, LogReader(folder.log).read_all(), own, niced / room, max(0.0, others / room))


def _spent(pid: int) -> dict[int, float]:
    """Processor seconds of the process and of those that it has started, each by its own id."""
    found = dict[int, float]()
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        for one in (leader, *leader.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()
                found[one.pid] = times.user + times.system
    return found


def _of(folder: RunFolder, log: Sequence[Event], own: float, niced: float, others: float) -> Measured:
    state = folder.state()
    if state.status != "done":
        raise SystemExit(f"{folder.path}: {state.reason or 'the search did not come to its end'}")
    starts = [parse_time(event.time) for event in log if isinstance(event, TrialStarted)]
    ends = [parse_time(event.time) for event in log if isinstance(event, TrialFinished | TrialFailed | TrialPaused | TrialLeft)]
    finished = [event for event in log if isinstance(event, TrialFinished)]
    reached = {one.mark: one.seconds for one in passed(state, MARKS)}
    return Measured(
        folder.path.name, len(starts), len(finished), (starts[0] - parse_time(log[0].time)).total_seconds(),
        (max(ends) - starts[0]).total_seconds(), sum(trial.seconds or 0.0 for trial in state.trials), max(event.bca for event in finished),
        tuple(reached.get(mark) for mark in MARKS), own, niced, others,
    )  # fmt: skip


def report(found: Mapping[tuple[str, int], Measured], ways: Sequence[str]) -> None:
    """A line a run, the means of each way, and each way beside the first, paired by seed."""
    head = "| seed | way | trials a minute | to the end | best BCA | " + _to_marks("min to {}") + " | before the first, s"
    print(f"\n{head} | processor s a trial | others: niced | not |")
    print("|---:|---|---:|---:|---:|" + "---:|" * (len(MARKS) + 4))
    for (way, seed), one in sorted(found.items(), key=lambda item: (item[0][1], ways.index(item[0][0]))):
        marks = " | ".join(_minutes(value) for value in one.marks)
        print(f"| {seed} | {way} | {one.per_minute:.2f} | {one.scored} of {one.trials} | {_bca(one.best)} | {marks} | {one.before:.1f} |"
              f" {one.processor / one.trials:.1f} | {one.niced:.0%} | {one.others:.0%} |")  # fmt: skip
    print("\n| way | seeds | trials a minute | best BCA | " + _to_marks("min to {}, median") + " | " + _to_marks("reach {}") + " |")
    print("|---|---:|---:|---:|" + "---:|" * (2 * len(MARKS)))
    for way in ways:
        runs = [one for (name, _), one in found.items() if name == way]
        if not runs:
            continue
        columns = list(zip(*(one.marks for one in runs), strict=True))
        medians = " | ".join(_minutes(_median(column)) for column in columns)
        shares = " | ".join(f"{sum(value is not None for value in column)} of {len(column)}" for column in columns)
        rate, best = statistics.fmean(one.per_minute for one in runs), statistics.fmean(one.best for one in runs)
        print(f"| {way} | {len(runs)} | {rate:.2f} | {_bca(best)} | {medians} | {shares} |")
    _beside(found, ways)


def _beside(found: Mapping[tuple[str, int], Measured], ways: Sequence[str]) -> None:
    first = ways[0]
    print(f"\n| beside {first} | seeds | trials a minute, times | best BCA, less | " + _to_marks("min to {}, times") + " |")
    print("|---|---:|---:|---:|" + "---:|" * len(MARKS))
    for way in ways[1:]:
        pairs = [(one, found[first, seed]) for (name, seed), one in sorted(found.items()) if name == way and (first, seed) in found]
        if not pairs:
            continue
        rate = _times([(one.per_minute, other.per_minute) for one, other in pairs])
        best = _interval([one.best - other.best for one, other in pairs], lambda value: f"{value:+.3f}")
        told = [_times(_of_mark(pairs, index)) for index in range(len(MARKS))]
        print(f"| {way} | {len(pairs)} | {rate} | {best} | {' | '.join(told)} |")
    print("times: geometric mean over seeds, [95 % t interval of the logarithms]; minutes to a score: of the seeds where both reached it")


def _of_mark(pairs: Sequence[tuple[Measured, Measured]], index: int) -> list[tuple[float, float]]:
    both = [(one.marks[index], other.marks[index]) for one, other in pairs]
    return [(one, other) for one, other in both if one is not None and other is not None]


def _times(pairs: Sequence[tuple[float, float]]) -> str:
    return _interval([math.log(one / other) for one, other in pairs], lambda value: f"{math.exp(value):.2f}")


def _interval(values: Sequence[float], said: Callable[[float], str]) -> str:
    if not values:
        return "-"
    mean = statistics.fmean(values)
    if len(values) < 2:
        return said(mean)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return f"{said(mean)} [{said(mean - half)}, {said(mean + half)}]" + ("" if len(values) > 2 else " (2)")


def _median(values: Sequence[float | None]) -> float | None:
    found = statistics.median_high([math.inf if value is None else value for value in values])
    return found if math.isfinite(found) else None


def _minutes(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds / 60:.2f}"


def _bca(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _to_marks(words: str) -> str:
    return " | ".join(words.format(_bca(mark)[:-1]) for mark in MARKS)


def main() -> None:
    """Make the runs that are not made yet, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="the folder of which EmoDB is a subfolder")
    options.add_argument("--out", type=Path, required=True, help="the folder that keeps what is done")
    options.add_argument("--seeds", default="0,1,2,3,4")
    ways_help = f"of {', '.join(WAYS)}; the others are told beside the first"
    options.add_argument("--ways", default="one,several,halving-several", help=ways_help)
    options.add_argument("--trials", type=int, default=15)
    options.add_argument("--bounds", choices=("recommended", "wide"), default="recommended")
    options.add_argument("--report", action="store_true", help="make nothing, print what is done")
    given = options.parse_args()
    ways, seeds = given.ways.split(","), [int(seed) for seed in given.seeds.split(",")]
    place = given.out.resolve() / given.bounds
    place.mkdir(parents=True, exist_ok=True)
    named = {"SER_TUI_CACHE": place / "cache", "SER_TUI_CONFIG": place / "config", "SER_TUI_RUNS": place / "runs"}
    os.environ.update({name: str(folder) for name, folder in named.items()})
    registry.remember("emodb", given.data.resolve() / "emodb")
    bounds = encoders.find("whisper-tiny.en").search
    text = STUDY.format(search=json.dumps({**bounds, **(encoders.PAPER_SEARCH if given.bounds == "wide" else {})}))
    if not given.report and not (ready := place / "ready").exists():
        searched(place / "runs", text, "one", 0, 1)
        ready.touch()
    known: dict[tuple[str, int], Measured] = {}
    for turn, seed in enumerate(seeds):
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            kept = place / f"{way}-{seed}-{given.trials}.json"
            if not kept.exists() and not given.report:
                unfinished = place / "runs" / f"{way}-{seed}"
                shutil.rmtree(unfinished, ignore_errors=True)
                one = searched(unfinished, text, way, seed, given.trials)
                kept.write_text(json.dumps(asdict(one)))
                print(f"seed {seed} {way}: {one.per_minute:.2f} trials a minute, best {one.best:.3f}", flush=True)
            if kept.exists():
                plain = json.loads(kept.read_text())
                known[way, seed] = Measured(**{**plain, "marks": tuple(plain["marks"])})
    print(f"{processor()}, {cores()} cores, {given.trials} trials a run, {given.bounds} bounds")
    report(known, ways)


if __name__ == "__main__":
    main()
