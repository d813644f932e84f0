"""The verb ensemble."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.evaluation import errors
from ser_tui.evaluation.ensembles import VALIDATION, Ensemble, Member, members_of, scored
from ser_tui.places import absolute, runs_folder
from ser_tui.store import ensembles
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.store.wanted import SCORED
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.findings import doubts, said, shares
from ser_tui.study.formatting import score, score_text
from ser_tui.study.headline import sample


def ensemble_runs(
    references: Sequence[str],
    *,
    top: int | None,
    part: str,
    output: str,
    as_json: bool,
    on: str = "",
    changes: Sequence[str] = (),
    preset: str = "default",
    folder: str = "",
) -> int:
    """Average what the runs' models said of `part`, and print how that scores; the exit code. `output`: a file for its predictions,
    or empty. `on`: a corpus that every member is evaluated on first, with these `changes` of the label map and `preset`. `folder`:
    where the ensemble is saved as a model, or empty."""
    if output == "-" and as_json:
        raise UsageError("-o - and --json both write to standard output: use one of them")
    if top is not None and (on or folder):
        raise UsageError("--on and --save need models, and a run keeps only its best trial's: name several runs instead of --top")
    if on and part != VALIDATION:
        raise UsageError("use --of or --on, not both: with --on CORPUS the members are scored on that corpus")
    if (changes or preset != "default") and not on:
        raise UsageError("--map and --preset need --on: they change how the labels of its corpus are mapped")
    if folder == "-":
        raise UsageError("--save -: an ensemble is a folder; name a new one")
    runs = runs_folder()
    folders = list(dict.fromkeys(one for reference in references for one in _runs_of(runs, reference)))
    if on and not _evaluated(folders, on, changes, preset, as_json):
        return 1
    members = [one for run in folders for one in members_of(run, run.state(), on or part, top, target=bool(on))]
    found = scored(members, top=top)
    if folder:
        say(f"saved in {ensembles.save(absolute(folder), folders, found.plain())}", error=as_json or output == "-")
    _tell(found, output, as_json=as_json)
    return 0


def _runs_of(runs: Path, reference: str) -> list[RunFolder]:
    """The run that `reference` names; those of the members where it is a folder with an ensemble."""
    place = Path(reference).expanduser()
    if not ensembles.is_ensemble(place):
        return [resolve(runs, reference, SCORED)]
    members, found = ensembles.read(place), list[RunFolder]()
    for member in members:
        run = RunFolder(runs / member.run)
        if not run.log.exists():
            raise UserError(f"{reference}: its member {member.run} is not in {runs}: `ser-tui import FILE.zip` brings a bundled run")
        ensembles.refuse_others(member, run)
        found.append(run)
    return found


def _evaluated(folders: Sequence[RunFolder], on: str, changes: Sequence[str], preset: str, as_json: bool) -> bool:
    """Evaluate the best model of each run on the corpus `on`; whether all have a result."""
    from ser_tui.cli.evaluating import evaluated_on

    if "," in on:
        raise UsageError("--on: name one corpus; an ensemble is scored on one at a time")
    if len(folders) < 2:
        raise UsageError("an ensemble needs at least two members: name several runs")
    for folder in folders:
        say(f"{folder.run_id} on {on}", error=as_json)
        if not evaluated_on(folder, (on,), list(changes), speakers="", without="", masked=True, preset=preset, as_json=as_json)[1]:
            return False
    return True


def _tell(found: Ensemble, output: str, *, as_json: bool) -> None:
    if output:
        _write(found, output)
    if output == "-":
        return
    if as_json:
        print_json(found.plain())
        return
    rows = [
        (one.run, "-" if one.trial is None else str(one.trial), score(one.score.value), _chosen_on(one), one.transductive or "plain")
        for one in found.members
    ]  # fmt: skip
    columns = ("MEMBER", "TRIAL", "BCA", "CHOSEN ON", "SCORE IS")
    width = len(columns) if found.transductive else len(columns) - 1
    print_table(columns[:width], [row[:width] for row in rows], ("TRIAL", "BCA"))
    chosen = "; ".join(found.chosen) or "nothing but the members was chosen on these utterances"
    shown = score_text(found.score)
    known = shares(found.findings) if found.evaluation is None else doubts(found.findings)
    doubt = f"{known}; " if found.findings and known else ""
    by = f", {found.transductive}" if found.transductive else ""
    say(f"average of {len(found.members)}, {found.part}{by}: BCA {shown}, {sample(found.utterances, found.speakers)}; {doubt}{chosen}")
    for sentence in said(found.findings):
        say(f"warning: {sentence}")
    told, best = f"{found.against.words} {found.against.scope}", found.best
    say(f"against its best member, {best.title} ({score(best.score.value)}, the best on these very utterances): {told}")
    say(f"most confused: {errors.pairs_text(errors.confused_pairs(errors.confusion(found.answers)))}")
    if found.calibration is not None:
        say(errors.calibration_text(found.calibration))


def _write(found: Ensemble, output: str) -> None:
    """The ensemble's predictions as a table, as `export --what predictions` writes those of runs."""
    from ser_tui.report.exports import predictions_sheet
    from ser_tui.report.sheets import format_of, written
    from ser_tui.report.writing import write_out

    sheet = predictions_sheet([(f"average of {len(found.members)}", found.members[0].part, None, found.answers)])
    text = written(sheet, format_of(output))
    if output == "-":
        sys.stdout.write(text)
    else:
        say(str(write_out(absolute(output), text)), error=True)


def _chosen_on(member: Member) -> str:
    """On which of the utterances that are scored its configuration was chosen."""
    return {"all of it": "these utterances", "": "other utterances"}.get(member.chosen, member.chosen.replace(" of them", " of these"))
