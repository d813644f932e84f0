"""Labels of a trial, packed, are the labels."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ser_tui.study.predicted import Predicted


@given(st.lists(st.integers(-1, 300)))
def test_packed_labels_are_the_labels(labels: list[int]) -> None:
    held = Predicted.of(labels)
    packed = held.packed()
    assert held == tuple(labels) == held and tuple(labels) == held and list(held) == labels and len(held) == len(labels)
    assert bool(held) == bool(labels) and hash(held) == hash(tuple(labels)) and held[:2] == tuple(labels[:2])
    assert held != (*labels, 1) and held != Predicted.of([*labels, 1])
    if not isinstance(packed, str):
        assert packed == labels and max(labels) > 127
