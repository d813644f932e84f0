"""A run as one JSON document: what `show --json` prints, and what reports and exports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ser_tui.store.log import LogReader
from ser_tui.store.queue import state_of
from ser_tui.store.runs import RunFolder
from ser_tui.study.constraints import broken_text
from ser_tui.study.front import front_of
from ser_tui.study.records import to_plain
from ser_tui.study.run_summary import to_json
from ser_tui.study.several_tests import holm
from ser_tui.study.silence import silent
from ser_tui.study.state import RunState
from ser_tui.study.status import ShownStatus
from ser_tui.study.summary import summarize, trial_summary
from ser_tui.study.time_to_score import elapsed

if TYPE_CHECKING:
    from ser_tui.evaluation.analysis import Explained
    from ser_tui.evaluation.errors import Confusion


BESIDE: Mapping[str, str] = {
    "path": "The run's folder.",
    "machine": "What it began on: processor, threads, memory, versions, precision.",
    "fingerprints": "Digests of corpus, split and encoder as they were when it began.",
    "speakers": "Who is in each part, by name.",
    "startup": "Trials that are drawn before the strategy proposes.",
    "trial_list": "Every trial, with its `epochs`.",
    "trial_ends": "Of each trial, seconds of the search until it ended.",
    "constraints": "What the best trial must keep.",
    "breaks_constraints": "Numbers of the trials that do not keep them.",
    "front": "Numbers of the trials on the front of two objectives.",
    "silent": "Each trial under way that has given no sign of life for five minutes, and since when; its process may hang.",
    "damaged_lines": "In place of their number each line of the log that cannot be read, with the reason.",
    "confusions": "Who was taken for whom on the validation part, the test part and folds, with the recall of each class.",
    "analysis": "`show` alone: each part that the best trial, or `--trial`, was scored on, with recalls, speakers, sexes and calibration; "
    "with `--errors` the utterances that it got wrong.",
}
"""What `show --json` has of a run beside its summary, and what that is. `folds` has the scores of each fold too, and `evaluations`
confusions, recalls, baselines, and transductive scores: with the target's mean taken out, and after self-training on it."""


def run_document(
    folder: RunFolder, state: RunState, reader: LogReader | None = None, best: Sequence[Explained] | None = None
) -> dict[str, Any]:
    """A run as one JSON document: its summary, every trial with its epochs, the machine, warnings and evaluations.

    `reader`: that which has read the state; `best`: what its best trial was scored on, see `evaluation.analysis.explained`, where
    that is known already. `confusions` are of the same analysis as `analysis`, which `show --json` adds. `trial_ends`: seconds that workers
    had spent on the search when each of `trial_list` ended; None: not known.
    """
    from ser_tui.evaluation.analysis import of_search  # numpy, which other commands do without

    reader = reader or folder.read()[1]
    start, status = state.start, state_of(folder, state.status)
    document = {
        **to_json(summarize(folder.run_id, state)),
        "path": str(folder.path),
        "state": status,
        "machine": dict(start.machine) if start else {},
        "fingerprints": dict(start.fingerprints) if start else {},
        "speakers": {part: list(names) for part, names in start.speakers.items()} if start else {},
        "startup": start.startup if start else None,
        "trial_list": [{**to_json(trial_summary(trial)), "epochs": [to_plain(epoch) for epoch in trial.epochs]} for trial in state.trials],
        "trial_ends": [elapsed(trial, state.sessions) for trial in state.trials],
        "constraints": [str(one) for one in state.study.constraints],
        "breaks_constraints": [trial.number for trial in state.trials if broken_text(trial.scores, state.study.constraints)],
        "front": [trial.number for trial in front_of(state)],
        "silent": [{"trial": trial, "since": since} for trial, since in silent(state, datetime.now(UTC)) if status == ShownStatus.LIVE],
        "damaged_lines": [{"line": line, "reason": reason} for line, reason in reader.damaged],
        "confusions": [_confusion(part, part.matrix) for part in of_search(folder, state, best) if part.matrix is not None],
    }
    for listed, folds in zip(document["folds"], state.folds, strict=True):
        listed.update(
            trial=folds.trial, nested=folds.nested, averaged=folds.averaged, folds=[_plain(fold) for fold in folds.folds]
        )  # fmt: skip
    for listed, evaluation in zip(document["evaluations"], (e.result for e in state.evaluations if e.result is not None), strict=True):
        listed.update(
            classes=list(evaluation.classes), columns=list(evaluation.columns), dropped=evaluation.dropped,
            confusion=[list(row) for row in evaluation.confusion], recalls=dict(evaluation.recalls),
            recall_intervals=_lists(evaluation.recall_intervals), lone_recalls=list(evaluation.lone_recalls),
            baselines=dict(evaluation.baselines),
            baseline_intervals=_lists(evaluation.baseline_intervals), baseline_p=dict(evaluation.baseline_p),
            baseline_corrected_p=dict(zip(evaluation.baseline_p, holm(list(evaluation.baseline_p.values())), strict=True)),
            centred=dict(evaluation.centred),
            not_centred=evaluation.not_centred,
            self_trained=dict(evaluation.self_trained), self_trained_intervals=_lists(evaluation.self_trained_intervals),
            centred_intervals=_lists(evaluation.centred_intervals), trial=evaluation.trial,
            speakers=list(evaluation.speakers), without=list(evaluation.without), heard=evaluation.heard,
        )  # fmt: skip
    return document


def _confusion(part: Explained, matrix: Confusion) -> dict[str, Any]:
    """Who was taken for whom in a part, out of its analysis. Rows are the classes that occur in truth."""
    from ser_tui.evaluation.errors import plain_confusion

    known = {one.name: one.recall for one in part.recalls if one.recall is not None}
    around = {one.name: list(one.interval) for one in part.recalls if one.name in known and one.interval is not None}
    named = {"part": part.name, "title": part.title, "trial": part.by}
    lone = [one.name for one in part.recalls if one.lone]
    return {**named, **plain_confusion(matrix), "recalls": known, "recall_intervals": around, "lone_recalls": lone}


def _lists(intervals: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {name: list(interval) for name, interval in intervals.items()}


def _plain(fold: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fold.items()}
