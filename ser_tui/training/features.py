"""What a frozen encoder makes of utterances, computed once and cached on disk: front-end frames and pooled statistics.

An entry is keyed by the utterance's content, the number of samples that the length cut leaves, and everything else that
its values depend on (encoder weights, normalisation, trimming, appended silence, type). So an utterance shorter than
two cuts is stored once for both, and later trials and runs find it. Cutting stored frames instead would not be exact:
wav2vec2 normalises over the whole utterance, and Whisper's mel floor follows its maximum.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import torch
from torch import Tensor

from ser_tui.corpora.hearing.audio import Stamp, stamp
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.corpora.hearing.segments import digest as segment_digest
from ser_tui.encoders.base import SpeechEncoder, frame_mask
from ser_tui.store.files import AGAIN, digest_of
from ser_tui.training import audio, augment, resampling, trimming
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnProgress, Part, Stop, UtteranceChanged, check_stop

VERSION = 2
"""Changes when the computations below would give other values, so that entries of before are not used."""
HELD_BYTES = 256 * 1024 * 1024
"""Of frames that are in no cache, what `prepare` keeps in memory, so that `get` need not compute them again."""
_NEIGHBOURS = 16
"""Utterances that are taken one after another, as they may be parts of one recording."""
_EPSILON = 1e-6
_SHA256 = re.compile(r"[0-9a-f]{64}")
Read = TypeVar("Read")


@dataclass(frozen=True)
class Recipe:
    """How a waveform becomes frames, apart from the encoder."""

    max_seconds: float
    normalize: str = "none"
    pad_to_max: bool = False
    """Zero-pad every utterance to max_seconds, and treat the padding as speech: the paper's way."""
    context_seconds: float = 0.0
    """Silence appended to every utterance, which the transformer attends to and pooling leaves out."""
    dtype: torch.dtype = torch.float32
    """Type that frames are rounded to, cached or not."""
    trim: bool = False
    """Leave out the silence before and after the utterance, ahead of the cut; see `trimming.bounds`."""

    @property
    def kind(self) -> str:
        """Part of the cache's key that all utterances share."""
        padding = "padded" if self.pad_to_max else f"silence{self.context_seconds:g}"
        # Only where it is on, so that what was cached before there was trimming stays valid.
        return f"{self.normalize}-{padding}" + (f"-trimmed{trimming.VERSION}" if self.trim else "")

    def padded(self, samples: int, most: int | None) -> int:
        """Samples of an utterance of `samples` with the silence behind it; `most`: as many as the encoder can take."""
        if self.pad_to_max:
            samples = max(samples, audio.cut(self.max_seconds))
        samples += round(self.context_seconds * audio.SAMPLE_RATE)
        return samples if most is None else min(samples, most)


def plain_recipe(recipe: Recipe) -> dict[str, Any]:
    """Its fields, JSON-safe; `recipe_of` makes it again."""
    return {**asdict(recipe), "dtype": str(recipe.dtype).removeprefix("torch.")}


def recipe_of(table: Mapping[str, Any]) -> Recipe:
    """The `Recipe` that `plain_recipe` made `table` of. Raises KeyError, TypeError, ValueError."""
    return Recipe(
        float(table["max_seconds"]),
        str(table["normalize"]),
        bool(table["pad_to_max"]),
        float(table["context_seconds"]),
        torch.float16 if table["dtype"] == "float16" else torch.float32,
        bool(table.get("trim", False)),  # models of before there was trimming do not say
    )


class Unreadable(Exception):
    """No features: the text says why."""


class Features:
    """Features of `clips` by `encoder`'s pre-trained weights under `recipe`; utterances are named by their index.

    `stage`: "frames" runs the convolutional front end; "inputs" stops before it, for training it. `stores`: the caches that
    are open already, by name. An encoder without a fingerprint (one with tuned weights) is not cached. `copies`: for each
    of `clips` which changed copy of it is meant, see `augment`; empty: the utterances themselves. `stored`: whether the cache
    is used at all; where frames are needed once only, to pool them, it is not.
    """

    def __init__(
        self,
        encoder: SpeechEncoder,
        clips: Sequence[Clip],
        digests: Sequence[str],
        recipe: Recipe,
        stage: Literal["frames", "inputs"] = "frames",
        stores: dict[str, Shards] | None = None,
        copies: Sequence[str] = (),
        stored: bool = True,
    ) -> None:
        self._copies = copies or ("",) * len(clips)
        self._encoder, self._clips, self._digests, self.recipe, self._stage = encoder, clips, digests, recipe, stage
        self._samples: dict[int, int] = {}
        self._resamplers: dict[int, str] = {}
        self._bounds: dict[int, tuple[int, int]] = {}
        self.problems: dict[int, str] = {}
        """Index -> why the utterance cannot be used. Complete after `prepare`."""
        self._shards = _cache(encoder, stage, recipe, stores) if stored else None
        self._held: dict[int, Tensor] = {}
        self._held_bytes = 0
        self._found = store(stores, f"bounds-{trimming.VERSION}") if recipe.trim and any(digests) else None

    @property
    def usable(self) -> list[int]:
        """Indices of the utterances that can be used, in order."""
        return [index for index in range(len(self._clips)) if index not in self.problems]

    def prepare(
        self,
        should_stop: Stop = lambda: False,
        on_progress: OnProgress | None = None,
        needless: Callable[[str], bool] | None = None,
        taken: Callable[[int, Tensor], object] | None = None,
    ) -> None:
        """Compute and store what is not cached yet, and find out what cannot be read. `needless`: whether
        nobody will ask for the frames of the utterance with a key. `taken` gets the frames that are computed, which are then stored
        nowhere: whoever takes them is the only one who wants them. Raises TrialStopped."""

        def there(index: int) -> bool:
            key = self.key(index)
            return self.holds(key) or (needless is not None and needless(key))

        missing = []
        for index in range(len(self._clips)):
            if self.recipe.trim:
                check_stop(should_stop)  # finding the bounds reads the file
            try:
                if not there(index):
                    missing.append(index)
            except Unreadable:
                continue
        for index in _in_turn(missing, len(self.usable), there, should_stop, on_progress):
            try:
                frames = self._compute(index)
            except Unreadable:
                continue
            if taken is not None:
                taken(index, frames)
            elif self._shards is not None:
                self._shards.put(self.key(index), frames)
            elif self._held_bytes + frames.nbytes <= HELD_BYTES:
                self._held_bytes += frames.nbytes
                self._held[index] = frames
        for shards in (self._shards, self._found):
            if shards is not None:
                shards.flush()

    def holds(self, key: str) -> bool:
        """Whether the frames of the utterance with `key` are cached."""
        return self._shards is not None and key in self._shards

    def get(self, index: int) -> Tensor:
        """Front-end frames [T, C] of utterance `index` (or its inputs), of the recipe's type. Raises Unreadable."""
        found = self._held.get(index) if self._shards is None else self._shards.get(self.key(index))
        return self._compute(index) if found is None else found

    def length(self, index: int) -> int:
        """Frames that utterance `index` has, silence included. Raises Unreadable."""
        return self._encoder.frames(self._padded(self._kept(index)))

    def real_length(self, index: int) -> int:
        """Frames of utterance `index` that pooling takes in. Raises Unreadable."""
        if self.recipe.pad_to_max:
            return self.length(index)
        return min(self._encoder.frames(self._kept(index)), self.length(index))

    def _kept(self, index: int) -> int:
        """Samples that trimming and the cut leave of utterance `index`, or of its copy."""
        if index in self.problems:
            raise Unreadable(self.problems[index])
        if index not in self._samples:
            there = self._read(index, lambda: _extent(self._clips[index]))
            samples, self._resamplers[index] = there.samples, resampling.tag(there.rate)
            if self.recipe.trim:
                start, end = self._bounds[index] = self._read(index, lambda: self._trimmed(index, there.samples))
                samples = end - start
            samples = min(self._copied(index, samples), audio.cut(self.recipe.max_seconds))
            if samples < self._encoder.minimum_samples:
                self._refuse(index, f"{self._clips[index]}: shorter than {self._encoder.minimum_samples / 16:g} ms")
            if self._encoder.maximum_samples is not None:
                samples = min(samples, self._encoder.maximum_samples)
            self._samples[index] = samples
        return self._samples[index]

    def _copied(self, index: int, samples: int) -> int:
        """Samples of the copy that utterance `index` stands for, where the utterance itself has `samples`."""
        copy = self._copies[index]
        return augment.samples(samples, copy, self._seed(index)) if copy else samples

    def _seed(self, index: int) -> int:
        """What draws the changes of the utterance's copies."""
        return int(self._name(index), 16)

    def _trimmed(self, index: int, samples: int) -> tuple[int, int]:
        """Bounds of utterance `index`, whose header announces `samples`; from the disk where its content is known by digest.

        Raises AudioError.
        """
        found = self._found if self._digests[index] else None
        stored = None if found is None else found.get(self._name(index))
        # Of another length the file has changed, which reading it brings to light.
        if stored is not None and int(stored[2]) == samples:
            return int(stored[0]), int(stored[1])
        start, end = trimming.bounds(audio.load(self._clips[index]))
        self._check_unchanged(index)
        if found is not None:
            found.put(self._name(index), torch.tensor([start, end, samples]))
        return start, end

    def _padded(self, samples: int) -> int:
        return self.recipe.padded(samples, self._encoder.maximum_samples)

    def _read(self, index: int, read: Callable[[], Read]) -> Read:
        """What `read` finds in the file of utterance `index`. Raises Unreadable where that is no audio.

        An utterance of a corpus was read when its digest was taken: where the system has refused it since, it is no worse than it was,
        and no score shall lack it. It is tried once more, and UtteranceChanged raised where that fails too.
        """
        try:
            return read()
        except audio.Refused as error:
            if not self._is_known(index):
                self._refuse(index, str(error))
            self._check_unchanged(index)
        except audio.AudioError as error:
            self._refuse(index, str(error))
        try:
            return read()
        except audio.AudioError as error:
            raise UtteranceChanged(f"{error}; mend that, then {AGAIN}") from None

    def _refuse(self, index: int, reason: str) -> NoReturn:
        self._check_unchanged(index)
        self.problems[index] = reason
        raise Unreadable(reason)

    def _is_known(self, index: int) -> bool:
        """Whether it is known by a digest what the file of utterance `index` holds."""
        return _SHA256.fullmatch(self._digests[index]) is not None

    def _check_unchanged(self, index: int) -> None:
        if self._is_known(index):
            refuse_changed(self._clips[index], self._digests[index])

    def key(self, index: int) -> str:
        """Identifies the utterance and its cut. Raises Unreadable."""
        kept, copy = self._kept(index), self._copies[index]
        return f"{self._name(index)}-{kept}-{self._padded(kept)}" + (f"-{copy}{augment.VERSION}" if copy else "")

    def _name(self, index: int) -> str:
        """Of the utterance's content, as it sounds at 16 kHz."""
        clip, resampler = self._clips[index], self._resamplers[index]
        content = self._digests[index] or str(replace(clip, path=clip.path.absolute()))
        return _content(f"{content} {resampler}" if resampler else content)

    def _compute(self, index: int) -> Tensor:
        kept = self._kept(index)
        waveform = self._read(index, lambda: self._waveform(index))
        self._check_unchanged(index)
        waveform = waveform[:kept]
        if len(waveform) < self._encoder.minimum_samples:
            self._refuse(index, f"{self._clips[index]}: shorter than its header announces")
        padded = torch.nn.functional.pad(waveform, (0, self._padded(kept) - len(waveform)))
        with torch.no_grad():
            made = self._encoder.front_end(padded) if self._stage == "frames" else self._encoder.inputs(padded)
        return made.to(self.recipe.dtype)

    def _waveform(self, index: int) -> Tensor:
        """Utterance `index`, trimmed where asked to, then its copy, then cut, then normalised. Raises AudioError."""
        clip, seconds, copy = self._clips[index], self.recipe.max_seconds, self._copies[index]
        if self.recipe.trim:
            start, end = self._bounds[index]
            waveform = audio.load(clip)[start:end]
        else:
            waveform = audio.load(clip, max_seconds=augment.needed(seconds, copy))
        if copy:
            waveform = augment.changed(waveform, copy, self._seed(index))
        return audio.normalized(waveform[: audio.cut(seconds)], self.recipe.normalize)


def _in_turn(
    missing: Sequence[int], of: int, there: Callable[[int], bool], should_stop: Stop, on_progress: OnProgress | None
) -> Iterator[int]:
    """What is `missing` of `of` utterances, one after the other; what is there already counts as done. Raises TrialStopped.

    Workers of one run begin with the same features. So each takes the utterances in an order of its own, and leaves out what is
    `there` meanwhile, by another. What an utterance gives depends on nothing but itself.
    """
    neighbours = [missing[start : start + _NEIGHBOURS] for start in range(0, len(missing), _NEIGHBOURS)]
    random.Random(os.urandom(8)).shuffle(neighbours)
    for done, index in enumerate(itertools.chain.from_iterable(neighbours), of - len(missing) + 1):
        check_stop(should_stop)
        if not there(index):
            yield index
        if on_progress is not None:
            on_progress(done, of)


def _content(digest: str) -> str:
    """`digest` at a fixed length: corpora may name contents by anything."""
    return hashlib.blake2b(digest.encode(), digest_size=16).hexdigest()


def refuse_changed(clip: Clip, digest: str) -> None:
    """Raise UtteranceChanged where what `clip` names has not the content digest `digest` that the manifest gives it."""
    try:
        # A recording is read once for all its segments, a file that is one utterance whenever that is used.
        found = digest_of(clip.path) if clip.whole else _kept_digest(clip.path, stamp(clip.path))
    except OSError as error:
        raise UtteranceChanged(
            f"{clip.path} cannot be read any more since the run began: {error.strerror}; mend that, then {AGAIN}"
        ) from None
    if segment_digest(found, clip.start, clip.end) != digest:
        raise UtteranceChanged(f"{clip.path} has changed since the run began: restore it, or clone the study into a new run")


def _extent(clip: Clip) -> audio.Extent:
    """`audio.extent`, for which a file is opened once for every time it was written: the folds of hundreds of speakers ask for the same
    thousands of files again and again. Raises AudioError."""
    try:
        when = stamp(clip.path)
    except (OSError, ValueError):
        return audio.extent(clip)  # which says what is wrong
    return _kept_extent(clip, when)


@functools.lru_cache(maxsize=1 << 17)
def _kept_extent(clip: Clip, when: Stamp) -> audio.Extent:
    """The extent of `clip` in the file that was written `when`."""
    return audio.extent(clip)


@functools.lru_cache(maxsize=4096)
def _kept_digest(path: Path, when: Stamp) -> str:
    """The SHA-256 of the file's bytes, found once for every `when` it was written."""
    return digest_of(path)


def store(stores: dict[str, Shards] | None, name: str) -> Shards:
    """The cache called `name`, out of `stores` or opened and put there."""
    if stores is None:
        return Shards(name)
    if name not in stores:
        stores[name] = Shards(name)
    return stores[name]


def _cache(encoder: SpeechEncoder, what: str, recipe: Recipe, stores: dict[str, Shards] | None) -> Shards | None:
    """The cache of `what` the pre-trained weights of `encoder` make under `recipe`; None of tuned ones, which have no fingerprint."""
    if not encoder.fingerprint:
        return None
    return store(stores, f"{encoder.family}-{encoder.fingerprint}-{what}-{recipe.kind}-{str(recipe.dtype)[6:]}-{VERSION}")


def statistics(hidden: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation [B, D] over the first `lengths` [B] frames of `hidden` [B, T, D], in float32.

    The deviation is the population's, with 1e-6 added to the variance so that its gradient stays finite.
    """
    hidden = hidden.float()
    mask = frame_mask(lengths, hidden.shape[1])[:, :, None]
    count = lengths[:, None].to(hidden.dtype)
    mean = (hidden * mask).sum(1) / count
    variance = (((hidden - mean[:, None]) ** 2) * mask).sum(1) / count
    return mean, torch.sqrt(variance + _EPSILON)


class Pooled:
    """Pooled statistics of the frozen encoder: per utterance [layers + 2, 2, D], float32.

    First axis: hidden states 0..layers, then the final output ("last"); second axis: mean, standard deviation.
    Each utterance is run alone, so that the values do not depend, not even in the last bit, on what was cached before.
    """

    def __init__(self, encoder: SpeechEncoder, features: Features, stores: dict[str, Shards] | None = None) -> None:
        self._encoder, self._features = encoder, features
        self._shards = _cache(encoder, "pooled", features.recipe, stores)
        self._memory: dict[int, Tensor] = {}

    def holds(self, key: str) -> bool:
        """Whether the statistics of the utterance with `key` are cached, so that its frames need not be computed for them."""
        return self._shards is not None and key in self._shards

    def prepare(self, should_stop: Stop = lambda: False, on_progress: OnProgress | None = None) -> None:
        """Compute and store what is not cached yet. `features` must be prepared. Raises TrialStopped."""
        usable = self._features.usable

        def there(index: int) -> bool:
            return self.holds(self._features.key(index))

        missing = [index for index in usable if not there(index)]
        for index in _in_turn(missing, len(usable), there, should_stop, on_progress):
            self.get(index)
        if self._shards is not None:
            self._shards.flush()

    def get(self, index: int) -> Tensor:
        """Statistics [layers + 2, 2, D] of utterance `index`. Raises Unreadable."""
        found = self._memory.get(index)
        if found is not None:
            return found
        found = None if self._shards is None else self._shards.get(self._features.key(index))
        return self.take(index, self._features.get(index)) if found is None else found

    def take(self, index: int, frames: Tensor) -> Tensor:
        """The statistics of utterance `index`, whose `frames` [T, C] are these, stored. Raises Unreadable."""
        found = pooled_statistics(self._encoder, frames.float()[None], self._features.real_length(index))
        if self._shards is not None:
            self._shards.put(self._features.key(index), found)
        if self._shards is None or not self._shards.writable:
            # What is on the disk is mapped from there: of 50,000 utterances through a large encoder it is 10 GB.
            self._memory[index] = found
        return found


def pooled_statistics(encoder: SpeechEncoder, frames: Tensor, real: int, highest: int | None = None) -> Tensor:
    """Statistics [layers + 2, 2, D] over the first `real` frames of one utterance's `frames` [1, T, C]; see `Pooled`. `highest`: none
    above this layer is asked for, nor computed; then [highest + 1, 2, D] unless that is the output's."""
    lengths, pool = torch.tensor([frames.shape[1]]), torch.tensor([real])
    whole = highest is None or highest > encoder.layers
    with torch.no_grad():
        states = encoder.hidden_states(frames, lengths, None if whole else highest)
        if whole:
            states = (*states, encoder.output(states[-1], lengths))
        return torch.stack([torch.cat(statistics(state, pool)) for state in states])


SAMPLE = 32
"""Utterances by which it is told what share of all is cached: the header of each is read."""


def lacking(
    encoder: SpeechEncoder,
    part: Part,
    recipe: Recipe,
    stores: dict[str, Shards],
    kinds: Sequence[str],
    *,
    pooled: bool,
    inputs: bool = False,
) -> float:
    """The share of the utterances of `part`, and of their copies of these `kinds`, whose features under `recipe` no cache has, about.

    `pooled`: statistics alone are asked for; `inputs`: what goes into the front end. All of them where finding out would read the audio.
    Raises UserError where a file has changed.
    """
    if recipe.trim or not encoder.fingerprint or not len(part):
        return 1.0
    places = sorted({round(number * (len(part) - 1) / max(1, SAMPLE - 1)) for number in range(SAMPLE)})
    clips, digests = [part.clips[place] for place in places], [part.digests[place] for place in places]
    copies = [kinds[number % len(kinds)] for number in range(len(places))]
    features = Features(encoder, clips, digests, recipe, "inputs" if inputs else "frames", stores, copies)
    holds = Pooled(encoder, features, stores).holds if pooled else features.holds
    found: list[bool] = []
    for index in range(len(places)):
        with suppress(Unreadable):
            found.append(not holds(features.key(index)))
    return sum(found) / len(found) if found else 1.0


class Entering:
    """What enters layer `below` + 1 of the transformer, whose lower layers stay as they are: per utterance the hidden state [T, D],
    of the recipe's type, and statistics of the states under it [below, 2, D], float32.

    Each utterance is run alone, as in evaluation. What lies above `below` is never computed, and may be trained meanwhile.
    """

    def __init__(self, encoder: SpeechEncoder, features: Features, below: int, stores: dict[str, Shards] | None = None) -> None:
        self._encoder, self._features, self._below = encoder, features, below
        self._shards = _cache(encoder, f"state{below}", features.recipe, stores)

    def prepare(self, should_stop: Stop = lambda: False, on_progress: OnProgress | None = None) -> None:
        """Compute and store what is not cached yet. `features` must be prepared. Raises TrialStopped."""
        shards = self._shards
        if shards is None:
            return  # `get` computes, which without a cache has to be done every time
        usable = self._features.usable

        def there(index: int) -> bool:
            return self._features.key(index) in shards

        missing = [index for index in usable if not there(index)]
        for index in _in_turn(missing, len(usable), there, should_stop, on_progress):
            self.get(index)
        shards.flush()

    def get(self, index: int) -> tuple[Tensor, Tensor]:
        """Hidden state [T, D] and lower statistics [below, 2, D] of utterance `index`. Raises Unreadable."""
        key = self._features.key(index)
        lower_key = f"{key}-lower"
        if self._shards is not None:
            state, lower = self._shards.get(key), self._shards.get(lower_key) if self._below else torch.zeros(0)
            if state is not None and lower is not None:
                return state, lower
        state, lower = self._compute(index)
        if self._shards is not None:
            if self._below:
                self._shards.put(lower_key, lower)
            self._shards.put(key, state)
        return state, lower

    def _compute(self, index: int) -> tuple[Tensor, Tensor]:
        frames = self._features.get(index).float()[None]
        lengths, pool = torch.tensor([frames.shape[1]]), torch.tensor([self._features.real_length(index)])
        with torch.no_grad():
            *under, state = self._encoder.hidden_states(frames, lengths, self._below)
            lower = [torch.cat(statistics(one, pool)) for one in under]
        # A residual stream may hold more than float16 can, where the encoder is large.
        rounded = state[0].to(self._features.recipe.dtype)
        kept = rounded if bool(torch.isfinite(rounded).all()) else state[0]
        return kept, torch.stack(lower) if lower else torch.zeros(0)
