"""The verb ensemble."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import PurePath

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.evaluation import errors
from ser_tui.evaluation.ensembles import Ensemble, members_of, scored
from ser_tui.places import absolute, runs_folder
from ser_tui.store.runs import resolve
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import score, score_with_interval
from ser_tui.study.headline import sample


def ensemble_runs(references: Sequence[str], *, top: int | None, part: str, output: str, as_json: bool) -> None:
    """Average what the runs' models said of `part`, and print how that scores; `output`: a file for its predictions, or empty."""
    if output == "-" and as_json:
        raise UsageError("-o - and --json exclude each other: both are for standard output")
    runs = runs_folder()
    folders = list(dict.fromkeys(resolve(runs, reference) for reference in references))
    found = scored([one for folder in folders for one in members_of(folder, folder.state(), part, top)], top=top)
    if output:
        _write(found, output)
    if output == "-":
        return
    if as_json:
        print_json(found.plain())
        return
    rows = [
        (one.run, "-" if one.trial is None else str(one.trial), score(one.bca), one.chosen or "other utterances")
        for one in found.members
    ]  # fmt: skip
    print_table(("MEMBER", "TRIAL", "BCA", "CHOSEN ON"), rows, ("TRIAL", "BCA"))
    chosen = "; ".join(found.chosen) or "nothing was chosen on these utterances but which members are averaged"
    shown = score_with_interval(found.bca, found.interval)
    by = f", {found.transductive}" if found.transductive else ""
    say(f"average of {len(found.members)}, {part}{by}: BCA {shown}, {sample(found.utterances, found.speakers)}; {chosen}")
    told, best = f"{found.against.words} {found.against.scope}", found.best
    say(f"against its best member, {best.title} ({score(best.bca)}, the best on these very utterances): {told}")
    say(f"most confused: {errors.pairs_text(errors.confused_pairs(errors.confusion(found.answers)))}")
    if found.calibration is not None:
        say(errors.calibration_text(found.calibration))


def _write(found: Ensemble, output: str) -> None:
    """The ensemble's predictions as a table, as `export --what predictions` writes those of runs."""
    from ser_tui.report.exports import predictions_sheet
    from ser_tui.report.sheets import SUFFIXES, written
    from ser_tui.report.writing import write_out

    sheet = predictions_sheet([(f"average of {len(found.members)}", found.members[0].part, None, found.answers)])
    text = written(sheet, SUFFIXES.get(PurePath(output).suffix.lower(), "csv"))
    if output == "-":
        sys.stdout.write(text)
    else:
        say(str(write_out(absolute(output), text)), error=True)
