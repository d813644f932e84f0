"""One class for one emotion, however a corpus spells it: Angry, angry, ANG and "anger " are anger. Pure and light."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ser_tui.corpora.labels import canonical

_BETWEEN = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")
"""Blanks, underscores and hyphens between letters or digits; the hyphen of a class -1 is part of it."""
_BEFORE = " \t\r\n\"'`;:!/\\()[]{}<>|"
"""Signs before a word that say nothing of it, as in [sad] and "sad"; those of -1, .5 and +1 do."""
_AFTER = _BEFORE + ".,"
"""Signs after a word that say nothing of it: sad! and sad. are sad; those of anger+ and anger? do."""
_FLOAT = re.compile(r"([+-]?\d+)\.0+")
"""A number of a class as a tool writes it that keeps it among floats."""


def form(word: str) -> str:
    """`word` without what is only spelling: case, blanks and punctuation around it, and which sign stands between its parts."""
    text = unicodedata.normalize("NFC", word).strip()
    # Blanks of many kinds and punctuation may take turns.
    while (shorter := text.lstrip(_BEFORE).rstrip(_AFTER).strip()) and shorter != text:
        text = shorter
    number = _FLOAT.fullmatch(text)
    return number[1] if number else _BETWEEN.sub(" ", text).casefold()


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
