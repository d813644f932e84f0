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
        ("search: {layers: 1+1}", r"line 1: search.layers: 1\+1 names 1 twice; name it once"),
        ("search: {layers: {choices: [2+3, last, 03+2]}}", r"search.layers: 2\+3 and 03\+2 are the same; leave one out"),
        ("search: {trained: lora, lora_matrices: {choices: [q+v, v+q]}}", r"search.lora_matrices: q\+v and v\+q are the same"),
        (
            "objective: trained_parameters\nsearch: {epochs: {low: 1, high: 3}}",
            "line 1: objective: trained_parameters would be the same in",
        ),
        ("objectives: [bca, checkpoint_size]\nsearch: {trained: head, epochs: {low: 1, high: 3}}", "objectives: checkpoint_size would be"),
        ("method: probe\nobjective: checkpoint_size\nsearch: {max_seconds: {low: 1, high: 3}}", "search layers or pooling too, or name"),
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
    "search",
    [
        "{epochs: {low: 1, high: 3}, unfreeze_epoch: 1}",
        "{epochs: 5, thaw_layers: 1, unfreeze_epoch: {low: 0, high: 3}}",
        "{trained: {choices: [full, head]}}",
        "{trained: {choices: [full, lora]}, lora_rank: {low: 2, high: 8}}",
        "{epochs: 3}",
        "{layers: {choices: [last, 2+3, '2', 1+3]}, learning_rate: {low: 1.0e-5, high: 1.0e-4}}",
    ],
)
def test_a_size_that_differs_between_trials_is_searched_for(search: str) -> None:
    assert not senseless(load.loads(f"objectives: [bca, trained_parameters]\nsearch: {search}"))


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
