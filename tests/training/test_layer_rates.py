"""How the layers of one encoder are trained differently, and which of a trial's weights are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from training.conftest import CLASSES

from ser_tui.study.errors import UserError
from ser_tui.study.training import Training
from ser_tui.training.finetune import FineTuner
from ser_tui.training.model import load_model
from ser_tui.training.trial import Leg, Part

Split = tuple[Part, Part]
Tiny = Callable[[str], str]
QUICK: dict[str, Any] = {
    "learning_rate": 1e-3, "epochs": 1, "max_seconds": 1.0, "batch_size": 64, "weight_decay": 0.0, "layers": "2",
}  # fmt: skip
"""One batch: AdamW's first step moves every weight by the rate."""


def trainer(encoder: str, split: Split, **settings: Any) -> FineTuner:
    return FineTuner(encoder, *split, CLASSES, Training(precision="float32", **settings))


def weights(subject: FineTuner) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in subject.encoder.named_parameters()}


def moved(subject: FineTuner, before: Mapping[str, Tensor], block: int) -> float:
    """The largest change of a weight of a layer, 0 for the lowest."""
    names = {id(one): name for name, one in subject.encoder.named_parameters()}
    return max(float((one.detach() - before[names[id(one)]]).abs().max()) for one in subject.encoder.blocks[block].parameters())


@pytest.mark.parametrize("family", ["whisper", "wav2vec2"])
def test_each_layer_has_the_rate_of_the_layer_above_times_the_decay(tiny: Tiny, tones: Split, family: str) -> None:
    subject = trainer(tiny(family), tones, warmup=0.0)
    before = weights(subject)
    subject.run({**QUICK, "layer_decay": 0.25}, 1, lambda report: None, lambda: False)
    top, below = moved(subject, before, 1), moved(subject, before, 0)
    assert below / top == pytest.approx(0.25, rel=0.02) and top == pytest.approx(1e-3, rel=0.02)
    subject.run(QUICK, 1, lambda report: None, lambda: False)
    assert moved(subject, before, 0) == pytest.approx(moved(subject, before, 1), rel=0.02), "without a decay all have one rate"


def test_layers_thaw_from_the_top_one_an_epoch(tiny: Tiny, tones: Split) -> None:
    subject = trainer(tiny("whisper"), tones)
    before, seen = weights(subject), []

    def on_epoch(report: Any) -> None:
        seen.append([moved(subject, before, block) > 0 for block in (0, 1)])

    subject.run({**QUICK, "epochs": 4, "unfreeze_epoch": 1, "thaw_layers": 1}, 1, on_epoch, lambda: False)
    assert seen == [[False, False], [False, True], [True, True], [True, True]]


def test_an_encoder_of_one_piece_says_that_it_has_no_layers_to_tell_apart(
    tiny: Tiny, tones: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = trainer(tiny("whisper"), tones)
    monkeypatch.setattr(type(subject.encoder), "blocks", ())
    for name, value in (("layer_decay", 0.5), ("thaw_layers", 1)):
        with pytest.raises(UserError, match="need an encoder that tells its layers"):
            subject.run({**QUICK, name: value}, 1, lambda report: None, lambda: False)


def test_swa_keeps_the_mean_of_the_later_epochs(tiny: Tiny, tones: Split, tmp_path: Path) -> None:
    subject, seen, values = trainer(tiny("whisper"), tones, averaging="swa"), list[dict[str, Tensor]](), list[float]()

    def on_epoch(report: Any) -> None:
        seen.append(weights(subject))
        values.append(report.value)

    result = subject.run({**QUICK, "epochs": 4}, 1, on_epoch, lambda: False)
    for name, kept in weights(subject).items():
        torch.testing.assert_close(kept, (seen[2][name] + seen[3][name]) / 2)
    assert not all(torch.equal(kept, seen[3][name]) for name, kept in weights(subject).items())
    subject.save_best(tmp_path)
    said = load_model(tmp_path).predict_logits(tones[1].clips).argmax(axis=1)
    assert tuple(said.tolist()) == tuple(result.predictions), "what is kept is what was scored"


def test_ema_moves_towards_each_step_and_leaves_training_alone(tiny: Tiny, tones: Split) -> None:
    raw: dict[str, list[dict[str, Tensor]]] = {}
    for kind in ("none", "ema"):
        subject = trainer(tiny("whisper"), tones, averaging=kind)
        raw[kind] = []
        subject.run({**QUICK, "epochs": 3}, 1, lambda report: raw[kind].append(weights(subject)), lambda: False)  # noqa: B023
    for one, other in zip(raw["none"], raw["ema"], strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one), "training goes on from its own weights"
    # One step an epoch: the first is taken whole, then each by 1 - (1 + n) / (10 + n) of the way.
    for name, kept in weights(subject).items():
        first, second, third = (epoch[name] for epoch in raw["ema"])
        torch.testing.assert_close(kept, torch.lerp(torch.lerp(first, second, 9 / 11), third, 9 / 12))


@pytest.mark.parametrize("averaging", ["ema", "swa"])
def test_a_trial_with_all_of_it_goes_on_from_a_checkpoint_as_if_it_had_not_paused(
    tiny: Tiny, tones: Split, tmp_path: Path, averaging: str
) -> None:
    asked = {**QUICK, "batch_size": 8, "epochs": 4, "unfreeze_epoch": 1, "thaw_layers": 1, "layer_decay": 0.5}
    subject = trainer(tiny("whisper"), tones, averaging=averaging)
    whole = subject.run(asked, 1, lambda report: None, lambda: False)
    kept = weights(subject)
    place = tmp_path / "half.safetensors"
    subject.run(asked, 1, lambda report: None, lambda: False, rung=Leg(2, place))
    other = trainer(tiny("whisper"), tones, averaging=averaging)
    again = other.run(asked, 1, lambda report: None, lambda: False, rung=Leg(0, tmp_path / "none", place))
    assert again.predictions == whole.predictions
    assert all(torch.equal(tensor, kept[name]) for name, tensor in weights(other).items())
