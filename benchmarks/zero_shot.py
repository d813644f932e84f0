"""EmoDB to RAVDESS, zero-shot: probes on the frozen encoder, trained on all of EmoDB, tested on another language and studio.

    SER_TUI_DATA=../shared/data python benchmarks/zero_shot.py

Two tasks. `paper`: arXiv 2510.07052's mapping, calm counts as boredom, surprise is dropped, all seven classes can be
predicted. `shared six`: calm and surprise are dropped, only the six shared emotions can be predicted. Rows marked
(transductive) use the target's recordings, without labels: their mean over the corpus or over each speaker.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
from probing import Array, Corpus, by_group, embed, fitted, logits, probabilities

from ser_tui.encoders.load import load_encoder
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.mapping import overridden, parse_changes, propose
from ser_tui.evaluation.zero_shot import ZeroShot, centred, class_balanced_mean, kept, score
from ser_tui.training.trial import Part

PROBES = (
    ("last", "mean", 0.03), ("2", "mean", 0.03), ("3", "mean", 0.03), ("2+3", "mean", 0.03), ("2+3", "mean+std", 0.03),
    ("2+3+4", "mean", 0.03),
)  # fmt: skip
BEST = ("2+3", "mean", 0.03)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", default="whisper-tiny.en")
    options.add_argument("--source", default="emodb")
    options.add_argument("--target", default="ravdess")
    given = options.parse_args()
    encoder = load_encoder(given.encoder)
    plain = embed(given.source, encoder), embed(given.target, encoder)
    trimmed = embed(given.source, encoder, trimmed=True), embed(given.target, encoder, trimmed=True)
    source, target = plain
    names = sorted(set(source.emotions))
    labels = [names.index(emotion) for emotion in source.emotions]
    tasks = _tasks(names, target)

    def trained(layers: str, pooled: str, strength: float, corpora: tuple[Corpus, Corpus]) -> tuple[Array, Array]:
        """Logits of the target, and where the mean of the source's logits lies."""
        features = [corpus.features(layers, pooled, encoder) for corpus in corpora]
        head = fitted(features[0], labels, len(names), strength)
        return logits(head, features[1]), class_balanced_mean(logits(head, features[0]), labels)

    def row(title: str, values: Array, middle: Array | None = None, groups: Sequence[str] | None = None) -> None:
        cells = []
        for mapping, masked in tasks:
            chosen = kept(target.emotions, mapping)
            speakers = [target.speakers[index] for index in chosen]
            shown = values[chosen]
            if middle is not None:
                shown = centred(shown, middle, None if groups is None else [groups[index] for index in chosen])
            result: ZeroShot = score(shown, names, [target.emotions[i] for i in chosen], speakers, mapping, masked=masked)
            low, high = result.accuracy_interval
            cells.append(f"{result.accuracy:.3f} ({low:.3f} to {high:.3f}) | {result.bca:.3f}")
        print(f"| {title} | {' | '.join(cells)} |", flush=True)

    sizes = [len(kept(target.emotions, mapping)) for mapping, _ in tasks]
    print(f"| | paper: accuracy (95 %), n = {sizes[0]} | BCA | shared six: accuracy (95 %), n = {sizes[1]} | BCA |")
    print("|---|---|---|---|---|")
    if egemaps.available():
        parts = [_part(corpus) for corpus in plain]
        train = Part(parts[0].paths, tuple(labels), parts[0].digests)
        row("eGeMAPS, logistic regression", egemaps.logits(train, parts[1].paths, parts[1].digests, len(names)))
    for layers, pooled, strength in PROBES:
        row(f"{layers}, {pooled}", trained(layers, pooled, strength, plain)[0])
    for layers, pooled, strength in PROBES[1:]:
        row(f"{layers}, {pooled}; silence trimmed", trained(layers, pooled, strength, trimmed)[0])
    averaged = [probabilities(trained(*wanted, trimmed)[0]) for wanted in PROBES[1:]]
    row("average of these five", np.log(np.mean(averaged, axis=0)))
    for title, corpora in (("", plain), ("; silence trimmed", trimmed)):
        values, middle = trained(*BEST, corpora)
        row(f"2+3, mean{title}; centred over the corpus (transductive)", values, middle)
        row(f"2+3, mean{title}; centred per speaker (transductive)", values, middle, target.speakers)
    features = [by_group(corpus.features(*BEST[:2], encoder), corpus.speakers) for corpus in plain]
    head = fitted(features[0], labels, len(names), BEST[2])
    row("2+3, mean; features normalised per speaker (transductive)", logits(head, features[1]))


def _tasks(names: Sequence[str], target: Corpus) -> list[tuple[Mapping[str, str], bool]]:
    emotions = list(dict.fromkeys(target.emotions))
    paper = propose(names, emotions, "paper")
    six = overridden(propose(names, emotions), parse_changes(["calm="] if "calm" in emotions else []), names)
    return [(paper, False), (six, True)]


def _part(corpus: Corpus) -> Part:
    utterances = corpus.manifest.utterances
    digests = tuple(corpus.manifest.digests[utterance.id] for utterance in utterances)
    return Part(tuple(utterance.path for utterance in utterances), (0,) * len(utterances), digests)


if __name__ == "__main__":
    main()
