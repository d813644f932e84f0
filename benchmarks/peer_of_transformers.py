"""What a user would write instead: transformers' Trainer for audio classification under Optuna's TPE. See peers.py.

    python benchmarks/peer_of_transformers.py FOLDER TABLE.csv RESULT.json --trials 2 --epochs 2 --seed 1

FOLDER: a Whisper encoder as transformers has it. TABLE: file, speaker, emotion, split (train, validation). All that is not said here is
the default of transformers and of Optuna: features padded to 30 s, batches of 8, AdamW, a linear schedule, the scores of the last epoch.
Imports nothing of ser_tui.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import soundfile
from torch.utils.data import Dataset
from transformers import Trainer, TrainerCallback, TrainingArguments, WhisperFeatureExtractor, WhisperForAudioClassification


class Utterances(Dataset[dict[str, Any]]):
    """The utterances of one part, with their features."""

    def __init__(self, rows: list[dict[str, str]], classes: list[str], extractor: Any) -> None:
        self._features = []
        for row in rows:
            sound, rate = soundfile.read(row["file"], dtype="float32")
            self._features.append(extractor(sound, sampling_rate=rate).input_features[0])
        self._labels = [classes.index(row["emotion"]) for row in rows]

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_features": self._features[index], "labels": self._labels[index]}


def main() -> None:
    """Search, and write what was found."""
    options = argparse.ArgumentParser()
    for name in ("folder", "table", "result"):
        options.add_argument(name, type=Path)
    for name in ("trials", "epochs", "seed"):
        options.add_argument(f"--{name}", type=int, required=True)
    given = options.parse_args()
    with given.table.open() as stream:
        rows = list(csv.DictReader(stream))
    classes = sorted({row["emotion"] for row in rows})
    extractor = WhisperFeatureExtractor.from_pretrained(given.folder)
    train, validation = (Utterances([row for row in rows if row["split"] == part], classes, extractor) for part in ("train", "validation"))
    said: list[dict[str, Any]] = []

    def scores(found: Any) -> dict[str, float]:
        predictions = found.predictions.argmax(axis=1)
        recalls = [(predictions == found.label_ids)[found.label_ids == label].mean() for label in np.unique(found.label_ids)]
        bca = float(np.mean(recalls))
        said[-1] |= {"bca": bca, "predictions": predictions.tolist(), "seconds": time.monotonic() - said[-1]["begun"]}
        return {"bca": bca}

    class Timer(TrainerCallback):  # type: ignore[misc]
        """Notes when a trial begins."""

        def on_train_begin(self, arguments: Any, state: Any, control: Any, **others: Any) -> None:
            said.append({"begun": time.monotonic()})

    trainer = Trainer(
        model_init=lambda trial: WhisperForAudioClassification.from_pretrained(given.folder, num_labels=len(classes)),
        args=TrainingArguments(
            str(given.result.with_suffix("")), num_train_epochs=given.epochs, eval_strategy="epoch", seed=given.seed, report_to="none",
        ),
        train_dataset=train, eval_dataset=validation, compute_metrics=scores, callbacks=[Timer()],
    )  # fmt: skip
    trainer.hyperparameter_search(
        hp_space=lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-5, 1e-3, log=True)},
        compute_objective=lambda metrics: metrics["eval_bca"], n_trials=given.trials, direction="maximize", backend="optuna",
        sampler=optuna.samplers.TPESampler(seed=given.seed),
    )  # fmt: skip
    given.result.write_text(json.dumps({"classes": classes, "trials": said}))


if __name__ == "__main__":
    main()
