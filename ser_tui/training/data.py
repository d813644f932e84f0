"""One part of a split as tensors: padded batches for the transformer, pooled statistics while it is frozen."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, some_of
from ser_tui.training import augment, metrics
from ser_tui.training.features import Entering, Features, Pooled, Recipe
from ser_tui.training.preparing import preparing
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnProgress, Part, Stop

_NAMED = 3
"""Unreadable utterances that a note names."""
_REMEMBERED = 6
"""What is made of the utterances that is kept at once: vectors of a few poolings, 2 MB each at EmoDB's size, twice that standardised."""
Made = TypeVar("Made")


class PartTensors:
    """The utterances of `part` for `encoder` under `recipe`, and behind them their copies under `augmented` (names of
    `training.augment`), as further utterances. `stores`: see `Features`.
    """

    def __init__(
        self,
        encoder: SpeechEncoder,
        part: Part,
        recipe: Recipe,
        stores: dict[str, Shards],
        *,
        train_front_end: bool = False,
        augmented: Sequence[str] = (),
    ) -> None:
        self._encoder = encoder
        self.recipe = recipe
        self._own = len(part)
        kinds = augment.copies(augmented)
        copies = tuple(copy for copy in kinds for _ in part.clips)
        clips, digests = part.clips * len(kinds), part.digests * len(kinds)
        self.labels: Sequence[int] = part.labels * len(kinds)
        known = part.speakers or ("",) * len(part)
        # A voice at another speed is another voice.
        self.speakers: Sequence[str] = [f"{name} {kind}" if name else "" for kind in kinds for name in known]
        self._features = Features(encoder, clips, digests, recipe, stores=stores, copies=copies)
        # While the front end is trained its inputs are what can be cached.
        self._inputs = Features(encoder, clips, digests, recipe, "inputs", stores, copies) if train_front_end else None
        self._pooled = Pooled(encoder, self._features, stores)
        self._entering: dict[int, Entering] = {}
        self._stores = stores
        self.usable: list[int] = []
        self._lengths: dict[int, int] = {}
        self._remembered = OrderedDict[Hashable, Any]()

    def prepare(self, should_stop: Stop, on_progress: OnProgress | None, *, pooled: bool = False, once: bool = False) -> None:
        """Compute what is not cached and find what cannot be read. `pooled`: pooled statistics are all that will be asked for; `once`: by
        anybody, so that no frames are stored, of which those of 10,000 utterances are gigabytes. The encoder must then hold its
        pre-trained weights. Raises TrialStopped."""
        features, own = self._inputs or self._features, self._pooled
        with preparing():
            features.prepare(should_stop, on_progress, own.holds if pooled else None, own.take if pooled and once else None)
        usable = features.usable
        if usable != self.usable:
            self._remembered.clear()
        self.usable = usable
        self._lengths = {index: features.length(index) for index in self.usable}

    def prepare_pooled(self, should_stop: Stop, on_progress: OnProgress | None) -> None:
        """Compute the pooled statistics that are not cached, for which the encoder must hold its pre-trained weights."""
        with preparing():
            if self._inputs is not None:
                self._features.prepare(should_stop, on_progress)
            self._pooled.prepare(should_stop, on_progress)

    def prepare_entering(self, below: int, should_stop: Stop, on_progress: OnProgress | None) -> None:
        """Compute what enters the layer after `below` where it is not cached; the layers up to there must be the pre-trained ones."""
        if below not in self._entering:
            self._entering[below] = Entering(self._encoder, self._features, below, self._stores)
        with preparing():
            if self._inputs is not None:
                self._features.prepare(should_stop, on_progress)
            self._entering[below].prepare(should_stop, on_progress)

    def length(self, index: int) -> int:
        """Frames of utterance `index`."""
        return self._lengths[index]

    def frames(self, indices: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Padded frames [B, T, C] in float32, lengths [B], and the lengths [B] that pooling takes in."""
        if self._inputs is None:
            frames = [self._features.get(index).float() for index in indices]
        else:
            frames = [self._encoder.convolve(self._inputs.get(index).float()) for index in indices]
        lengths = torch.tensor([len(frame) for frame in frames])
        real = torch.tensor([self._features.real_length(index) for index in indices])
        return nn.utils.rnn.pad_sequence(frames, batch_first=True), lengths, real

    def entered(self, indices: list[int], below: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Padded hidden states `below` [B, T, D] in float32, lengths [B], the lengths [B] that pooling takes in, and the statistics
        [B, below, 2, D] of the states under them, None where there are none. `prepare_entering` comes first."""
        found = [self._entering[below].get(index) for index in indices]
        states = [state.float() for state, _ in found]
        lengths = torch.tensor([len(state) for state in states])
        real = torch.tensor([self._features.real_length(index) for index in indices])
        lower = torch.stack([one for _, one in found]) if below else None
        return nn.utils.rnn.pad_sequence(states, batch_first=True), lengths, real, lower

    def pooled(self, indices: list[int]) -> Tensor:
        """Pooled statistics [B, layers + 2, 2, D] of the pre-trained encoder."""
        return torch.stack([self._pooled.get(index) for index in indices])

    def remembered(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes of the usable utterances, the next time too: the few of latest use are kept, each under its `key`."""
        found: Made = self._remembered.pop(key) if key in self._remembered else make()
        self._remembered[key] = found
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return found

    def probabilities(self, logits: Tensor) -> NDArray[np.float32]:
        """Class probabilities [N, classes] of all utterances out of `logits` [usable, classes]; NaN where one cannot be read."""
        whole = np.full((len(self.labels), logits.shape[1]), np.nan, dtype=np.float32)
        whole[self.usable] = logits.float().numpy()
        return metrics.class_probabilities(whole)

    def predictions(self, logits: Tensor) -> tuple[int, ...]:
        """The class of every utterance out of `logits` [usable, classes]; -1 where one cannot be read."""
        return metrics.placed(logits.argmax(1).tolist(), self.usable, len(self.labels))

    @property
    def problems(self) -> dict[int, str]:
        """Index -> why the utterance cannot be used. A copy has no problem of its own that anybody could mend."""
        found = {**self._features.problems, **(self._inputs.problems if self._inputs else {})}
        return {index: text for index, text in found.items() if index < self._own}

    def notes(self, part: str) -> tuple[str, ...]:
        """A sentence about the utterances of this `part` that could not be read, if there are any."""
        problems = self.problems
        if not problems:
            return ()
        named = some_of([problems[index] for index in sorted(problems)], _NAMED, "; ")
        return (f"{counted(len(problems), 'utterance')} of the {part} part could not be read: {named}",)


def refuse_unusable(data: PartTensors, part: str) -> None:
    """Raise UserError where no utterance of this `part`, which is prepared, can be read: before features of the next are computed."""
    if not data.usable:
        raise UserError(f"no utterance of the {part} part can be read; run: ser-tui corpora check")
