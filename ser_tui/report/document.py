"""A run as one JSON document: what `show --json` prints, and what reports and exports are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder, liveness, shown_status
from ser_tui.study.run_summary import to_json
from ser_tui.study.state import RunState
from ser_tui.study.summary import summarize, trial_summary

if TYPE_CHECKING:
    from ser_tui.evaluation.errors import Confusion


def run_document(folder: RunFolder, state: RunState, reader: LogReader | None = None) -> dict[str, Any]:
    """A run as one JSON document: its summary, every trial with its epochs, the machine, warnings and evaluations.

    `reader`: that which has read the state.
    """
    reader = reader or folder.read()[1]
    start = state.start
    document = {
        **to_json(summarize(folder.run_id, state)),
        "path": str(folder.path),
        "state": shown_status(state.status, liveness(folder)),
        "machine": dict(start.machine) if start else {},
        "fingerprints": dict(start.fingerprints) if start else {},
        "speakers": {part: list(names) for part, names in start.speakers.items()} if start else {},
        "startup": start.startup if start else None,
        "trial_list": [
            {**to_json(trial_summary(trial)), "epochs": [asdict(epoch) for epoch in trial.epochs]} for trial in state.trials
        ],
        "damaged_lines": [{"line": line, "reason": reason} for line, reason in reader.damaged],
        "confusions": _confusions(state),
    }
    for listed, folds in zip(document["folds"], state.folds, strict=True):
        listed.update(trial=folds.trial, folds=[_plain(fold) for fold in folds.folds])
    for listed, evaluation in zip(
        document["evaluations"], (e.result for e in state.evaluations if e.result is not None), strict=True
    ):
        listed.update(
            classes=list(evaluation.classes), columns=list(evaluation.columns), dropped=evaluation.dropped,
            confusion=[list(row) for row in evaluation.confusion], recalls=dict(evaluation.recalls),
            recall_intervals=_lists(evaluation.recall_intervals), baselines=dict(evaluation.baselines),
            baseline_intervals=_lists(evaluation.baseline_intervals), centred=dict(evaluation.centred),
            not_centred=evaluation.not_centred,
            centred_intervals=_lists(evaluation.centred_intervals), trial=evaluation.trial,
            speakers=list(evaluation.speakers), without=list(evaluation.without),
        )  # fmt: skip
    return document


def _confusions(state: RunState) -> list[dict[str, Any]]:
    """Who was taken for whom: the best trial on the validation part, and on the test part. Rows are the classes that occur in truth."""
    start, best, test = state.start, state.best, state.test
    if best is None and test is None:
        return []
    from ser_tui.evaluation.errors import (  # numpy, which a list of runs does without
        Answers,
        class_recalls,
        confusion,
        counted_confusion,
    )

    found = []
    if start is not None and best is not None and state.truth and len(best.predictions) == len(state.truth):
        speakers, recordings = (
            tuple(map(str, units)) if len(units) == len(state.truth) else None
            for units in (start.validation_speakers, start.validation_recordings)
        )
        answers = Answers(
            start.classes, state.truth, best.predictions, groups=speakers, recordings=recordings, seed=_seed(state)
        )
        intervals = {one.name: one.interval for one in class_recalls(answers)}
        found.append(_confusion("validation", best.number, confusion(answers), intervals))
    if start is not None and test is not None:
        matrix = counted_confusion(start.classes, start.classes, test.confusion)
        if matrix is not None:
            found.append(_confusion("test", test.trial, matrix, test.recall_intervals))
    return found


def _confusion(part: str, trial: int, matrix: Confusion, intervals: Mapping[str, tuple[float, float] | None]) -> dict[str, Any]:
    from ser_tui.evaluation.errors import plain_confusion

    known = {name: recall for name, recall in zip(matrix.rows, matrix.recalls, strict=True) if recall is not None}
    around = {name: list(interval) for name in known if (interval := intervals.get(name)) is not None}
    return {"part": part, "trial": trial, **plain_confusion(matrix), "recalls": known, "recall_intervals": around}


def _seed(state: RunState) -> int:
    seed = state.study.plain.get("seed", 0)
    return seed if isinstance(seed, int) else 0


def _lists(intervals: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    return {name: list(interval) for name, interval in intervals.items()}


def _plain(fold: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in fold.items()}
