"""AdamW with one rate for the encoder and one for the head, a linear warm-up and a cosine, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn


def schedule(step: int, steps: int, warmup: float) -> float:
    """The factor on every rate in `step` (from 0) of `steps`: a linear rise over the share `warmup`, then half a cosine.

    After Loshchilov & Hutter 2017 (SGDR) without restarts; the last step's factor is still above 0.
    """
    rise = math.ceil(warmup * steps)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


class Optimizer:
    """AdamW (Loshchilov & Hutter 2019), fused, with gradient clipping. Vectors (biases, norms) are not decayed."""

    def __init__(
        self, encoder: Iterable[nn.Parameter], head: Iterable[nn.Parameter], *, learning_rate: float, head_factor: float,
        weight_decay: float, clip: float, steps: int, warmup: float,
    ) -> None:
        self._clip, self._steps, self._warmup, self._step = clip, steps, warmup, 0
        groups = []
        for parameters, rate in ((encoder, learning_rate), (head, learning_rate * head_factor)):
            listed = list(parameters)
            for matrices in (True, False):
                chosen = [parameter for parameter in listed if (parameter.ndim > 1) == matrices]
                if chosen:
                    groups.append({"params": chosen, "lr": rate, "weight_decay": weight_decay if matrices else 0.0})
        self._peaks = [float(str(group["lr"])) for group in groups]
        self._parameters = [parameter for group in groups for parameter in list(group["params"])]  # type: ignore[call-overload]
        self._adamw = torch.optim.AdamW(groups, fused=True)

    def step(self) -> bool:
        """Clip the gradients, take a step at this step's rates, forget the gradients. False if they were not finite."""
        factor = schedule(self._step, self._steps, self._warmup)
        for group, peak in zip(self._adamw.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor
        self._step += 1
        norm = nn.utils.clip_grad_norm_(self._parameters, self._clip, foreach=True)
        if not bool(torch.isfinite(norm)):
            return False
        self._adamw.step()
        self._adamw.zero_grad(set_to_none=True)
        return True
