"""A trial that does not fit fails alone; the run goes on with smaller batches."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import Warm
from memories import too_little

from ser_tui.training.memory import as_memory_error


@pytest.mark.slow
def test_a_trial_that_does_not_fit_fails_as_such_and_smaller_ones_follow(warm: Warm, tmp_path: Path) -> None:
    outcome = too_little(warm, tmp_path, 1)
    assert outcome.sound and outcome.injected >= 1, outcome.told


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        ("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes", True),
        ("could not create a primitive", True), ("could not create a memory object", True), ("std::bad_alloc", True),
        ("could not create a primitive descriptor for a convolution", False), ("shapes cannot be multiplied", False),
    ],
)  # fmt: skip
def test_the_words_of_torch_and_onednn_for_it_are_known(text: str, memory: bool) -> None:
    with pytest.raises(MemoryError if memory else RuntimeError), as_memory_error():
        raise RuntimeError(text)
