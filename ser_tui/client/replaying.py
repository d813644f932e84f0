"""Has a process of its own replay strategies on recorded trials, and keeps every search that it ends: the same request goes on there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ser_tui
from ser_tui.client.asking import ONE_THREAD, behind_others, why_it_ended
from ser_tui.client.resolving import load_bounds
from ser_tui.places import cache_folder, command, own_environment, private_folder
from ser_tui.replay.recorded import (
    TASK,
    Recorded,
    assumed_score,
    of_run,
    of_table,
    scoreless_of_table,
    space_of,
    space_of_run,
    task_of_table,
    timed,
    usable,
)
from ser_tui.replay.searches import Request, Search, Wanted, read_search, request_json, search_plain
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.store.wanted import SCORED
from ser_tui.strategies import registry
from ser_tui.strategies.catalogue import BUILT_IN
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.findings import findings_of
from ser_tui.study.formatting import counted
from ser_tui.study.searching import StrategyChoice
from ser_tui.study.space import Space, searched
from ser_tui.study.state import RunState
from ser_tui.study.summary import counted_trials
from ser_tui.study.task import differing, other_content
from ser_tui.study.time_to_score import machines_until

TABLE = ".csv"


@dataclass
class Replayed:
    """What a replay has found: of each (strategy, surrogate) its searches by seed, and of each surrogate its cross-validated error."""

    searches: dict[tuple[int, str], dict[int, Search]] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    whole: bool = True
    """Whether it ended by itself; False: it was interrupted, and this is what was done."""

    @property
    def done(self) -> int:
        """How many searches there are."""
        return sum(map(len, self.searches.values()))


class Stopper:
    """Ends a replay from another thread, which then returns what is done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def stop(self) -> None:
        """End it now, or as soon as its process is there."""
        with self._lock:
            self.stopped = True
            if self._process is not None:
                _end(self._process)

    def takes(self, process: subprocess.Popen[bytes] | None) -> None:
        """It is `process` that is to be ended; None: it has ended."""
        with self._lock:
            self._process = process
            if self.stopped and process is not None:
                _end(process)


def recorded(runs: Path, sources: Sequence[str], study: Path | None = None) -> tuple[list[Recorded], Space]:
    """The trials of `sources`: tables of trials (*.csv), folders of such tables, and runs of the folder `runs`; and the space to
    search: that of the document `study`, else that of the first run, else what the tables span. Raises UserError."""
    tables, of_runs = _named(runs, sources)
    trials = [trial for table in tables for trial in of_table(table)]
    states = {run.run_id: run.state() for run in of_runs}
    _refuse_unlike(tables, states)
    # What the first run does not search is as it is there: trials of others with other values would be several scores of one point.
    like = states[of_runs[0].run_id].study if of_runs and study is None else None
    trials += [trial for run in of_runs for trial in of_run(run, like)]
    if not trials:
        raise UsageError(f"{', '.join(sources)[:200]}: there is no trial with a score")
    if _several_machines(tables, states):
        trials = [replace(trial, seconds=None) for trial in trials]
    if study is not None:
        return trials, searched(load_bounds(study))
    return trials, space_of_run(of_runs[0]) if of_runs else space_of(trials)


def _named(runs: Path, sources: Sequence[str]) -> tuple[list[Path], list[RunFolder]]:
    """(tables, runs) that `sources` name, what is named in two ways once: its trials would count double. Raises UserError."""
    tables: dict[Path, Path] = {}
    of_runs: dict[str, RunFolder] = {}
    for source in sources:
        if found := tables_of(source):
            for table in found:
                tables.setdefault(table.resolve(), table)
        else:
            run = resolve(runs, source, SCORED)
            of_runs.setdefault(run.run_id, run)
    return [*tables.values()], [*of_runs.values()]


def remarks(runs: Path, sources: Sequence[str], study: Path | None = None) -> list[str]:
    """What must be said of a replay of `sources`, see `recorded`, a sentence each: bounds that were edited between two trials, trials
    without a score, times of several machines."""
    tables, of_runs = _named(runs, sources)
    states = {run.run_id: run.state() for run in of_runs}
    found = [
        f"{run_id}: {finding.sentence} The space is that of its last bounds, and its trials outside of them are left out."
        for run_id, state in states.items()
        for finding in findings_of(state.start)
        if finding.kind == "bounds" and study is None
    ]
    lacking = [(str(table), *scoreless_of_table(table)) for table in tables]
    for run_id, state in states.items():
        trials = counted_trials(state)
        lacking.append((run_id, sum(trial.value() is None for trial in trials), len(trials)))
    found += [f"{name}: {_without_score(number, of)}" for name, number, of in lacking if number]
    assumed = [(table, name) for table in tables if (name := assumed_score(table))]
    as_bca = "is taken for BCA, of which more is better; a column called bca is one."
    found += [f"{table}: its column {name} {as_bca}" for table, name in assumed]
    silent = [str(table) for table in tables if not task_of_table(table)]
    if silent and len(silent) < len(tables) + len(of_runs):
        told = "of what corpus, encoder and protocol its trials are is not said"
        found.append(f"{', '.join(silent)}: {told}; that their scores compare with the others is assumed.")
    if machines := _several_machines(tables, states):
        found.append(f"Minutes: the trials were made on several machines ({machines}), whose minutes do not compare: none are told.")
    return found


def _without_score(number: int, of: int) -> str:
    have, are = ("has", "is") if number == 1 else ("have", "are")
    told = f"{number} of {counted(of, 'trial')} {have} no score, as where one failed or was dropped for being behind, and {are} left out"
    return f"{told}: a surrogate takes such points for better than they were, and the search for easier."


def _several_machines(tables: Sequence[Path], states: Mapping[str, RunState]) -> str:
    """On which machines the trials were made, where it may have been on several: times of such are those of none. Tables do not say it, and
    are taken for those of one."""
    found = ["that of the tables"] if tables else []
    for state in states.values():
        found += machines_until(list(state.trials), state.sessions) or ("one not known",)
    clusters = [f"the workers of {run_id}'s cluster" for run_id, state in states.items() if state.study.on_a_cluster]
    names = dict.fromkeys([*found, *clusters])
    return "; ".join(names) if clusters or len(names) > 1 else ""


def _refuse_unlike(tables: Sequence[Path], states: Mapping[str, RunState]) -> None:
    """Raise UsageError where the trials of tables and runs would tell one surrogate two scores of one point."""
    studies = [state.study for state in states.values()]
    named = {what: dict.fromkeys(str(getattr(study, what)) for study in studies) for what in TASK}
    for table in tables:
        for what, values in task_of_table(table).items():
            named[what] |= dict.fromkeys(values)
    for what, several in [*((what, tuple(values)) for what, values in named.items() if len(values) > 1), *differing(studies)]:
        raise UsageError(f"the trials differ in {what} ({', '.join(several)[:200]}), and so do their scores: replay them apart")
    if what := other_content([state.start for state in states.values() if state.start is not None]):
        raise UsageError(f"the runs had another {what} under one name (its digests differ), and so have their scores: replay them apart")


def request(
    space: Space, trials: Sequence[Recorded], strategies: tuple[StrategyChoice, ...], budget: int, minutes: float | None, processes: int
) -> Request:
    """What is asked of a replay on those of `trials` that lie within `space`. Raises UsageError where they are too few, or do not tell the
    seconds that `minutes` are counted by."""
    kept = usable(space, trials)
    if minutes is not None and not timed(kept):
        said = "minutes: not all of the recorded trials say how many seconds they took, or it was on several machines"
        raise UsageError(f"{said}; leave minutes out, or name other trials")
    return Request(space, tuple(kept), strategies, (), budget, processes, minutes)


def left_out(trials: Sequence[Recorded], request: Request) -> list[str]:
    """That some of `trials` are none of the request's, since they lie outside of its space."""
    number, of = len(trials) - len(request.trials), len(trials)
    lie = "lies outside of the space that is searched, and is" if number == 1 else "lie outside of the space that is searched, and are"
    return [f"{number} of {counted(of, 'recorded trial')} {lie} left out."] if number else []


def tables_of(source: str) -> list[Path]:
    """The tables that `source` means: itself, or those in the folder that it is; none: it means a run."""
    path = Path(source).expanduser()
    if source.endswith(TABLE):
        return [path]
    return sorted(path.glob(f"*{TABLE}")) if path.is_dir() and not RunFolder(path).log.exists() else []


def replay(
    request: Request, surrogates: Sequence[str], seeds: int, told: Callable[[Replayed, int], None], *, again: bool = False,
    stopper: Stopper | None = None,
) -> Replayed:  # fmt: skip
    """Replay each strategy of `request` with seeds 0 to `seeds` - 1 on each surrogate; `request.wanted` is filled in here.

    `told(found, all)` hears of every search that ends. Interrupted by Ctrl+C or by `stopper` it returns what is done. `again`: nothing
    that was kept is read. Raises UserError where a strategy cannot search the space or its library is missing.
    """
    found = Replayed()
    places: dict[tuple[int, str], Path | None] = {}
    wanted: list[Wanted] = []
    for index, strategy in enumerate(request.strategies):
        for surrogate in surrogates:
            place = _place(request, strategy, surrogate)
            places[index, surrogate] = place
            kept = {} if place is None or again else _kept(place, index, surrogate, seeds)
            if again and place is not None:
                place.unlink(missing_ok=True)
            found.searches[index, surrogate] = kept
            wanted.append(Wanted(index, surrogate, tuple(seed for seed in range(seeds) if seed not in kept)))
    total = len(wanted) * seeds
    told(found, total)
    stopper = stopper or Stopper()
    try:
        with _answers(replace(request, wanted=tuple(wanted)), stopper) as answers:
            for answer in answers:
                if "failed" in answer:
                    raise UserError(str(answer["failed"]))
                if "error" in answer:
                    found.errors[answer["surrogate"]] = float(answer["error"])
                    continue
                search = read_search(answer)
                found.searches[search.strategy, search.surrogate][search.seed] = search
                _keep(places[search.strategy, search.surrogate], search)
                told(found, total)
    except KeyboardInterrupt:
        found.whole = False
    found.whole = found.whole and not (stopper.stopped and found.done < total)
    return found


@contextmanager
def _answers(request: Request, stopper: Stopper) -> Iterator[Iterator[Mapping[str, Any]]]:
    """The lines that the process writes. It ends with this context, whatever it is at."""
    process = subprocess.Popen(
        behind_others(command("ser_tui.replay"), 5), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**own_environment(), **ONE_THREAD, "PYTHONWARNINGS": "ignore"}, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        stopper.takes(process)
        with suppress(BrokenPipeError):
            process.stdin.write(request_json(request))
            process.stdin.close()
        yield (json.loads(line) for line in process.stdout if line.endswith(b"\n"))  # a line that was cut short is lost
        if process.wait() and not stopper.stopped:
            raise UserError(f"the replay failed: {why_it_ended(process.returncode, process.stderr.read().decode(errors='replace'))}")
    finally:
        stopper.takes(None)
        _end(process)
        process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and those that it has made."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


def _place(request: Request, strategy: StrategyChoice, surrogate: str) -> Path | None:
    """Where searches of `strategy` are kept; None where it is another package's, whose next version may search otherwise."""
    if strategy.kind not in {record.name for record in BUILT_IN}:
        return None
    data = json.loads(request_json(replace(request, strategies=(strategy,), wanted=(), processes=1)))
    digest = hashlib.sha256(json.dumps([data, surrogate, _sources()], sort_keys=True).encode()).hexdigest()
    return cache_folder() / "replay" / f"{digest[:32]}.jsonl"


def _sources() -> str:
    """A digest of what proposes and what guesses: another version's searches are others."""
    home = Path(ser_tui.__file__).parent
    found = hashlib.sha256(ser_tui.__version__.encode())
    for path in sorted([*(home / "strategies").glob("*.py"), *(home / "replay").glob("*.py")]):
        found.update(path.read_bytes())
    return found.hexdigest()


def _kept(place: Path, strategy: int, surrogate: str, seeds: int) -> dict[int, Search]:
    """The searches in `place`, by seed; a line that was cut short is left out."""
    found: dict[int, Search] = {}
    try:
        lines = place.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return found
    for line in lines:
        with suppress(ValueError, TypeError):
            search = read_search({**json.loads(line), "strategy": strategy, "surrogate": surrogate})
            if 0 <= search.seed < seeds:
                found[search.seed] = search
    return found


def _keep(place: Path | None, search: Search) -> None:
    """Add a line. A disk that is full costs what is kept, not what is found."""
    if place is None:
        return
    with suppress(OSError):
        private_folder(place.parent)
        with place.open("a") as stream:
            stream.write(json.dumps(search_plain(search)) + "\n")


def choices(text: str) -> tuple[StrategyChoice, ...]:
    """The strategies in "gp,tpe:startup=8:gamma=0.25,random", each once: one that is set alike would have the same searches. Raises
    UsageError where one is not known or a setting is wrong."""
    found: list[StrategyChoice] = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        kind, *settings = part.split(":")
        if registry.record(kind).continues:
            raise UsageError(f"{kind} cannot be replayed: recorded trials have no scores in between; leave it out")
        chosen: dict[str, Any] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            try:
                chosen[name.strip()] = json.loads(value)
            except ValueError:
                chosen[name.strip()] = value
        named_so = StrategyChoice(kind=kind, **chosen)
        whole = registry.completed_choice(named_so)
        if others := registry.foreign(named_so):
            raise UsageError(f"{kind} has no setting {others[0]}; it has {', '.join(whole.settings) or 'none'}")
        found.append(whole)
    return tuple(one for place, one in enumerate(found) if one not in found[:place])


def named(strategy: StrategyChoice) -> str:
    """gp, or gp with what differs from its defaults: tpe startup=8."""
    usual = choices(strategy.kind)[0].settings
    differing = [f"{key}={value}" for key, value in strategy.settings.items() if usual.get(key) != value]
    return " ".join([strategy.kind, *differing])
