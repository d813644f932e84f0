"""The paper's tables beside ours, as their screen shows them: pure functions from what was gathered to rows and lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ser_tui.client.papers import NAMES, PaperTables, command, probes_told, transfer_command, unlike_paper
from ser_tui.replay.recorded import LEAST
from ser_tui.report.paper_tables import ROWS, SEARCHES, ZERO_SHOT, Ours, Transfer, unlike
from ser_tui.report.sheets import Sheet, SheetColumn
from ser_tui.study.formatting import counted, score, score_text
from ser_tui.study.headline import sample
from ser_tui.study.scores import Score
from ser_tui.study.time_to_score import MARKS, area_value
from ser_tui.tui.widgets.lines import broken, exactly
from ser_tui.tui.widgets.table import Column, Row, cell

WIDE, HUGE = 110, 190
"""Columns from where trials and times have room, and protocol and machine too."""
UNTUNED, TUNED = "untuned", "tuned"
NOTE = "BCA of searches, accuracy of zero-shot. The paper's minutes were taken on its own machines; its random split shares speakers."


def columns(width: int) -> list[Column]:
    """Of the table: the paper's cells, then ours."""
    found = [
        Column("row", "", 23, flexible=True, most=30), Column("paper", "PAPER", 5, "right"), Column("paper_minutes", "MIN", 5, "right"),
    ]  # fmt: skip
    if width >= WIDE:
        found.append(Column("paper_trials", "TRIALS", 6, "right"))
    found += [Column("ours", "OURS", 18, "right"), Column("minutes", "MIN", 6, "right"), Column("n", "N", 14, flexible=True, most=22)]
    if width >= WIDE:
        found += [Column("trials", "TRIALS", 6, "right"), Column("to", "TRIALS TO .80 / .90 / .95", 25)]
    if width >= HUGE:
        found += [Column("protocol", "PROTOCOL", 48, flexible=True, most=60), Column("machine", "MACHINE", 22, flexible=True, most=60)]
    return found


def rows(tables: PaperTables, shown: Sequence[Column]) -> list[Row]:
    """One row a strategy, then two for each corpus: of the encoder untuned and tuned. `shown`: the columns, see `columns`."""
    found = {kind: _of_row(tables, kind) for kind in ROWS}
    for corpus, printed in ZERO_SHOT.items():
        there = tables.transfers.get(corpus)
        for which, paper in zip((UNTUNED, TUNED), printed, strict=True):
            found[f"{corpus} {which}"] = {
                "row": cell(f"on {corpus}, {which}"), "paper": cell(score(paper.score)), **_of_target(there, which),
            }  # fmt: skip
    return [(key, tuple(cells.get(column.key, cell("-")) for column in shown)) for key, cells in found.items()]


def _of_row(tables: PaperTables, kind: str) -> dict[str, Text]:
    """The cells of a strategy, by their columns; those of which nothing is known are left out."""
    paper, ours = SEARCHES.get(kind), tables.rows.get(kind)
    cells = {"row": cell(NAMES[kind])}
    if paper is not None:
        minutes = f"{paper.minutes:g}" if paper.minutes else "-"
        cells |= {"paper": cell(score(paper.score)), "paper_minutes": cell(minutes), "paper_trials": cell(paper.trials or "-")}
    if ours is None:
        begun = tables.begun.get(kind)
        return cells | {"ours": cell("missing" if begun is None else f"{begun[1]} of {counted(tables.budget, 'trial')}", "warning")}
    to = {mark: trials for mark, trials, _ in ours.to}
    cells |= _ours(ours.score, ours.minutes, ours.speakers)
    if ours.how != "run":
        cells["n"] = cell("replayed", "warning")  # without a word it would pass for a run
    return cells | {
        "trials": cell(ours.trials), "to": cell(" / ".join(str(to.get(mark, "-")) for mark in MARKS)),
        "protocol": cell(ours.protocol), "machine": cell(ours.machine),
    }  # fmt: skip


def _of_target(there: Transfer | None, which: str) -> dict[str, Text]:
    """What a run has on another corpus, as `_of_row` has it."""
    if there is None:
        return {"ours": cell("missing", "warning")}
    value = there.tuned if which == TUNED else there.untuned
    ours = {"ours": cell("missing", "warning")} if value is None else _ours(value, there.minutes, there.speakers)
    return {**ours, "protocol": cell(there.protocol), "machine": cell(there.machine)}


def _ours(value: Score, minutes: float | None, speakers: int | None) -> dict[str, Text]:
    n = sample(value.n, speakers) if value.n else "-"
    return {"ours": cell(score_text(value), "accent"), "minutes": cell("-" if minutes is None else f"{minutes:.1f}"), "n": cell(n)}


def is_missing(tables: PaperTables, row: str) -> bool:
    """Whether nothing of ours stands in the row; in that of a replayed grid nothing was run."""
    corpus, _, which = row.partition(" ")
    if not which:
        return run_of(tables, row) is None
    there = tables.transfers.get(corpus)
    return there is None or (which == UNTUNED and there.untuned is None)


def run_of(tables: PaperTables, row: str) -> str | None:
    """The run that stands in the row, or will when it has enough trials."""
    corpus, _, which = row.partition(" ")
    if not which:
        ours, begun = tables.rows.get(row), tables.begun.get(row)
        if ours is None and begun is not None:
            return begun[0]
        return ours.run if ours is not None and ours.how == "run" else None
    there = tables.transfers.get(corpus)
    return None if there is None else there.run


def detail(tables: PaperTables, row: str | None, width: int, lines: int) -> list[Text]:
    """What is known of the highlighted row, on exactly so many lines."""
    parts: list[Text] = []
    if row is not None:
        corpus, _, which = row.partition(" ")
        told = _of_transfer(tables, corpus, which) if which else _of_search(tables, row, wide=width >= WIDE)
        parts = [part for one in told for part in broken(one, max(20, width))]
    return exactly(parts, lines)


def _of_search(tables: PaperTables, kind: str, *, wide: bool) -> list[Text]:
    ours, begun = tables.rows.get(kind), tables.begun.get(kind)
    if ours is None and begun is not None:
        told = f"run {begun[0]} has {begun[1]} of {counted(tables.budget, 'trial')} so far"
        return [cell(f"{told}; enter opens it, where r goes on with it", "warning")]
    if ours is None:
        can = f"; g replays it on the {counted(tables.recorded, 'recorded trial')}" if kind == "grid" and tables.recorded >= LEAST else ""
        return [cell(f"missing: enter starts or queues it{can}", "warning"), cell(command(kind, tables), "muted")]
    passed = ", ".join(f"{score(mark)} after {counted(trials, 'trial')}{_minutes(minutes)}" for mark, trials, minutes in ours.to)
    lines = [cell(_run_words(ours, wide=wide))]
    over = f"{sample(ours.score.n, ours.speakers)}; " if ours.score.n and ours.speakers else ""  # the column has room for n alone
    lines.append(cell(f"{over}protocol: {ours.protocol}; machine: {ours.machine}", "muted"))
    if passed:
        lines.append(cell(f"BCA passed {passed}", "muted"))
    if (spread := ours.spread) is not None:
        told = f"{spread[0]} runs of this kind: mean {score(spread[1])}, standard deviation {score(spread[2])}; the newest one stands here"
        lines.append(cell(told, "muted"))
    apart = [line for line in (*unlike(tables.rows), *unlike_paper(tables.rows)) if kind in line]
    return [*lines, *(cell(line, "warning") for line in apart)]


def _run_words(ours: Ours, *, wide: bool) -> str:
    """Of a run: its id, how many trials and the area under its curve; of a replay what it was made on."""
    if ours.how == "run":
        named = "area under its learning curve over log time" if wide else "ALC"
        area = "" if ours.alc is None else f", {named} {area_value(ours.alc)}"
        return f"run {ours.run}, {counted(ours.trials, 'trial')}{area}; enter opens it"
    return f"not run, but {ours.run}; enter starts or queues the run"


def _minutes(minutes: float | None) -> str:
    return "" if minutes is None else f" ({minutes:.1f} min)"


def _of_transfer(tables: PaperTables, corpus: str, which: str) -> list[Text]:
    there = tables.transfers.get(corpus)
    if there is None:
        if tables.best_run is None:
            return [cell("missing: it needs a search on EmoDB first, of a row above", "warning")]
        told = cell(f"missing: enter opens the evaluation of {tables.best_run}", "warning")
        return [told, cell(transfer_command(corpus, tables), "muted")]
    missing = [cell("the run has no score of the untuned encoder", "warning")] if which == UNTUNED and there.untuned is None else []
    return [*missing, cell(f"run {there.run}; enter opens it"), cell(_conditions(there), "muted")]


def _conditions(there: Transfer) -> str:
    masked = "masked" if there.masked else "raw: all classes can be predicted"
    over = f"{sample(there.tuned.n, there.speakers)}; " if there.tuned.n and there.speakers else ""
    doubt = f"; {there.doubt}" if there.doubt else ""
    return f"{over}labels: {there.mapping}, {masked}{doubt}; trained by: {there.protocol}; machine: {there.machine}"


def left_line(tables: PaperTables) -> Text:
    """How many runs stand nowhere, and why."""
    reasons = sorted(set(tables.left.values()))
    told = [f"{counted(len(tables.left), 'run')} left out: {'; '.join(reasons)}"] if reasons else []
    told += filter(None, [probes_told(tables)])
    return cell(". ".join((*told, NOTE)), "muted")


def sheet(tables: PaperTables) -> Sheet:
    """Both tables as one that leaves the app, each cell of ours with its conditions."""
    names = (
        ("row", "", False), ("paper", "paper", True), ("paper_minutes", "minutes", True), ("paper_trials", "trials", True),
        ("ours", "ours", True), ("low", "95 % from", True), ("high", "to", True), ("n", "n", True), ("trials", "trials", True),
        ("minutes", "minutes", True), ("protocol", "protocol", False), ("machine", "machine", False), ("run", "run", False),
    )  # fmt: skip
    kept = tuple(SheetColumn(name, heading, _plainly, right=right) for name, heading, right in names)
    found: list[tuple[object, ...]] = []
    for kind in ROWS:
        paper, ours = SEARCHES.get(kind), tables.rows.get(kind)
        printed = (None, None, None) if paper is None else (paper.score, paper.minutes, paper.trials)
        found.append((NAMES[kind], *printed, *_values(ours.score if ours else None), *_facts(ours)))
    for corpus, printed_ in ZERO_SHOT.items():
        there = tables.transfers.get(corpus)
        for which, one in zip((UNTUNED, TUNED), printed_, strict=True):
            value = None if there is None else there.tuned if which == TUNED else there.untuned
            how = "" if there is None else f"{there.protocol}; labels: {there.labels}"
            facts: Sequence[object] = (None,) * 5 if there is None else (None, there.minutes, how, there.machine, there.run)
            found.append((f"zero-shot on {corpus}, {which}", one.score, None, None, *_values(value), *facts))
    title = f"arXiv 2510.07052 and the runs here: EmoDB, {tables.encoder}, protocol {tables.protocol}"
    apart = "".join(f" {line[:1].upper()}{line[1:]}." for line in (*unlike(tables.rows), *unlike_paper(tables.rows)))
    return Sheet(title, kept, tuple(found), note=f"The best of {counted(tables.budget, 'trial')}. {NOTE}{apart}")


def _values(value: Score | None) -> tuple[object, ...]:
    return (None,) * 4 if value is None else (value.value, *(value.interval or (None, None)), value.n or None)


def _facts(ours: Ours | None) -> tuple[object, ...]:
    return (None,) * 5 if ours is None else (ours.trials, ours.minutes, ours.protocol, ours.machine, ours.run)


def _plainly(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) and value < 1 else f"{value:.4g}" if isinstance(value, float) else str(value)
