"""Whether this processor gains from bfloat16: measured once per machine and torch version, and remembered."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from ser_tui import places

Precision = Literal["float32", "bfloat16"]
GAIN = 1.15
"""bfloat16 is used where it is at least so many times faster; less would not pay for its rounding."""


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
    machine = f"{_processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    path = places.cache_folder() / "precision.json"
    try:
        known = json.loads(path.read_text())
        gain = float(known[machine])
    except (OSError, ValueError, KeyError, TypeError):
        gain = _measure()
        _remember(path, machine, gain)
    return Measurement(gain, machine)


def autocast(precision: Precision) -> AbstractContextManager[object]:
    """The context to run an encoder in."""
    return torch.autocast("cpu", torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()


def _measure() -> float:
    random = torch.get_rng_state()
    try:
        layer = nn.TransformerEncoderLayer(384, 6, 1536, dropout=0.0, batch_first=True, norm_first=True)
        batch = torch.randn(8, 150, 384)
    finally:
        torch.set_rng_state(random)

    def step() -> None:
        layer.zero_grad()
        layer(batch).float().square().mean().backward()

    times: dict[Precision, float] = {}
    for precision in ("float32", "bfloat16"):
        with autocast(precision):
            times[precision] = _best_of(step)
    return round(times["float32"] / times["bfloat16"], 2)


def _best_of(step: Callable[[], None], rounds: int = 5) -> float:
    """The shortest of several timings: what other processes take from the cores only makes them longer."""
    step()
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
    return best


def _remember(path: Path, machine: str, gain: float) -> None:
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    # A cache that cannot be written only means that the next run measures again.
    with contextlib.suppress(OSError):
        places.private_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump({**(known if isinstance(known, dict) else {}), machine: gain}, file, indent=1)
        os.replace(name, path)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
