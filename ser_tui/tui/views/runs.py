"""Summaries as the home screen shows them: pure functions from data to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from ser_tui.store.runs import folder_made
from ser_tui.study.constraints import standing
from ser_tui.study.findings import NOT_UNSEEN, Finding, doubts, evaluated_on, is_seen, said, shares
from ser_tui.study.formatting import (
    SCORE_CELLS,
    SCORE_HEADING,
    binned,
    counted,
    duration,
    end_text,
    ended,
    local_zone,
    mean,
    measured_text,
    of_speakers,
    parameter,
    score,
    score_text,
    shared,
)
from ser_tui.study.frozen import changed
from ser_tui.study.headline import KINDS, Figure, apart_text, chose, headline_of, headline_text, p_is_about, sample, without_model
from ser_tui.study.headline import speakers_text as over_speakers
from ser_tui.study.hyperparameters import TRAINED
from ser_tui.study.hyperparameters import counts as is_read
from ser_tui.study.run_summary import RunSummary, TrialSummary, beside_probe
from ser_tui.study.scores import BCA, Score
from ser_tui.study.status import ShownStatus, TrialStatus
from ser_tui.tui.theme import mark, run_style, state_text
from ser_tui.tui.views.sparks import ENDS, bars_text, scaled
from ser_tui.tui.widgets.lines import broken
from ser_tui.tui.widgets.table import Column, cell, fitted

STANDING: Mapping[ShownStatus | None, tuple[str, str]] = {
    ShownStatus.QUEUED: ("waits for its turn in the queue; r starts it at once", "accent"),
    ShownStatus.STUCK: ("its turn came, and it could not be started; w says why, r tries it at once", "warning"),
    ShownStatus.NOT_BEGUN: ("no worker was ever on it, and it does not wait for its turn; r starts it", "accent"),
    ShownStatus.ELSEWHERE: (
        "worked on by another host; whether it still is cannot be seen from here. s asks it to stop, r says which one it is", "warning"
    ),
    ShownStatus.PRIVATE: ("another user's, who alone can read it", "muted"),
}  # fmt: skip
"""What is to be said of a run on which no worker is, and in which style."""
UNKNOWN = "nothing is known of this run: its folder holds neither a log nor a study, so nothing can go on"
WITHOUT_WORKER = (ShownStatus.INTERRUPTED, ShownStatus.NOT_BEGUN)
COLLAPSED = "collapsed to chance"
"""Said of a best trial, as all of whose kind did, or where it is not chosen for its BCA."""

HOME_COLUMNS = (
    Column("mark", "", 1),
    Column("state", "STATE", 11),
    Column("run", "RUN", 20, flexible=True),
    Column("strategy", "STRATEGY", 8),
    Column("corpus", "CORPUS", 7),
    Column(BCA, SCORE_HEADING, SCORE_CELLS),
    Column("of", "OF", 7),
    Column("trials", "TRIALS", 6, "right"),
    Column("time", "TIME", 6, "right"),
)

_FACT = 13
"""Cells for the name of a fact in the pane, with the blank after it."""
_TITLE = 8
"""Cells of a run's title that a table of 80 cells has room for, behind its date."""
_ADVICE: Mapping[ShownStatus | None, tuple[str, str]] = {
    **STANDING,
    ShownStatus.INTERRUPTED: ("interrupted: its worker is gone; r takes the search up where the log ends", "warning"),
    ShownStatus.QUEUED: (f"{STANDING[ShownStatus.QUEUED][0]}, w shows the queue", "accent"),
}
"""What a run needs that does not go on by itself."""


_DISPENSABLE = ("strategy", "corpus")
"""What is told beside or below the table too, the first to be left out first."""
_WHOLE = 22
"""Cells for what a pooled figure's configuration was chosen on, where there is room."""


_MORE = (
    ("corpus", Column("protocol", "PROTOCOL", 10)),
    ("of", Column("spark", "EACH TRIAL", 14)),
    ("of", Column("n", "N", 5, "right")),
    ("protocol", Column("encoder", "ENCODER", 16)),
    ("n", Column("probe", "PROBE", 5, "right")),
    ("probe", Column("zero", "ZERO-SHOT", 14)),
)
"""What wide tables show besides, in this order, each behind the column that is named."""
_ROOM_FOR_NAMES = 12
"""Cells that the names of runs have then beyond their least."""


def home_columns(room: int) -> list[Column]:
    """The columns for a table of `room` cells (0: not known): what is told beside or below it is left out where they are too many."""
    columns = [changed(one, heading=f"RUN ({local_zone()})") if one.key == "run" else one for one in HOME_COLUMNS]
    for key in _DISPENSABLE:
        if 0 < room < _needed(columns):
            columns = [column for column in columns if column.key != key]
    if room >= _needed(columns) + len("/10000"):
        columns = [changed(column, width=len("9999/10000")) if column.key == "trials" else column for column in columns]
    if room >= _needed(columns) + _WHOLE:
        columns = [changed(column, width=_WHOLE) if column.key == "of" else column for column in columns]
    for before, column in _MORE:
        if room - _ROOM_FOR_NAMES < _needed([*columns, column]):
            break
        place = next(number for number, one in enumerate(columns, 1) if one.key == before)
        columns.insert(place, column)
    return columns


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width + 1 for column in columns)


ORDERS: Mapping[str, tuple[str, Callable[[RunSummary], Any], bool]] = {
    "run": ("time of start, newest first", lambda one: one.run_id, True),
    BCA: ("score, best first", lambda one: one.headline.score.value if one.headline else None, True),
    "state": ("state", lambda one: one.shown, False),
    "strategy": ("strategy", lambda one: one.strategy or None, False),
    "corpus": ("corpus", lambda one: one.corpus or None, False),
    "of": ("what the score is of", lambda one: headline_of(one.headline) if one.headline else None, False),
    "trials": ("trials, most first", lambda one: one.trials, True),
    "time": ("time taken, longest first", lambda one: one.seconds, True),
    "name": ("title", lambda one: one.title.lower(), False),
    "encoder": ("encoder", lambda one: one.encoder or None, False),
    "protocol": ("protocol", lambda one: one.protocol or None, False),
    "n": ("utterances of the score, most first", lambda one: (one.headline.n or None) if one.headline else None, True),
}
"""What runs can be sorted by: its words, its value (None: not known), and whether the largest comes first."""


def ordered(summaries: Sequence[RunSummary], by: str, backwards: bool) -> list[RunSummary]:
    """`summaries`, which come newest first, by one of ORDERS, or the other way round; what has no such value is last either way."""
    _, value, largest_first = ORDERS[by]
    if by == "run":
        return list(reversed(summaries)) if backwards else list(summaries)
    known = [one for one in summaries if value(one) is not None]
    unknown = [one for one in summaries if value(one) is None]
    return sorted(known, key=value, reverse=largest_first != backwards) + unknown


def order_text(by: str, backwards: bool) -> str:
    """by score, best first; nothing for the usual order."""
    if by == "run" and not backwards:
        return ""
    return f"by {ORDERS[by][0]}" + (", the other way round" if backwards else "")


def run_label(summary: RunSummary, year: bool = False) -> str:
    """Date, minute (local time) and study name: what tells runs apart at a glance. `year`: where there is room for it."""
    run_id = summary.run_id
    date = run_id[:13]
    made = folder_made(run_id)
    if made is not None:  # else a folder that a person has named
        with suppress(OverflowError):
            date = made.astimezone().strftime("%Y%m%d-%H%M" if year else "%m-%d %H:%M")
    named = f"{date} {summary.title or run_id[16:-5]}"
    return " #".join((named, *summary.remarks.tags))


def home_cells(summary: RunSummary, marked: int | None, year: bool = False, columns: Sequence[Column] = HOME_COLUMNS) -> tuple[Text, ...]:
    """One run as a row of the home screen's table. `marked`: as which one it is marked, if at all."""
    figure = summary.headline
    widths = {column.key: column.width for column in columns}
    of = headline_of(figure)
    trials = summary.of_planned
    cells = {
        "mark": cell("") if marked is None else cell(mark(marked), run_style(marked)),
        "state": cell("imported", "muted") if summary.imported else state_text(summary.state or ShownStatus.CHECKING),
        "run": cell(run_label(summary, year)),
        "strategy": cell(summary.strategy or "-"),
        "corpus": cell(summary.corpus or "-"),
        BCA: cell(figure.short if figure else "-", "" if figure else "muted"),
        "of": cell(of if len(of) <= widths.get("of", 0) >= _WHOLE else _short_of(figure), "muted"),
        "trials": cell(trials if len(trials) <= widths.get("trials", 0) else summary.trials),
        "time": cell(duration(summary.seconds)),
        "protocol": cell(summary.protocol or "-", "muted"),
        "spark": _trials_spark(summary, widths.get("spark", 0)),
        "n": cell(figure.n or "-" if figure else "-", "muted"),
        "encoder": cell(summary.encoder.rpartition("/")[2] or "-", "muted"),
        "probe": cell(score(probe.value) if (probe := _probe_beside(summary)) else "-", "muted"),
        "zero": cell(_zero_shot(summary), "muted"),
    }
    return tuple(cells[column.key] for column in columns)


def _trials_spark(summary: RunSummary, width: int) -> Text:
    """What each trial came to, between the ends of the run's own scale: .38, blocks, .95."""
    if not any(value is not None for value in summary.values):
        return cell("-", "muted")
    measure = summary.measure
    real = [value for value in summary.values if value is not None]
    ends = sum(len(end_text(measure)(end)) for end in (min(real), max(real)))
    return scaled(summary.values, max(1, width - ends), text=end_text(measure))


def _probe_beside(summary: RunSummary) -> Score | None:
    """The probe's score on the part that the run is listed by: beside another one it would be compared with what it is no match for."""
    figure, probe = summary.headline, summary.probe
    if figure is not None and figure.kind == "test":
        beside = summary.test.probe if summary.test else None
    elif figure is not None and figure.kind == "pooled":
        beside = next((folds.probe for folds in summary.folds if folds.score == figure.score), None)
    else:
        return probe.score if probe else None
    return beside.score if beside else None


def _zero_shot(summary: RunSummary) -> str:
    """ravdess .545: the accuracy of the last evaluation that is a zero-shot one, with a ! where more must be known of it; how many more
    there are."""
    if not summary.evaluations:
        return "-"
    others = len(summary.evaluations) - 1
    last = next((one for one in reversed(summary.evaluations) if not is_seen(one.findings)), None)
    if last is None:
        return NOT_UNSEEN
    earlier = summary.best is not None and last.trial not in (0, summary.best.number)
    known = "!" if doubts(last.findings) or last.speakers or last.without or earlier else ""
    return f"{last.corpus[:7]} {score(last.accuracy.value)}{known}" + (f" +{others}" if others else "")


def _short_of(figure: Figure | None) -> str:
    """test, valid., or pooled* where the line below says what chose the configuration."""
    if figure is None:
        return "-"
    return KINDS.get(figure.kind, figure.kind) + ("*" if figure.needs_telling else "")


def counts(summaries: Sequence[RunSummary]) -> str:
    """3 runs, 1 live"""
    live = sum(summary.under_way for summary in summaries)
    number, away = len(summaries), sum(summary.remarks.archived for summary in summaries)
    return counted(number, "run", ",") + (f", {live} live" if live else "") + (f", {away} archived" if away else "")


def speakers_text(summary: RunSummary) -> Text:
    """Whether training and validation share speakers: what decides how far the score can be believed."""
    if not summary.protocol:
        return Text()
    known = summary.shares_speakers
    return cell(f"shared speakers: {shared(known)} ({summary.protocol} split)", "" if known is False else "warning")


def all_findings(summary: RunSummary) -> list[tuple[str, tuple[Finding, ...]]]:
    """(what they are about, findings): of the run, then of folds and of evaluations, as far as there are some."""
    found = [("the run and its split", summary.findings)]
    found += [(f"{folds.protocol}, all folds pooled", folds.findings) for folds in summary.folds]
    found += [(f"{evaluated_on(one.corpus, one.findings)}, n = {one.utterances}", one.findings) for one in summary.evaluations]
    return [(about, findings) for about, findings in found if findings]


def findings_lines(summary: RunSummary) -> list[Text]:
    """All of them in whole sentences, one a line."""
    found = all_findings(summary)
    head = cell(summary.title or summary.run_id, "bold")
    lines = [head.append_text(cell(f"   {counted(_number_of_findings(summary), 'finding')}", "accent"))]
    for about, findings in found:
        lines += [Text(), cell(about, "accent"), *(cell(f"! {sentence}", "warning") for sentence in said(findings))]
    return lines


def _number_of_findings(summary: RunSummary) -> int:
    return sum(len(findings) for _, findings in all_findings(summary))


def short_detail(summary: RunSummary, width: int, looked_for: Sequence[str] = ()) -> list[Text]:
    """Two lines about the highlighted run, for terminals too narrow for a pane. `looked_for`: which of its scores are looked for, see
    `RunFilter.found`."""
    line = Text(no_wrap=True)
    figure, best, speakers = summary.headline, summary.best, speakers_text(summary)
    line.append_text(cell(_in_one_line(figure) if figure else "no score yet", "strong" if figure else "muted"))
    line.append("  ")
    room = width - line.cell_len - speakers.cell_len - 2
    if room >= 4 + ENDS and len(summary.best_so_far) > 1:
        line.append_text(scaled(summary.best_so_far, room - ENDS, bar=summary.measure.best, text=end_text(summary.measure)))
        line.append("  ")
    if room >= -2:
        line.append_text(speakers)
    line.rstrip()
    line, *rest = broken(line, width)  # what chose a configuration is not cut
    number = _number_of_findings(summary)
    findings = cell(f"{counted(number, 'finding')} (f)" if number else "", "warning")
    beside = bool(findings) and line.cell_len + 2 + findings.cell_len <= width
    if beside:
        line.append("  ").append_text(findings)
    second, gap = Text(no_wrap=True), "   "
    if best and best.status == TrialStatus.COLLAPSED:
        second.append_text(cell(f"trial {best.number} {COLLAPSED}   ", "warning"))
    known = summary.state or summary.status  # before its worker is looked for, what its log says
    if summary.reason and known not in (ShownStatus.DONE, ShownStatus.QUEUED, ShownStatus.STUCK):
        second.append_text(cell(ended(summary.shown, summary.reason), "warning"))
    elif summary.state in WITHOUT_WORKER and not summary.study:
        second.append(UNKNOWN, "warning")
    elif summary.state in _ADVICE:
        second.append(*_ADVICE[summary.state])
    else:
        second.append_text(cell(f"{summary.strategy or '-'}  {summary.encoder or '-'}"))
        if best:
            told = f"   {parameters_text(best.parameters)}"
            titled = cell_len(summary.title) + 3 if cell_len(summary.title) > _TITLE else 0
            if titled + second.cell_len + cell_len(told) > width:
                # The last number is not cut: half a number is another one.
                gap = "  "
                told = gap + parameters_text(best.parameters, short=True).replace("  ", " ")
            second.append_text(cell(told, "muted"))
    title, usual = cell(f"{summary.title}{gap}", "bold"), summary.state not in _ADVICE and not second.plain.startswith(str(known))
    # Of a long title the table shows the beginning, which several runs may have. What is to be done is not cut for it.
    if cell_len(summary.title) > _TITLE and (usual or title.cell_len + second.cell_len <= width):
        second = title.append_text(second)
    for part in reversed(rest):
        part.rstrip()
        second = part.append("   ").append_text(second)
    if findings and not beside and second.cell_len + 2 + findings.cell_len <= width:
        second.append("  ").append_text(findings)
    return [line, cell(fitted("; ".join(looked_for), width).rstrip(), "accent") if looked_for else second]


def _in_one_line(figure: Figure) -> str:
    """A headline under a table that has its kind: "* .757 [.690, .820]  n = 535, 10 speakers; fold 03 chose the configuration"."""
    number = score_text(figure.score)
    if figure.kind == "pooled":
        return f"* {number}  {'; '.join(filter(None, (sample(figure.n, figure.speakers), figure.words)))}"
    over = (f"n={figure.n}" if figure.n else "n not known") + (f", {over_speakers(figure.speakers)}" if figure.speakers else "")
    if figure.needs_telling:
        return f"* {number}  {over}; {figure.words}"
    return f"{number} {figure.name}, {over}"


_FINE_TUNED = ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds")
_PROBE = ("layers", "pooling", "inverse_regularization", "max_seconds")


def parameters_text(parameters: Mapping[str, Any], names: Sequence[str] | None = None, *, short: bool = False) -> str:
    """lr 1.8e-4  epochs 8  unfreeze 0  5 s: a trial's values in one line, those of `names` or the usual four.

    `short`: ep 8, unf 0 and pool mean, as the table of trials heads its columns.
    """
    wanted = names or (_FINE_TUNED if "learning_rate" in parameters else _PROBE)
    words = {"learning_rate": "lr", "unfreeze_epoch": "unfreeze", "inverse_regularization": "C"}
    if short:
        words |= {"epochs": "ep", "unfreeze_epoch": "unf", "pooling": "pool"}
    found = []
    for name in wanted:
        if name not in parameters or not is_read(name, parameters.get(TRAINED, "full")):
            continue
        value = parameter(name, parameters[name])
        found.append(f"{value} s" if name == "max_seconds" else f"{words.get(name, name)} {value}")
    return "  ".join(found)


def _of_trial(summary: RunSummary, best: TrialSummary) -> str:
    """trial 5 of 15, validation, pooled over 3 of 10 folds, n = 90, 4 speakers; keeps latency <= 0.05"""
    over, stands = sample(best.utterances, summary.interval_speakers), standing(best.scores, summary.study.constraints)
    part = f"validation{f', {summary.pooled_over}' if summary.pooled_over else ''}{summary.study.beside}"
    return f"trial {best.number} of {summary.trials}, {part}, {over}{'; ' if stands else ''}{stands}"


def _how_it_stands(summary: RunSummary, width: int) -> list[Text]:
    """What a run needs that does not go on by itself, for the pane beside the list."""
    if summary.state in WITHOUT_WORKER and not summary.study:
        return broken(cell(UNKNOWN, "warning"), width)
    if summary.state == ShownStatus.INTERRUPTED:
        return broken(cell("its worker is gone; r resumes", "warning"), width)
    advice = STANDING.get(summary.state)
    return [] if advice is None else broken(cell(*advice), width)


def full_detail(summary: RunSummary, width: int, looked_for: Sequence[str] = ()) -> list[Text]:
    """The pane beside the list, from 110 columns on. `looked_for`: see `short_detail`."""
    lines: list[Text] = [
        cell(summary.title or summary.run_id, "bold"),
        cell(summary.run_id, "muted"),
        *([cell("  ".join(f"#{tag}" for tag in summary.remarks.tags), "accent")] if summary.remarks.tags else []),
        *(cell(line) for line in summary.remarks.note.splitlines()),
        *(line for one in looked_for for line in broken(cell(one, "accent"), width)),
        Text(),
    ]

    def fact(name: str, value: object, style: str = "") -> None:
        line = cell(fitted(name, max(_FACT, cell_len(name) + 1)), "muted")
        line.append_text(cell(value, style))
        lines.append(line)

    fact("state", "imported" if summary.imported else summary.state or ShownStatus.CHECKING)
    lines += _how_it_stands(summary, width)
    if summary.reason:
        fact("", summary.reason, "" if summary.state == ShownStatus.DONE else "warning")
    fact("corpus", summary.corpus or "-")
    fact("encoder", summary.encoder or "-")
    fact("method", summary.method or "-")
    fact("strategy", summary.strategy or "-")
    parts = summary.utterances or {}
    fact("protocol", summary.protocol or "-")
    if parts:
        fact("utterances", "  ".join(f"{part} {number}" for part, number in parts.items() if number))
    lines.append(speakers_text(summary))
    found = _number_of_findings(summary)
    fact("findings", f"{found}: f reads {'it' if found == 1 else 'them'}" if found else "none", "warning" if found else "")
    lines.append(Text())
    best = summary.best
    figure = summary.headline
    if figure and figure.kind != "validation":
        fact("BCA", headline_text(figure), "strong")
    if best:
        for words, one in summary.study.of_best:
            fact(words, measured_text(one, best.scores.get(one.name)), "strong")
        fact("", _of_trial(summary, best))
        if best.status == TrialStatus.COLLAPSED:
            fact("", COLLAPSED, "warning")
        fact("", parameters_text(best.parameters))
        if lacks := without_model(best.number, best.unsaved):
            lines += broken(cell(lacks, "warning"), width)
        if summary.probe:
            fact("probe", beside_probe(summary.probe, p_is_about(summary.interval_speakers)))
    else:
        fact(summary.measure.most, "none yet")
    lines += _sparks(summary, width)
    lines += results(summary)
    if summary.damaged_lines:
        lines += [Text(), cell(f"{counted(summary.damaged_lines, 'damaged line')} in its log", "warning")]
    return [*(part for line in lines for part in broken(line, width, hang=13)), *_sentences(summary, width)]


def _sentences(summary: RunSummary, width: int) -> list[Text]:
    """The run's own findings, whole, below what else is told of it."""
    lines = [cell(f"! {sentence}", "warning") for sentence in said(summary.findings)]
    return [Text(), *(part for line in lines for part in broken(line, width, hang=2))] if lines else []


def _sparks(summary: RunSummary, width: int) -> list[Text]:
    """What each trial came to, the best so far and what each took, and of how many trials a bar is where that is not one."""
    room = max(8, width - 14 - len("0s59m59s"))
    scores, measure = summary.values, summary.measure
    real = [value for value in scores if value is not None]
    shown = measure.label if len(measure.label) < _FACT else "each trial"
    lines = []
    for name, series, bar in ((shown, scores, mean), ("best so far", summary.best_so_far, measure.best)):
        lines.append(cell(fitted(name, _FACT), "muted").append_text(scaled(
            series, room, low=min(real, default=None), high=max(real, default=None), bar=bar, text=end_text(measure)
        )))  # fmt: skip
    lines.append(cell(fitted("time", _FACT), "muted").append_text(scaled(summary.trial_seconds, room, low=0.0, text=duration)))
    bars = bars_text(summary.trials, len(binned(list(scores), room, mean)))
    return [*lines, cell(f"{' ' * _FACT}{bars}", "muted")] if bars else lines


def results(summary: RunSummary) -> list[Text]:
    """What the run's best trial achieved elsewhere: test part, folds, other corpora."""
    lines: list[Text] = []
    test, by = summary.test, summary.study.beside
    if test:
        shown = score_text(test.score)
        beside = f"  probe {beside_probe(test.probe, p_is_about(test.interval_speakers))}" if test.probe else ""
        over = sample(test.utterances, test.interval_speakers)
        lines.append(cell(f"test part    BCA {shown}  {over}, scored once{by}{beside}"))
    for folds in summary.folds:
        shown = score_text(folds.score)
        beside = f"  probe {beside_probe(folds.probe, p_is_about(folds.interval_speakers))}" if folds.probe else ""
        over = f"{sample(folds.utterances, folds.interval_speakers)}; {chose(folds.chosen_on)}{by}"
        told = f"; {shared}" if (shared := shares(folds.findings)) else ""
        lines.append(cell(f"{folds.protocol:<12} pooled BCA {shown}  {over}{told}{beside}"))
    if apart := apart_text(summary.pooled):
        lines.append(cell(f"{'kept apart':<12} {apart}"))
    for found in summary.evaluations:
        shown = score_text(found.accuracy)
        chance = f"chance {score(found.chance)}  {sample(found.utterances, found.interval_speakers)}"
        whose = f"  {of}" if (of := of_speakers(found.speakers, found.without, 2)) else ""
        if summary.best is not None and found.trial not in (0, summary.best.number):
            whose += f"; of trial {found.trial}, not the best"
        lines.append(cell(f"{fitted(f'on {found.corpus}', max(_FACT, cell_len(found.corpus) + 4))}accuracy {shown}  {chance}{whose}"))
        if doubt := doubts(found.findings):
            lines.append(cell(f"             {doubt}: v on the run's screen says why", "warning"))
    return [Text(), *lines] if lines else []
