"""Batches of utterances of similar length: little padding, and every epoch a new order that a seed repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

JITTER = 0.04
"""Lengths are varied by up to this share before sorting, so that an utterance meets new neighbours in every epoch. Of the pairs that
EmoDB's batches of eight hold one in six is together in the next epoch too. A tenth made it one in twelve, and 4 % more padding."""


def shuffled(lengths: Sequence[int], size: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices of `lengths` in batches of at most `size`, similar lengths together, batches in random order.

    The same (`lengths`, `size`, `seed`, `epoch`) give the same batches on every machine.
    """
    random = np.random.default_rng([seed, epoch])
    near = np.asarray(lengths, dtype=np.float64) * random.uniform(1 - JITTER, 1 + JITTER, len(lengths))
    groups = _chunks([int(index) for index in np.argsort(near, kind="stable")], size)
    return [groups[index] for index in random.permutation(len(groups))]


def sorted_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices of `lengths` in batches of at most `size`, longest first: the largest batch meets the memory limit at once."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return _chunks(order, size)


def _chunks(order: list[int], size: int) -> list[list[int]]:
    return [order[start : start + size] for start in range(0, len(order), size)]
