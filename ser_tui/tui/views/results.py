"""Scores on parts that no trial saw, in full: intervals, baselines, confusion matrices, folds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import starmap

from rich.text import Text

from ser_tui.study import events
from ser_tui.study.findings import evaluated_on, findings_of, said
from ser_tui.study.formatting import (
    SCORE_HEADING,
    accuracies,
    beside_baselines,
    centred_text,
    counted,
    difference_text,
    mapped,
    measured_text,
    of_speakers,
    probe_parameters,
    progress_text,
    score,
    score_text,
    self_trained_text,
    stopped_or_failed,
    took,
    verdict,
)
from ser_tui.study.front import front_of
from ser_tui.study.headline import apart_text, chose, chosen_on, lone_recalls_text, p_is_about, sample, validation_speakers
from ser_tui.study.origin import WHAT, origin
from ser_tui.study.scores import ACCURACY, BCA, Score
from ser_tui.study.seeds import SeedsSummary, of_trial, seeds_summary, seeds_text
from ser_tui.study.state import Evaluation, RunState, Trial
from ser_tui.tui.theme import shade
from ser_tui.tui.views.matrix_heads import LONE, heads, recall_cells
from ser_tui.tui.widgets.lines import broken
from ser_tui.tui.widgets.table import cell, fitted


def confusion_lines(
    truth: Sequence[str],
    predicted: Sequence[str],
    counts: Sequence[Sequence[int]],
    intervals: Mapping[str, tuple[float, float]],
    recalls: Mapping[str, float] | None = None,
    *,
    width: int,
    lone: Sequence[str] = (),
) -> list[Text]:
    """Rows are the truth, columns the prediction, both named; cells are per cent of the row. At the right recall and n.

    `intervals`: those of the recalls, by class; `recalls`: where they are not those of the counts, as where something could not be read,
    which is in no row. `lone`: see `events.TestScored.lone_recalls`. It is as wide as its names need, `width` cells at most.
    """
    if not events.counts_fit(counts, truth, predicted):
        return [cell(events.UNFIT, "warning")]
    names = heads(truth, predicted, width)
    each = names.width - 1
    lines = [cell("rows: truth, columns: prediction, in per cent of the row", "muted"), names.line("")]
    for name, short, row in zip(truth, names.rows, counts, strict=True):
        total = sum(row)
        line = cell(fitted(short, names.left))
        for value in row:
            share = value / total if total else 0.0
            line.append(f"{100 * share:>{each}.0f} " if total else f"{'-':>{each}} ", shade(share))
        of_counts = row[predicted.index(name)] / total if total and name in predicted else None
        recall = of_counts if recalls is None else recalls.get(name)
        lines.append(line.append_text(recall_cells(recall, intervals.get(name), total, name in lone)))
    told = lone_recalls_text([name for name in truth if name in lone], sum(map(any, counts)))
    return [*lines, *names.legend_lines(width), *(broken(cell(f"{LONE} {told}", "muted"), width, hang=2) if told else [])]


def test_lines(found: events.TestScored, classes: Sequence[str], width: int, by: str = "") -> list[Text]:
    """The test part. `by`: what must stand beside its score: that it is transductive, that no score chose the trial."""
    head = cell("test part", "accent")
    head.append_text(cell("  held out from every trial, scored once", "muted"))
    shown = f"BCA {score_text(found.scores[BCA])}"
    accuracy = f"accuracy {score_text(found.scores[ACCURACY])}"
    whose = f"trial {found.trial}{f', {by}' if by else ''}"
    unread = sum(map(sum, found.confusion)) < found.utterances
    return [
        head,
        *broken(cell(f"{shown}   {accuracy}   {sample(found.utterances, found.interval_speakers)}   {whose}", "bold"), width),
        *_probe(found.probe_score, found.scores[BCA], found.probe_p, found.interval_speakers, width),
        *confusion_lines(
            classes, classes, found.confusion, found.recall_intervals, {} if unread else None, width=width, lone=found.lone_recalls
        ),
        Text(),
    ]


def probe_lines(probe: events.ProbeScored, best: Trial | None, speakers: int | None, width: int) -> list[Text]:
    """The probe on the validation part, and the best trial against it. `speakers`: see `headline.validation_speakers`."""
    head = cell("probe", "accent")
    head.append_text(cell(f"  on the frozen encoder, the best of {probe.tried} by validation BCA", "muted"))
    shown = f"BCA {score_text(probe.scores[BCA])}"
    accuracy = f"accuracy {score_text(probe.scores[ACCURACY])}"
    lines = [
        head,
        *broken(cell(f"{shown}   {accuracy}   {sample(probe.utterances, speakers)}   {took(probe.seconds)}", "bold"), width),
        cell(probe_parameters(probe.parameters)),
    ]
    if best is not None and (tuned := best.value()) is not None:
        gap = tuned - probe.scores[BCA].value
        told = f"trial {best.number} against it: {difference_text(gap, best.probe_p, p_is_about(speakers))}"
        lines += broken(cell(f"{told}   {verdict(gap, best.probe_p)}".rstrip()), width)
    return [*lines, Text()]


def _probe(probe: Score | None, tuned: Score, p: float | None, speakers: int | None, width: int) -> list[Text]:
    """The probe's line under a score of fine-tuning's, where there is one."""
    if probe is None:
        return []
    gap = tuned.value - probe.value
    told = f"probe BCA {score_text(probe)}   fine-tuning {difference_text(gap, p, p_is_about(speakers))}"
    return broken(cell(f"{told}   {verdict(gap, p)}".rstrip()), width)


def _whose(found: events.FoldsScored) -> str:
    if found.nested:
        best = f"the best {found.averaged} averaged" if found.averaged > 1 else "the best"
        return f"nested: {best} of {counted(found.nested, 'trial')} on the other folds"
    return f"trial {found.trial}'s configuration"


def folds_lines(found: events.FoldsScored, on: str, width: int, by: str = "") -> list[Text]:
    """The best configuration, trained and scored per fold. `on`: see `headline.chosen_on`; `by`: `LoggedStudy.transductive`. Long lines are
    broken at `width`."""
    head = cell(found.protocol, "accent")
    head.append_text(cell(f"  {_whose(found)}, trained anew for each of {len(found.folds)} folds", "muted"))
    shown, over = score_text(found.scores[BCA]), sample(found.utterances, found.interval_speakers)
    lines = [
        *broken(head, width, hang=2),
        *broken(cell(f"pooled BCA {shown}   {'; '.join(filter(None, (over, by, chose(on))))}", "bold"), width),
        cell(f"over the folds: mean {score(found.mean)}   sd {score(found.deviation)}"),
        *_probe(found.probe_score, found.scores[BCA], found.probe_p, found.interval_speakers, width),
        cell(f"{'FOLD':<20}{SCORE_HEADING}{'N':>7}", "muted"),
    ]
    for fold, scored in zip(found.folds, found.fold_scores, strict=True):
        shown = score_text(scored, short=True)
        lines.append(cell(f"{fitted(fold.get('name', '-'), 19)} {shown:<12}{fold.get('utterances', '-')!s:>7}"))
    if any(fold.get("speakers") == 1 for fold in found.folds):
        lines.append(cell("the interval of a fold of one speaker is over that speaker's utterances", "muted"))
    for warning in said(findings_of(found)):
        lines += broken(cell(f"! {warning}", "warning"), width, hang=2)
    return [*lines, Text()]


def evaluation_lines(evaluation: Evaluation, width: int, stage: events.Progressed | None = None) -> list[Text]:
    """A zero-shot evaluation, ended or under way. Long lines are broken at `width`. `stage`: how far what is done now has come."""
    found = evaluation.result
    head = cell(evaluated_on(evaluation.corpus, findings_of(found)), "accent")
    by = evaluation if found is None else found
    whose = of_speakers(by.speakers, by.without)
    if whose:
        head.append_text(cell(f" ({whose})", "accent"))
    if found is None:
        if evaluation.reason:
            return [head, *broken(cell(stopped_or_failed(evaluation.reason), "warning"), width), Text()]
        heard = 0 < evaluation.utterances <= evaluation.done
        after = cell("the baselines, on the same utterances, come next", "muted") if heard else Text()
        if stage is not None:
            after = cell(progress_text(stage.stage, stage.done, stage.utterances), "muted")
        return [head, progress(evaluation.done, evaluation.utterances), after]
    head.append_text(
        cell(f"  trial {found.trial}'s model, {'masked to the shared classes' if found.masked else 'raw: all classes'}", "muted")
    )
    numbers = cell(f"accuracy {score_text(found.scores[ACCURACY])}", "strong")
    numbers.append_text(cell(f"   BCA {score_text(found.scores[BCA])}   chance {score(found.chance)}", "bold"))
    sizes = f"{sample(found.utterances, found.interval_speakers)}, {found.dropped} dropped"
    lines = [*broken(head, width, hang=2), numbers, cell(f"{sizes}   {took(found.seconds)}")]
    if found.baselines:
        lines += broken(cell(f"baselines (accuracy): {accuracies(found.baselines, found.baseline_intervals)}"), width)
    if tested := beside_baselines(found.scores[BCA].value, found.baselines, found.baseline_p, p_is_about(found.interval_speakers)):
        lines += broken(cell(tested), width)
    if found.centred:
        lines += broken(cell(f"accuracy {centred_text(found.centred, found.centred_intervals, found.dropped)}"), width)
    if found.not_centred:
        lines += broken(cell(found.not_centred, "muted"), width)
    if trained := self_trained_text(found.self_trained, found.self_trained_intervals, found.utterances, found.dropped, found.heard):
        lines += broken(cell(trained), width)
    for warning in said(findings_of(found)):
        lines += broken(cell(f"! {warning}", "warning"), width, hang=2)
    lines += [
        *broken(cell("  ".join(starmap(mapped, found.mapping.items())), "muted"), width),
        *confusion_lines(
            found.classes, found.columns, found.confusion, found.recall_intervals, found.recalls, width=width, lone=found.lone_recalls
        ),
    ]
    return [*lines, Text()]


def progress(done: int, total: int, width: int = 30) -> Text:
    """A bar with its numbers."""
    share = done / total if total else 0.0
    filled = round(share * width)
    line = Text(no_wrap=True)
    line.append("#" * filled, "accent")
    line.append("." * (width - filled), "muted")
    line.append(f"  {done}/{counted(total, 'utterance')}")
    return line


def seeds_lines(found: SeedsSummary, state: RunState, width: int) -> list[Text]:
    """The best configuration over other seeds, and each of them."""
    study, own = state.study, None if state.best is None else state.best.score()
    head = cell("seeds", "accent")
    head.append_text(cell(f"  trial {found.trial}'s configuration, trained again with seeds that no trial had", "muted"))
    lines = [head, *broken(cell(seeds_text(found, study), "bold"), width)]
    if own is not None:
        tested = found.test.trial_score if found.test is not None else None
        also = "" if tested is None else f"; on the test part {score(tested)}"
        why = "its score" if study.measure.unit == "share" else f"its {study.measure.label}"
        lines += broken(cell(f"the trial itself, which was chosen for {why}: BCA {score_text(own)}{also}", "muted"), width)
    if found.test is not None:
        lines += broken(cell(seeds_text(found.test, study), "bold"), width)
    for place, one in enumerate(of_trial(state.seeds, found.trial), 1):
        line = cell(f"  {one.place or place:>3}  {score_text(one.scores[BCA])}")
        lines.append(line if one.test_score is None else line.append(f"   test part {score_text(one.test_score)}"))
    return [*lines, Text()]


def front_lines(state: RunState, width: int) -> list[Text]:
    """The trials between which only a preference can choose, where two things are searched for."""
    found = front_of(state)
    if not found:
        return []
    asked = state.study.measures
    lines = [cell(f"front of {' and '.join(one.label for one in asked)}", "accent")]
    over = sample(max(trial.utterances for trial in found), validation_speakers(state.start))
    told = f"no other trial is better in one of the two and as good in the other; scores are on the validation part, {over}"
    lines += broken(cell(told, "muted"), width)
    lines.append(cell(f"{'TRIAL':>5}  {'  '.join(f'{one.heading:<14}' for one in asked)}", "muted"))
    for trial in found[:FRONT]:
        shown = (measured_text(one, trial.score(one.name), short=one.unit == "share") for one in asked)
        values = "  ".join(f"{text:<14}" for text in shown)
        lines.append(cell(f"{trial.number:>5}  {values}"))
    if len(found) > FRONT:
        lines.append(cell(f"and {len(found) - FRONT} more", "muted"))
    return [*lines, Text()]


FRONT = 20
"""Rows of the table of the front."""


def all_lines(state: RunState, width: int) -> list[Text]:
    """Everything that the best trial was scored on after the search, what came last first, and the probe; above them
    the front where two things are searched for."""
    lines = front_lines(state, width)
    stage = state.progress
    chosen_by = "" if state.measure.unit == "share" else f"chosen by {state.measure.label}"
    by = ", ".join(filter(None, (state.study.transductive, chosen_by)))
    for evaluation in reversed(state.evaluations):
        lines += evaluation_lines(evaluation, width, None if stage is None or stage.stage in events.SEARCHING else stage)
    if state.test is not None:
        lines += test_lines(state.test, state.start.classes if state.start else (), width, by)
    if (again := seeds_summary(state)) is not None:
        lines += seeds_lines(again, state, width)
    for folds in state.folds:
        lines += folds_lines(folds, chosen_on(folds, state.study), width, state.study.transductive)
    if apart := apart_text(state.pooled):
        lines += [*broken(cell(apart, "bold"), width), Text()]
    if state.probe is not None:
        lines += probe_lines(state.probe, state.best, validation_speakers(state.start), width)
    return lines


def origin_lines(state: RunState, study_file: str, width: int) -> list[Text]:
    """What all these are scores of, and were made with: see `study.origin`."""
    found = origin(state, study_file)
    if not found:
        return []
    head = cell("parts and origin", "accent").append_text(cell("  what these are scores of, and were made with", "muted"))
    told = (broken(cell(f"{what:<{WHAT}}{words}"), width, hang=WHAT) for what, words in found)
    return [head, *(line for lines in told for line in lines)]
