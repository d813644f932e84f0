"""Which classifier carries over: EmoDB to EMOVO and back, by probes on the frozen encoder. RAVDESS is not heard.

    SER_TUI_DATA=../shared/data python benchmarks/across.py

Every row is a probe that is trained on all of one corpus and scored on all of the other, plain and with features by each speaker's own
statistics (transductive). EMOVO's surprise is left out. Six: only the emotions that both corpora have can be answered. Open: boredom
too, which EmoDB alone has.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from probing import Array, Corpus, embed, logits
from worker_environment import as_in_a_worker

from ser_tui.encoders.load import load_encoder
from ser_tui.training import discriminant, linear, metrics
from ser_tui.training.speakers import by_speaker

SPELLED = {"joy": "happiness"}
LEFT_OUT = "surprise"
LAYERS = ("2+3", "2+3+4", "2+3+4+5")
COPIES = {"": (0,), "speed": (0, 1, 2), "mixed": (0, 3, 4, 5), "both": range(6)}
"""Which copies are trained on; 0: the utterances themselves."""
STRENGTHS = {"regression": (0.01, 0.03, 0.1), "discriminant": (0.1, 0.25, 0.5, 1.0)}


class Side:
    """What is trained or scored on of `corpus`: utterances of the emotions that count, their copies behind them."""

    def __init__(self, corpus: Corpus) -> None:
        emotions = [SPELLED.get(emotion, emotion) for emotion in corpus.emotions]
        self.kept = [index for index, emotion in enumerate(emotions) if emotion != LEFT_OUT]
        self.emotions = [emotions[index] for index in self.kept]
        self.speakers = [corpus.speakers[index] for index in self.kept]
        self.corpus, self.utterances = corpus, len(emotions)

    def features(self, values: Array, copies: Sequence[int], own: bool) -> Array:
        """Rows of `values` that count, of these `copies` of the utterances, by their speakers' `own` statistics where asked for."""
        rows = [copy * self.utterances + index for copy in copies for index in self.kept]
        found = values[rows].astype(np.float32)
        return by_speaker(found, [f"{name} {copy}" for copy in copies for name in self.speakers]) if own else found


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", default="whisper-base")
    options.add_argument("--untrimmed", action="store_true")
    given = options.parse_args()
    as_in_a_worker()
    encoder = load_encoder(given.encoder)
    sides = [Side(embed(name, encoder, trimmed=not given.untrimmed, augmented=("speed", "mixed"))) for name in ("emodb", "emovo")]
    print("| layers | classifier, C | copies | EmoDB to EMOVO: six | open | EMOVO to EmoDB | by speaker: six | open | EMOVO to EmoDB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for layers in LAYERS:
        values = [side.corpus.features(layers, "mean", encoder) for side in sides]
        for kind, strengths in STRENGTHS.items():
            for strength in strengths:
                for name, copies in COPIES.items():
                    shown = [f"{one:.3f}" for own in (False, True) for one in _both(sides, values, kind, strength, copies, own)]
                    print(f"| {layers} | {kind}, {strength:g} | {name} | {' | '.join(shown)} |", flush=True)


def _both(sides: list[Side], values: list[Array], kind: str, strength: float, copies: Sequence[int], own: bool) -> list[float]:
    """BCA on EMOVO's six classes, with boredom as a seventh answer, and on EmoDB's six."""
    found = []
    for source, target in ((0, 1), (1, 0)):
        classes = sorted(set(sides[source].emotions))
        labels = np.asarray([classes.index(emotion) for emotion in sides[source].emotions] * len(copies))
        train = sides[source].features(values[source], copies, own)
        solve = discriminant.solve if kind == "discriminant" else linear.solve
        said = logits(solve(linear.standardise(train), labels, len(classes), strength), sides[target].features(values[target], (0,), own))
        shared = sorted(set(classes) & set(sides[target].emotions))
        scored = np.flatnonzero([emotion in shared for emotion in sides[target].emotions])
        truth = [classes.index(sides[target].emotions[index]) for index in scored]
        masked = np.where([name in shared for name in classes], said, -np.inf)
        answers = [masked, said] if len(classes) > len(shared) else [masked]
        found += [_bca(truth, one[scored].argmax(1).tolist(), len(classes)) for one in answers]
    return found


def _bca(truth: list[int], answers: list[int], classes: int) -> float:
    return metrics.balanced_accuracy(truth, answers, classes)


if __name__ == "__main__":
    main()
