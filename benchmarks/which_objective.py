"""Which objective chooses a probe that carries over: EmoDB and EMOVO to RAVDESS, by the product's own commands.

    SER_TUI_DATA=../shared/data python benchmarks/which_objective.py [--encoder whisper-base]

Every probe of a grid of layers and C is scored on EmoDB and EMOVO in two searches, `ser-tui run` with leave-one-speaker-out and with
leave-one-corpus-out, on all folds. Then each is trained on both corpora and `ser-tui evaluate` scores it on RAVDESS, which none of them
heard. Prints what each objective would have chosen, and every candidate. Six emotions: those that all three corpora have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from ser_tui.study.formatting import score_with_interval

STUDY = """
name: which-objective
corpus: [emodb, emovo]
labels: {boredom: "", surprise: ""}
encoder: whisper-tiny.en
method: probe
strategy: grid
objectives: [worst_corpus_bca, worst_sex_bca]
budget: 100
search: {max_seconds: 10, layers: {choices: [LAYERS]}, inverse_regularization: {choices: [STRENGTHS]}}
training: {normalize: peak, trim_silence: true}
"""
LAYERS = ("2", "3", "2+3+4", "last")
STRENGTHS = ("0.003", "0.03", "0.3")
OBJECTIVES = (
    ("bca", "loso", "bca"), ("worst_sex_bca", "loso", "worst_sex_bca"), ("worst_corpus_bca", "loso", "worst_corpus_bca"),
    ("bca", "loco", "bca"), ("worst_sex_bca", "loco", "worst_sex_bca"), ("worst_corpus_bca", "loco", "worst_corpus_bca"),
)  # fmt: skip


def ser_tui(*words: str) -> Any:
    """What a command prints as JSON."""
    done = subprocess.run([sys.executable, "-m", "ser_tui.cli", *words, "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def searched(study: Path, encoder: str, protocol: str) -> dict[tuple[str, float], dict[str, float]]:
    """What every candidate, layers and C, is measured by on the folds of `protocol`."""
    changes = (f"encoder={encoder}", f"protocol={{kind: {protocol}, objective_folds: all}}")
    run = ser_tui("run", str(study), *(word for change in changes for word in ("--set", change)), "--headless")
    written = subprocess.run(
        [sys.executable, "-m", "ser_tui.cli", "export", run["run_id"], "--format", "json", "-o", "-"], stdout=subprocess.PIPE, check=True
    )
    trials = json.loads(written.stdout)["trials"]
    return {
        (str(one["parameters"]["layers"]), float(one["parameters"]["inverse_regularization"])): {
            name: found["value"] for name, found in one["scores"].items()
        }
        for one in trials
    }


def carried(study: Path, encoder: str, layers: str, strength: float) -> dict[str, Any]:
    """The evaluation on RAVDESS of the candidate that is trained on both corpora."""
    changes = (
        f"encoder={encoder}", "objectives=[]", "budget.trials=1", "protocol=random", "training.refit=all", f"search.layers={layers!r}",
        f"search.inverse_regularization={strength}",
    )  # fmt: skip
    run = ser_tui("run", str(study), *(word for change in changes for word in ("--set", change)), "--headless")
    found: dict[str, Any] = ser_tui("evaluate", run["run_id"], "--on", "ravdess", "--map", "calm=")["evaluations"][-1]
    return found


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", default="whisper-tiny.en")
    options.add_argument("--layers", default=",".join(LAYERS))
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "which-objective.yaml"
        layers = ", ".join(f'"{one}"' for one in given.layers.split(","))
        study.write_text(STUDY.replace("LAYERS", layers).replace("STRENGTHS", ", ".join(STRENGTHS)))
        measured = {protocol: searched(study, given.encoder, protocol) for protocol in ("loso", "loco")}
        candidates = sorted(measured["loso"])
        on = {one: carried(study, given.encoder, *one) for one in candidates}
    values = [on[one]["bca"] for one in candidates]
    print("| chosen by | layers, C | its score there | on RAVDESS, BCA | place | Spearman's rho |\n|---|---|---|---|---|---|")
    for objective, protocol, name in OBJECTIVES:
        own = [measured[protocol][one][name] for one in candidates]
        best = candidates[max(range(len(own)), key=own.__getitem__)]
        place = 1 + sum(value > on[best]["bca"] for value in values)
        there = score_with_interval(on[best]["bca"], on[best]["bca_interval"])
        rho = spearmanr(own, values).statistic
        shown = f"{there} | {place} of {len(values)} | {rho:.2f}"
        print(f"| `{objective}`, {protocol} | {best[0]}, {best[1]:g} | {max(own):.3f} | {shown} |")
    ends = f"the best {max(values):.3f}, the middle {sorted(values)[len(values) // 2]:.3f}, the least {min(values):.3f}"
    print(f"\nOn RAVDESS, n = {on[candidates[0]]['utterances']}: {ends}\n")
    heads = " | ".join(f"{objective}, {protocol}" for objective, protocol, _ in OBJECTIVES)
    print(f"| layers, C | {heads} | RAVDESS |\n|---|{'---|' * (len(OBJECTIVES) + 1)}")
    for one in sorted(candidates, key=lambda one: -on[one]["bca"]):
        cells = " | ".join(f"{measured[protocol][one][name]:.3f}" for _, protocol, name in OBJECTIVES)
        print(f"| {one[0]}, {one[1]:g} | {cells} | {on[one]['bca']:.3f} |")


if __name__ == "__main__":
    main()
