"""EmoDB to RAVDESS, zero-shot: probes on the frozen encoder, trained on all of EmoDB, tested on another language and studio.

    SER_TUI_DATA=../shared/data python benchmarks/zero_shot.py

Two tasks. `paper`: arXiv 2510.07052's mapping, calm counts as boredom, surprise is dropped, all seven classes can be
predicted. `shared six`: calm and surprise are dropped, only the six shared emotions can be predicted. Rows marked
(transductive) use the target's recordings, without labels: their mean over the corpus or over each speaker. Of the others the
best on the first half of the target's speakers is reported on the second half: the table itself shows every row, and
whoever picks its best one has looked at the target.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from probing import Array, Corpus, by_group, embed, fitted, logits, machine, probabilities
from worker_environment import as_in_a_worker

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.evaluation import egemaps
from ser_tui.evaluation.mapping import overridden, parse_changes, propose
from ser_tui.evaluation.zero_shot import ZeroShot, centred, class_balanced_mean, kept, score
from ser_tui.study.formatting import score_text
from ser_tui.study.scores import ACCURACY, BCA
from ser_tui.training.trial import Part

PROBES = (
    ("last", "mean", 0.03), ("2", "mean", 0.03), ("3", "mean", 0.03), ("2+3", "mean", 0.03), ("2+3", "mean+std", 0.03),
    ("2+3+4", "mean", 0.03),
)  # fmt: skip
BEST = ("2+3", "mean", 0.03)
REFERENCE = "2+3, mean; silence trimmed"
LAYERS = ("2", "2+3")
AUGMENTED: tuple[tuple[str, ...], ...] = ((), ("speed",), ("noise",))


class Table:
    """Scores of probes that are trained on `source` and tested on `target`, printed row by row."""

    def __init__(self, encoder: SpeechEncoder, source: Corpus, target: Corpus) -> None:
        self._encoder, self._target = encoder, target
        self.names = sorted(set(source.emotions))
        self.labels = [self.names.index(emotion) for emotion in source.emotions]
        self._tasks = _tasks(self.names, target)
        self._rows: dict[str, Array] = {}
        sizes = [len(kept(target.emotions, mapping)) for mapping, _ in self._tasks]
        print(f"| | paper: accuracy (95 %), n = {sizes[0]} | BCA | shared six: accuracy (95 %), n = {sizes[1]} | BCA |")
        print("|---|---|---|---|---|")

    def trained(self, layers: str, pooled: str, strength: float, corpora: tuple[Corpus, Corpus]) -> tuple[Array, Array]:
        """Logits of the target, and where the mean of the source's logits lies. `strength`: C; 0 means support vector machines."""
        features = [corpus.features(layers, pooled, self._encoder) for corpus in corpora]
        true, classes = self.labels * corpora[0].copies, len(self.names)
        head = fitted(features[0], true, classes, strength) if strength else machine(features[0], true, classes)
        return logits(head, features[1]), class_balanced_mean(logits(head, features[0]), true)

    def row(self, title: str, values: Array, middle: Array | None = None, *, per_speaker: bool = False) -> None:
        """Print the scores of `values` [N, classes], their mean moved to `middle` where given."""
        if middle is None and "transductive" not in title:
            self._rows[title] = values
        results = [self._scored(values, task, self._target.speakers, middle, per_speaker) for task in (0, 1)]
        print(f"| {title} | {' | '.join(f'{_accuracy(result)} | {result.scores[BCA].value:.3f}' for result in results)} |", flush=True)

    def halves(self) -> None:
        """Print what the best row on the first half of the speakers reaches on the second half, and what `REFERENCE` does."""
        speakers = sorted(set(self._target.speakers))
        first, second = speakers[: len(speakers) // 2], speakers[len(speakers) // 2 :]
        for task, name in enumerate(("paper", "shared six")):
            on_first = {title: self._scored(values, task, first).scores[ACCURACY].value for title, values in self._rows.items()}
            for title in (max(on_first, key=lambda title: on_first[title]), REFERENCE):
                after = self._scored(self._rows[title], task, second)
                print(f"{name}: {title}: accuracy {on_first[title]:.3f} on {first[0]} to {first[-1]}", end=", ")
                print(f"{_accuracy(after)} on {second[0]} to {second[-1]}, n = {after.utterances}")

    def _scored(self, values: Array, task: int, among: Collection[str], middle: Array | None = None, per_speaker: bool = False) -> ZeroShot:
        mapping, masked = self._tasks[task]
        emotions, speakers = self._target.emotions, self._target.speakers
        chosen = [index for index in kept(emotions, mapping) if speakers[index] in among]
        groups, shown = [speakers[index] for index in chosen], values[chosen]
        if middle is not None:
            shown = centred(shown, middle, groups if per_speaker else None)
        return score(shown, self.names, [emotions[index] for index in chosen], groups, mapping, masked=masked)


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", default="whisper-tiny.en")
    options.add_argument("--source", default="emodb")
    options.add_argument("--target", default="ravdess")
    given = options.parse_args()
    as_in_a_worker()
    encoder = load_encoder(given.encoder)
    plain = embed(given.source, encoder), embed(given.target, encoder)
    trimmed = embed(given.source, encoder, trimmed=True), embed(given.target, encoder, trimmed=True)
    table = Table(encoder, *plain)
    if egemaps.available():
        parts = [_part(corpus) for corpus in plain]
        train = Part(parts[0].clips, tuple(table.labels), parts[0].digests)
        table.row("eGeMAPS, logistic regression", egemaps.logits(train, parts[1].clips, parts[1].digests, len(table.names)))
    for layers, pooled, strength in PROBES:
        table.row(f"{layers}, {pooled}", table.trained(layers, pooled, strength, plain)[0])
    for layers, pooled, strength in PROBES[1:]:
        table.row(f"{layers}, {pooled}; silence trimmed", table.trained(layers, pooled, strength, trimmed)[0])
    averaged = [probabilities(table.trained(*wanted, trimmed)[0]) for wanted in PROBES[1:]]
    table.row("average of these five", np.log(np.mean(averaged, axis=0)))
    _on_copies(table, [(embed(given.source, encoder, trimmed=True, augmented=names), trimmed[1]) for names in AUGMENTED])
    for title, corpora in (("", plain), ("; silence trimmed", trimmed)):
        values, middle = table.trained(*BEST, corpora)
        table.row(f"2+3, mean{title}; centred over the corpus (transductive)", values, middle)
        table.row(f"2+3, mean{title}; centred per speaker (transductive)", values, middle, per_speaker=True)
    features = [by_group(corpus.features(*BEST[:2], encoder), corpus.speakers) for corpus in plain]
    head = fitted(features[0], table.labels, len(table.names), BEST[2])
    table.row("2+3, mean; features normalised per speaker (transductive)", logits(head, features[1]))
    table.halves()


def _on_copies(table: Table, pairs: Sequence[tuple[Corpus, Corpus]]) -> None:
    """Rows of probes that are trained on each of AUGMENTED, and of their averages."""
    members: dict[tuple[str, str], list[Array]] = {}
    for layers in LAYERS:
        for augmented, corpora in zip(AUGMENTED, pairs, strict=True):
            added = f"; training copies: {' and '.join(augmented)}" if augmented else ""
            for kind, strength in (("regression", 0.03), ("machines", 0.0)):
                values, _ = table.trained(layers, "mean", strength, corpora)
                members.setdefault((kind, layers), []).append(probabilities(values))
                if augmented or not strength:
                    table.row(f"{layers}, mean; silence trimmed; {kind}{added}", values)
    for wanted in ("regression", *LAYERS, "regression and machines, layers " + " and ".join(LAYERS)):
        own = [one for names, some in members.items() if wanted in names or " and " in wanted for one in some]
        table.row(f"average of these {len(own)}: {wanted}", np.log(np.mean(own, axis=0)))


def _accuracy(result: ZeroShot) -> str:
    return score_text(result.scores[ACCURACY])


def _tasks(names: Sequence[str], target: Corpus) -> list[tuple[Mapping[str, str], bool]]:
    emotions = list(dict.fromkeys(target.emotions))
    paper = propose(names, emotions, "paper")
    six = overridden(propose(names, emotions), parse_changes(["calm="] if "calm" in emotions else []), names)
    return [(paper, False), (six, True)]


def _part(corpus: Corpus) -> Part:
    utterances = corpus.manifest.utterances
    digests = tuple(corpus.manifest.digests[utterance.id] for utterance in utterances)
    return Part(tuple(utterance.clip for utterance in utterances), (0,) * len(utterances), digests)


if __name__ == "__main__":
    main()
