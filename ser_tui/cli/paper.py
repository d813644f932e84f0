"""The verb paper: the tables of arXiv 2510.07052 beside what this folder's runs have."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.client import replaying
from ser_tui.encoders import registry as encoders
from ser_tui.places import runs_folder
from ser_tui.replay.recorded import LEAST, Recorded, of_run, space_of, usable
from ser_tui.replay.searches import NEAREST, Request
from ser_tui.report.paper_tables import (
    BUDGET,
    CORPUS,
    ROWS,
    SEARCHES,
    ZERO_SHOT,
    Ours,
    Printed,
    Transfer,
    is_fair,
    machine_text,
    searches,
    transfers,
)
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import score, score_text
from ser_tui.study.headline import sample
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState
from ser_tui.study.time_to_score import MARKS

GRID = 504
"""Points of the paper's grid."""
NAMES = {"gp": "GP-BO (gp)", "tpe": "TPE (tpe)", "random": "random search", "grid": "grid search", "autospeech": "AutoSpeech 2020 style"}
_AUTOSPEECH = "no run of ours is of this kind in this version"


def print_paper(*, encoder: str, protocol: str, budget: int, replayed: bool, as_json: bool) -> None:
    """Print the tables, or the document."""
    runs = runs_folder()
    index = Index(runs)
    on_emodb = [one for one in index.refresh() if one.corpus == CORPUS and one.method == "finetune"]
    chosen = _encoder(encoder, on_emodb)
    folders = {one.run_id: resolve(runs, one.run_id) for one in on_emodb if one.encoder == chosen}
    states = [(run_id, index.state(folder)) for run_id, folder in folders.items()]
    rows, left = searches(states, chosen, protocol, budget)
    if "grid" not in rows and replayed and (grid := _replayed_grid(states, folders, protocol)) is not None:
        rows["grid"] = grid
    found = transfers(states, chosen)
    if as_json:
        print_json(_document(chosen, protocol, budget, rows, left, found))
    else:
        _print(chosen, protocol, budget, rows, left, found)


def _encoder(asked: str, runs: list[RunSummary]) -> str:
    """What a run's study calls the encoder that is meant: the one asked for, else that of most runs, else the paper's."""
    if asked:
        return encoders.absolute_name(encoders.find(asked).name)
    counted = Counter(one.encoder for one in runs if one.encoder)
    return counted.most_common(1)[0][0] if counted else "speechbrain/emotion-recognition-wav2vec2-IEMOCAP"


def _replayed_grid(states: list[tuple[str, RunState]], folders: Mapping[str, RunFolder], protocol: str) -> Ours | None:
    """The grid, four points an interval, on the trials that runs have recorded; None where they are too few. Minutes of several machines
    are not added up."""
    fair = [(run_id, state) for run_id, state in states if is_fair(state.start) and state.study.protocol == protocol]
    trials: list[Recorded] = []
    for run_id, _ in fair:
        try:
            trials += [trial for trial in of_run(folders[run_id]) if not trials or set(trial.parameters) == set(trials[0].parameters)]
        except UserError:
            continue
    if len(trials) < LEAST:
        return None
    try:
        space = space_of(trials)
        within = usable(space, trials)
        asked = replaying.choices("grid")
        request = Request(space, tuple(within), asked, (), GRID, len(os.sched_getaffinity(0)))
        found = replaying.replay(request, (NEAREST,), 1, lambda done, total: None)
        search = found.searches[0, NEAREST][0]
    except (UserError, KeyError):
        return None
    machines = {machine_text(state.start) for _, state in fair if state.start is not None}
    seconds = search.seconds if len(machines) == 1 else ()
    passed: list[tuple[float, int, float | None]] = []
    for mark in MARKS:
        at = next((place for place, value in enumerate(search.scores) if value >= mark), None)
        if at is not None:
            passed.append((mark, at + 1, sum(seconds[: at + 1]) / 60 if seconds else None))
    told = f"replayed on the nearest of {len(within)} recorded trials, whose error on unseen ones is {score(found.errors[NEAREST])}"
    minutes = sum(seconds) / 60 if seconds else None
    machine = next(iter(machines)) if len(machines) == 1 else "several: minutes are not added up"
    return Ours("replayed", told, Score(max(search.scores)), None, len(search.scores), minutes, tuple(passed), protocol, machine, "")


def _command(kind: str, encoder: str, protocol: str, budget: int) -> str:
    """What makes the run of a row that is missing."""
    words = ["ser-tui", "run", f"emodb-{kind}", "--set", f"encoder={encoder}"]
    words += ["--set", f"protocol={protocol}"] if protocol != "random" else []
    words += ["--set", f"budget.trials={budget}"] if kind != "grid" and budget != BUDGET else []
    return " ".join(words)


def _transfer_command(corpus: str, rows: Mapping[str, Ours]) -> str:
    best = max((one for one in rows.values() if one.how == "run"), key=lambda one: one.score.value, default=None)
    return f"ser-tui evaluate {best.run if best else 'RUN'} --on {corpus} --preset paper --raw"


def _document(
    encoder: str, protocol: str, budget: int, rows: Mapping[str, Ours], left: Mapping[str, str], found: Mapping[str, Transfer]
) -> dict[str, Any]:
    return {
        "encoder": encoder, "protocol": protocol, "budget": budget,
        "searches": [
            {
                "method": kind, "paper": _printed(SEARCHES.get(kind)), "ours": rows[kind].plain() if kind in rows else None,
                "command": None if kind in rows or kind == "autospeech" else _command(kind, encoder, protocol, budget),
            }
            for kind in ROWS
        ],
        "zero_shot": [
            {
                "corpus": corpus, "paper_untuned": untuned.score, "paper_tuned": tuned.score,
                "ours": found[corpus].plain() if corpus in found else None,
                "command": None if corpus in found else _transfer_command(corpus, rows),
            }
            for corpus, (untuned, tuned) in ZERO_SHOT.items()
        ],
        "left_out": dict(left),
    }  # fmt: skip


def _printed(one: Printed | None) -> dict[str, Any] | None:
    return None if one is None else dict(vars(one))


def _print(
    encoder: str, protocol: str, budget: int, rows: Mapping[str, Ours], left: Mapping[str, str], found: Mapping[str, Transfer]
) -> None:
    say(f"arXiv 2510.07052 beside the runs here: EmoDB, {encoder}, protocol {protocol}, the best of {budget} trials")
    headings = ("METHOD", "PAPER", "MINUTES", "TRIALS", "OURS BCA", "N", "TRIALS HERE", "MINUTES HERE", "TO .80/.90/.95", "PROTOCOL", "RUN")
    print_table(headings, [_row(kind, rows.get(kind)) for kind in ROWS], ("PAPER", "MINUTES", "TRIALS", "TRIALS HERE", "MINUTES HERE"))
    for machine in dict.fromkeys(one.machine for one in rows.values()):
        kinds = ", ".join(kind for kind, one in rows.items() if one.machine == machine)
        say(f"machine of {kinds}: {machine}")
    for kind, one in rows.items():
        if one.how == "replayed":
            say(f"{kind} was not run: {one.run}")
        if (spread := one.spread) is not None:
            say(f"{kind}: the newest of {spread[0]} runs; their mean is {score(spread[1])}, standard deviation {score(spread[2])}")
    say("the paper's minutes are of its own machines, more than one: they compare with none here. Its random split shares speakers.")
    say("")
    say("zero-shot, tuned on EmoDB: accuracy, untuned -> tuned")
    on = ("ON", "PAPER", "OURS UNTUNED", "OURS TUNED", "N", "LABELS", "MINUTES", "MACHINE", "RUN")
    print_table(on, [_transfer_row(corpus, found.get(corpus)) for corpus in ZERO_SHOT])
    missing = [f"{NAMES[kind]}: {_command(kind, encoder, protocol, budget)}" for kind in ROWS if kind not in rows and kind != "autospeech"]
    missing += [f"zero-shot on {corpus}: {_transfer_command(corpus, rows)}" for corpus in ZERO_SHOT if corpus not in found]
    for line in missing:
        say(f"missing: {line}")
    if "autospeech" not in rows:
        say(f"missing: {NAMES['autospeech']}: {_AUTOSPEECH}")
    for run_id, why in left.items():
        say(f"left out: {run_id}: {why}")


def _row(kind: str, ours: Ours | None) -> tuple[str, ...]:
    paper = SEARCHES.get(kind)
    told = (
        NAMES[kind], score(paper.score) if paper else "-", f"{paper.minutes:g}" if paper and paper.minutes else "-",
        str(paper.trials) if paper and paper.trials else "-",
    )  # fmt: skip
    if ours is None:
        return (*told, *("missing", "-", "-", "-", "-", "-", "-"))
    known = {mark: (trials, minutes) for mark, trials, minutes in ours.to}
    to = " / ".join("-" if mark not in known else _time(*known[mark]) for mark in MARKS)
    run = ours.run if ours.how == "run" else "replayed"
    n = sample(ours.score.n, ours.speakers) if ours.score.n else "-"
    return (*told, score_text(ours.score), n, str(ours.trials), _minutes(ours.minutes), to, ours.protocol, run)


def _time(trials: int, minutes: float | None) -> str:
    """3 (4.2 min)"""
    return f"{trials}" if minutes is None else f"{trials} ({minutes:.1f} min)"


def _minutes(minutes: float | None) -> str:
    return "-" if minutes is None else f"{minutes:.1f}"


def _transfer_row(corpus: str, ours: Transfer | None) -> tuple[str, ...]:
    untuned, tuned = ZERO_SHOT[corpus]
    told = (corpus, f"{score(untuned.score)} -> {score(tuned.score)}")
    if ours is None:
        return (*told, "missing", "missing", "-", "-", "-", "-", "-")
    labels = f"{ours.mapping}, {'masked' if ours.masked else 'all classes'}"
    n = sample(ours.tuned.n or 0, ours.speakers)
    return (*told, score_text(ours.untuned), score_text(ours.tuned), n, labels, _minutes(ours.minutes), ours.machine, ours.run)
