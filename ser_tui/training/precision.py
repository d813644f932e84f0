"""Whether this processor gains from bfloat16: measured once per machine and torch version, and remembered."""

from __future__ import annotations

import contextlib
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ser_tui.store import measurements
from ser_tui.training.processor import processor

Precision = Literal["float32", "bfloat16"]
GAIN = 1.15
"""bfloat16 is used where it is at least so many times faster; less would not pay for its rounding."""
_MEASURED: tuple[Precision, ...] = ("float32", "bfloat16")
_ROUNDS = 6
"""Steps of each, in turn, of which the shortest counts."""


@dataclass(frozen=True)
class Measurement:
    """How often bfloat16 was as fast as float32 in a training step of one transformer layer, and where."""

    gain: float
    machine: str

    @property
    def precision(self) -> Precision:
        """What "auto" means here."""
        return "bfloat16" if self.gain >= GAIN else "float32"


def choose(wanted: str, *, paper_exact: bool = False) -> Precision:
    """The precision for a study's `precision`: itself, or what was measured for "auto"; float32 in the paper-exact mode."""
    if paper_exact or wanted == "float32":
        return "float32"
    return "bfloat16" if wanted == "bfloat16" else measured().precision


def measured() -> Measurement:
    """The remembered measurement of this machine, made now (about a second) if there is none."""
    machine = f"{processor()}, one thread, torch {torch.__version__}"
    try:
        gain = float(measurements.table("precision")[machine])
    except (ValueError, KeyError, TypeError):
        gain = _measure()
        measurements.remember("precision", lambda table: table.update({machine: gain}))
    return Measurement(gain, machine)


def autocast(precision: Precision) -> AbstractContextManager[object]:
    """The context to run an encoder in."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()


def _measure() -> float:
    random, threads = torch.get_rng_state(), torch.get_num_threads()
    # The processor time of one thread: the clock on the wall, or threads that wait for each other, would tell how busy the
    # machine is at this moment, and that would be remembered.
    torch.set_num_threads(1)
    try:
        layer = nn.TransformerEncoderLayer(384, 6, 1536, dropout=0.0, batch_first=True, norm_first=True)
        batch = torch.randn(8, 150, 384)

        def step() -> float:
            layer.zero_grad()
            start = time.thread_time()
            layer(batch).float().square().mean().backward()
            return time.thread_time() - start

        best: dict[Precision, float] = {}
        for _ in range(_ROUNDS):
            for precision in _MEASURED:
                with autocast(precision):
                    best[precision] = min(best.get(precision, float("inf")), step())
    finally:
        torch.set_rng_state(random)
        torch.set_num_threads(threads)
    return round(best["float32"] / best["bfloat16"], 2)
