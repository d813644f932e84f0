"""A trial on its way, in one file of tensors: so that training goes on from there as if it had never paused, bit for bit.

The file holds what the trial has changed: weights that are trained, AdamW's moments, the state of torch's generator, from which
dropout is drawn, the step of the schedule, and what the collapse guard has seen. Batches are drawn from (seed, epoch), and need none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ser_tui.encoders.weights import save as save_tensors
from ser_tui.encoders.weights import within
from ser_tui.places import folder_within
from ser_tui.study.errors import UserError
from ser_tui.training.collapse import CollapseGuard
from ser_tui.training.optimizer import Optimizer
from ser_tui.training.trial import EpochReport
from ser_tui.training.weight_averaging import Average

_RANDOM = "random"


@dataclass(frozen=True)
class HowFar:
    """How far a trial has come. `epochs`: number, training loss and BCA of each that is done; `seconds`: what they took; `made_of`: what
    tells this trial from others; `tuned`: whether its encoder has other weights than the pre-trained ones."""

    epochs: tuple[tuple[int, float, float], ...]
    seconds: float
    made_of: str
    tuned: bool

    def reports(self, of: int) -> list[EpochReport]:
        """The epochs as the trainer told them, without their predictions."""
        return [EpochReport(epoch, of, loss, value, 0.0, False, 0.0, ()) for epoch, loss, value in self.epochs]


def save(
    path: Path,
    progress: HowFar,
    encoder: nn.Module,
    head: nn.Module,
    optimizer: Optimizer,
    guard: CollapseGuard,
    average: Average | None = None,
) -> None:
    """Write the trial into `path`, old or new, never half. Raises OSError."""
    tensors = {f"head.{name}": tensor for name, tensor in head.state_dict().items()}
    tensors |= {f"encoder.{name}": tensor.detach() for name, tensor in _trained(encoder).items()} if progress.tuned else {}
    moments, step = optimizer.state()
    tensors |= {f"optimizer.{name}": tensor for name, tensor in moments.items()}
    tensors[_RANDOM] = torch.get_rng_state()
    held, counted = ({}, 0) if average is None else average.state()
    tensors |= {f"average.{name}": tensor for name, tensor in held.items()}
    told = {"progress": json.dumps({**asdict(progress), "step": step, "guard": guard.state, "averaged": counted})}
    folder_within(path.parent)
    save_tensors({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path, told)


def load(
    path: Path,
    made_of: str,
    encoder: nn.Module,
    head: nn.Module,
    optimizer: Optimizer,
    guard: CollapseGuard,
    average: Average | None = None,
) -> HowFar:
    """Put the trial in `path` into `encoder`, which has its pre-trained weights, and the others, and set torch's generator. Raises
    UserError where that is no checkpoint of it, OSError where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as stream:
            told: Any = json.loads((stream.metadata() or {})["progress"])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - it is no mapping
        step, state, counted = told.pop("step"), told.pop("guard"), told.pop("averaged", 0)
        progress = HowFar(**{**told, "epochs": tuple((int(a), float(b), float(c)) for a, b, c in told["epochs"])})
        if progress.made_of != made_of:
            raise UserError(f"{path} is a checkpoint of another trial")
        head.load_state_dict(within(tensors, "head."), strict=True)
        if progress.tuned:
            _put(encoder, within(tensors, "encoder."))
        optimizer.restore(within(tensors, "optimizer."), step)
        guard.state = state
        if average is not None:
            average.restore(within(tensors, "average."), counted)
        torch.set_rng_state(tensors[_RANDOM])
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no checkpoint of this trial: {error}") from None
    return progress


def _trained(encoder: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in encoder.named_parameters() if parameter.requires_grad}


@torch.no_grad()
def _put(encoder: nn.Module, held: dict[str, Tensor]) -> None:
    trained = _trained(encoder)
    if set(trained) != set(held):
        raise ValueError("it holds other weights than are trained")
    for name, parameter in trained.items():
        parameter.copy_(held[name])
