"""What show and errors print of a run's scored parts: confusion matrices, recalls, errors, calibration."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.evaluation import errors
from ser_tui.evaluation.analysis import Explained, part_named
from ser_tui.evaluation.errors import Calibration, Wrong
from ser_tui.places import runs_folder
from ser_tui.store.export import csv_of_errors
from ser_tui.store.runs import resolve
from ser_tui.store.wanted import SCORED
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted, score, score_with_interval
from ser_tui.study.headline import lone_recalls_text

MOST_GROUPS = 12
"""Speakers that a line names."""
BAR = 30
"""Cells of a bar from 0 to 1."""
NO_READING = "(unreadable)"


def print_details(part: Explained) -> None:
    """The matrix, the recalls, the pairs and the calibration of one scored part, under its score."""
    matrix = part.matrix
    if matrix is not None and part.event is None:  # that of an evaluation is printed with it
        rows = [
            (
                name, *(str(count) for count in row), str(of),
                score_with_interval(recall.recall, recall.interval) + (" *" if recall.lone else ""),
            )
            for name, row, of, recall in zip(matrix.rows, matrix.counts, matrix.utterances, part.recalls, strict=True)
        ]  # fmt: skip
        print_table(("TRUTH", *matrix.columns, "N", "RECALL"), rows, (*matrix.columns, "N", "RECALL"))
        if told := lone_recalls_text([recall.name for recall in part.recalls if recall.lone], len(part.recalls)):
            say(f"* {told}")
    if matrix is not None:
        say(f"most confused: {errors.pairs_text(part.pairs)}")
    if part.answers is not None:
        for by, name in (("gender", "sex"), ("speaker", "speaker")):
            groups = errors.by_group(part.answers, "gender" if by == "gender" else "speaker")
            if groups:
                told = ", ".join(f"{group.name} {score(group.value)} (n = {group.utterances})" for group in groups[:MOST_GROUPS])
                more = "" if len(groups) <= MOST_GROUPS else f" and {len(groups) - MOST_GROUPS} more, see --json"
                say(f"BCA by {name}, the lowest first: {told}{more}")
    if part.calibration is not None:
        say(errors.calibration_text(part.calibration))
        _print_reliability(part.calibration)
    if part.missing:
        say(part.missing)


def _print_reliability(found: Calibration) -> None:
    """The reliability diagram, a bin a line; bins without an utterance are left out."""
    rows = [
        (errors.bin_text(one), str(one.utterances), score(one.confidence), score(one.accuracy), errors.reliability_bar(one, BAR))
        for one in found.bins if one.utterances
    ]  # fmt: skip
    print_table(("CONFIDENCE", "N", "MEAN", "ACCURACY", "# ACCURACY, | CONFIDENCE"), rows, ("N", "MEAN", "ACCURACY"))


def print_errors(part: Explained) -> None:
    """The misclassified utterances of one scored part."""
    if part.answers is None:
        say(f"{part.title}: which utterances are wrong is not known")
        return
    wrong = errors.listed(part.answers)
    say(f"{part.title}: {counted(len(wrong), 'utterance')} of {len(part.answers)} wrong")
    if wrong:
        _print_wrong(wrong)


def list_errors(
    reference: str, *, trial: int | None, part: str, truth: str | None, said: str | None, speaker: str | None,
    as_csv: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print the utterances that a trial got wrong, filtered; with both `truth` and `said` those of that cell, hits too."""
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    folder = resolve(runs_folder(), reference, SCORED)
    chosen = part_named(folder, folder.state(), trial, part)
    answers = chosen.answers
    if answers is None:
        raise UsageError(f"{folder.run_id}, {chosen.title}: {chosen.missing}")
    for option, value in (("--truth", truth), ("--said", said)):
        if value is not None and value not in answers.classes:
            raise UsageError(f"{option} {value}: no such class; there are {', '.join(answers.classes)}")
    speakers = sorted({spoken.speaker for spoken in answers.spoken if spoken.speaker is not None})
    if speaker is not None and speaker not in speakers:
        raise UsageError(f"--speaker {speaker}: no such speaker; there are {', '.join(speakers) or 'none that are known'}")
    wrong = errors.listed(answers, truth=truth, said=said, speaker=speaker)
    if as_json:
        print_json({
            "run_id": folder.run_id, "part": chosen.name, "title": chosen.title, "trial": chosen.by, "utterances": len(answers),
            "missing": chosen.missing, "errors": [one.plain() for one in wrong],
        })  # fmt: skip
    elif as_csv:
        sys.stdout.write(csv_of_errors([one.plain() for one in wrong]))
    else:
        say(f"{folder.run_id}, {chosen.whose}, {chosen.title}: {counted(len(wrong), 'utterance')} of {len(answers)}")
        if chosen.missing:
            say(chosen.missing)
        if wrong:
            _print_wrong(wrong)


def _print_wrong(wrong: Sequence[Wrong]) -> None:
    rows = [
        (
            one.spoken.id, one.spoken.speaker or "-", one.spoken.gender or "-",
            "-" if one.spoken.seconds is None else f"{one.spoken.seconds:.1f}", one.truth, one.said or NO_READING,
            score(one.confidence), score(one.truth_probability),
        )
        for one in wrong
    ]  # fmt: skip
    headings = ("UTTERANCE", "SPEAKER", "SEX", "SECONDS", "TRUTH", "SAID", "CONFIDENCE", "OF TRUTH")
    print_table(headings, rows, ("SECONDS", "CONFIDENCE", "OF TRUTH"), by_end="UTTERANCE")
