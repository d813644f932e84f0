"""From a waveform that is in memory to what a transformer takes of it: the very values that `features.Features` makes of a file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.training import audio, trimming
from ser_tui.training.features import Recipe, Unreadable


def prepared(waveform: Tensor, recipe: Recipe) -> Tensor:
    """`waveform` [samples] at 16 kHz, trimmed where the recipe says so, then cut, then normalised."""
    if recipe.trim:
        start, end = trimming.bounds(waveform)
        waveform = waveform[start:end]
    return audio.normalized(waveform[: audio.cut(recipe.max_seconds)], recipe.normalize)


def frames(encoder: SpeechEncoder, waveform: Tensor, recipe: Recipe) -> tuple[Tensor, int]:
    """Front-end frames [T, C] in float32 of a `prepared` waveform, and how many of them pooling takes in. Raises Unreadable where
    it is too short."""
    least, most = encoder.minimum_samples, encoder.maximum_samples
    if len(waveform) < least:
        raise Unreadable(f"shorter than {least / 16:g} ms")
    kept = len(waveform) if most is None else min(len(waveform), most)
    padded = recipe.padded(kept, most)
    with torch.no_grad():
        made = encoder.front_end(nn.functional.pad(waveform[:kept], (0, padded - kept))).to(recipe.dtype).float()
    whole = encoder.frames(padded)
    return made, whole if recipe.pad_to_max else min(encoder.frames(kept), whole)
