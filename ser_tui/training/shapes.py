"""Few shapes for many lengths: oneDNN compiles every operation for the shape that it meets, and keeps what it has compiled.

In bfloat16 that takes a processor with AMX longer than the operations themselves: a third of a trained epoch, by one thread however
many there are, where every batch has a length of its own (docs/measured/speed.md).
"""

from __future__ import annotations

from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.training.precision import Precision

_STEPS = 8
"""Lengths between one power of two and the next."""


def rounded(frames: Tensor, encoder: SpeechEncoder, precision: Precision) -> Tensor:
    """`frames` [B, T, C] of a padded batch, with so many more frames of padding that its length is one of few; as they are in float32,
    whose products are not compiled. An encoder's answer does not depend on padding but for the last bits."""
    if precision != "bfloat16":
        return frames
    length = few(frames.shape[1])
    if encoder.maximum_samples is not None:
        length = max(frames.shape[1], min(length, encoder.frames(encoder.maximum_samples)))
    return nn.functional.pad(frames, (0, 0, 0, length - frames.shape[1]))


def few(length: int) -> int:
    """The least of few lengths that is not less than `length`, and at most an eighth more."""
    step = max(1, (1 << (length.bit_length() - 1)) // _STEPS)
    return -(-length // step) * step
