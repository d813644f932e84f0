"""What cheap fine-tuning costs and is worth: EmoDB, speakers apart, each kind of `trained` on the same speakers and seeds.

    python benchmarks/cheap_tuning.py [--data ../shared/data/emodb] [--encoder whisper-tiny.en] [--seeds 3] [--epochs 3]
        [--layers 2+3] [--kinds head,full,top-2,lora,bitfit | full,decay,thaw,ema,swa]

For every seed a woman and a man of EmoDB's ten speakers validate, others each time, and the other eight train. All kinds start from the
same probe as their head, whose rate is 8e-4; encoder rates: full and top-2 4e-5, adapters and biases 1e-3. Utterances are cut at 4 s.
Prints each trial as it ends, then means, the paired difference from full with its 95 % t interval over seeds, and shares of full's cost.
An epoch's seconds are the least of a trial's epochs: the first one also computes what is then kept.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ser_tui.training import threads

os.environ.update(threads.environment())

import torch
from offline_baseline import CLASSES, part
from scipy import stats

from ser_tui.study.hyperparameters import Value
from ser_tui.study.training import Training
from ser_tui.training import precision, torch_settings
from ser_tui.training.finetune import FineTuner
from ser_tui.training.trial import EpochReport

SPEAKERS = (("03", "08"), ("10", "09"), ("11", "13"), ("12", "14"), ("15", "16"))
KINDS: Mapping[str, Mapping[str, Value]] = {
    "head": {"trained": "head", "learning_rate": 4e-5},
    "full": {"learning_rate": 4e-5},
    "top-2": {"trained": "top-k", "top_layers": 2, "learning_rate": 4e-5},
    "lora": {"trained": "lora", "lora_rank": 8, "learning_rate": 1e-3},
    "bitfit": {"trained": "bitfit", "learning_rate": 1e-3},
    "decay": {"learning_rate": 4e-5, "layer_decay": 0.7},
    "thaw": {"learning_rate": 4e-5, "thaw_layers": 2},
    "ema": {"learning_rate": 4e-5},
    "swa": {"learning_rate": 4e-5},
}
"""The head alone comes first: it computes the features that all share, which is not counted to any other."""
AVERAGES = ("ema", "swa")
"""Kinds that are a setting: `training.averaging`."""
HEAD_RATE = 8e-4
COMMON: Mapping[str, Value] = {"batch_size": 8, "max_seconds": 4, "head_initialization": "probe", "label_smoothing": 0.1}


def main() -> None:
    """Run and print the tables."""
    parser = argparse.ArgumentParser(description="what cheap fine-tuning costs and is worth")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/emodb"))
    parser.add_argument("--encoder", default="whisper-tiny.en")
    parser.add_argument("--seeds", type=int, default=3, choices=range(2, len(SPEAKERS) + 1))
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--layers", default="2+3", help="those that are pooled; the uppermost of them is the last that is computed")
    parser.add_argument("--kinds", default="head,full,top-2,lora,bitfit")
    arguments = parser.parse_args()
    used = precision.choose("auto")
    print(
        f"{precision.measured().machine}; {used}, {torch.get_num_threads()} threads; Python {platform.python_version()}; "
        f"{arguments.encoder}, {arguments.epochs} epochs, layers {arguments.layers}"
    )
    torch_settings.apply()
    files = sorted(path for path in arguments.data.iterdir() if path.suffix in (".flac", ".wav"))
    kinds = arguments.kinds.split(",")
    found: dict[str, list[tuple[float, float, float, Mapping[str, float]]]] = {kind: [] for kind in kinds}
    print("seed  speakers  kind     BCA   epoch s  trial min  trained      checkpoint bytes  latency s/s", flush=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SER_TUI_CACHE"] = cache
        for seed, held in enumerate(SPEAKERS[: arguments.seeds], 1):
            train = part([path for path in files if path.stem[:2] not in held])
            validation = part([path for path in files if path.stem[:2] in held])
            trainers: dict[str, FineTuner] = {}
            for kind in kinds:
                averaging = kind if kind in AVERAGES else "none"
                if averaging not in trainers:
                    settings = Training.model_validate({"precision": used, "averaging": averaging})
                    trainers[averaging] = FineTuner(arguments.encoder, train, validation, CLASSES, settings)
                trainer = trainers[averaging]
                values = {**COMMON, **KINDS[kind], "layers": arguments.layers, "epochs": arguments.epochs}
                values["head_learning_rate_factor"] = HEAD_RATE / float(values["learning_rate"])
                seconds: list[float] = []
                result = trainer.run(values, seed, _into(seconds), lambda: False)
                found[kind].append((result.value(), min(seconds), result.seconds / 60, result.costs))
                costs = result.costs
                print(
                    f"{seed:<5} {'+'.join(held):<9} {kind:<8} {result.value():.3f} {min(seconds):>8.1f} {result.seconds / 60:>10.2f}  "
                    f"{costs['trained_parameters']:>10,.0f} {costs['checkpoint_size']:>18,.0f} {costs['latency']:>11.4f}",
                    flush=True,
                )
    _summary(found)


def _into(seconds: list[float]) -> Callable[[EpochReport], None]:
    """Keeps how long each epoch took."""
    return lambda report: seconds.append(report.seconds)


def _summary(found: Mapping[str, list[tuple[float, float, float, Mapping[str, float]]]]) -> None:
    whole = found.get("full", [])
    print("\nkind     mean BCA (sd)   BCA - full's [95 %]        epoch / full's  checkpoint / full's")
    for kind, rows in found.items():
        scores = [row[0] for row in rows]
        line = f"{kind:<8} {statistics.fmean(scores):.3f} ({statistics.stdev(scores):.3f})"
        if len(whole) == len(rows):
            apart = [row[0] - other[0] for row, other in zip(rows, whole, strict=True)]
            error = statistics.stdev(apart) / len(apart) ** 0.5 * float(stats.t.ppf(0.975, len(apart) - 1))
            middle = statistics.fmean(apart)
            epoch = statistics.fmean(row[1] for row in rows) / statistics.fmean(row[1] for row in whole)
            size = rows[0][3]["checkpoint_size"] / whole[0][3]["checkpoint_size"]
            line += f"   {middle:+.3f} [{middle - error:+.3f}, {middle + error:+.3f}]   {epoch:>10.2f} {size:>15.4f}"
        print(line)


if __name__ == "__main__":
    main()
