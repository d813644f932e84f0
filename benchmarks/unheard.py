"""EmoDB, speakers that were never heard, by the product's own commands: trials scored on all ten folds, pooled, and nested folds.

    SER_TUI_DATA=../shared/data python benchmarks/unheard.py [--seconds-only]

Runs `ser-tui run configs/emodb-unheard.yaml` and `ser-tui folds RUN --nested`, plain and with training.normalize_speaker=true, and prints
their table; then the processor time of a probe's trial at EmoDB's size, on one fold and on all ten. Needs ser-tui[offline-base].
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from worker_environment import as_in_a_worker

from ser_tui.study.formatting import score_with_interval

CONFIGURATION = Path(__file__).resolve().parents[1] / "configs" / "emodb-unheard.yaml"


def ser_tui(*words: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run([sys.executable, "-m", "ser_tui.cli", *words, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def figures(*changes: str) -> list[str]:
    """Rows of the table for one study: all folds, which chose the configuration, and nested."""
    words = [word for change in changes for word in ("--set", change)]
    run = ser_tui("run", str(CONFIGURATION), *words, "--headless")
    told = ser_tui("folds", run["run_id"], "--nested")
    best = told["best"]["parameters"]
    chosen, what = f"{best['layers']}, C = {best['inverse_regularization']:g}", ", ".join(changes) or "plain"
    rows = []
    for folds in told["folds"]:
        how = "chosen inside each fold" if "nested" in folds["protocol"] else chosen
        rows.append(f"| {what} | {how} | {score_with_interval(folds['pooled_bca'], folds['interval'])} | {folds['mean']:.3f} |")
    return rows


def processor_seconds() -> None:
    """Print what a trial takes once its features are cached: the third of three of other C, the first reads the features."""
    from ser_tui.experiment import data as corpus_data
    from ser_tui.experiment.trainers import make_trainer
    from ser_tui.study.load import load
    from ser_tui.training import torch_settings

    torch_settings.apply()
    for title, change in (("one fold", "protocol.objective_folds=1"), ("ten folds", "protocol.objective_folds=0")):
        study = load(CONFIGURATION, [change, "training.augment=[]"])
        trainer = make_trainer(study, corpus_data.load(study))
        for layers in ("2+3", "2+3+4"):
            taken = []
            for strength in (0.01, 0.02, 0.05):
                begun = time.process_time()
                values = {"layers": layers, "inverse_regularization": strength, "max_seconds": 10}
                trainer.run(values, 1, lambda report: None, lambda: False)
                taken.append(time.process_time() - begun)
            shown = ", ".join(f"{seconds:.2f}" for seconds in taken)
            print(f"{title}, layers {layers}: {shown} s of processor time (C = 0.01, 0.02, 0.05)", flush=True)


def main() -> None:
    """The table and the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds-only", action="store_true", help="only the processor time of a trial")
    given = parser.parse_args()
    as_in_a_worker(1)
    if not given.seconds_only:
        print("| features | layers, C | pooled BCA, 95 % over speakers | mean of folds |\n|---|---|---|---|")
        for changes in ((), ("training.normalize_speaker=true",)):
            print("\n".join(figures(*changes)), flush=True)
    processor_seconds()


if __name__ == "__main__":
    main()
