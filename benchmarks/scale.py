"""1,000 trials on 100 machines, by simulation: where the process that leads, its log, the index and the strategies become the bottleneck.

    python benchmarks/scale.py --data ../shared/data [--strategies random,tpe,cma,gp] [--trials 1100] [--machines 100] [--dask]

The search's own loop, strategies, surroundings and log, fsync included, on EmoDB with whisper-tiny.en. Its trials are not trained: they
end after a time that is drawn (log-normal, `--minutes` in the median) and score what a smooth function says. The simulation's clock
is that of the wall, put on to the next thing that happens whenever the search waits: what the leading process takes counts, and
machines that wait for it are idle. A better trial's model is a file of the encoder's size, written as a real one is. `--dask` adds
what a real scheduler with so many workers (in one process) takes for a trial's messages. No probe is fitted beside the trials. A
strategy is asked when about 100, 300 and 1,000 trials are told (10 before and after each); trials in between are drawn.
"""

from __future__ import annotations

import argparse
import heapq
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from worker_environment import as_in_a_worker

from ser_tui.client import launch
from ser_tui.corpora import registry
from ser_tui.costs.forecast import Forecast
from ser_tui.encoders import registry as encoders
from ser_tui.execution.encoder_files import encoder_files
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Hearer, Stages, Task
from ser_tui.experiment.proposing import strategy_of
from ser_tui.experiment.search import search
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store import snapshot
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.strategies.base import Observation, Proposal, Strategy
from ser_tui.strategies.draws import RandomSearch
from ser_tui.study.document import Study
from ser_tui.study.events import Event
from ser_tui.study.hyperparameters import Value
from ser_tui.study.load import loads
from ser_tui.study.scores import BCA
from ser_tui.training.metrics import shares
from ser_tui.training.processor import processor
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import EpochReport, TrialResult
from ser_tui.worker.session import Session

STUDY = """
name: scale
corpus: emodb
encoder: whisper-tiny.en
protocol: {kind: speaker, size: 0.2}
executor: {kind: dask, scheduler: "tcp://10.0.0.1:8786"}
search:
  learning_rate: {low: 1e-6, high: 1e-3, scale: log}
  epochs: {low: 3, high: 10}
  unfreeze_epoch: {low: 0, high: 5}
  head_dropout: {low: 0.0, high: 0.5}
  max_seconds: 2
"""
TOLD = (100, 300, 1000)
AROUND = 10
"""Suggestions before and after such a number of told trials whose median is told."""
SPREAD = 0.3
"""Standard deviation of the logarithm of what a trial takes."""


def is_near(told: int) -> bool:
    """Whether so many told trials are about one of TOLD."""
    return any(abs(told - one) <= AROUND for one in TOLD)


@dataclass
class Taken:
    """Seconds, one an occasion. `suggested`: (told trials, under way, seconds, of the processor); `emitted` includes `written`, which
    includes `synced`."""

    suggested: list[tuple[int, int, float, float]] = field(default_factory=list)
    emitted: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    synced: list[float] = field(default_factory=list)


class Timed:
    """A strategy that notes what its suggestions take. It is asked with some of TOLD told trials; trials in between are drawn."""

    def __init__(self, strategy: Strategy, drawn: Strategy, taken: Taken) -> None:
        self._strategy, self._drawn, self._taken, self.startup = strategy, drawn, taken, strategy.startup

    def propose(self, history: Sequence[Observation], pending: Sequence[Mapping[str, Value]] = ()) -> Proposal | None:
        """See `Strategy`."""
        if not is_near(len(history)):
            return self._drawn.propose(history, pending)
        begun, used = time.perf_counter(), time.process_time()
        found = self._strategy.propose(history, pending)
        taken = time.perf_counter() - begun, time.process_time() - used
        self._taken.suggested.append((len(history), len(pending), *taken))
        return found


class TimedSession(Session):
    """The surroundings of a real worker, in this process."""

    def __init__(self, folder: RunFolder, taken: Taken) -> None:
        self.taken = taken
        super().__init__(folder, "search", own_process=False)

    def emit(self, event: Event) -> None:
        """See `Session`."""
        begun = time.perf_counter()
        super().emit(event)
        self.taken.emitted.append(time.perf_counter() - begun)

    def _written(self, event: Event) -> Event:
        synced, fsync = 0.0, os.fsync

        def timed(descriptor: int) -> None:
            nonlocal synced
            begun = time.perf_counter()
            fsync(descriptor)
            synced += time.perf_counter() - begun

        begun = time.perf_counter()
        with patch("os.fsync", timed):
            written = super()._written(event)
        self.taken.written.append(time.perf_counter() - begun)
        self.taken.synced.append(synced)
        return written


class Simulated:
    """An executor of so many machines, whose trials end at drawn times: see `ser_tui.experiment.executing.Executor`."""

    def __init__(self, data: SplitCorpus, machines: int, seconds: float, model_bytes: int) -> None:
        self.crew = Crew(machines, 1, float(machines))
        self._seconds, self._model_bytes = seconds, model_bytes
        self._labels, self._classes = np.array(data.part(data.split.validation).labels), len(data.classes)
        self._ahead = 0.0
        """What the clock was put on."""
        self._begun = time.monotonic()
        self._happens: list[tuple[float, int, int, Task]] = []
        """When, a number, the epoch that is over, of which trial; epoch 0: its end."""
        self._count = 0
        self._under_way: dict[int, float] = {}
        self._free_since = [0.0] * machines
        """Of the machines that have no trial."""
        self.idle: list[float] = []
        """Seconds that a machine waited for its next trial."""
        self.told = 0
        self.saved = 0

    @property
    def now(self) -> float:
        """Seconds since the beginning, by the simulation's clock."""
        return time.monotonic() - self._begun + self._ahead

    @property
    def free(self) -> bool:
        """See `Executor`."""
        return len(self._under_way) < self.crew.workers

    @property
    def place(self) -> str:
        """A name as long as a real one."""
        return f"node{self._count % self.crew.workers:03d}, tcp://10.0.0.{self._count % 250}:41233, 1 thread" if self.free else ""

    def submit(self, task: Task) -> None:
        """See `Executor`."""
        random = np.random.default_rng(task.seed)
        takes, now, epochs = self._seconds * math.exp(random.normal(0.0, SPREAD)), self.now, int(task.parameters["epochs"])
        for epoch in range(1, epochs + 1):
            self._put(now + takes * epoch / (epochs + 1), epoch, task)
        self._put(now + takes, 0, task)
        self._under_way[task.trial] = now
        waited = now - heapq.heappop(self._free_since)
        if is_near(self.told):
            self.idle.append(waited)

    def _put(self, at: float, epoch: int, task: Task) -> None:
        self._count += 1
        heapq.heappush(self._happens, (at, self._count, epoch, task))

    def next(self, hearer: Hearer) -> Ended | None:
        """See `Executor`."""
        at, _, epoch, task = heapq.heappop(self._happens)
        self._ahead += max(0.0, at - self.now)
        epochs = int(task.parameters["epochs"])
        said = self._said(task, (epoch or epochs) / epochs)
        predictions = tuple(map(int, said.argmax(axis=1)))
        scores = shares(self._labels, predictions, self._classes)
        value = scores[BCA].value
        if epoch:
            hearer.on_epoch(task.trial, EpochReport(epoch, epochs, 1.0, value, 1.0, False, 60.0, predictions))
            return None
        heapq.heappush(self._free_since, at)
        seconds = at - self._under_way[task.trial]
        return Ended(task.trial, TrialResult(scores, predictions, epochs, value, 0.5, False, seconds, (), said))

    def _said(self, task: Task, trained: float) -> Any:
        """Class probabilities that are right as often as a smooth function of the parameters says."""
        rate, dropout = math.log10(float(task.parameters["learning_rate"])), float(task.parameters["head_dropout"])
        score = 0.3 + 0.65 * math.exp(-((rate + 4.2) ** 2) - 2 * (dropout - 0.2) ** 2) * trained
        random = np.random.default_rng((task.seed, round(100 * trained)))
        answers = np.where(random.random(len(self._labels)) < score, self._labels, random.integers(0, self._classes, len(self._labels)))
        return np.eye(self._classes, dtype=np.float32)[answers] * 0.9 + np.float32(0.1 / self._classes)

    def refit(self, trial: int) -> None:
        """Not asked for here."""

    def cool(self, trial: int, temperature: float) -> None:
        """Not asked for here."""

    def save(self, trial: int, folder: Path) -> None:
        """See `Executor`."""
        (folder / "model.safetensors").write_bytes(b"\1" * self._model_bytes)
        self.saved += 1

    def release(self, trial: int) -> None:
        """See `Executor`."""
        del self._under_way[trial]
        self.told += 1

    def renew(self, trial: int) -> bool:
        """See `Executor`."""
        return True

    def stop(self) -> None:
        """See `Executor`."""

    def close(self) -> None:
        """See `Executor`."""


def searched(runs: Path, kind: str, given: argparse.Namespace, model_bytes: int) -> tuple[str, str, str]:
    """Rows of the three tables, of one search."""
    taken = Taken()
    study = loads(STUDY, "scale.yaml", (f"strategy={kind}", f"budget={given.trials}", f"workers={given.machines}", f"name=scale-{kind}"))
    folder = launch.prepare(study, runs)
    made: list[Simulated] = []

    def executing(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer, stages: Stages) -> Simulated:
        made.append(Simulated(data, given.machines, given.minutes * 60, model_bytes))
        return made[-1]

    drawn = RandomSearch(study.search, study.seed)
    timed = patch("ser_tui.experiment.search.strategy_of", lambda *arguments: Timed(strategy_of(*arguments), drawn, taken))
    no_probe = patch("ser_tui.experiment.probe_baseline.is_to_be_scored", lambda state: False)
    with timed, no_probe, TimedSession(folder, taken) as session:
        begun = time.process_time()
        search(session, Forecast, executing)
        used = time.process_time() - begun - sum(one[3] for one in taken.suggested)
        assert session.state.status == "done" and session.state.finished_trials == given.trials, session.state.reason
    [simulated] = made
    span, size = simulated.now, folder.log.stat().st_size
    suggested = [
        statistics.median(one[3] for one in taken.suggested if abs(one[0] - told) <= AROUND) for told in TOLD if told < given.trials
    ]
    beside = statistics.median([one[1] for one in taken.suggested] or [0])
    longest = max([one[2] for one in taken.suggested], default=0.0)
    first = "| " + " | ".join([kind, *(f"{one:.3f}" for one in suggested), f"{beside:.0f}", f"{longest:.2f}"]) + " |"
    waited = statistics.fmean(simulated.idle or [0.0])
    of_a_trial = waited / (given.minutes * 60)
    cells = (f"{span / 60:.0f}", f"{used:.0f}", f"{100 * used / span:.2f} %", f"{1000 * used / given.trials:.0f}")
    second = f"| {kind} | {' | '.join(cells)} | {waited:.2f} | {100 * of_a_trial:.2f} % | {simulated.saved} |"
    reduced = [whole - written for whole, written in zip(taken.emitted, taken.written, strict=True)]
    last = max(1, len(reduced) // 10)
    milliseconds = [1000 * statistics.median(one) for one in (taken.written, taken.synced, reduced[:last], reduced[-last:])]
    third = f"| {kind} | {len(taken.written):,} | {size / len(taken.written):.0f} | {size / 1e6:.1f} | "
    third += " | ".join(f"{one:.2f}" for one in milliseconds) + f" | {1000 * max(taken.synced):.0f} | {_read(runs, folder)} |"
    return first, second, third


def _read(runs: Path, folder: RunFolder) -> str:
    """Seconds to read the whole log, and to make the index anew: without the state that is kept beside the log, and with it."""
    begun = time.perf_counter()
    assert LogReader(folder.log).read_all()
    found = [time.perf_counter() - begun]
    for kept in (True, False):
        if not kept:
            folder.log.with_name(snapshot.NAME).unlink()
        for path in runs.glob("index*.json"):
            path.unlink()
        begun = time.perf_counter()
        Index(runs).refresh()
        found.insert(1, time.perf_counter() - begun)
    return " | ".join(f"{one:.2f}" for one in found)


def by_dask(machines: int) -> list[str]:
    """What a scheduler takes for a trial's task with ten messages, for looking who is there, and for a sign of life."""
    import distributed
    from distributed import get_worker

    def task(number: int) -> bytes:
        for at in range(10):
            get_worker().log_event("scale", (number, at, b"x" * 700))
        return b"x" * 2000

    heard = threading.Semaphore(0)
    cluster = distributed.LocalCluster(n_workers=machines, processes=False, threads_per_worker=1, dashboard_address=None, memory_limit=0)
    lines: list[str] = []
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(machines)
        client.subscribe_topic("scale", lambda event: heard.release())
        addresses = list(client.nthreads())

        def made(number: int) -> Any:
            return client.submit(task, number, workers=[addresses[number % machines]], allow_other_workers=False, pure=False)

        def timed(what: str, does: Any, count: int) -> None:
            begun, used = time.perf_counter(), time.process_time()
            does()
            whole, used = time.perf_counter() - begun, time.process_time() - used
            lines.append(f"| {what} | {1000 * whole / count:.1f} | {1000 * used / count:.1f} |")

        def one_by_one() -> None:
            for number in range(20):
                made(number).result()
                for _ in range(10):
                    heard.acquire()

        def all_at_once() -> None:
            for future in [made(number) for number in range(machines)]:
                future.result()
            for _ in range(10 * machines):
                heard.acquire()

        one_by_one()
        timed("a task with ten messages, one after another", one_by_one, 20)
        timed(f"the same, {machines} at once, each", all_at_once, machines)
        timed("who is there, asked each second", lambda: [client.nthreads() for _ in range(20)], 20)
        timed(f"a sign of life to {machines} workers, each 20 s", lambda: [client.run(os.getpid) for _ in range(5)], 5)
    return lines


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, required=True, help="the folder of which EmoDB is a subfolder")
    options.add_argument("--strategies", default="random,tpe,cma,gp")
    options.add_argument("--trials", type=int, default=1100)
    options.add_argument("--machines", type=int, default=100)
    options.add_argument("--minutes", type=float, default=20.0, help="of a trial, in the median")
    options.add_argument("--dask", action="store_true", help="what a real scheduler takes, too")
    given = options.parse_args()
    as_in_a_worker()
    begun, tables = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="ser-tui-scale-") as place:
        os.environ.update({"SER_TUI_CACHE": f"{place}/cache", "SER_TUI_CONFIG": f"{place}/config", "SER_TUI_RUNS": f"{place}/runs"})
        registry.remember("emodb", given.data.resolve() / "emodb")
        model_bytes = round(encoders.find("whisper-tiny.en").parameters_millions * 4e6)
        load = os.getloadavg()[0]
        # Costs, which the searches below find measured.
        first = argparse.Namespace(trials=3, machines=2, minutes=1.0)
        searched(Path(place, "before"), "random", first, model_bytes)
        for kind in given.strategies.split(","):
            runs = Path(place, f"runs-{kind}")
            tables.append(searched(runs, kind, given, model_bytes))
            print(*tables[-1], sep="\n", file=sys.stderr, flush=True)
        corpus = sum(path.stat().st_size for path in (given.data / "emodb").rglob("*") if path.is_file())
        encoder = sum(path.stat().st_size for _, (path, _) in (encoder_files("whisper-tiny.en") or {}).items()) or model_bytes
    minutes = (time.monotonic() - begun) / 60
    print(f"{processor()}, {cores()} cores; load {load:.1f} before, {os.getloadavg()[0]:.1f} after; {minutes:.1f} minutes")
    each = given.minutes * 60 / given.machines
    print(f"{given.trials} trials on {given.machines} machines, {given.minutes:g} minutes each in the median: one ends every {each:.1f} s")
    told = [f"processor s a suggestion at {told} told" for told in TOLD if told < given.trials]
    _print(("strategy", *told, "under way beside it", "longest, s by the clock"), [rows[0] for rows in tables])
    leading = ("strategy", "minutes, simulated", "leader's processor s but for suggestions", "of a core", "ms a trial")
    _print((*leading, "s a machine waits for its next trial then", "of a trial", "models saved"), [rows[1] for rows in tables])
    writing = ("strategy", "events", "bytes each", "log, MB", "ms to write one", "of it fsync", "ms to count it in, first tenth", "last")
    reading = ("longest fsync, ms", "s to read the log", "s to make the index anew", "s, with the kept state")
    _print((*writing, *reading), [rows[2] for rows in tables])
    all_of_it = (corpus + encoder) * given.machines
    print(
        f"\nwhere nothing is shared: recordings of {corpus / 1e6:.0f} MB, an encoder of {encoder / 1e6:.0f} MB; "
        f"for {given.machines} machines {all_of_it / 1e9:.1f} GB, {all_of_it * 8 / 1e9:.0f} s at 1 Gbit/s"
    )
    if given.dask:
        _print(("through a Dask scheduler", "ms", "processor ms"), by_dask(given.machines))


def _print(titles: Sequence[str], rows: Sequence[str]) -> None:
    print("\n| " + " | ".join(titles) + " |\n|---|" + "---:|" * (len(titles) - 1) + "\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
