"""The verb paper: the tables of arXiv 2510.07052 beside what this folder's runs have."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.client import papers
from ser_tui.client.papers import NAMES, PaperTables
from ser_tui.places import runs_folder
from ser_tui.report.paper_tables import ROWS, SEARCHES, ZERO_SHOT, Ours, Printed, Transfer, unlike
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, score, score_text
from ser_tui.study.headline import sample
from ser_tui.study.time_to_score import BEGIN, HORIZON, MARKS, area_value


def print_paper(*, encoder: str, protocol: str, budget: int, replayed: bool, as_json: bool) -> None:
    """Print the tables, or the document."""
    runs = runs_folder()
    found = papers.gathered(runs, encoder, protocol, budget)
    if replayed:
        with suppress(UserError):  # the command of what is missing is named then
            found = papers.with_grid(runs, found)
    if as_json:
        print_json(_document(found))
    else:
        _print(found)


def _document(tables: PaperTables) -> dict[str, Any]:
    rows, found = tables.rows, tables.transfers
    return {
        "encoder": tables.encoder, "protocol": tables.protocol, "budget": tables.budget,
        "searches": [
            {
                "method": kind, "paper": _printed(SEARCHES.get(kind)), "ours": rows[kind].plain() if kind in rows else None,
                "command": None if kind in rows else papers.command(kind, tables),
            }
            for kind in ROWS
        ],
        "zero_shot": [
            {
                "corpus": corpus, "paper_untuned": untuned.score, "paper_tuned": tuned.score,
                "ours": found[corpus].plain() if corpus in found else None,
                "command": None if corpus in found else papers.transfer_command(corpus, tables),
            }
            for corpus, (untuned, tuned) in ZERO_SHOT.items()
        ],
        "left_out": dict(tables.left), "unlike": unlike(rows), "unlike_paper": papers.unlike_paper(rows),
    }  # fmt: skip


def _printed(one: Printed | None) -> dict[str, Any] | None:
    return None if one is None else dict(vars(one))


def _print(tables: PaperTables) -> None:
    rows, found = tables.rows, tables.transfers
    of = f"EmoDB, {tables.encoder}, protocol {tables.protocol}, the best of {counted(tables.budget, 'trial')}"
    say(f"arXiv 2510.07052 beside the runs here: {of}")
    headings = (
        "METHOD", "PAPER", "MINUTES", "TRIALS", "OURS BCA", "N", "TRIALS HERE", "MINUTES HERE", "TO .80/.90/.95", "ALC", "PROTOCOL", "RUN",
    )  # fmt: skip
    right = ("PAPER", "MINUTES", "TRIALS", "TRIALS HERE", "MINUTES HERE", "ALC")
    print_table(headings, [_row(kind, rows.get(kind)) for kind in ROWS], right)
    say(f"ALC: area under the curve of the best BCA so far over log time, 0 to {HORIZON:,.0f} s, t0 = {BEGIN:.0f} s.")
    for machine in dict.fromkeys(one.machine for one in rows.values()):
        kinds = ", ".join(kind for kind, one in rows.items() if one.machine == machine)
        say(f"machine of {kinds}: {machine}")
    for kind, one in rows.items():
        if one.how == "replayed":
            say(f"{kind} was not run: {one.run}")
        if (spread := one.spread) is not None:
            say(f"{kind}: the newest of {spread[0]} runs; their mean is {score(spread[1])}, standard deviation {score(spread[2])}")
    for line in (*unlike(rows), *papers.unlike_paper(rows)):
        say(line)
    say("The paper's minutes were taken on its own machines and cannot be compared with yours. Its random split shares speakers.")
    say("")
    say("zero-shot, tuned on EmoDB: accuracy, untuned -> tuned")
    on = ("ON", "PAPER", "OURS UNTUNED", "OURS TUNED", "N", "LABELS", "MINUTES", "MACHINE", "RUN")
    print_table(on, [_transfer_row(corpus, found.get(corpus)) for corpus in ZERO_SHOT])
    missing = [f"{NAMES[kind]}: {papers.command(kind, tables)}" for kind in ROWS if kind not in rows]
    missing += [f"zero-shot on {corpus}: {papers.transfer_command(corpus, tables)}" for corpus in ZERO_SHOT if corpus not in found]
    for line in missing:
        say(f"missing: {line}")
    unfinished = {run_id for run_id, _ in tables.begun.values()}
    for run_id, why in tables.left.items():
        further = f"; `ser-tui resume {run_id} --trials {tables.budget}` goes on with it" if run_id in unfinished else ""
        say(f"left out: {run_id}: {why}{further}")
    if told := papers.probes_told(tables):
        say(told)


def _row(kind: str, ours: Ours | None) -> tuple[str, ...]:
    paper = SEARCHES.get(kind)
    told = (
        NAMES[kind], score(paper.score) if paper else "-", f"{paper.minutes:g}" if paper and paper.minutes else "-",
        str(paper.trials) if paper and paper.trials else "-",
    )  # fmt: skip
    if ours is None:
        return (*told, *("missing", "-", "-", "-", "-", "-", "-", "-"))
    known = {mark: (trials, minutes) for mark, trials, minutes in ours.to}
    to = " / ".join("-" if mark not in known else _time(*known[mark]) for mark in MARKS)
    run = ours.run if ours.how == "run" else "replayed"
    n = sample(ours.score.n, ours.speakers) if ours.score.n else "-"
    return (*told, score_text(ours.score), n, str(ours.trials), _minutes(ours.minutes), to, area_value(ours.alc), ours.protocol, run)


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
    n = sample(ours.tuned.n or 0, ours.speakers)
    return (*told, score_text(ours.untuned), score_text(ours.tuned), n, ours.labels, _minutes(ours.minutes), ours.machine, ours.run)
