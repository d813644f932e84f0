"""One class for one emotion, however a corpus spells it: Angry, angry, ANG and "anger " are anger. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.labels import canonical
from ser_tui.corpora.manifest import Manifest, Spelling

_BETWEEN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")
"""Blanks, underscores and hyphens between letters or digits; the hyphen of a class -1 is part of it."""


def form(word: str) -> str:
    """`word` without what is only spelling: case, blanks around it, and which sign stands between its parts."""
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", word).strip()).casefold()


def meaning(word: str) -> str:
    """The emotion that `word` is a known word for, else its form: two words of one meaning are one class."""
    plain = form(word)
    return canonical(word) or canonical(plain) or canonical(plain.replace(" ", "_")) or plain


def merged(words: Iterable[str]) -> dict[str, str]:
    """For each word the class it belongs to.

    A meaning that is spelt in one way only keeps its word as it is written; one that is spelt in several becomes the
    English word that the parsers use (`labels.EMOTIONS`), or else the form of its words.
    """
    groups: dict[str, set[str]] = defaultdict(set)
    for word in words:
        groups[meaning(word)].add(word)
    return {word: word if len(group) == 1 else name for name, group in groups.items() for word in sorted(group)}


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


@dataclass(frozen=True)
class Relabelling:
    """What a study's `labels` make of an emotion: keys may be a word as it is written, a class, or a known word for it."""

    labels: Mapping[str, str]

    def __call__(self, word: str, *classes: str) -> str | None:
        """The class that the labels give to an utterance of that word and those classes, or None where they say nothing.

        A key names its own spelling first, then what differs from it in form only, then a class as a whole.
        """
        for name in (word, *self._alike(word), *classes, meaning(word)):
            if name in self.labels:
                return self.labels[name]
        return None

    def _alike(self, word: str) -> list[str]:
        """The key that differs from `word` in form only; none where two such keys say different things."""
        keys = [key for key in self.labels if form(key) == form(word)]
        return keys[:1] if len({self.labels[key] for key in keys}) == 1 else []
