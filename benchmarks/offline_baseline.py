"""A plain fine-tune of the offline encoder on EmoDB, without any search: what a trial is worth.

    python benchmarks/offline_baseline.py [--data ../shared/data/emodb] [--seeds 3]

Random 80/20 split (scikit-learn's train_test_split, random_state 42, over sorted file names), encoder rate 1e-4, head
2e-3, label smoothing 0.1, batches of 8 by length, warm-up and cosine, 8 epochs, bfloat16, 10 s. Prints BCA after the last epoch per seed.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

from ser_tui.training import threads

os.environ.update(threads.environment())

import numpy as np
import torch
import transformers
from sklearn.model_selection import train_test_split

from ser_tui.study.document import Training
from ser_tui.training import precision
from ser_tui.training.finetune import Part, Trainer

EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
CLASSES = tuple(sorted(EMOTIONS.values()))
PARAMETERS = {
    "learning_rate": 1e-4, "head_learning_rate_factor": 20.0, "label_smoothing": 0.1, "batch_size": 8, "epochs": 8, "max_seconds": 10,
}  # fmt: skip


def split(folder: Path) -> tuple[Part, Part]:
    """The paper's random split of the EmoDB files in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav"))
    train, validation = train_test_split(files, test_size=0.2, random_state=42)
    return part(train), part(validation)


def part(files: list[Path]) -> Part:
    """The utterances `files`, labelled by EmoDB's naming rule."""
    labels = tuple(CLASSES.index(EMOTIONS[path.stem[5]]) for path in files)
    return Part(tuple(files), labels, tuple(path.name for path in files))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description="fine-tune the offline encoder on EmoDB, by seeds")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/emodb"))
    parser.add_argument("--encoder", default="whisper-tiny.en")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    train, validation = split(arguments.data)
    trainer = Trainer(arguments.encoder, train, validation, CLASSES, Training(precision="bfloat16"))
    measured = precision.measured()
    print(f"{measured.machine}, bfloat16 {measured.gain:.2f} x float32; Python {platform.python_version()}, "
          f"transformers {transformers.__version__}, numpy {np.__version__}, {torch.get_num_threads()} threads")
    print(f"{len(train)} utterances to train on, {len(validation)} to validate on; {PARAMETERS}")
    print("seed  BCA last epoch  BCA best epoch  accuracy  loss    seconds")
    scores = []
    for seed in range(arguments.seeds):
        result = trainer.run(PARAMETERS, seed, lambda report: None, lambda: False)
        scores.append(result.bca)
        print(f"{seed:4d}  {result.bca:14.4f}  {result.best_epoch_bca:14.4f}  {result.accuracy:8.4f}  {result.loss:.4f}  "
              f"{result.seconds:7.1f}", flush=True)
    print(f"mean  {np.mean(scores):14.4f}")


if __name__ == "__main__":
    main()
