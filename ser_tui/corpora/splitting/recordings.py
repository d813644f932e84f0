"""Utterances that are segments of one recording: a room, a channel and a mood that a split must not put on both its sides."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from ser_tui.corpora.manifest import Manifest


def named(manifest: Manifest) -> list[str]:
    """What each utterance shares with the others of its recording, and with nothing else; by content where there are segments of it,
    so that one corpus's whole file and another's segments of that file are of one recording."""
    cut = {utterance.recording for utterance in manifest.utterances}
    contents = [manifest.digests.get(utterance.id, "") for utterance in manifest.utterances]
    return [content if content in cut else utterance.source for content, utterance in zip(contents, manifest.utterances, strict=True)]


def grouped(manifest: Manifest, indices: Sequence[int]) -> list[list[int]]:
    """`indices` by recording, in the order of their first utterances."""
    found: dict[str, list[int]] = defaultdict(list)
    names = named(manifest)
    for index in indices:
        found[names[index]].append(index)
    return list(found.values())


def divide(
    manifest: Manifest, groups: Sequence[Sequence[int]], size: float | int, seed: int, *, stratified: bool
) -> tuple[list[int], list[int]]:
    """(kept, taken): whole groups, drawn by `seed`, about `size` of the utterances taken (a share, or a count).

    A group is taken while that brings the taken ones nearer to `size`, of every emotion where `stratified`. Raises ValueError where
    one part would be empty.
    """
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} recordings")
    kinds = [Counter(manifest.utterances[index].emotion if stratified else "" for index in group) for group in groups]
    there = sum(kinds, Counter[str]())
    wanted = math.ceil(size * there.total()) if isinstance(size, float) else size
    missing = {kind: wanted * count / there.total() for kind, count in there.items()}
    # RandomState's stream is frozen by NumPy's policy: the same seed means the same parts for good.
    order = np.random.RandomState(seed).permutation(len(groups)).tolist()
    chosen = [place for place in order if _takes(missing, kinds[place])]
    # Where every recording is larger than what is asked for, the first of the smallest ones.
    chosen = chosen[: len(groups) - 1] or [min(order, key=lambda place: len(groups[place]))]
    taken = [index for place in chosen for index in groups[place]]
    away = set(chosen)
    kept = [index for place in order if place not in away for index in groups[place]]
    return kept, taken


def _takes(missing: dict[str, float], group: Mapping[str, int]) -> bool:
    """Whether `group` brings what is `missing` nearer to nothing; it is subtracted where it does."""
    if sum(abs(missing[kind] - count) - abs(missing[kind]) for kind, count in group.items()) >= 0:
        return False
    for kind, count in group.items():
        missing[kind] -= count
    return True


def joined(manifest: Manifest, field: Literal["speaker", "sentence"], groups: Mapping[str, str]) -> dict[str, str]:
    """`groups` (of each speaker or sentence its group), those of which segments are in one recording made one."""
    first: dict[str, str] = {name: name for name in groups.values()}

    def root(name: str) -> str:
        while first[name] != name:
            first[name] = first[first[name]]
            name = first[name]
        return name

    heard: dict[str, str] = {}
    for utterance, recording in zip(manifest.utterances, named(manifest), strict=True):
        value: str | None = getattr(utterance, field)
        if value is not None:
            mine = root(groups[value])
            other = root(heard.setdefault(recording, mine))
            first[max(mine, other)] = min(mine, other)
    return {value: root(name) for value, name in groups.items()}
