"""Parts that are drawn over utterances, whoever speaks them: random and stratified. The latter imports scikit-learn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting import recordings
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import SplitProtocol


def size_of_rest(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> float | int:
    """The share of the rest that validates; where a test part is out already, the count that is `size` of the whole corpus."""
    everything = len(manifest.utterances)
    return protocol.size if len(rest) == everything else min(len(rest) - 1, round(protocol.size * everything))


def divide(manifest: Manifest, indices: Sequence[int], size: float | int, protocol: SplitProtocol, key: str) -> tuple[list[int], list[int]]:
    """(kept, taken) of `indices`, recordings of which segments are used whole: `size` of them taken, a share or a count. Raises UsageError
    where that cannot be, which names `key`, the setting that has the size."""
    emotions = [manifest.utterances[index].emotion for index in indices]
    stratify = emotions if protocol.kind == "stratified" else None
    if stratify:
        refuse_rare(manifest, emotions)
    groups = recordings.grouped(manifest, indices)
    together = len(groups) < len(indices)
    try:
        if together:
            kept, taken = recordings.divide(manifest, groups, size, protocol.seed, stratified=stratify is not None)
        elif stratify is None:
            kept, taken = _shuffled(indices, size, protocol.seed)
        else:
            from sklearn.model_selection import train_test_split

            kept, taken = train_test_split(list(indices), test_size=size, random_state=protocol.seed, stratify=stratify)
    except ValueError:
        stay = f"{counted(len(groups), 'recording')}, which {'stays' if len(groups) == 1 else 'stay'} whole"
        whole = f" in {stay}" if together else ""
        raise too_few(manifest, emotions, key, whole, stratified=stratify is not None) from None
    return kept, taken


def refuse_rare(manifest: Manifest, emotions: Sequence[str]) -> None:
    """Raise UsageError where an emotion cannot be in two parts."""
    rare = sorted(emotion for emotion, count in Counter(emotions).items() if count < 2)
    if rare:
        raise UsageError(f"protocol stratified: {manifest.corpus} has a single utterance of {rare[0]}; drop it: --set labels.{rare[0]}=")


def too_few(manifest: Manifest, emotions: Sequence[str], key: str, whole: str, *, stratified: bool) -> UsageError:
    """What `divide` raises where utterances of such `emotions` are too few. `whole`: why, where recordings stay whole."""
    wanted = "every part to have each emotion" if stratified else "two parts"
    return UsageError(
        f"protocol.{key}: {manifest.corpus} has {counted(len(emotions), 'utterance')} of {counted(len(set(emotions)), 'emotion')} to "
        f"divide{whole}, too few for {wanted}; choose another size"
    )


def _shuffled(indices: Sequence[int], size: float | int, seed: int) -> tuple[list[int], list[int]]:
    """What scikit-learn's train_test_split(indices, test_size=size, random_state=seed) gives, without its second of imports.

    Raises ValueError as it does where a part would be empty.
    """
    count = len(indices)
    taken = math.ceil(size * count) if isinstance(size, float) else size
    if not 0 < taken < count:
        raise ValueError(f"{taken} of {count}")
    order = np.random.RandomState(seed).permutation(count).tolist()
    return [indices[position] for position in order[taken:]], [indices[position] for position in order[:taken]]
