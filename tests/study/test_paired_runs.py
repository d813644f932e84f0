"""Several runs against one: what is left of each p."""

from __future__ import annotations

import pytest

from ser_tui.study.comparison import Pairing
from ser_tui.study.paired_runs import corrected


def test_each_p_is_corrected_for_the_tests_that_there_are() -> None:
    pairings = [Pairing(0.02, 0.04, 127), Pairing(reason="other utterances"), Pairing(0.03, 0.01, 127), Pairing(0.0, 0.03, 127)]
    found = corrected(pairings)
    # Holm 1979: .01 x 3, .03 x 2, and .04, which is not to be smaller than what stands before it.
    assert [one.corrected_p for one in found] == [pytest.approx(0.06), None, pytest.approx(0.03), pytest.approx(0.06)]
    assert found[0].correction == "p = .06 of 3 tests (Holm)"
    assert "on 127 shared utterances, p = .06 of 3 tests (Holm)" in found[0].sentence


def test_a_single_test_stays_as_it_is() -> None:
    [found] = corrected([Pairing(0.02, 0.04, 127)])
    assert (found.corrected_p, found.correction) == (None, "")
    assert [one.corrected_p for one in corrected([Pairing(0.02, 0.6), Pairing(0.01, 0.9)])] == [1.0, 1.0], "no chance is more than that"
