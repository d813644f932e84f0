"""The verbs that take runs out of the app, and back: report, export and import."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ser_tui.cli.output import say
from ser_tui.places import absolute, runs_folder
from ser_tui.store.runs import RunFolder, refuse_links, resolve_each
from ser_tui.store.wanted import ANY
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.findings import findings_of
from ser_tui.study.formatting import counted

if TYPE_CHECKING:
    from ser_tui.evaluation.errors import Answers
    from ser_tui.report.collecting import Told
    from ser_tui.report.offered import SheetFormat, What
    from ser_tui.report.sheets import Sheet

Word = TypeVar("Word", bound=str)
_AGAIN = "the same command again; or name another place with -o"
"""What to do where a run's own folder cannot be written; screens write nowhere else."""


def report_runs(references: Sequence[str], output: str) -> None:
    """Write the page about the runs and print its path; the page itself where `output` is a dash."""
    from ser_tui.report.writing import report_text, write_report

    folders = resolve_each(runs_folder(), references, ANY)
    if output == "-":
        _print(report_text(folders))
        return
    say(str(write_report(folders, absolute(output) if output else None, _AGAIN)))


def export_runs(references: Sequence[str], what: str, form: str, output: str, trial: int | None = None) -> None:
    """Write `what` of the runs and print the path; the table itself where `output` is a dash. `trial`: whose predictions, None: those
    of the best one."""
    from ser_tui.report.writing import write_out
    from ser_tui.store.export import export, to_csv, to_json, write_export

    form_, folders = _format(form, output), resolve_each(runs_folder(), references, ANY)
    what_ = _what(what, len(folders))
    if trial is not None and (what_ != "predictions" or len(folders) != 1):
        raise UsageError("--trial goes with --what predictions of one run")
    if what_ == "trials" and len(folders) == 1 and form_ in ("csv", "json"):
        # As ever, with all that older exports have.
        state = folders[0].state()
        if not output or not state.trials:
            say(str(export(folders[0], "csv" if form_ == "csv" else "json", _AGAIN)))
            return
        text = (to_csv if form_ == "csv" else to_json)(folders[0].run_id, state)
    else:
        from ser_tui.report.sheets import written

        text = written(_sheet(what_, folders, trial), form_)
    if output == "-":
        _print(text)
    elif output:
        say(str(write_out(absolute(output), text)))
    else:
        from ser_tui.report.offered import ENDINGS

        named = what_ if trial is None else f"{what_}-trial{trial}"
        say(str(write_export(folders[0], f"{named}.{ENDINGS[form_]}", text, _AGAIN)))


def bundle_run(references: Sequence[str], target: Path, others: Sequence[str]) -> None:
    """Put a run into one file and print its path. `others`: options that were given beside it, which a bundle has not."""
    from ser_tui.store.bundle import write_bundle
    from ser_tui.store.candidates import model_of

    if others:
        raise UsageError(f"--bundle goes without {', '.join(others)}: a bundle is the whole run")
    if str(target) == "-":
        raise UsageError("--bundle -: a bundle is a file; name it, such as run.zip")
    folders = resolve_each(runs_folder(), references, ANY)
    if len(folders) != 1:
        raise UsageError("--bundle takes one run; make a bundle of each")
    say(str(write_bundle(folders[0], absolute(target))))
    best = folders[0].state().best
    try:
        if best is not None:
            model_of(folders[0], best)
    except UserError as error:
        say(f"warning: the bundle has no model of the best trial: {error}", error=True)


def track_runs(references: Sequence[str], tracker: str, output: str, others: Sequence[str]) -> None:
    """Write runs for a tracker, print where they are and what opens them. `others`: options of tables, which a tracker has not."""
    from ser_tui.places import folder_within
    from ser_tui.report.collecting import tell
    from ser_tui.report.offered import TRACKERS
    from ser_tui.report.trackers import OPENED_BY, PLACES, VIEWERS, track

    found = _one_of(TRACKERS, tracker, "--to")
    if others or output == "-":
        raise UsageError(f"--to {tracker} goes without {', '.join([*others, *(['-o -'] if output == '-' else [])])}")
    folders = resolve_each(runs_folder(), references, ANY)
    if output:
        target = absolute(output)
    else:
        refuse_links(folders[0])
        target = folder_within(folders[0].path / "export") / PLACES[found]
    track([tell(folder) for folder in folders], found, target)
    say(str(target))
    needed = f" (needs: pip install {VIEWERS[found]})" if found in VIEWERS else ""
    say(f"open it with: {OPENED_BY[found].format(shlex.quote(str(target)))}{needed}", error=True)


def import_run(source: Path, study: str = "", value: str = "") -> None:
    """Take over the run in a bundle, or a study of Optuna's, and print the run's id. `study`, `value`: see `import_optuna`."""
    from ser_tui.report.optuna_study import import_optuna, is_optuna
    from ser_tui.store.bundle import read_bundle

    if is_optuna(absolute(source)):
        folder = import_optuna(absolute(source), runs_folder(), study, value)
        start = folder.state().start
        for found in findings_of(start):
            if found.kind == "imported":
                say(found.sentence, error=True)
        say(folder.run_id)
        return
    if study or value:
        raise UsageError(f"{'--study' if study else '--value'} is for a study of Optuna's, which {source} is not")
    say(read_bundle(absolute(source), runs_folder()).run_id)


def _sheet(what: What, folders: list[RunFolder], trial: int | None) -> Sheet:
    from ser_tui.report import exports
    from ser_tui.report.collecting import compare, tell

    told = [tell(folder) for folder in folders]
    match what:
        case "trials":
            return exports.trials_sheet(told)
        case "comparison":
            compared = compare(told)
            if compared is None:
                raise UsageError("a comparison needs two different runs at least")
            return exports.comparison_sheet(told, compared)
        case "paper":
            return exports.paper_sheet(told)
        case "predictions":
            answers = [one for folder, run in zip(folders, told, strict=True) for one in _answers(folder, run, trial)]
            return exports.predictions_sheet(answers)
        case "parts":
            return exports.parts_sheet(folders, told)


def _answers(folder: RunFolder, run: Told, trial: int | None) -> Iterator[tuple[str, str, int | None, Answers]]:
    """(run, part, trial, answers) of everything that `trial` (None: the best one) was scored on, as far as it is known; no trial of nested
    folds. A corpus that was evaluated several times, by other maps of its labels say, is as many parts."""
    from ser_tui.evaluation.analysis import explained

    times = Counter[str]()
    found = explained(folder, run.state, trial)
    own = {part.name for part in found if part.event is None}
    for part in found:  # what came last first
        name = f"corpus {part.name}" if part.event is not None and part.name in own else part.name
        since = f", {counted(times[name], 'evaluation')} before" if times[name] else ""
        times[name] += 1
        if part.answers is not None:
            yield folder.run_id, f"{name}{since}", part.by, part.answers


def _format(form: str, output: str) -> SheetFormat:
    from ser_tui.report.offered import FORMATS
    from ser_tui.report.sheets import format_of

    return _one_of(FORMATS, form or format_of(output), "--format")


def _what(what: str, runs: int) -> What:
    from ser_tui.report.offered import WHAT

    return _one_of(WHAT, what or ("trials" if runs == 1 else "comparison"), "--what")


def _one_of(known: Sequence[Word], given: str, option: str) -> Word:
    """The word among `known` that is `given`. Raises UsageError where it is none of them."""
    found = next((one for one in known if one == given), None)
    if found is None:
        raise UsageError(f"{option} {given}: one of {', '.join(known)}")
    return found


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
