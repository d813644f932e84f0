"""What can be read in a study and cannot be meant is refused in new ones; runs that have it go on."""

from __future__ import annotations

import pytest

from ser_tui.study import load
from ser_tui.study.errors import UsageError
from ser_tui.study.sense import senseless


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("constraints: bca >= 90", r"line 1: constraints: bca >= 90 is of a share, .* write \.9 for 90 %"),
        ("constraints: latency <= -1", "line 1: constraints: latency <= -1 is kept by no trial"),
        ("constraints: minutes <= 0", "is kept by no trial; write a bound above 0"),
        ("constraints: peak_memory <= 4", "is of bytes: write 4e9 for 4 GB"),
        ("constraints: [bca >= .9, bca <= .5]", "bca >= 0.9 and bca <= 0.5: no trial can keep both"),
        ("corpus: [emodb, ravdess, emodb]", "line 1: corpus: emodb is named twice"),
        ("training: {augment: [speed, noise, speed]}", "line 1: training.augment: speed is named twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(text: str, wanted: str) -> None:
    study = load.loads(text)  # as a run that has begun so is read
    with pytest.raises(UsageError, match=wanted) as refused:
        load.validate(load.parse(text, "s"), "s", checks=(senseless,))
    assert "\n" not in str(refused.value) and load.loads(load.dumps(study)) == study


def test_bounds_that_can_be_kept_are_not_refused() -> None:
    for text in ("[bca >= 0, bca <= 1]", "[bca >= .5, bca <= .9]", "peak_memory <= 4e9", "latency <= 0.02", "trained_parameters <= 1"):
        assert not senseless(load.loads(f"constraints: {text}"))


@pytest.mark.parametrize(
    "text",
    ["seed: true", "budget: {trials: true}", "protocol: {size: true}", "training: {gradient_clip: true}", "executor: {threads: true}"],
)
def test_true_is_not_1(text: str) -> None:
    with pytest.raises(UsageError, match="true is not a number"):
        load.loads(text)


@pytest.mark.parametrize("value", ["true", "{choices: [true, false]}", "{low: true, high: 3}"])
def test_true_is_no_layer(value: str) -> None:
    with pytest.raises(UsageError, match=r"search\.(layers|epochs)"):
        load.loads(f"search: {{{'epochs' if 'low' in value else 'layers'}: {value}}}")
