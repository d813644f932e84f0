"""A run with everything that can be scored, as a worker of this version logs it, and what a score without an interval looks like."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from fabricated_runs import CLASSES, FabricatedRun, begin, interval

from ser_tui.study import events

SQUARE = tuple(tuple(9 if row == column else 1 for column in range(7)) for row in range(7))
RECALLS = dict.fromkeys(CLASSES, (0.51, 0.68))
MAPPING = {"calm": "neutral", "surprised": ""}
BASELINES = {"majority": 0.154, "untuned": 0.479, "untuned_bca": 0.45, "random_head": 0.155, "random_head_bca": 0.143}
TRAINED = {"self_trained": 0.641, "self_trained_bca": 0.652}
CENTRED = {"corpus": 0.577, "corpus_bca": 0.589, "speaker": 0.615, "speaker_bca": 0.634}

TEST = events.TestScored(
    trial=3, bca=0.912, interval=(0.86, 0.95), accuracy=0.92, accuracy_interval=(0.87, 0.96), utterances=98, confusion=SQUARE,
    recall_intervals=RECALLS, probe_bca=0.89, probe_interval=(0.85, 0.93), probe_accuracy=0.9, probe_p=0.3,
    probe_accuracy_interval=(0.86, 0.94),
)  # fmt: skip
FOLDS = events.FoldsScored(
    trial=3, protocol="loso", folds=({"name": "03", "bca": 0.9, "interval": (0.8, 0.97), "utterances": 49},), pooled_bca=0.889,
    interval=(0.86, 0.91), mean=0.88, deviation=0.04, utterances=535, probe_pooled_bca=0.87, probe_interval=(0.84, 0.9),
    probe_p=0.2,
)  # fmt: skip
EVALUATION = events.EvaluationFinished(
    corpus="ravdess", trial=3, mapping=MAPPING, masked=True, utterances=576, dropped=144, classes=CLASSES, columns=CLASSES,
    confusion=SQUARE, accuracy=0.545, accuracy_interval=(0.5, 0.59), bca=0.556, bca_interval=(0.5, 0.6),
    recalls=dict.fromkeys(CLASSES, 0.6), recall_intervals=RECALLS, chance=0.143, baselines=BASELINES,
    baseline_intervals={name: interval(score) for name, score in BASELINES.items()}, centred=CENTRED,
    centred_intervals={name: interval(score) for name, score in CENTRED.items()}, self_trained=TRAINED,
    self_trained_intervals={name: interval(score) for name, score in TRAINED.items()},
)  # fmt: skip


def scored_run(runs: Path, number: int = 0) -> FabricatedRun:
    """Three trials, a probe, a test part, folds and an evaluation."""
    run = begin(runs, number=number, planned=3, protocol={"kind": "speaker", "test_size": 0.2})
    for index, bca in enumerate((0.412, 0.143, 0.871), 1):
        run.trial(index, bca, {**run.parameters(), "epochs": 3}, seconds_per_epoch=2.0)
    run.probe(0.85)
    run.write(TEST, FOLDS, events.RunFinished(reason="3 trials are done"))
    run.write(events.EvaluationStarted(corpus="ravdess", mapping=MAPPING, utterances=576), EVALUATION)
    return run


def older(event: events.Event) -> events.Event:
    """`event` without the intervals that logs lacked at first."""
    match event:
        case events.EpochFinished():
            return replace(event, interval=None)
        case events.TrialFinished() | events.ProbeScored():
            return replace(event, accuracy_interval=None)
        case events.TestScored():
            return replace(event, accuracy_interval=None, probe_accuracy_interval=None, recall_intervals={})
        case events.FoldsScored():
            return replace(event, folds=tuple({k: v for k, v in fold.items() if k != "interval"} for fold in event.folds))
        case events.EvaluationFinished():
            return replace(event, recall_intervals={}, baseline_intervals={}, centred_intervals={}, self_trained_intervals={})
    return event


_SCORE = re.compile(r"(?<![\w.])(?:1\.000|\.\d{3})(?!\d)")
_CARRIED = re.compile(r" \[\.\d{3}, (?:\.\d{3}|1\.000)\]| \.\d\d-(?:\.\d\d|1\.0)(?!\d)")
_OTHER = re.compile(r"(?:\[|\[\.\d{3}, |chance |mean |sd |SD |± |[+-])$")
"""What a number is that is no score: a bound, chance, which is no estimate, the spread of folds, a difference."""


def alone(text: str) -> list[str]:
    """The lines of `text` with a score that has no interval beside it, or on the next line, where it was broken there."""
    whole = re.sub(r" *\n(?:.*│)? +(?=\[|\d*\.\d{3}\])", " ", re.sub(r"chance *\n.*│ +", "chance ", text))
    return [
        line
        for line in whole.splitlines()
        for found in _SCORE.finditer(line)
        if not _CARRIED.match(line[found.end() :]) and not _OTHER.search(line[: found.start()])
    ]
