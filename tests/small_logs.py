"""Logs of searches that nobody trained: what a strategy proposes, with scores that are made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_tui.experiment.proposing import recommended_bounds
from ser_tui.store.runs import RunFolder, create
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import make
from ser_tui.strategies.warm import Prior, warmed
from ser_tui.study import events
from ser_tui.study.document import Study
from ser_tui.study.findings import plain, warm
from ser_tui.study.load import to_plain
from ser_tui.study.log_codec import encode

EMODB = """
corpus: emodb
encoder: whisper-tiny.en
strategy: gp
search:
  learning_rate: {low: 1e-6, high: 1e-3, scale: log}
  epochs: {low: 1, high: 10}
  unfreeze_epoch: {low: 0, high: 5}
  max_seconds: {choices: [2, 3, 4, 5, 7, 10]}
"""


def log_of(study: Study, scores: Sequence[float], prior: Sequence[Prior] = ()) -> list[events.Event]:
    """What a search logs whose trials score so."""
    strategy = warmed(make(study.strategy, study.search, 42), study, recommended_bounds(study), prior)
    known = tuple(run.plain() for run in prior)
    found = plain(warm(study.warm_start.first_point != "none", known))
    start = events.RunStarted(
        study=to_plain(study), classes=("a", "b"), utterances={"train": 2, "validation": 2}, findings=found, prior=known
    )
    log: list[events.Event] = [start]
    history: list[Observation] = []
    for number, score in enumerate(scores, 1):
        proposal = strategy.propose(history)
        assert proposal is not None
        history.append(Observation(proposal.parameters, score, 60.0))
        scored: dict[str, Any] = {"bca": score, "interval": (0.0, 1.0), "best_epoch": 1, "best_epoch_bca": score, "accuracy": score}
        begun = events.TrialStarted(trial=number, parameters=proposal.parameters, phase=proposal.phase)
        log += [begun, events.TrialFinished(trial=number, utterances=2, loss=1.0, seconds=60.0, **scored)]
    return [replace(event, seq=seq, time="2026-11-26T12:00:00.000Z") for seq, event in enumerate(log)]


def written(runs: Path, name: str, log: Sequence[events.Event]) -> RunFolder:
    folder = create(runs, name)
    folder.log.write_bytes(b"".join(map(encode, log)))
    return folder
