"""What few lengths of batches save: trained epochs of EmoDB with lengths as `ser_tui.training.shapes` makes them, and each as it is.

    python benchmarks/shapes.py [--data ../shared/data] [--encoder whisper-tiny.en] [--threads 1,2] [--rounds 2]

Fine-tuning in bfloat16, cut at 10 s, three epochs, none of them frozen, on the paper's random split; every trial in a process of its own in
the environment of a worker, and in turns. Seconds of the first epoch, in which all is compiled, and of the quicker of the two others; the
quickest of the rounds. Peak memory is the largest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from ser_tui.corpora import registry
from ser_tui.training.threads import environment

WAYS = ("each its own", "few lengths")
STUDY = """
corpus: emodb
protocol: {{kind: random, size: 0.2, seed: 42}}
encoder: {encoder}
budget: 1
search: {{learning_rate: 3.0e-5, epochs: 3, unfreeze_epoch: 0, max_seconds: 10}}
training: {{precision: bfloat16, collapse_guard: false}}
"""


def trained(encoder: str, way: str) -> dict[str, float]:
    """One trial in this process: seconds of its epochs, and GiB at most."""
    import torch

    from ser_tui.experiment import data as corpus_data
    from ser_tui.experiment.trainers import make_trainer
    from ser_tui.study.load import loads
    from ser_tui.training import shapes
    from ser_tui.training.parameters import complete

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    if way == WAYS[0]:
        shapes.few = lambda length: length
    study = loads(STUDY.format(encoder=encoder))
    given = {"learning_rate": 3e-5, "epochs": 3, "unfreeze_epoch": 0, "max_seconds": 10}
    seconds: list[float] = []
    trainer = make_trainer(study, corpus_data.load(study))
    trainer.run(complete(given, "finetune", "regression"), 1, lambda report: seconds.append(report.seconds), lambda: False)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"first": seconds[0], "later": min(seconds[1:]), "memory": memory}


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", type=Path, default=Path("../shared/data"))
    options.add_argument("--encoder", default="whisper-tiny.en")
    options.add_argument("--threads", default="1,2")
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.way:
        print(json.dumps(trained(given.encoder, given.way)))
        return
    registry.remember("emodb", given.data.resolve() / "emodb")
    print("| threads | lengths | first epoch, s | later epochs, s | peak memory, GiB |\n|---:|---|---:|---:|---:|")
    for threads in map(int, given.threads.split(",")):
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(given.rounds):
            for way, runs in found.items():
                command = [sys.executable, __file__, "--encoder", given.encoder, "--way", way]
                ended = subprocess.run(command, env={**os.environ, **environment(threads)}, stdout=subprocess.PIPE, text=True, check=True)
                runs.append(json.loads(ended.stdout.splitlines()[-1]))
        for way, runs in found.items():
            first, later, memory = min(one["first"] for one in runs), min(one["later"] for one in runs), max(one["memory"] for one in runs)
            print(f"| {threads} | {way} | {first:.1f} | {later:.1f} | {memory:.2f} |", flush=True)


if __name__ == "__main__":
    main()
