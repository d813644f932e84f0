"""Runs as a worker would leave them: real event lines in real folders, with the numbers and the clock under control."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ser_tui.store.processes import identify
from ser_tui.store.runs import RunFolder
from ser_tui.study import events
from ser_tui.study.load import dumps, to_plain, validate
from ser_tui.study.log_codec import encode

CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")
SEARCH: dict[str, Any] = {
    "learning_rate": {"low": 1e-6, "high": 1e-3, "scale": "log"},
    "epochs": {"low": 1, "high": 10},
    "unfreeze_epoch": {"low": 0, "high": 5},
    "max_seconds": {"choices": [2, 3, 4, 5, 7, 10]},
}
BEGIN = datetime(2026, 11, 22, 14, 30, 15, tzinfo=UTC)


def study(**changes: Any) -> dict[str, Any]:
    """A raw study document, EmoDB by GP-BO unless changed."""
    return {
        "name": "emodb-gp",
        "corpus": "emodb",
        "protocol": "random",
        "encoder": "whisper-tiny.en",
        "strategy": "gp",
        "budget": 15,
        "seed": 42,
        "search": SEARCH,
        **changes,
    }


@dataclass
class FabricatedRun:
    """Writes one run. Every event comes `step` seconds after the one before it."""

    folder: RunFolder
    clock: datetime
    seq: int = 0
    rng: random.Random = field(default_factory=lambda: random.Random(7))
    classes: Sequence[str] = CLASSES
    truth: tuple[int, ...] = ()

    def write(self, *found: events.Event, step: float = 1.0) -> None:
        """Append `found` to the log."""
        with self.folder.log.open("ab") as stream:
            for event in found:
                time = self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z")
                stream.write(encode(replace(event, seq=self.seq, time=time)))
                self.seq += 1
                self.clock += timedelta(seconds=step)

    def trial(self, number: int, bca: float, parameters: dict[str, Any], *, seconds_per_epoch: float = 3.0) -> None:
        """One finished trial, from its start to its score."""
        for event in self.trial_events(number, bca, parameters, seconds_per_epoch):
            self.write(event, step=seconds_per_epoch)

    def trial_events(self, number: int, bca: float, parameters: dict[str, Any], seconds_per_epoch: float = 3.0) -> Iterator[events.Event]:
        """The events of one trial, in order."""
        epochs = int(parameters["epochs"])
        yield events.TrialStarted(trial=number, parameters=parameters, phase="startup" if number <= 5 else "model")
        for epoch in range(1, epochs + 1):
            share = epoch / epochs
            so_far = round(0.143 + (bca - 0.143) * share, 4)
            yield events.EpochFinished(
                trial=number, epoch=epoch, epochs=epochs, loss=round(1.9 - 1.8 * share * bca, 4),
                bca=so_far, validation_loss=round(1.95 - 1.5 * share * bca, 4), interval=interval(so_far),
                frozen=epoch <= int(parameters["unfreeze_epoch"]), seconds=seconds_per_epoch,
            )  # fmt: skip
        first = not self.truth
        if first:
            self.truth = tuple(index % len(self.classes) for index in range(127))
        hits = round(bca * 127)
        predictions = tuple(label if index < hits else (label + 1) % len(self.classes) for index, label in enumerate(self.truth))
        yield events.TrialFinished(
            trial=number, bca=bca, interval=interval(bca), accuracy_interval=interval(min(1.0, bca + 0.01)),
            utterances=127, best_epoch=epochs, best_epoch_bca=bca, accuracy=round(min(1.0, bca + 0.01), 4),
            loss=round(1.9 - 1.8 * bca, 4), seconds=epochs * seconds_per_epoch, collapsed=bca < 0.15,
            predictions=predictions, truth=self.truth if first else (),
        )  # fmt: skip

    def probe(self, bca: float, best_p: float | None = 0.04) -> None:
        """The probe beside the trials."""
        hits = round(bca * 127)
        self.write(events.ProbeScored(
            parameters={"max_seconds": 10, "layers": "2+3", "pooling": "mean", "inverse_regularization": 0.1}, tried=12, bca=bca,
            interval=(round(bca - 0.03, 4), round(bca + 0.03, 4)), accuracy=bca, accuracy_interval=interval(bca), utterances=127,
            predictions=tuple(label if index < hits else -1 for index, label in enumerate(self.truth)), best_p=best_p, seconds=21.0,
        ), step=0.0)  # fmt: skip

    def parameters(self) -> dict[str, Any]:
        """A random point of SEARCH."""
        return {
            "learning_rate": 10 ** self.rng.uniform(-6, -3),
            "epochs": self.rng.randint(1, 10),
            "unfreeze_epoch": self.rng.randint(0, 5),
            "max_seconds": self.rng.choice([2, 3, 4, 5, 7, 10]),
        }

    def live(self) -> None:
        """Make this very process its worker."""
        process = identify(os.getpid())
        assert process is not None
        self.folder.worker.write_text(json.dumps({"process": process.to_json(), "job": "search", "heartbeat": events.now()}))

    def dead(self) -> None:
        """Name a worker that is no more."""
        process = identify(os.getpid())
        assert process is not None
        gone = {**process.to_json(), "start": "1"}
        self.folder.worker.write_text(json.dumps({"process": gone, "job": "search", "heartbeat": events.now()}))


def with_model(folder: RunFolder) -> RunFolder:
    """The same, with what says that the model of its best trial lies there; the model itself is not."""
    best = folder.state().best
    assert best is not None
    folder.best.mkdir()
    (folder.best / "model.json").write_text(json.dumps({"parameters": dict(best.parameters)}))
    return folder


def interval(score: float) -> tuple[float, float]:
    """One of about the width that 127 utterances give."""
    return max(0.0, round(score - 0.04, 4)), min(1.0, round(score + 0.038, 4))


def begin(runs: Path, *, number: int = 0, begun: datetime | None = None, planned: int = 15, **changes: Any) -> FabricatedRun:
    """A run that has started and nothing more."""
    resolved = validate(study(**changes))
    clock = begun or BEGIN - timedelta(hours=number)
    suffix = "".join("23456789abcdefgh"[(number // 16**place) % 16] for place in range(4))
    path = runs / f"{clock:%Y%m%d-%H%M%S}-{resolved.name}-{suffix}"
    (path / "control").mkdir(parents=True)
    run = FabricatedRun(RunFolder(path), clock)
    run.folder.study.write_text(dumps(resolved))
    shared = resolved.protocol.kind in ("random", "stratified")
    run.write(
        events.RunStarted(
            study=to_plain(resolved),
            classes=CLASSES,
            utterances={"train": 408, "validation": 127},
            speakers={"train": ("03", "08"), "validation": ("15", "16")},
            warnings=("speakers are shared between training and validation: the score says nothing about new speakers",) if shared else (),
            shares_speakers=shared,
            machine={"host": "bench", "cores": 2, "precision": "bfloat16"},
            fingerprints={"corpus": "c0ffee", "encoder": "feed"},
            startup=5,
            planned_trials=planned,
            predicted_seconds=planned * 20.0,
        )
    )
    return run


SCORES = (0.412, 0.143, 0.786, 0.871, 0.953, 0.143, 0.902, 0.941, 0.948, 0.95, 0.931, 0.926, 0.949, 0.951, 0.947)


def finished(
    runs: Path, *, number: int = 0, trials: int = 15, shift: float = 0.0, probe: float | None = None, **changes: Any
) -> FabricatedRun:
    """A run that came to its end after `trials` trials; `probe`: BCA of the one beside them."""
    run = begin(runs, number=number, planned=trials, **changes)
    for index in range(1, trials + 1):
        bca = SCORES[(index - 1) % len(SCORES)]
        run.trial(index, round(min(0.99, bca + (shift if bca > 0.2 else 0)), 4), run.parameters(), seconds_per_epoch=2.0)
    if probe is not None:
        run.probe(probe)
    run.write(events.RunFinished(reason=f"{trials} trials are done"))
    return run


def under_way(runs: Path, *, number: int = 0, trials: int = 6, epochs_done: int = 4, **changes: Any) -> FabricatedRun:
    """A run whose trial `trials` + 1 is in its epochs; call `live` or `dead` on it."""
    run = begin(runs, number=number, **changes)
    for index in range(1, trials + 1):
        run.trial(index, SCORES[(index - 1) % len(SCORES)], run.parameters())
    chosen = {**run.parameters(), "epochs": 8, "unfreeze_epoch": 1}
    for event in list(run.trial_events(trials + 1, 0.902, chosen))[: epochs_done + 1]:
        run.write(event, step=3.0)
    return run
