"""A run's trials as CSV or JSON, and a page of summary, in the run folder's export/. Nothing in it that the log does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ser_tui.places import folder_within
from ser_tui.store.files import disk_errors, write_atomically
from ser_tui.store.runs import RunFolder, refuse_links
from ser_tui.study import run_summary
from ser_tui.study.constraints import standing
from ser_tui.study.errors import UserError
from ser_tui.study.findings import findings_of, said, shares_speakers
from ser_tui.study.formatting import counted, csv_text, duration, json_text, measured_text, parameters_text, printable
from ser_tui.study.headline import apart_text, headline_text, of_collapsed, sample, validation_speakers, without_model
from ser_tui.study.narration import narrate
from ser_tui.study.records import to_plain
from ser_tui.study.score_keys import BEST_EPOCH, PROBE
from ser_tui.study.scores import ACCURACY, BCA, MEASURES, OF_FEATURES, PEAK_MEMORY, Score
from ser_tui.study.seeds import seeds_text
from ser_tui.study.state import RunState
from ser_tui.study.summary import elapsed_seconds, summarize, trial_summary

Format = Literal["csv", "json"]


def _ends(name: str) -> tuple[str, str]:
    """The columns of the interval of the score in column `name`."""
    return f"{name}_low", f"{name}_high"


_RESULTS = (
    BCA, *_ends(BCA), "utterances", ACCURACY, "loss", "epochs_done", "best_epoch", BEST_EPOCH.name,
    "seconds", "reason", "protocol", "shares_speakers", "warnings", PROBE, "probe_p",
    # Last, so that columns that were counted off in an older export are where they were.
    *_ends(ACCURACY), *_ends(BEST_EPOCH.name), *_ends(PROBE),
    "interval_speakers", *(name for name in MEASURES if name not in (BCA, ACCURACY)), "objective", "where",
    OF_FEATURES, "prepared", "corpus", "encoder", "method",
)  # fmt: skip


_OF_ERRORS: Mapping[str, str] = {
    "id": "utterance", "speaker": "speaker", "gender": "sex", "seconds": "seconds", "truth": "truth", "said": "said",
    "confidence": "confidence", "truth_probability": "truth_probability", "path": "path", "start": "start", "end": "end",
}  # fmt: skip

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_BREAKS = re.compile(r"\A[\t\r\n]")
_START, _SIGN = r"""(\A|[,;|"']|\\x09|\\x0a|\\x0d)""", r"([\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
_FORMULA, _GUARDED = re.compile(_START + _SIGN), re.compile(f"{_START}'{_SIGN}")
"""Where a cell may begin, and what would make it a formula: a sign, or one of full width, after blanks or none."""


def export(folder: RunFolder, format: Format, again: str = "export again") -> Path:
    """Write the run's trials to export/trials.csv or export/trials.json and return the path. `again`: see `write_export`. Raises
    UserError."""
    state = folder.state()
    if not state.trials:
        raise UserError(f"{folder.run_id} has no trials yet: nothing to export")
    text = to_csv(folder.run_id, state) if format == "csv" else to_json(folder.run_id, state)
    return write_export(folder, f"trials.{format}", text, again)


def write_summary(folder: RunFolder, state: RunState) -> Path:
    """Write `summary_text` to export/summary.txt and return the path. Raises UserError."""
    return write_export(folder, "summary.txt", summary_text(folder.run_id, state))


def to_csv(run_id: str, state: RunState) -> str:
    """One line a trial; columns of parameters are named as in the study. Every line says what the split shares."""
    names = list(dict.fromkeys(name for trial in state.trials for name in trial.parameters))
    rows: list[list[Any]] = [["run", "trial", "status", "phase", *map(inert, names), *_RESULTS]]
    for trial in state.trials:
        score, accuracy, probe = trial.score(), trial.score(ACCURACY), state.probe.scores[BCA] if state.probe else None
        row: list[Any] = [run_id, trial.number, trial.status, trial.phase]
        row += [trial.parameters.get(name) for name in names]
        row += [
            trial.value(), *_bounds(score), trial.utterances or None, trial.value(ACCURACY), trial.loss, len(trial.epochs),
            trial.best_epoch, trial.best_epoch_value, trial.seconds, trial.reason,
            state.study.protocol, shares_speakers(state.start),
            " ".join(said(findings_of(state.start))),
            probe and probe.value, trial.probe_p, *_bounds(accuracy), *_bounds(trial.best_epoch_score), *_bounds(probe),
            validation_speakers(state.start), *(trial.value(name) for name in MEASURES if name not in (BCA, ACCURACY)),
            ", ".join(state.study.objectives), trial.where, (memory := trial.score(PEAK_MEMORY)) and (memory.with_features or None),
            trial.prepared or None, state.study.corpus, state.study.encoder, state.study.method,
        ]  # fmt: skip
        rows.append([inert(value) for value in row])
    return csv_text(rows)


def csv_of_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """One line an utterance, as `ser_tui.evaluation.errors.Wrong.plain` tells it; class probabilities come last, a column each."""
    classes = list(dict.fromkeys(name for one in errors for name in one["probabilities"]))
    head = [*_OF_ERRORS.values(), *(f"probability of {name}" for name in classes)]
    rows = [[*(one[name] for name in _OF_ERRORS), *(one["probabilities"].get(name) for name in classes)] for one in errors]
    return csv_text([inert(value) for value in row] for row in (head, *rows))


def write_errors(folder: RunFolder, name: str, errors: Sequence[Mapping[str, Any]]) -> Path:
    """Write `csv_of_errors` to export/errors-NAME.csv and return the path. Raises UserError."""
    sound = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80]
    return write_export(folder, f"errors-{sound}.csv", csv_of_errors(errors))


def _bounds(score: Score | None) -> tuple[float | None, float | None]:
    return (score and score.interval) or (None, None)


def to_json(run_id: str, state: RunState) -> str:
    """The run's summary, its warnings and all trials with their epochs."""
    summary = summarize(run_id, state)
    trials = [
        {**run_summary.to_json(trial_summary(trial)), "epochs": [to_plain(epoch) for epoch in trial.epochs]} for trial in state.trials
    ]
    return json_text({**run_summary.to_json(summary), "trials": trials})


def summary_text(run_id: str, state: RunState) -> str:
    """The run in a few lines of plain text, for a message or a notebook."""
    best, summary = state.best, summarize(run_id, state)
    study = state.study
    lines = [
        f"{study.name or run_id} ({run_id}): {state.status}",
        f"corpus {summary.corpus or '-'}, encoder {study.encoder or '-'}, "
        f"strategy {state.strategy or '-'}, protocol {study.protocol or '-'}",
        f"{counted(state.finished_trials, 'trial')} in {duration(elapsed_seconds(state))}",
        *([f"BCA {headline_text(summary.headline)}"] if summary.headline else []),
    ]
    if best is not None:
        values = parameters_text(best.parameters)
        over = sample(best.utterances, summary.interval_speakers)
        lines += [
            *(
                f"{words} {measured_text(one, best.score(one.name))} (validation{study.beside}, {over}), trial {best.number}"
                for words, one in study.of_best
            ),
            *([stands] if (stands := standing(best.scores, study.constraints)) else []),
            f"  {values}",
        ]
    scored = [event for event in (state.probe, state.test, *state.folds) if event is not None]
    lines += [line.whole for event in scored for line in narrate(event, state)]
    if summary.seeds is not None:
        parts = [part for part in (summary.seeds, summary.seeds.test) if part is not None]
        lines += [f"trial {summary.seeds.trial} with other seeds: {seeds_text(part, study)}" for part in parts]
    if apart := apart_text(state.pooled):
        lines.append(apart)
    found = [evaluation.result for evaluation in state.evaluations if evaluation.result is not None]
    lines += [("! " if line.level == "warning" else "") + line.whole for event in found for line in narrate(event, state)]
    if best is not None and (collapsed := of_collapsed(best.number, best.status)):
        lines.append(f"! {collapsed}")
    if best is not None and (lacks := without_model(best.number, best.unsaved)):
        lines.append(f"! {lacks}")
    lines += [f"! {warning}" for warning in said(findings_of(state.start))]
    return "\n".join(printable(line) for line in lines) + "\n"


def inert(value: Any) -> Any:
    """What a spreadsheet would take for a formula, as text, and nothing that a terminal would obey. Numbers stay numbers.

    As OWASP's page on CSV injection has it, also for a cell that begins within a text where a spreadsheet splits at another
    separator or quote; and beyond it, for blanks before a sign, which some programs leave out on reading.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return guarded(printable(_BREAKS.sub(r"'\g<0>", value)))


def guarded(text: str) -> str:
    """`text` with an apostrophe before whatever a spreadsheet would take for a formula; `unguarded` takes it away."""
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub(r"\1'\2", text)


def unguarded(text: str) -> str:
    """What `guarded` made `text` of."""
    return _GUARDED.sub(r"\1\2", text)


def write_export(folder: RunFolder, name: str, text: str, again: str = "export again") -> Path:
    """Replace `name` in the run's export/ and return its path. `again`: what to do once the disk is mended. Raises UserError."""
    refuse_links(folder)
    path = folder.path / "export" / name
    with disk_errors("exporting", path, again):
        folder_within(path.parent)
        write_atomically(path, text.encode("utf-8", "backslashreplace"))
    return path
