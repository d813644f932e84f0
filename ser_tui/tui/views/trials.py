"""A run's state as the run screen shows it: pure functions from state to text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from ser_tui.study.constraints import broken_names, standing
from ser_tui.study.findings import doubts, findings_of, said, shares
from ser_tui.study.formatting import (
    SCORE_CELLS,
    SCORE_HEADING,
    binned,
    counted,
    duration,
    end_text,
    ended,
    local_clock,
    loss_text,
    mean,
    measured_text,
    of_speakers,
    parameter_of,
    progress_text,
    score,
    score_text,
    stopped_or_failed,
    took,
)
from ser_tui.study.headline import chosen_on, p_is_about, pooled_over, speakers_text, validation_speakers, without_model
from ser_tui.study.hyperparameters import HYPERPARAMETERS, MEMBER_NAMES, MEMBERS, Value
from ser_tui.study.run_summary import beside_probe
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, Measure, Score
from ser_tui.study.seeds import seeds_summary
from ser_tui.study.silence import silence_text
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import ShownStatus, TrialStatus
from ser_tui.study.summary import best_so_far, counted_trials, elapsed_seconds, probe_summary, remaining_seconds, trial_seconds
from ser_tui.tui.data.follow import View
from ser_tui.tui.theme import state_text
from ser_tui.tui.views.runs import COLLAPSED, STANDING, UNKNOWN, WITHOUT_WORKER, parameters_text
from ser_tui.tui.views.sparks import ENDS, bars_text, scaled
from ser_tui.tui.widgets.lines import broken
from ser_tui.tui.widgets.table import Column, cell, fitted, shortened

_WIDE = 110
"""Cells from which on the line of the trial under way has room for both ends of an interval to three places."""

_NAME = 11
"""Cells for what was scored on, at the left of a result, with the blank after it; a longer name takes what it needs."""
_LEAST_NAME, _LONGEST_NAME = 12, 36
"""Cells for the name of a run in its heading at least; for what was scored on at most."""

MOST_WARNINGS = 4
"""Lines of warnings above the trials; the log has them in full."""

MOST_RESULTS, FEW_RESULTS = 6, 4
"""Lines of results above the trials, and on a terminal of few lines, where the trials need them; v shows all."""

_WIDTHS = {"LR": 6, "EP": 3, "UNF": 3, "SEC": 4, "POOL": 8}

_STATE, _LEAST_STATE = len("best, collapsed"), len("done  best")
"""Cells for the state of a trial; beside the names of members, which have more to tell."""

_HEADING = 8
"""Cells for the name of a hyperparameter that ser_tui does not know, as imported studies have them; more where it takes more to tell
two of them apart."""
_OF_TRIALS = frozenset(("number", "loss", "done", "time", "state", *MEASURES))


def has_rungs(state: RunState) -> bool:
    """Whether trials are paused at rungs, by the first of them."""
    return any(trial.until or trial.rungs for trial in state.trials[:20])


def trial_columns(
    names: Sequence[str], room: int = 0, others: Sequence[Measure] = (), trials: int = 0, rungs: bool = False
) -> list[Column]:
    """The columns of the table of so many `trials` for a study that varies `names` and searches for `others` besides BCA. `rungs`: their
    states say at which they are.

    In less than `room` cells (0: not known) without the epochs done: they stand in the state of a trial under way, and in the
    pane beside the table, which is what takes the room.
    """
    columns = [Column("number", "#", max(4, len(str(trials))), "right")]
    unknown = _headings([name for name in names if name not in HYPERPARAMETERS])
    for name in names:
        known = HYPERPARAMETERS.get(name)
        short = known.short if known else unknown[name]
        if name == MEMBERS:  # up to four words, which their beginnings do not tell apart
            columns.append(Column(name, short, 14, flexible=True, most=len("+".join(MEMBER_NAMES))))
        else:
            columns.append(Column(_key(name), short, _WIDTHS.get(short, max(6, cell_len(short))), "right"))
    columns += [
        Column(BCA, SCORE_HEADING, SCORE_CELLS),
        *(Column(one.name, one.heading, _width(one), "right") for one in others),
        Column("loss", "LOSS", 6, "right"),
        Column("done", "DONE", 5, "right"),
        Column("time", "TIME", 6, "right"),
        Column("state", "STATE", 18 if rungs else _LEAST_STATE if MEMBERS in names else _STATE, flexible=MEMBERS not in names),
    ]
    needed = sum(column.width + 1 for column in columns)
    return [column for column in columns if column.key != "done" or not 0 < room < needed]


def _key(name: str) -> str:
    """The key of the column of a hyperparameter: an imported study may have one called loss, or time."""
    return f"search.{name}" if name in _OF_TRIALS else name


def _headings(names: Sequence[str]) -> dict[str, str]:
    """The beginnings of `names` as headings, as long as it takes to tell each from the others."""
    found: dict[str, str] = {}
    for name in names:
        others = [other for other in names if other != name]
        length = next((size for size in range(_HEADING, len(name)) if not any(other[:size] == name[:size] for other in others)), len(name))
        found[name] = name[:length].upper()
    return found


def _width(measure: Measure) -> int:
    return max(SCORE_CELLS if measure.unit == "share" else 8, len(measure.heading))


def trial_cells(
    trial: Trial, names: Sequence[str], columns: Sequence[Column], best: bool, live: bool, broken: str = "", now: datetime | None = None
) -> tuple[Text, ...]:
    """One trial as a row of a table with `columns`. `live`: its worker is there, so that running means running, and takes the time up to
    `now` so far. `broken`: see `trial_state`."""
    running = trial.status == TrialStatus.RUNNING
    last = trial.epochs[-1] if trial.epochs else None
    planned = _planned(trial)
    scored = trial.score() or (last.score if last else None)
    loss = trial.loss if trial.loss is not None else (last.loss if last else None)
    style = "strong" if best else "muted" if trial.status not in (TrialStatus.RUNNING, TrialStatus.DONE) else ""
    cells = {
        "number": cell(trial.number, style),
        **{_key(name): cell(parameter_of(name, trial.parameters), style) for name in names},
        **{name: cell(measured_text(one, trial.score(name), short=True), style) for name, one in MEASURES.items()},
        BCA: cell(_at_rung(trial) or score_text(scored, short=True), "muted" if running else style),
        "loss": cell(loss_text(loss), "muted" if running else style),
        "done": cell(f"{len(trial.epochs)}/{planned}" if planned is not None else "-", style),
        "time": cell(duration(trial_seconds(trial, now if live else None)), "muted") if running else cell(took(trial.seconds), style),
        "state": trial_state(trial, best, live, broken),
    }
    return tuple(cells[column.key] for column in columns)


def _planned(trial: Trial) -> Value | None:
    """The epochs that it is to have, where that is known."""
    return trial.epochs[-1].epochs if trial.epochs else trial.parameters.get("epochs")


def _epoch(trial: Trial) -> str:
    """epoch 4/8: the one that is under way; empty where it is not known how many there are to be."""
    planned = _planned(trial)
    return f"epoch {min(len(trial.epochs) + 1, int(planned))}/{planned}" if planned else ""


def _at_rung(trial: Trial) -> str:
    """.712 at 3/10: what a trial scored that was not trained to its end, after which of its epochs; empty of any other."""
    if trial.scored or not trial.rungs or trial.status == TrialStatus.RUNNING:
        return ""
    rung = trial.rungs[-1]
    return f"{score(rung.score.value)} at {rung.epoch}/{rung.epochs}"


def trial_state(trial: Trial, best: bool, live: bool, broken: str = "") -> Text:
    """A trial's state in words: epoch 4/8, done best, done, collapsed, failed: why. `broken`: see `constraints.broken_names`."""
    if trial.status == TrialStatus.RUNNING:
        if not live:
            return cell("interrupted", "warning")
        rung = f", rung {len(trial.rungs) + 1}" if trial.until else ""
        return cell(f"{epoch}{rung}" if (epoch := _epoch(trial)) else "running", "accent")
    if trial.status == TrialStatus.FAILED:
        return cell(f"failed: {trial.reason}", "warning")
    if trial.status == TrialStatus.CUT_SHORT:
        return cell("cut short", "muted")
    if trial.status == TrialStatus.DROPPED:
        return cell(f"dropped {trial.reason}", "muted")
    if trial.status == TrialStatus.PAUSED:
        return cell(f"paused {trial.rungs[-1].epoch}/{trial.rungs[-1].epochs}, rung {len(trial.rungs)}", "muted")
    if trial.status == TrialStatus.COLLAPSED:
        return cell("best, collapsed" if best else "done, collapsed", "warning" if best else "muted")
    if broken:
        return cell(f"{'best, ' if best else ''}{broken}", "warning" if best else "muted")
    return cell("done  best" if best else "done", "strong" if best else "")


def header(view: View, now: datetime, name: str = "run", begun: datetime | None = None, width: int = 0) -> list[Text]:
    """Two lines: state, trial, epoch and time first; then what it is and on how many utterances. Where the first is longer than `width`
    (0: as long as it is), the name gives way.

    `name`: the study's, and `begun`: when the run was made, where the log does not say it yet.
    """
    state = view.state
    line = Text(no_wrap=True)
    line.append("  ")
    line.append_text(cell("imported", "muted") if view.imported else state_text(view.shown))
    start = state.start
    if start is not None:
        under_way = state.under_way
        trial = under_way[0] if len(under_way) == 1 else None
        line.append(f"  {_which_trials(state)}" + (f"/{start.planned_trials}" if start.planned_trials else ""))
        if trial is not None and view.live and (epoch := _epoch(trial)):
            line.append(f"  {epoch}", "accent")
    if state.sessions:
        line.append(f"  {duration(elapsed_seconds(state, now if view.live else None))}")
    elif view.live and begun is not None:
        line.append(f"  {duration((now - begun).total_seconds())}")
    left = remaining_seconds(state, now) if view.live else None
    if left is not None:
        line.append(f", about {duration(left)} left" if left else ", longer than predicted")
    for evaluation in state.evaluations:
        if evaluation.result is None and not evaluation.reason and view.evaluating:
            line.append_text(cell(f"  evaluating {evaluation.corpus} {evaluation.done}/{evaluation.utterances}", "accent"))
    if view.behind:
        line.append(f"  reading the log, {view.behind:.0%} to go", "accent")
    called, room = state.study.name or name, max(_LEAST_NAME, width - line.cell_len) if width else None
    return [cell(called if room is None else shortened(called, room), "bold").append_text(line), _facts(view, width)]


def _which_trials(state: RunState) -> str:
    """trial 7; trials 1, 2, 3; 20 trials under way, done 41: those under way, or how many have ended."""
    numbers = [one.number for one in state.under_way]
    if len(numbers) > MOST_CURRENT:
        return f"{len(numbers)} trials under way, done {len(counted_trials(state))}"
    if len(numbers) > 1:
        return f"trials {', '.join(map(str, numbers))}"
    return f"trial {numbers[0] if numbers else len(counted_trials(state))}"


_WAIT = (ShownStatus.QUEUED, ShownStatus.STUCK, ShownStatus.NOT_BEGUN)


def _facts(view: View, width: int | None = None) -> Text:
    """What a narrow terminal leaves out is what else tells, then the end: that is where the encoder stands, whose name may be a path."""
    study, start = view.state.study, view.state.start
    if start is None:
        return cell(_before_the_first_trial(view), "muted")
    parts = [
        view.state.strategy or "-",
        f"{study.protocol or '-'} split",
        _sample(start.utterances.get("validation", 0), validation_speakers(start)),
        *(word for word in (pooled_over(start),) if word),
        study.corpus or "corpus not known",
        study.encoder or "-",
    ]
    if study.transductive:
        parts.insert(1, study.transductive)
    if study.method != "finetune":
        parts.insert(1, study.method)
    if width and cell_len(", ".join(parts)) > width and (pooled := pooled_over(start)):
        parts = [part for part in parts if part != pooled]
    return cell(", ".join(parts), "muted")


def _before_the_first_trial(view: View) -> str:
    """Where a run stands whose log does not say yet what is trained on."""
    study = view.state.study
    if view.live:
        return "the worker is getting ready: reading the corpus, loading the encoder"
    if view.shown in _WAIT:
        known = (study.strategy, study.protocol and f"{study.protocol} split", study.corpus, study.encoder)
        asked = ", ".join(filter(None, known))
        return f"it has not begun{f': {asked}' if asked else ''}"
    if view.shown == ShownStatus.ELSEWHERE:
        return "its log tells of no trial yet"
    if view.shown == ShownStatus.PRIVATE:
        return "nothing is known of it here"
    return "it ended before its first trial"


def warning_lines(view: View, now: datetime, width: int) -> list[Text]:
    """What must be known before the numbers are believed, broken at `width`."""
    lines = [part for line in _warnings(view, now) for part in broken(line, width, hang=2)]
    if len(lines) <= MOST_WARNINGS:
        return lines
    more = cell(" ... l shows all", "muted")
    last = lines[MOST_WARNINGS - 1]
    last.rstrip()
    if last.cell_len + more.cell_len > width:  # between words
        last.truncate(max(0, width - more.cell_len))
        last.right_crop(len(last.plain) - max(last.plain.rstrip().rfind(" "), 0))
    return [*lines[: MOST_WARNINGS - 1], last.append_text(more)]


def _warnings(view: View, now: datetime) -> list[Text]:
    """What is wrong with the run, then what its split means: the first lines are seen on every terminal."""
    lines: list[Text] = []
    if view.missing:
        lines.append(cell("! the run's folder is gone", "warning"))
    if view.damaged:
        count = "1 line of its log is" if view.damaged == 1 else f"{view.damaged} lines of its log are"
        lines.append(cell(f"! {count} damaged and left out", "warning"))
    if view.shown in WITHOUT_WORKER and not view.state.study:
        lines.append(cell(f"! {UNKNOWN}", "warning"))
    elif view.shown == ShownStatus.INTERRUPTED:
        lines.append(cell("! interrupted: its worker is gone. r resumes where the log ends; finished trials are kept", "warning"))
    elif view.shown in STANDING:
        told, style = STANDING[view.shown]
        lines.append(cell(f"! {told}", style))
    elif view.shown in (ShownStatus.FAILED, ShownStatus.STOPPED) and view.state.reason:
        lines.append(cell(f"! {ended(view.shown, view.state.reason)}; r resumes", "warning"))
    elif view.live and (silence := silence_text(view.state, now)):
        lines.append(cell(f"! {silence}: its process may hang; s asks it to stop", "warning"))
    best = view.state.best
    if best is not None and (lacks := without_model(best.number, best.unsaved)):
        lines.append(cell(f"! {lacks}", "warning"))
    return [*lines, *(cell(f"! {warning}", "warning") for warning in said(findings_of(view.state.start)))]


_COSTS = frozenset(measure.label for measure in MEASURES.values() if measure.unit != "share")


def _chosen(on: str) -> str:
    """chosen on fold 03; chosen by minutes"""
    return f"chosen {'by' if on in _COSTS else 'on'} {on}"


def best_line(state: RunState, width: int) -> Text:
    """best BCA .953 [.914, .991] trial 5, the probe beside it, and its parameters; within `width` as far as it can be.

    Of a study that searches for something else: least minutes 0.42 min  its BCA .953 [.914, .991].
    """
    best, told = state.best, state.study.of_best
    if best is None:
        return cell(f"{told[0][0]}   none yet", "muted")
    names, probe = state.study.searched, state.probe
    for tight, short in ((False, False), (True, False), (True, True)):
        found = Text(no_wrap=True)
        for words, one in told:
            named = f"its {one.name.replace('_', ' ')}" if tight and one.name != BCA and found else words
            found.append_text(cell(f"{'  ' if found else ''}{named} {'' if len(told) > 1 else '  '}", "muted"))
            found.append(measured_text(one, best.score(one.name), short=short and one.unit == "share"), "strong")
        stands, broken_by = standing(best.scores, state.study.constraints), broken_names(best.scores, state.study.constraints)
        if broken_by:
            found.append_text(cell(f"  {broken_by if short else stands}", "warning"))
        found.append_text(cell(f"  #{best.number}" if tight and probe is not None else f"  trial {best.number}"))
        if best.status == TrialStatus.COLLAPSED:
            found.append_text(cell(f" {COLLAPSED}", "warning"))
        parameters = parameters_text(best.parameters, names, short=tight)
        if probe is not None:
            found.append("  probe ", "muted")
        if tight:  # n stands two lines above
            beside = "" if probe is None else score_text(probe.scores[BCA], short=short)
            found.append_text(cell(f"{beside}  {parameters.replace('  ', ' ')}"))
        elif probe is None:
            found.append_text(cell(f"  {_sample(best.utterances, None)}   {parameters}"))
        else:
            beside = beside_probe(probe_summary(probe, best), p_is_about(validation_speakers(state.start)))
            found.append_text(cell(f"{beside}  {_sample(best.utterances, None)}   {parameters}"))
        if stands and not broken_by:
            found.append_text(cell(f"  {stands}", "muted"))
        if found.cell_len <= width:
            break
    return found


MOST_CURRENT = 4
"""Lines of trials under way above the table, which has a row for every one of them."""


def current_lines(view: View, width: int) -> list[Text]:
    """A line for each trial under way, see `_current_line`, the one that began last at the end; one without any trial too."""
    trials = view.state.under_way
    if not trials or not view.live:
        return [_current_line(view, None, width)]
    lines = [_current_line(view, trial, width) for trial in trials[-MOST_CURRENT:]]
    if len(trials) > MOST_CURRENT:
        lines[0] = cell(f"{'current':<{_NAME}}", "muted").append_text(cell(f"{len(trials) - MOST_CURRENT + 1} more trials under way"))
    return lines


def _current_line(view: View, trial: Trial | None, width: int) -> Text:
    """The epoch that has just ended in a trial under way: its loss and BCA."""
    line = cell("current    ", "muted")
    stage = view.state.progress if trial is None else view.state.stage_of(trial.number)
    progress = stage if view.busy else None
    if trial is None:
        at = progress_text(progress.stage, progress.done, progress.utterances) if progress is not None else "-"
        if progress is not None and progress.stage == "features" and view.job == "search":
            at = f"probe: {at}"  # the features of trials are extracted while one is under way
        elif view.busy and view.job in ("folds", "seeds"):
            at = f"{view.job}: {at if progress is not None else 'under way'}"  # the run itself is done
        line.append_text(cell(at, "muted"))
        return line
    values = parameters_text(trial.parameters, view.state.study.searched, short=True)
    if not trial.epochs:
        # A probe has no epochs: it is fitted once, to features that the first trial of their kind extracts.
        at = "extracting features, fitting" if view.state.study.method != "finetune" else "first epoch"
        if progress is not None:
            at = progress_text(progress.stage, progress.done, progress.utterances, 1)
        line.append_text(cell(f"trial {trial.number}  {at}   {values}"))
        return line
    last = trial.epochs[-1]
    frozen = "  encoder frozen" if last.frozen else ""
    further = ""
    if progress is not None:
        further = f"  {progress_text(progress.stage, progress.done, progress.utterances, last.epoch + 1)}"
    scored = f"loss {loss_text(last.loss)}  BCA {score_text(last.score, short=width < _WIDE)}"
    shown = f"trial {trial.number}  epoch {last.epoch}/{last.epochs} done  {scored}"
    # What has no room is left out, not cut: half a number is another one.
    for more in (frozen, further):
        shown += more if _NAME + len(shown) + len(more) <= width else ""
    line.append_text(cell(shown, "accent"))
    for place, value in enumerate(values.split("  ")):
        piece = cell(f"  {value}" if place else f"   {value}", "muted")
        if line.cell_len + piece.cell_len > width:
            break
        line.append_text(piece)
    return line


def spark_line(state: RunState, width: int) -> Text:
    """What is searched for per trial, best so far, and time per trial; trials without a score are gaps."""
    trials, measure = counted_trials(state), state.measure
    scores, text = [trial.value(measure.name) for trial in trials], end_text(measure)
    words = (measure.label, "best so far" if width >= _WIDE else "best", "time")
    room = max(5, (width - len("".join(words)) - 3 - 4 - 2 * ENDS - len("0s59s")) // 3)
    if len(scores) > room:
        room = max(5, room - -(-len(f"  0{bars_text(len(scores), room)}") // 3))  # narrower bars may take one digit more
    real = [value for value in scores if value is not None]
    low, high = (min(real), max(real)) if real else (0.0, 1.0)
    line = Text(no_wrap=True)
    for label, series, bottom, top, bar, written in (
        (words[0], scores, low, high, mean, text),
        (words[1], best_so_far(trials, measure, state.study.constraints), low, high, measure.best, text),
        (words[2], [trial.seconds for trial in trials], 0.0, None, mean, took),
    ):
        line.append(f"{label} ", "muted")
        line.append_text(scaled(series, room, low=bottom, high=top, bar=bar, text=written)).append("  ")
    line.append(bars_text(len(scores), len(binned(scores, room, mean))), "muted")
    return line


def result_lines(state: RunState, width: int, most: int = MOST_RESULTS) -> list[Text]:
    """What the best trial achieved on parts that no trial saw: test part, folds, other corpora, on `most` lines.

    A line each, see `every_result`; the last one says how many more there are.
    """
    lines = every_result(state, width)
    if len(lines) <= most:
        return lines
    more = cell(f"{len(lines) - most + 1} more results: v shows all", "muted")
    return [*lines[: most - 1], more]


def every_result(state: RunState, width: int) -> list[Text]:
    """The same, of all of them.

    A line each, of which `width` may leave out baselines and asides, never a score's n or interval; v shows all in full.
    """
    lines: list[Text] = []
    by, measure = state.study.transductive, state.measure
    searched = [] if measure.unit == "share" else [_chosen(measure.label)]
    if (test := state.test) is not None:
        pieces: list[Piece] = [
            (0, Scored("BCA", test.scores[BCA])), (2, Scored("accuracy", test.scores[ACCURACY])),
            *_over(test.utterances, test.interval_speakers, by, *searched), (3, "scored once"), *_probe(test.probe_score),
        ]  # fmt: skip
        lines.append(_result("test part", pieces, width))
    if (again := seeds_summary(state)) is not None:
        of = f"mean of {counted(again.n, 'seed')}"
        pieces = [
            (0, Scored(of, Score(again.mean, again.interval))), (2, f"sd {score(again.deviation)}"),
            *_over(again.utterances, again.interval_speakers, by, *(searched or ["chosen on it"])),
        ]  # fmt: skip
        lines.append(_result("seeds", pieces, width))
        if (held := again.test) is not None:
            of = f"mean of {counted(held.n, 'seed')}"
            pieces = [
                (0, Scored(of, Score(held.mean, held.interval))), (2, f"sd {score(held.deviation)}"),
                *_over(held.utterances, held.interval_speakers, by), (3, "test part"),
            ]  # fmt: skip
            lines.append(_result("seeds test", pieces, width))
    for folds in state.folds:
        spread = f"mean {score(folds.mean)} sd {score(folds.deviation)} over {counted(len(folds.folds), 'fold')}"
        chosen = _chosen(chosen_on(folds, state.study))
        # Nested says in the name that nothing was chosen on what is scored: there its place is the first that gives way.
        pieces = [
            (0, Scored("BCA" if by else "pooled BCA", folds.scores[BCA])), (3, spread),
            *_over(folds.utterances, folds.interval_speakers, by, "" if folds.nested else chosen), *([(2, chosen)] if folds.nested else []),
            *_probe(folds.probe_score), *([(2, f"{known} (v)")] if (known := shares(findings_of(folds))) else []),
            *([] if folds.nested else _earlier(state, folds.trial)),
        ]  # fmt: skip
        lines.append(_result(folds.name, pieces, width))
    for found in state.evaluations:
        if (result := found.result) is not None:
            pieces = [
                (0, Scored("accuracy", result.scores[ACCURACY])),
                (1, Scored("BCA", result.scores[BCA])), (3, f"chance {score(result.chance)}"),
            ]  # fmt: skip
            if (untuned := result.baselines.get("untuned")) is not None:
                pieces.append((2, Scored("untuned", Score(untuned, result.baseline_intervals.get("untuned")))))
            pieces.append((0, _sample(result.utterances, result.interval_speakers)))
            if whose := of_speakers(result.speakers, result.without, 2):
                pieces.append((0, whose))
            pieces += _earlier(state, result.trial)
            known = doubts(findings_of(result))
            doubt = [(0, f"! {known} (v)")] if known else []
            lines.append(_result(f"on {found.corpus}", [*doubt, *pieces], width, "warning" if known else ""))
        elif found.reason:
            failed: list[Piece] = [(0, stopped_or_failed(found.reason))]
            lines.append(_result(f"on {found.corpus}", failed, width, "warning"))
    return lines


def _earlier(state: RunState, trial: int) -> list[Piece]:
    """That a score is of a trial which is not the best one any more."""
    best = state.best
    return [] if best is None or trial in (0, best.number) else [(0, f"of trial {trial}, not the best")]


@dataclass(frozen=True)
class Scored:
    """A named score; how its interval is written depends on the room."""

    name: str
    score: Score

    def text(self, short: bool) -> str:
        """accuracy .556 [.515, .597], or accuracy .556 .51-.60."""
        return f"{self.name} {score_text(self.score, short=short)}"


Piece = tuple[int, str | Scored]
"""How easily it can be done without, and what it says."""


def _fitting(pieces: Sequence[Piece], room: int) -> str:
    """Those of `pieces` that `room` has space for, the most dispensable left out first; those of rank 0 stay in any case."""
    for most, short in ((3, False), (2, False), (1, False), (1, True), (0, False), (0, True)):
        shown = "  ".join(said.text(short) if isinstance(said, Scored) else said for rank, said in pieces if rank <= most)
        if cell_len(shown) <= room:
            break
    return shown


def _sample(utterances: int, speakers: int | None) -> str:
    return (f"n={utterances}" if utterances else "n not known") + (f", {speakers_text(speakers)}" if speakers else "")


def _over(utterances: int, speakers: int | None, by: str, chosen: str = "") -> list[Piece]:
    """n=535, 10 speakers, chosen on fold 03. Where `by`, see `LoggedStudy.transductive`, has to stand there too, it comes first, and on
    a narrow terminal the speakers give way."""
    if not by:
        return [(0, ", ".join(filter(None, (_sample(utterances, speakers), chosen))))]
    over = speakers_text(speakers)
    return [(0, by), (0, _sample(utterances, None)), *([(1, over)] if over else []), *([(0, chosen)] if chosen else [])]


def _probe(probe: Score | None) -> list[Piece]:
    return [] if probe is None else [(1, Scored("probe", probe))]


def _result(name: str, pieces: Sequence[Piece], width: int, style: str = "") -> Text:
    """What was scored on, whole, or two of them would look alike; and as much of `pieces` as the rest of the line has room for."""
    shown = shortened(name, _LONGEST_NAME - 1)
    line = cell(fitted(shown, max(_NAME, cell_len(shown) + 1)), "muted")
    line.append_text(cell(_fitting(pieces, width - line.cell_len), style))
    return line


def log_lines(state: RunState, number: int, width: int | None = None) -> list[Text]:
    """The last `number` lines of notes, newest last, broken at `width`; without one a note is a line."""
    lines: list[Text] = []
    for time, level, text in reversed(state.log[-number:] if number > 0 else ()):
        line = cell(f"{local_clock(time)} ", "muted")
        line.append_text(cell(text, "warning" if level == "warning" else ""))
        lines = [*([line] if width is None or line.cell_len <= width else broken(line, width, hang=9)), *lines]
        if len(lines) >= number:
            break
    return lines[-number:]
