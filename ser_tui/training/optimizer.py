"""AdamW with one rate for the encoder and one for the head, a linear warm-up and a cosine, step by step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


def schedule(step: int, steps: int, warmup: float) -> float:
    """The factor on every rate in `step` (from 0) of `steps`: a linear rise over the share `warmup`, then half a cosine.

    After Loshchilov & Hutter 2017 (SGDR) without restarts; the last step's factor is still above 0.
    """
    rise = math.ceil(warmup * steps)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


class AdamW:
    """AdamW (Loshchilov & Hutter 2019) by torch's fused kernel: the values of torch.optim.AdamW(fused=True), bit for bit.

    That class imports torch._dynamo with its first parameter group, a second and a half before every first training step.
    `groups`: params, lr and weight_decay each; lr may be changed between steps.
    """

    def __init__(self, groups: list[dict[str, Any]], betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8) -> None:
        self.param_groups = groups
        self._betas, self._epsilon = betas, epsilon
        self._moments: dict[nn.Parameter, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter that has a gradient; a parameter's own count of steps begins with its first one."""
        for group in self.param_groups:
            params = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not params:
                continue
            for parameter in params:
                if parameter not in self._moments:
                    self._moments[parameter] = (torch.zeros_like(parameter), torch.zeros_like(parameter), torch.zeros(()))
            first, second, steps = (list(kind) for kind in zip(*(self._moments[item] for item in params), strict=True))
            torch._foreach_add_(steps, 1)
            torch._fused_adamw_(
                params,
                [item.grad for item in params],
                first,
                second,
                [],
                steps,
                amsgrad=False,
                lr=group["lr"],
                beta1=self._betas[0],
                beta2=self._betas[1],
                weight_decay=group["weight_decay"],
                eps=self._epsilon,
                maximize=False,
            )

    def moments(self, parameter: nn.Parameter) -> tuple[Tensor, Tensor, Tensor] | None:
        """First and second moment, and steps, of a parameter that has been updated; they may be set by `remember`."""
        return self._moments.get(parameter)

    def remember(self, parameter: nn.Parameter, moments: tuple[Tensor, Tensor, Tensor]) -> None:
        """See `moments`."""
        self._moments[parameter] = moments

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None


class Optimizer:
    """AdamW with the schedule and gradient clipping. Vectors (biases, norms) are not decayed."""

    def __init__(
        self,
        encoder: Iterable[nn.Parameter],
        head: Iterable[nn.Parameter],
        *,
        learning_rate: float,
        head_factor: float,
        weight_decay: float,
        clip: float,
        steps: int,
        warmup: float,
        factors: Mapping[nn.Parameter, float] | None = None,
    ) -> None:
        """`factors`: on the rate of some of the encoder's parameters."""
        self._clip, self._steps, self._warmup, self._step = clip, steps, warmup, 0
        groups: list[dict[str, Any]] = []
        apart: dict[float, list[nn.Parameter]] = {}
        for parameter in encoder:
            apart.setdefault((factors or {}).get(parameter, 1.0), []).append(parameter)
        rated = [(listed, learning_rate * factor) for factor, listed in apart.items()]
        for listed, rate in (*rated, (list(head), learning_rate * head_factor)):
            for matrices in (True, False):
                chosen = [parameter for parameter in listed if (parameter.ndim > 1) == matrices]
                if chosen:
                    groups.append({"params": chosen, "lr": rate, "weight_decay": weight_decay if matrices else 0.0})
        self._peaks = [float(group["lr"]) for group in groups]
        self._parameters: list[nn.Parameter] = [parameter for group in groups for parameter in group["params"]]
        self._adamw = AdamW(groups)

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
        self._adamw.zero_grad()
        return True

    def state(self) -> tuple[dict[str, Tensor], int]:
        """The moments, by name and place of their parameter, and the steps that were taken: what `restore` goes on from."""
        found: dict[str, Tensor] = {}
        for place, parameter in enumerate(self._parameters):
            held = self._adamw.moments(parameter)
            found |= {} if held is None else {f"{name}.{place}": tensor for name, tensor in zip(_MOMENTS, held, strict=True)}
        return found, self._step

    def restore(self, moments: Mapping[str, Tensor], step: int) -> None:
        """Go on as the optimizer of the same parameters did that `state` was asked. Raises KeyError, ValueError."""
        for place, parameter in enumerate(self._parameters):
            if f"{_MOMENTS[0]}.{place}" in moments:
                first, second, steps = (moments[f"{name}.{place}"] for name in _MOMENTS)
                if not first.shape == second.shape == parameter.shape or steps.ndim:
                    raise ValueError("it holds the moments of other weights")
                self._adamw.remember(parameter, (first, second, steps))
        self._step = step


_MOMENTS = ("first", "second", "steps")
