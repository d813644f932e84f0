"""Few shapes for many lengths: what is compiled for one batch serves others, and no encoder gets more frames than it takes."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny_encoders import save_tiny

from ser_tui.encoders.load import load_encoder
from ser_tui.training.shapes import few, rounded


def test_the_lengths_of_many_batches_are_few_and_little_longer() -> None:
    lengths = range(1, 1501)
    found = [few(length) for length in lengths]
    assert all(length <= one <= length * 9 / 8 for length, one in zip(lengths, found, strict=True))
    assert len(set(found)) < 80 and found == sorted(found)


def test_padding_stays_within_what_the_encoder_takes_and_is_left_out_in_float32(tmp_path: Path) -> None:
    encoder = load_encoder(save_tiny(tmp_path, "whisper"))
    assert encoder.maximum_samples is not None
    most = encoder.frames(encoder.maximum_samples)
    for length in (most, most - 1, most // 2 + 1):
        frames = torch.ones(2, length, encoder.dimension)
        padded = rounded(frames, encoder, "bfloat16")
        assert length <= padded.shape[1] <= most
        assert torch.equal(padded[:, :length], frames) and not padded[:, length:].any()
        assert rounded(frames, encoder, "float32") is frames
