"""One configuration of the offline encoder on EmoDB, without any search, by seeds and precision: what a trial is worth.

    python benchmarks/offline_baseline.py [--data ../shared/data/emodb] [--seeds 3] [--precision bfloat16,float32] [--plain]
        [--set head_initialization=random]

Random 80/20 split (scikit-learn's train_test_split, random_state 42, over sorted file names), batches of 8 by length,
warm-up and cosine, 10 s. The configuration lies within the recommended bounds: layers 2 and 3, the head a probe at first,
encoder rate 4e-5, four epochs. `--plain`: last layer, a random head, rate 1e-4, eight epochs. Prints BCA after the last epoch.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.training import threads

os.environ.update(threads.environment())

import numpy as np
import torch
import transformers
from sklearn.model_selection import train_test_split

from ser_tui.study.hyperparameters import HYPERPARAMETERS, Value
from ser_tui.study.scores import ACCURACY
from ser_tui.study.training import Training
from ser_tui.training import precision, torch_settings
from ser_tui.training.finetune import FineTuner
from ser_tui.training.trial import Part

EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}
CLASSES = tuple(sorted(EMOTIONS.values()))
_COMMON = {"head_learning_rate_factor": 20.0, "label_smoothing": 0.1, "batch_size": 8, "max_seconds": 10}
PARAMETERS: dict[str, Value] = {**_COMMON, "learning_rate": 4e-5, "epochs": 4, "layers": "2+3", "head_initialization": "probe"}
PLAIN: dict[str, Value] = {**_COMMON, "learning_rate": 1e-4, "epochs": 8}


def split(folder: Path) -> tuple[Part, Part]:
    """The paper's random split of the EmoDB files in `folder`."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".flac", ".wav"))
    train, validation = train_test_split(files, test_size=0.2, random_state=42)
    return part(train), part(validation)


def part(files: list[Path]) -> Part:
    """The utterances `files`, labelled by EmoDB's naming rule."""
    labels = tuple(CLASSES.index(EMOTIONS[path.stem[5]]) for path in files)
    return Part(tuple(map(Clip, files)), labels, tuple(path.name for path in files))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description="fine-tune the offline encoder on EmoDB, by seeds")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/emodb"))
    parser.add_argument("--encoder", default="whisper-tiny.en")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precision", default="bfloat16", help="one of float32, bfloat16, auto; or several, with commas")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another value of a hyperparameter")
    arguments = parser.parse_args()
    train, validation = split(arguments.data)
    parameters: dict[str, Value] = dict(PLAIN if arguments.plain else PARAMETERS)
    for assignment in arguments.set:
        name, _, value = assignment.partition("=")
        kind = HYPERPARAMETERS[name].kind if name in HYPERPARAMETERS else parser.error(f"{name}: no such hyperparameter")
        parameters[name] = value if kind == "text" else float(value)
    measured = precision.measured()
    print(
        f"{measured.machine}, bfloat16 {measured.gain:.2f} x float32; Python {platform.python_version()}, "
        f"transformers {transformers.__version__}, numpy {np.__version__}, {torch.get_num_threads()} threads"
    )
    print(f"{len(train)} utterances to train on, {len(validation)} to validate on; {parameters}")
    print("precision  seed  BCA last epoch  BCA best epoch  accuracy  loss    seconds")
    torch_settings.apply()
    means: list[float] = []
    for name in arguments.precision.split(","):
        trainer = FineTuner(arguments.encoder, train, validation, CLASSES, Training(precision=name))
        scores = []
        for seed in range(arguments.seeds):
            result = trainer.run(parameters, seed, lambda report: None, lambda: False)
            scores.append(result.value())
            print(
                f"{name:9}  {seed:4d}  {result.value():14.4f}  {result.best_epoch_value:14.4f}  {result.value(ACCURACY):8.4f}  "
                f"{result.loss:.4f}  {result.seconds:7.1f}",
                flush=True,
            )
        deviation = np.std(scores, ddof=1) if len(scores) > 1 else 0.0
        print(f"{name:9}  mean  {np.mean(scores):14.4f}  (deviation of a seed {deviation:.4f})", flush=True)
        means.append(float(np.mean(scores)))
    if len(means) > 1:
        print(f"difference of the means {means[0] - means[-1]:+.4f}")


if __name__ == "__main__":
    main()
