"""Recordings that are likely the same though their bytes are not, as where one was stored at another sample rate, gain or bit depth, went
through a codec, or lost its silence: told by what they sound like, and what must be said of them. Nothing is left out for it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora.hearing.prints import vectors
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted

ALIKE = 0.96
"""Likeness of two prints from which on they are likely of one recording. Of 1,860 recordings of EmoDB, RAVDESS, EMOVO and CREMA-D, with
takes of the same sentence by the same speaker, no two that differ come above 0.82; a synthesizer's voices come to 0.95."""
_EVERY = 20_000
"""Recordings up to which each is compared with each; of more, those of nearly the same length."""
_SECONDS = 0.5
_ROWS = 512
HOW = "another sample rate, gain or codec, say"


def pairs(utterances: Sequence[Utterance]) -> tuple[tuple[int, int], ...]:
    """Indices (one, another) of utterances that are likely the same recording, ascending; copies byte for byte among them."""
    return _pairs(
        tuple((one.sound, one.seconds) for one in utterances if one.sound), tuple(i for i, one in enumerate(utterances) if one.sound)
    )


def matches(asked: Sequence[Utterance], heard: Sequence[Utterance]) -> dict[int, int]:
    """Index of an utterance of `asked` -> that of the one in `heard` which sounds most like it, where they are likely the same."""
    if not any(one.sound for one in asked) or not any(one.sound for one in heard):
        return {}
    mine, known = (vectors([one.sound for one in those]) for those in (asked, heard))
    found: dict[int, int] = {}
    for first in range(0, len(mine), _ROWS):
        likeness = mine[first : first + _ROWS] @ known.T
        best = likeness.argmax(axis=1)
        found |= {first + int(row): int(best[row]) for row in np.flatnonzero(likeness[np.arange(len(best)), best] >= ALIKE)}
    return found


def across_parts(manifest: Manifest, folds: Sequence[Mapping[str, Collection[int]]], called: Mapping[str, str]) -> list[Finding]:
    """A finding where recordings of one part of a fold are likely those of another, whose bytes differ; `called`: a part in words."""
    digests, utterances = manifest.digests, manifest.utterances
    close = [
        (one, other) for one, other in pairs(utterances) if digests.get(utterances[one].id, "a") != digests.get(utterances[other].id, "b")
    ]
    split: dict[tuple[int, int], tuple[str, str]] = {}
    for fold in folds if close else ():
        part = {index: name for name, indices in fold.items() for index in indices}
        for pair in close:
            where = (part.get(pair[0], ""), part.get(pair[1], ""))
            if all(where) and where[0] != where[1]:
                split.setdefault(pair, where)
    if not split:
        return []
    (one, other), (part_of_one, part_of_other) = next(iter(split.items()))
    sentence = (
        f"Likely the same recording: {counted(len(split), 'pair')} of recordings in two parts {_sound(len(split))} alike, though not byte "
        f"for byte ({HOW}), for example {utterances[one].id} ({called[part_of_one]}) and {utterances[other].id} ({called[part_of_other]}). "
        "Copies count as recognised because they were learnt by heart; nothing was left out."
    )
    return [Finding(kind="likely_duplicates", sentence=sentence, count=len(split))]


def copies_likely(manifest: Manifest, indices: Sequence[int] | None = None, classes: Mapping[str, str] | None = None) -> list[Finding]:
    """A finding where some of the utterances at `indices` (None: all) are likely the same recording, in other bytes; otherwise nothing.
    `classes`: as in `repeated.contradictions`."""
    chosen = [manifest.utterances[index] for index in (range(len(manifest.utterances)) if indices is None else indices)]
    close = [(chosen[one], chosen[other]) for one, other in pairs(chosen)]
    close = [pair for pair in close if len({manifest.digests.get(one.id, one.id) for one in pair}) > 1]
    if not close:
        return []
    apart = sum(len({one.emotion if classes is None else classes[one.emotion] for one in pair}) > 1 for pair in close)
    one, other = close[0]
    what = "emotions" if classes is None else "classes"
    sentence = (
        f"Likely the same recording: {counted(len(close), 'pair')} of recordings {_sound(len(close))} alike, though not byte for byte "
        f"({HOW}), for example {one.id} and {other.id}"
        + (f"; {apart} of the pairs under different {what}" if apart else "")
        + ". Listen to them: n counts both, and nothing was left out."
    )
    # Of a target that is scored, they say nothing of what was trained on, as copies byte for byte in it do not.
    return [Finding(kind="likely_duplicates" if classes is None else "told", sentence=sentence, count=len(close), of=len(chosen))]


def _sound(number: int) -> str:
    return "sounds" if number == 1 else "sound"


@lru_cache(maxsize=4)
def _pairs(prints: tuple[tuple[str, float], ...], places: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Of `prints` (text, seconds), whose indices are `places`. Kept, as a form asks for it with every key."""
    order = sorted(range(len(prints)), key=lambda index: prints[index][1])
    seconds = np.asarray([prints[index][1] for index in order])
    known = vectors([prints[index][0] for index in order])
    found: list[tuple[int, int]] = []
    for first in range(0, len(order), _ROWS):
        rows = known[first : first + _ROWS]
        last = len(order) if len(order) <= _EVERY else int(np.searchsorted(seconds, seconds[first : first + _ROWS][-1] + _SECONDS, "right"))
        for row, column in _above(rows @ known[first:last].T):
            found.append((places[order[first + row]], places[order[first + column]]))
    return tuple(sorted((min(pair), max(pair)) for pair in found))


def _above(likeness: NDArray[np.float32]) -> list[tuple[int, int]]:
    """(row, column) of what is alike, a column behind its row."""
    return [(int(row), int(column)) for row, column in np.argwhere(likeness >= ALIKE) if column > row]
