"""Student's t, as far as intervals of means need it."""

from __future__ import annotations

_FEW = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}
"""Where the expansion is not near enough."""


def t_quantile(freedom: float) -> float:
    """The .975 quantile of Student's t by its expansion about the normal's (Abramowitz and Stegun 26.7.5): within .3 % from 4 on, and
    within .1 % from 6 on."""
    z = 1.959964
    terms = (z, (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return sum(term / freedom**power for power, term in enumerate(terms))


def mean_interval(mean: float, deviation: float, n: int) -> tuple[float, float] | None:
    """The 95 % interval of the mean of `n` values with this standard deviation (of n - 1), by Student's t; None of a single one."""
    if n < 2:
        return None
    half = _FEW.get(n - 1, t_quantile(n - 1)) * deviation / n**0.5
    return mean - half, mean + half
