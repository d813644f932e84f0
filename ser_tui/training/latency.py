"""How long a model takes for a second of audio: one utterance at a time, one thread."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import torch

from ser_tui.training import hearing
from ser_tui.training.audio import SAMPLE_RATE
from ser_tui.training.features import Recipe
from ser_tui.training.model import Model

SECONDS = 3.0
"""Of noise, which a model listens to as long as to speech; less where it hears no more of an utterance."""
WARM_UP = 2
ROUNDS = 9
"""Passes after the warm-up, of which the median counts."""


def heard(recipe: Recipe) -> Recipe:
    """What `measured` hears of `recipe`: a model that is cut at more than its noise is as quick as one that is cut there."""
    return recipe if recipe.pad_to_max else replace(recipe, max_seconds=min(SECONDS, recipe.max_seconds))


def measured(model: Model) -> float:
    """Seconds from a waveform at 16 kHz to its logits, for each second of audio: batch 1, one thread, the median of `ROUNDS` passes
    after `WARM_UP`. The thread's own time counts, which is the clock's where it has a core to itself: a model is no slower because
    other programs run."""
    seconds = min(SECONDS, model.recipe.max_seconds)
    waveform = torch.randn(round(seconds * SAMPLE_RATE), generator=torch.Generator().manual_seed(1)) * 0.1
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        taken = []
        for _ in range(WARM_UP + ROUNDS):
            begun = time.thread_time()
            model.heard([hearing.prepared(waveform, model.recipe)])
            taken.append(time.thread_time() - begun)
    finally:
        torch.set_num_threads(threads)
    return statistics.median(taken[WARM_UP:]) / seconds
