"""Recordings that are likely the same though their bytes are not, as where one was stored at another sample rate, gain or bit depth, went
through a codec, or lost its silence: told by what they sound like, and what must be said of them. Nothing is left out for it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

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


Kind = TypeVar("Kind", bound=Hashable)


@dataclass(frozen=True)
class Alike:
    """Which utterances are likely the same recording, copies byte for byte among them, without a place for every pair of them: of 10,000
    copies there are 50 million. `groups`: the indices of those that have one print, ascending; `links` [L, 2]: two groups, by number, whose
    prints are alike."""

    groups: tuple[tuple[int, ...], ...]
    links: NDArray[np.int32]

    def apart(self, sources: Sequence[str], kinds: Sequence[Kind], differ: Callable[[Sequence[Kind]], NDArray[np.bool_]]) -> Pairs:
        """The pairs of utterances that are alike, of other `sources` [utterances], which tell a recording by its bytes, and whose `kinds`
        [utterances] differ. Of kinds as few as folds are; `differ`: which of K kinds differ from which [K, K]."""
        number = {kind: place for place, kind in enumerate(dict.fromkeys(kinds[index] for group in self.groups for index in group))}
        # Whole numbers that floats hold exactly, and whose products are made far sooner of these.
        table = differ([*number]).reshape(len(number), len(number)).astype(np.float64)
        of_kind = {index: number[kinds[index]] for group in self.groups for index in group}

        def differing(mine: Sequence[int], theirs: Sequence[int]) -> float:
            (one, held), (other, others) = (np.unique([of_kind[i] for i in those], return_counts=True) for those in (mine, theirs))
            return float(held @ table[np.ix_(one, other)] @ others)

        counts = np.zeros((len(self.groups), len(number)))
        for place, group in enumerate(self.groups):
            counts[place] = np.bincount([of_kind[index] for index in group], minlength=len(number))
        met = counts @ table
        across = np.empty(len(self.links))
        for first in range(0, len(self.links), _AT_ONCE):
            one, other = self.links[first : first + _AT_ONCE].T
            across[first : first + _AT_ONCE] = (met[one] * counts[other]).sum(axis=1)
        within = (met * counts).sum(axis=1)
        # Without those of one source, which are segments of one recording or copies byte for byte.
        by_source = [_by_source(group, sources) for group in self.groups]
        of_groups: dict[str, list[int]] = defaultdict(list)
        for place, of in enumerate(by_source):
            within[place] -= sum(differing(own, own) for own in of.values())
            for source in of:
                of_groups[source].append(place)
        several = {place for places in of_groups.values() if len(places) > 1 for place in places}
        for place in np.flatnonzero(np.isin(self.links, [*several]).all(axis=1)).tolist() if several else ():
            one, other = self.links[place].tolist()
            both = by_source[one].keys() & by_source[other].keys()
            across[place] -= sum(differing(by_source[one][source], by_source[other][source]) for source in both)
        total = int(across.sum() + within.sum() / 2)

        def is_one(mine: int, theirs: int) -> bool:
            return sources[mine] != sources[theirs] and bool(table[of_kind[mine], of_kind[theirs]])

        linked = [tuple(link) for link in self.links[np.flatnonzero(across)[:1]].tolist()]
        found = [*linked, *((place, place) for place in np.flatnonzero(within)[:1].tolist())]
        for one, other in sorted(found, key=lambda pair: min(self.groups[pair[0]][0], self.groups[pair[1]][0]))[:1]:
            pairs = ((mine, theirs) for mine in self.groups[one] for theirs in self.groups[other])
            example = next(pair for pair in pairs if is_one(*pair))
            return Pairs(total, (min(example), max(example)))
        return Pairs(0, None)


@dataclass(frozen=True)
class Pairs:
    """How many there are, and one of them."""

    count: int
    example: tuple[int, int] | None


def _by_source(group: Iterable[int], sources: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for index in group:
        found[sources[index]].append(index)
    return found


def alike(utterances: Sequence[Utterance]) -> Alike:
    """Which of `utterances` are likely the same recording."""
    return _alike_of(
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
        for row, column, likeness in zip(*_near(mine[rows], asked_heads[rows], known, known_heads, room), strict=True):
            index = first + int(row)
            if index not in best or likeness > best[index][0]:
                best[index] = float(likeness), int(column)
    return {index: column for index, (_, column) in best.items()}


def across_parts(manifest: Manifest, folds: Sequence[Mapping[str, Collection[int]]], called: Mapping[str, str]) -> list[Finding]:
    """A finding where recordings of one part of a fold are likely those of another, whose bytes differ; `called`: a part in words."""
    utterances = manifest.utterances
    found = alike(utterances)
    if not found.groups:
        return []
    parts: dict[int, list[str]] = {index: [""] * len(folds) for group in found.groups for index in group}
    for number, fold in enumerate(folds):
        for name, indices in fold.items():
            for index in parts.keys() & set(indices):
                parts[index][number] = name
    split = found.apart(
        list(map(manifest.recording, utterances)), [tuple(parts.get(index, ())) for index in range(len(utterances))], _separated
    )
    if split.example is None:
        return []
    one, other = split.example
    both = zip(parts[one], parts[other], strict=True)
    part_of_one, part_of_other = next((mine, theirs) for mine, theirs in both if mine and theirs and mine != theirs)
    sentence = (
        f"Likely the same recording: {counted(split.count, 'pair')} of recordings in two parts {_sound(split.count)} alike, though not "
        f"byte for byte ({HOW}), for example {utterances[one].id} ({called[part_of_one]}) and {utterances[other].id} "
        f"({called[part_of_other]}). Copies count as recognised because they were learnt by heart; nothing was left out."
    )
    return [Finding(kind="likely_duplicates", sentence=sentence, count=split.count)]


def _separated(kinds: Sequence[tuple[str, ...]]) -> NDArray[np.bool_]:
    """Which of `kinds`, each the part in every fold, are in two parts of a fold: in more folds are both in a part than in the same one."""
    parts = np.array(kinds)
    of_parts = [(parts == name).astype(np.float32) for name in {name for kind in kinds for name in kind if name}]
    both = sum(of_parts, np.zeros(parts.shape, np.float32))
    return both @ both.T > sum((of @ of.T for of in of_parts), np.zeros((len(parts), len(parts)), np.float32))


def copies_likely(manifest: Manifest, indices: Sequence[int] | None = None, classes: Mapping[str, str] | None = None) -> list[Finding]:
    """A finding where some of the utterances at `indices` (None: all) are likely the same recording, in other bytes; otherwise nothing.
    `classes`: as in `repeated.contradictions`."""
    chosen = [manifest.utterances[index] for index in (range(len(manifest.utterances)) if indices is None else indices)]
    sources, found = list(map(manifest.recording, chosen)), alike(chosen)
    close = found.apart(sources, [""] * len(chosen), lambda kinds: np.ones((len(kinds), len(kinds)), dtype=np.bool_))
    if close.example is None:
        return []
    meant = [one.emotion if classes is None else classes[one.emotion] for one in chosen]
    apart = found.apart(sources, meant, lambda kinds: ~np.eye(len(kinds), dtype=np.bool_)).count
    one, other = (chosen[index] for index in close.example)
    what = "emotions" if classes is None else "classes"
    sentence = (
        f"Likely the same recording: {counted(close.count, 'pair')} of recordings {_sound(close.count)} alike, though not byte for byte "
        f"({HOW}), for example {one.id} and {other.id}"
        + (f"; {apart} of the pairs under different {what}" if apart else "")
        + ". Listen to them: n counts both, and nothing was left out."
    )
    # Of a target that is scored, they say nothing of what was trained on, as copies byte for byte in it do not.
    return [Finding(kind="likely_duplicates" if classes is None else "told", sentence=sentence, count=close.count, of=len(chosen))]


def _sound(number: int) -> str:
    return "sounds" if number == 1 else "sound"


@lru_cache(maxsize=4)
def _alike_of(prints: tuple[tuple[str, float], ...], places: tuple[int, ...]) -> Alike:
    """Of `prints` (text, seconds), whose indices are `places`. Kept, as a form asks for it with every key."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, (text, _) in zip(places, prints, strict=True):
        members[text].append(place)
    # Copies that lost their silence differ in length and not in their print; the first of them stands for all.
    length = dict(reversed(prints))
    texts = sorted(members, key=lambda text: length[text])
    known = vectors(texts)
    readable = np.flatnonzero(np.abs(known).sum(axis=1))
    texts, known = [texts[row] for row in readable.tolist()], known[readable]
    seconds = np.asarray([length[text] for text in texts])
    heads, room = _heads(known), _room(len(known))
    found: list[NDArray[np.int32]] = [np.empty((0, 2), np.int32)]
    for first in range(0, len(texts), _ROWS):
        rows = slice(first, first + _ROWS)
        last = len(texts) if len(texts) <= _EVERY else int(np.searchsorted(seconds, seconds[rows][-1] + _SECONDS, "right"))
        others = slice(first, last)
        mine, theirs, _ = _near(known[rows], heads[rows], known[others], heads[others], room)
        above = theirs > mine
        found.append((np.stack([mine[above], theirs[above]], axis=1) + first).astype(np.int32))
    links = np.concatenate(found)
    # Only of those that are like another.
    kept = sorted({*np.unique(links).tolist(), *(number for number, text in enumerate(texts) if len(members[text]) > 1)})
    renumbered = np.zeros(len(texts), np.int32)
    renumbered[kept] = np.arange(len(kept))
    return Alike(tuple(tuple(members[texts[number]]) for number in kept), renumbered[links])


def _heads(known: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N, `_HEAD` + 1]: the beginnings of the vectors `known` [N, 192], and how long the rest of each is. Their product is never below the
    likeness (Cauchy and Schwarz) and costs a quarter of it: most recordings differ by that already."""
    return np.hstack([known[:, :_HEAD], np.linalg.norm(known[:, _HEAD:], axis=1, keepdims=True)])


def _room(columns: int) -> NDArray[np.float32]:
    """For the products of `_ROWS` rows with so many: to take new memory for each of them takes longer than they do."""
    return np.empty(_ROWS * columns, np.float32)


def _near(
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
