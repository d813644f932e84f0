"""The geometric mean of several classifiers as one: an encoder whose only frame holds what each of its members says of the utterance.

    log p(c) = 1/M sum_m log p_m(c) + constant      (logarithmic opinion pool: Kuncheva 2004, section 5.2)

So a model with this encoder, under a head that only averages, is saved, loaded, calibrated, timed and asked as any other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import build
from ser_tui.training import hearing
from ser_tui.training.features import Recipe, plain_recipe, pooled_statistics, recipe_of
from ser_tui.training.head import Head, Pooling, pooling_of

KIND = "members"
"""Of the descriptions of such encoders."""
POOLING = Pooling((0,), deviation=False, concatenated=True)
"""Of a model with this encoder: its frame, as it is."""
_MOST = 16
"""Members: no model of ours has more."""


@dataclass(frozen=True)
class JointMember:
    """One that is averaged. `tuned`: whether its encoder was trained with its head, so that its layers are pooled as they are."""

    name: str
    encoder: SpeechEncoder
    pooling: Pooling
    head: Head
    recipe: Recipe
    tuned: bool

    def says(self, waveform: Tensor) -> Tensor:
        """Log-probabilities [classes] of a waveform that `hearing.prepared` made. Raises Unreadable where it is too short."""
        frames, real = hearing.frames(self.encoder, waveform, self.recipe)
        if self.tuned:
            pooled = self.pooling.of(self.encoder, frames[None], torch.tensor([len(frames)]), torch.tensor([real]))
        else:
            pooled = self.pooling.select(pooled_statistics(self.encoder, frames[None], real, self.pooling.highest)[None])
        return nn.functional.log_softmax(self.head(pooled)[0], dim=0)

    def describe(self) -> dict[str, Any]:
        """JSON-safe data from which `build_joint` makes it again, with random weights."""
        return {
            "name": self.name, "encoder": dict(self.encoder.describe()), "pooling": dataclasses.asdict(self.pooling), "tuned": self.tuned,
            "recipe": plain_recipe(self.recipe),
        }  # fmt: skip


class JointEncoder(SpeechEncoder):
    """Hears a waveform as each of its `members` does, which tell the same `classes` apart."""

    family = KIND
    layers = 0

    def __init__(self, members: Sequence[JointMember], classes: int) -> None:
        super().__init__()
        self.members, self._classes = tuple(members), classes
        self.encoders = nn.ModuleList(member.encoder for member in members)
        self.heads = nn.ModuleList(member.head for member in members)
        self.dimension = classes * len(members)
        self.minimum_samples = max(member.encoder.minimum_samples for member in members)

    def inputs(self, waveform: Tensor) -> Tensor:
        """The waveform: each member has a front end of its own."""
        return waveform

    def convolve(self, inputs: Tensor) -> Tensor:
        """The members' log-probabilities side by side: [1, members * classes]."""
        return torch.cat([member.says(inputs) for member in self.members])[None]

    def frames(self, samples: int) -> int:
        return 1

    def hidden_states(self, frames: Tensor, lengths: Tensor, upto: int | None = None) -> tuple[Tensor, ...]:
        return (frames,)

    def front_end_parameters(self) -> list[nn.Parameter]:
        return list(self.parameters())

    def describe(self) -> Mapping[str, Any]:
        return {"kind": KIND, "classes": self._classes, "members": [member.describe() for member in self.members]}


def build_joint(description: Mapping[str, Any], source: str) -> JointEncoder:
    """The encoder that `JointEncoder.describe` described, with random weights. Raises KeyError, TypeError, ValueError, UserError."""
    told, classes = description["members"], int(description["classes"])
    if not 0 < len(told) <= _MOST or classes < 2:
        raise ValueError(f"{len(told)} members of {classes} classes")
    members: list[JointMember] = []
    for one in told:
        encoder, pooling = build(one["encoder"], source), pooling_of(one["pooling"])
        if pooling.by_speaker or not pooling.layers or not 0 <= min(pooling.layers) <= max(pooling.layers) <= encoder.layers + 1:
            raise ValueError(f"a member pools layers {pooling.layers[:10]!r:.40}")
        head = Head(pooling.width(encoder.dimension), classes).eval()
        members.append(JointMember(str(one["name"]), encoder, pooling, head, recipe_of(one["recipe"]), bool(one["tuned"])))
    return JointEncoder(members, classes)


def averaging_head(members: int, classes: int) -> Head:
    """The head [members * classes -> classes] that takes the mean of the members' log-probabilities."""
    head = Head(members * classes, classes).eval()
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(classes).repeat(1, members) / members)
        head.linear.bias.zero_()
    return head
