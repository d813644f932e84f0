"""What is left of p where there are several tests. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> list[float]:
    """Each of `p` as it is among as many tests as there are (Holm 1979): the chance that any of them is as small where nothing differs."""
    found, least = list(p), 0.0
    for rank, (value, place) in enumerate(sorted((value, place) for place, value in enumerate(p))):
        least = max(least, min(1.0, value * (len(p) - rank)))
        found[place] = least
    return found
