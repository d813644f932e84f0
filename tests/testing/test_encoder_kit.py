"""The encoders' conformance kit passes what is sound and names the promise that is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_encoders import VARIANTS, save_tiny
from torch import Tensor

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.testing.encoders import CHECKS, check_encoder, is_independent_of_the_batch


@pytest.mark.parametrize(("family", "changes"), [VARIANTS[0], VARIANTS[5], VARIANTS[-1]])
def test_the_families_keep_every_promise(tmp_path: Path, family: str, changes: dict[str, object]) -> None:
    check_encoder(load_encoder(save_tiny(tmp_path / "model", family, **changes)))


def test_an_encoder_that_hears_its_neighbours_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_encoder(save_tiny(tmp_path / "model", "wav2vec2"))
    exact = encoder.hidden_states

    def unmasked(frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        return exact(frames, torch.full_like(lengths, frames.shape[1]), upto)

    monkeypatch.setattr(encoder, "hidden_states", unmasked)
    with pytest.raises(AssertionError, match=r"layer \d: .* depends on the batch"):
        is_independent_of_the_batch(encoder)


def test_an_encoder_without_a_fingerprint_is_told_so(tmp_path: Path) -> None:
    encoder: SpeechEncoder = load_encoder(save_tiny(tmp_path / "model", "wav2vec2"))
    encoder.fingerprint = ""
    with pytest.raises(AssertionError, match="without a fingerprint"):
        CHECKS[-1](encoder)
