"""A manifest in which every emotion is one class, however its corpus spells it, and what was made one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Manifest, Spelling
from ser_tui.corpora.spellings import merged


def unified(manifest: Manifest) -> Manifest:
    """`manifest` with one class for each meaning; the very same where every emotion is spelt in one way."""
    classes = merged(manifest.emotions)
    if all(word == name for word, name in classes.items()):
        return manifest
    spelt = [replace(utterance, emotion=classes[utterance.emotion]) for utterance in manifest.utterances]
    made = manifests.make(manifest.corpus, manifest.root, spelt, manifest.problems, manifest.digests)
    written = {utterance.id: utterance.emotion for utterance in manifest.utterances if classes[utterance.emotion] != utterance.emotion}
    return replace(
        manifest, utterances=made.utterances, fingerprint=made.fingerprint, spellings=told(manifest.emotions, classes),
        written=written,
    )  # fmt: skip


def told(counts: Mapping[str, int], classes: Mapping[str, str]) -> tuple[Spelling, ...]:
    """Every spelling of the classes that have several, by class and word. `counts`: utterances by word as written."""
    several = Counter(classes[word] for word in counts)
    found = [Spelling(word, classes[word], count) for word, count in counts.items() if several[classes[word]] > 1]
    return tuple(sorted(found, key=lambda spelling: (spelling.emotion, spelling.word)))


def sentences(spellings: Iterable[Spelling]) -> list[str]:
    """A line for each class that is spelt in several ways: "anger is spelt Angry (4), ANG (4), anger (8)"."""
    groups: dict[str, list[str]] = defaultdict(list)
    for spelling in spellings:
        groups[spelling.emotion].append(f"{spelling.word} ({spelling.utterances})")
    return [f"{emotion} is spelt {', '.join(words)}" for emotion, words in groups.items()]
