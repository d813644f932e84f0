"""A run whose class probabilities are kept beside its log, and whose recordings can be heard: short tones that are made here."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from fabricated_runs import CLASSES, FabricatedRun, begin

from ser_tui.corpora.hearing import segments
from ser_tui.store.outputs import Outputs, write
from ser_tui.study import events
from ser_tui.training.metrics import balanced_accuracy, confusion_matrix

RATE = 16_000
SURE = 0.7
"""What was said, of weights of which each other class has .05, and of every seventh utterance; of the others it has less."""


def tone(path: Path, hertz: float, seconds: float = 0.6) -> Path:
    """A tone that swells and fades, as a WAV file."""
    times = np.arange(int(RATE * seconds)) / RATE
    values = np.sin(2 * np.pi * hertz * times) * np.sin(np.pi * times / seconds) * 0.8
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((values * 32767).astype("<i2").tobytes())
    return path


def outputs_of(truth: tuple[int, ...], predictions: tuple[int, ...], folder: Path, corpus: str | None = None) -> Outputs:
    """Answers of seven confidences, of ten speakers, six of them women, who say tones of a half to two and a half seconds. Paths are
    whole, or told from `folder` on, where `corpus` lies."""
    shares = np.full((len(truth), len(CLASSES)), 0.05, dtype=np.float32)
    rows = np.arange(len(truth))
    shares[rows, np.asarray(predictions)] = SURE - 0.06 * (rows % 7).astype(np.float32)
    shares /= shares.sum(1, keepdims=True)
    folder.mkdir(exist_ok=True)
    heard = [tone(folder / f"tone{pitch}.wav", 300 * (pitch + 1)) for pitch in range(3)]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in heard]
    ends = [None if index % 4 else 0.5 for index in range(len(truth))]
    columns: dict[str, Sequence[Any]] = {
        "id": [f"clip{index:03d}.wav" for index in range(len(truth))],
        "speaker": [f"{1 + index % 10:02d}" for index in range(len(truth))],
        "gender": ["female" if index % 10 < 6 else "male" for index in range(len(truth))],
        "seconds": [0.5 + index % 5 * 0.5 for index in range(len(truth))],
        "path": [heard[index % 3].name if corpus else str(heard[index % 3]) for index in range(len(truth))],
        "corpus": [corpus] * len(truth),
        "start": [None] * len(truth),
        "end": ends,
        "digest": [segments.digest(digests[index % 3], None, ends[index]) for index in range(len(truth))],
    }
    return Outputs(truth, predictions, shares, columns)


def explained_run(
    runs: Path, number: int = 0, trials: tuple[float, ...] = (0.712, 0.871, 0.82), *, of: str | None = None, **changes: Any
) -> FabricatedRun:
    """Trials whose outputs are kept, and a finished search. `of`: the corpus whose recordings are in audio/ beside `runs`; None: their
    paths are kept whole."""
    run = begin(runs, number=number, planned=len(trials), **changes)
    for index, bca in enumerate(trials, 1):
        for event in run.trial_events(index, bca, {**run.parameters(), "epochs": 3}, 2.0):
            kept = event
            if isinstance(event, events.TrialFinished):
                held = outputs_of(run.truth, event.predictions, runs.parent.absolute() / "audio", of)
                kept = replace(event, outputs=write(run.folder.outputs, held))
            run.write(kept, step=2.0)
    run.write(events.RunFinished(reason=f"{len(trials)} trials are done"))
    return run


def run_with_test_part(runs: Path) -> str:
    """The id of a run of three trials whose outputs are kept, and those of a test part of 20 utterances, of the best one."""
    run = explained_run(runs)
    truth = tuple(index % 7 for index in range(20))
    said = tuple((label + (index % 5 == 0)) % 7 for index, label in enumerate(truth))
    counts = tuple(tuple(int(cell) for cell in row) for row in confusion_matrix(truth, said, 7))
    bca = balanced_accuracy(truth, said, 7)
    run.write(events.TestScored(
        trial=2, bca=bca, interval=(0.6, 0.9), accuracy=0.8, accuracy_interval=(0.6, 0.95), utterances=20, confusion=counts,
        recall_intervals=dict.fromkeys(CLASSES, (0.3, 1.0)),
        outputs=write(run.folder.outputs, outputs_of(truth, said, runs.parent.absolute() / "audio")),
    ))  # fmt: skip
    return run.folder.run_id
