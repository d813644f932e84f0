"""The most memory that was held while something was done."""

from __future__ import annotations

import numpy as np
import pytest

from ser_tui.training.memory import PeakMemory

MEBIBYTE = 2**20


def _hold(mebibytes: int) -> None:
    np.ones(mebibytes * MEBIBYTE, dtype=np.uint8)


def test_what_is_held_before_within_and_after_another_measurement_counts() -> None:
    with PeakMemory() as least:
        pass
    if least.bytes is None:
        pytest.skip("the system does not tell")
    for before, within, after in ((300, 0, 0), (0, 300, 0), (0, 0, 300)):
        with PeakMemory() as outer:
            _hold(before)
            with PeakMemory() as inner:
                _hold(within)
            _hold(after)
        assert outer.bytes is not None and inner.bytes is not None
        assert outer.bytes - least.bytes > 200 * MEBIBYTE
        assert (inner.bytes - least.bytes > 200 * MEBIBYTE) == (within > 0), "what was held before is not its own"
