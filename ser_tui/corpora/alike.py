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
_EVERY = 50_000
"""Recordings up to which each is compared with each; of more, those of nearly the same length."""
_SECONDS = 0.5
_ROWS = 512
_AT_ONCE = 2_048
"""Pairs that are compared at once: of many copies of one recording each pair is near, and each takes two whole vectors."""
_HEAD = 48
_ROUNDED = 1e-4
_MANY = 0.02
"""Share of pairs that `_heads` leave from which on they are no help, as among a synthesizer's voices."""
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
    asked_heads, known_heads, room = _heads(mine), _heads(known), _room(len(known))
    best: dict[int, tuple[float, int]] = {}
    for first in range(0, len(mine), _ROWS):
        rows = slice(first, first + _ROWS)
        for row, column, likeness in zip(*_alike(mine[rows], asked_heads[rows], known, known_heads, room), strict=True):
            index = first + int(row)
            if index not in best or likeness > best[index][0]:
                best[index] = float(likeness), int(column)
    return {index: column for index, (_, column) in best.items()}


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
    heads, room = _heads(known), _room(len(known))
    found: list[tuple[int, int]] = []
    for first in range(0, len(order), _ROWS):
        rows = slice(first, first + _ROWS)
        last = len(order) if len(order) <= _EVERY else int(np.searchsorted(seconds, seconds[rows][-1] + _SECONDS, "right"))
        others = slice(first, last)
        for row, column, _ in zip(*_alike(known[rows], heads[rows], known[others], heads[others], room), strict=True):
            if column > row:
                one, other = places[order[first + int(row)]], places[order[first + int(column)]]
                found.append((min(one, other), max(one, other)))
    return tuple(sorted(found))


def _heads(known: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, `_HEAD` + 1]: the beginnings of the vectors `known` [N, 192], and how long the rest of each is. Their product is never below the
    likeness (Cauchy and Schwarz) and costs a quarter of it: most recordings differ by that already."""
    return np.hstack([known[:, :_HEAD], np.linalg.norm(known[:, _HEAD:], axis=1, keepdims=True)])


def _room(columns: int) -> NDArray[np.float32]:
    """For the products of `_ROWS` rows with so many: to take new memory for each of them takes longer than they do."""
    return np.empty(_ROWS * columns, np.float32)


def _alike(
    mine: NDArray[np.float32],
    my_heads: NDArray[np.float32],
    known: NDArray[np.float32],
    known_heads: NDArray[np.float32],
    room: NDArray[np.float32],
) -> tuple[NDArray[np.int_], NDArray[np.int_], NDArray[np.float32]]:
    """(rows of `mine`, rows of `known`, likeness) of all that are alike. `room`: see `_room`."""
    products = room[: len(mine) * len(known)].reshape(len(mine), len(known))
    near = np.flatnonzero(np.matmul(my_heads, known_heads.T, out=products) >= ALIKE - _ROUNDED)
    if len(near) > _MANY * products.size:
        near = np.flatnonzero(np.matmul(mine, known.T, out=products) >= ALIKE)
        rows, columns = np.divmod(near, len(known))
        return rows, columns, products.ravel()[near]
    rows, columns = np.divmod(near, len(known))
    likeness = np.empty(len(near), np.float32)
    for first in range(0, len(near), _AT_ONCE):
        piece = slice(first, first + _AT_ONCE)
        np.einsum("ij,ij->i", mine[rows[piece]], known[columns[piece]], out=likeness[piece])
    alike = likeness >= ALIKE
    return rows[alike], columns[alike], likeness[alike]
