"""The paper's tables beside what the runs of a folder have, and the studies of what is missing: for command line and app."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from ser_tui.client import replaying
from ser_tui.client.resolving import load_study, require_besides
from ser_tui.encoders import registry as encoders
from ser_tui.encoders.registry import PAPER_SEARCH
from ser_tui.replay.recorded import LEAST, Recorded, of_run, space_of, usable
from ser_tui.replay.searches import NEAREST, Request
from ser_tui.report.paper_tables import (
    AUTOSPEECH,
    BUDGET,
    CORPUS,
    UNKNOWN,
    Ours,
    Transfer,
    is_fair,
    other_task,
    protocol_text,
    row_of,
    same_parts,
    searches,
    several_machines,
    transfers,
)
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder
from ser_tui.study.document import PAPER_ENCODER, Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted, score
from ser_tui.study.load import to_plain
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.protocol import ProtocolKind
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState
from ser_tui.study.summary import counted_trials
from ser_tui.study.task import differing, other_content, setting
from ser_tui.study.time_to_score import MARKS, machines_until

GRID = 504
"""Points of the paper's grid."""
NAMES = {"gp": "GP-BO (gp)", "tpe": "TPE (tpe)", "random": "random search", "grid": "grid search", AUTOSPEECH: "AutoSpeech 2020 style"}


@dataclass(frozen=True)
class PaperTables:
    """What stands beside the paper: of each strategy and each corpus what the runs have. `left`: run id -> why it stands nowhere;
    `recorded`: trials on which the grid could be replayed."""

    encoder: str
    protocol: str
    budget: int
    rows: Mapping[str, Ours]
    left: Mapping[str, str]
    transfers: Mapping[str, Transfer]
    recorded: int
    encoders: tuple[str, ...]
    """Those that runs on EmoDB have, most runs first."""
    begun: Mapping[str, tuple[str, int]]
    """Strategy -> (newest run, its trials) where nothing stands in its row because no run has enough trials yet."""
    probes: int = 0
    """Runs of probes on EmoDB, of whatever encoder: they stand nowhere."""

    @property
    def best_run(self) -> str | None:
        """The run whose model would be asked for what is missing in the table of zero-shot scores."""
        ours = [one for kind, one in self.rows.items() if one.how == "run" and kind != AUTOSPEECH]
        return max(ours, key=lambda one: one.score.value).run if ours else None


def gathered(runs: Path, encoder: str, protocol: str, budget: int) -> PaperTables:
    """What the runs in `runs` have; `encoder`: empty for the one of most of them. Raises UserError for one that is not known, or for a
    protocol that is not."""
    if protocol not in get_args(ProtocolKind):
        raise UsageError(f"protocol {protocol[:60]!r} is not one of {', '.join(get_args(ProtocolKind))}")
    index = Index(runs)
    every = [one for one in index.refresh() if one.corpus == CORPUS]
    probes = sum(one.method == "probe" for one in every)
    on_emodb = [one for one in every if one.method in ("finetune", AUTOSPEECH)]
    used = [name for name, _ in Counter(one.encoder for one in on_emodb if one.encoder).most_common()]
    usual = used[0] if used else PAPER_ENCODER
    chosen = encoders.absolute_name(encoders.find(encoder).name) if encoder else usual
    states = [(one.run_id, index.state(RunFolder(runs / one.run_id))) for one in on_emodb if one.encoder == chosen]
    rows, left = searches(states, chosen, protocol, budget)
    trials = sum(len(trials) for _, trials in _recorded(runs, states, protocol))
    begun: dict[str, tuple[str, int]] = {}
    for run_id, state in states:
        kind = row_of(state.study)
        if run_id in left and kind is not None and kind not in rows and is_fair(state.start):
            begun.setdefault(kind, (run_id, len(counted_trials(state))))
    return PaperTables(chosen, protocol, budget, rows, left, transfers(states, chosen), trials, tuple(used), begun, probes)


def _recorded(runs: Path, states: list[tuple[str, RunState]], protocol: str) -> Iterator[tuple[RunState, list[Recorded]]]:
    """The trials of runs that may be compared: of the newest one, and of those that had the same task and scored on the same parts; of
    these only trials that differ from the newest run's in nothing but what that run searches."""
    first: RunState | None = None
    for run_id, state in states:
        study = state.study
        if not is_fair(state.start) or other_task(study) or study.protocol != protocol or study.method != "finetune":
            continue
        if first is not None and not _alike(first, state):
            continue
        try:
            trials = of_run(RunFolder(runs / run_id), None if first is None else first.study)
        except UserError:
            continue
        if trials:
            first = first or state
            yield state, trials


def _alike(one: RunState, other: RunState) -> bool:
    return (
        one.start is not None and other.start is not None and same_parts(one.start, other.start)
        and protocol_text(one) == protocol_text(other) and not differing([one.study, other.study])
        and not other_content([one.start, other.start])
    )  # fmt: skip


def with_grid(runs: Path, tables: PaperTables) -> PaperTables:
    """The tables with the grid, four points an interval, replayed on the trials that the runs have recorded, where it was not run and they
    are enough. Minutes of several machines are not added up. Raises UserError where the trials cannot be replayed."""
    if "grid" in tables.rows or tables.recorded < LEAST:
        return tables
    index = Index(runs)
    chosen = [one for one in index.refresh() if one.corpus == CORPUS and one.method == "finetune" and one.encoder == tables.encoder]
    states = [(one.run_id, index.state(RunFolder(runs / one.run_id))) for one in chosen]
    found = list(_recorded(runs, states, tables.protocol))
    machines = dict.fromkeys(one for state, _ in found for one in _machines(state))
    grid = _replayed_grid([trial for _, trials in found for trial in trials], [*machines], tables.protocol)
    return replaced_grid(tables, grid)


def _machines(state: RunState) -> tuple[str, ...]:
    """On what the run's trials were made; of a cluster's workers it is not known which they were."""
    here = machines_until(list(state.trials), state.sessions) or (UNKNOWN,)
    return (*here, "a Dask cluster") if state.study.on_a_cluster else here


def replaced_grid(tables: PaperTables, grid: Ours) -> PaperTables:
    """The tables with `grid` in its row."""
    return replace(tables, rows={**tables.rows, "grid": grid})


def _replayed_grid(trials: list[Recorded], machines: list[str], protocol: str) -> Ours:
    space = space_of(trials)
    within = usable(space, trials)
    request = Request(space, tuple(within), replaying.choices("grid"), (), GRID, len(os.sched_getaffinity(0)))
    found = replaying.replay(request, (NEAREST,), 1, lambda done, total: None)
    search = found.searches[0, NEAREST].get(0)
    if search is None:
        raise UserError("the replay of the grid was interrupted")
    seconds = search.seconds if len(machines) == 1 else ()
    passed: list[tuple[float, int, float | None]] = []
    for mark in MARKS:
        at = next((place for place, value in enumerate(search.scores) if value >= mark), None)
        if at is not None:
            passed.append((mark, at + 1, sum(seconds[: at + 1]) / 60 if seconds else None))
    error = found.errors.get(NEAREST)
    known = "" if error is None else f", whose error on unseen ones is {score(error)}"
    told = f"replayed on the nearest of {counted(len(within), 'recorded trial')}{known}"
    minutes = sum(seconds) / 60 if seconds else None
    machine = machines[0] if len(machines) == 1 else several_machines(machines)
    return Ours("replayed", told, Score(max(search.scores), None), None, len(search.scores), minutes, tuple(passed), protocol, machine, "")


def unlike_paper(rows: Mapping[str, Ours]) -> list[str]:
    """What the runs that fine-tuned searched otherwise than the paper, a sentence each: within narrower bounds, as those that are
    recommended for another encoder, fewer trials find as much."""
    paper = LoggedStudy.of(to_plain(Study.model_validate({"search": {name: dict(item) for name, item in PAPER_SEARCH.items()}})))
    found: list[str] = []
    for name in (*PAPER_SEARCH, "trained", "layers", "pooling"):
        key, values = f"search.{name}", dict[str, list[str]]()
        theirs = setting(paper, key)
        for kind, one in rows.items():
            if one.how == "run" and kind != AUTOSPEECH and (text := setting(one.study, key)) not in (None, theirs):
                values.setdefault(str(text), []).append(kind)
        if values:
            ours = "; ".join(f"{text} for {', '.join(kinds)}" for text, kinds in values.items())
            found.append(f"not the paper's search: {key} is {ours}, and {theirs} there")
    return found


def _overrides(kind: str, tables: PaperTables) -> list[str]:
    changes = [f"encoder={tables.encoder}"]
    changes += [f"protocol={tables.protocol}"] if tables.protocol != "random" else []
    return changes + ([f"budget.trials={tables.budget}"] if kind not in ("grid", AUTOSPEECH) and tables.budget != BUDGET else [])


def missing_study(kind: str, tables: PaperTables) -> Study:
    """The study of a search that is missing, ready to run. Raises UserError where corpus or encoder are not here, or not as it needs
    them."""
    study = load_study(f"emodb-{kind}", _overrides(kind, tables))
    require_besides(study)
    return study


def command(kind: str, tables: PaperTables) -> str:
    """What makes the run of a row that is missing."""
    return " ".join(["ser-tui", "run", f"emodb-{kind}", *(f"--set {change}" for change in _overrides(kind, tables))])


def probes_told(tables: PaperTables) -> str:
    """5 runs of probes left out: the tables are of fine-tuning; empty where there are none."""
    return f"{counted(tables.probes, 'run')} of probes left out: the tables are of fine-tuning" if tables.probes else ""


def transfer_command(corpus: str, tables: PaperTables) -> str:
    """What makes a zero-shot score that is missing."""
    return f"ser-tui evaluate {tables.best_run or 'RUN'} --on {corpus} --preset paper --raw"
