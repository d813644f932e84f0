"""A trial that was paused goes on as if it had not been, bit for bit, in another process as well."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from training.conftest import CLASSES

from ser_tui.encoders import weights
from ser_tui.study.errors import UserError
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.trial import EpochReport, Leg, Part, TrialResult

PARAMETERS = {"learning_rate": 1e-3, "epochs": 5, "unfreeze_epoch": 1, "max_seconds": 1.0, "head_dropout": 0.3, "batch_size": 8}


def trained(trainer: FineTuner, rung: Leg | None = None, **other: object) -> tuple[TrialResult, list[EpochReport]]:
    told: list[EpochReport] = []
    return trainer.run({**PARAMETERS, **other}, 7, told.append, lambda: False, rung=rung), told  # type: ignore[dict-item]


@pytest.mark.parametrize("family", ["whisper", "wav2vec2"])
@pytest.mark.parametrize("first", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_continued_trial_is_the_uninterrupted_one(
    tiny: Callable[[str], str], tones: tuple[Part, Part], tmp_path: Path, family: str, first: int
) -> None:
    """Paused while its encoder is frozen, or later; another trial is trained in between."""
    trainer = FineTuner(tiny(family), *tones, CLASSES, Training())
    whole, epochs = trained(trainer)
    weights = {name: tensor.clone() for name, tensor in trainer.encoder.state_dict().items()}
    halves = [tmp_path / "one.safetensors", tmp_path / "two.safetensors"]
    paused, before = trained(trainer, Leg(first, halves[0]))
    assert paused.paused == first and len(before) == first and paused.value() == epochs[first - 1].value
    with pytest.raises(UserError, match="no model"):
        trainer.save_best(tmp_path)
    trained(trainer, epochs=1, learning_rate=1e-2)
    again, middle = trained(FineTuner(tiny(family), *tones, CLASSES, Training()), Leg(4, halves[1], halves[0]))
    assert again.paused == 4 and [one.epoch for one in middle] == list(range(first + 1, 5))
    last, end = trained(trainer, Leg(0, tmp_path / "none", halves[1]))
    joined = [*before, *middle, *end]
    assert [(one.epoch, one.loss, one.value, one.validation_loss, one.predictions) for one in joined] == [
        (one.epoch, one.loss, one.value, one.validation_loss, one.predictions) for one in epochs
    ]
    assert whole.probabilities is not None and last.probabilities is not None
    assert (whole.probabilities == last.probabilities).all() and last.paused == 0
    assert (last.scores, last.best_epoch, last.best_epoch_value) == (whole.scores, whole.best_epoch, whole.best_epoch_value)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in trainer.encoder.state_dict().items())


def test_a_checkpoint_of_another_trial_is_refused(tiny: Callable[[str], str], tones: tuple[Part, Part], tmp_path: Path) -> None:
    trainer = FineTuner(tiny("whisper"), *tones, CLASSES, Training())
    place = tmp_path / "one.safetensors"
    trained(trainer, Leg(1, place))
    with pytest.raises(UserError, match="another trial"):
        trained(trainer, Leg(0, tmp_path / "none", place), learning_rate=2e-3)
    place.write_bytes(place.read_bytes()[:-9])
    with pytest.raises(UserError, match="no checkpoint"):
        trained(trainer, Leg(0, tmp_path / "none", place))


def test_a_quota_is_told_from_other_refusals(tmp_path: Path) -> None:
    """A search that ends for want of room goes on with the trial; one whose trial failed does not."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as refused:
            weights.save({"x": torch.zeros(1000)}, tmp_path / "trial-00028.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.errno == errno.EFBIG
