"""A model's logits of a corpus, kept on disk by content: another mapping of emotions repeats no forward pass.

They lie in the feature cache, with its bound, and like all of it they can be deleted: what is missing or damaged is computed
again. What is kept of a frozen encoder are its pooled statistics (`features.Pooled`), which every head on it shares; of an
encoder that was trained with its head the logits, by the model's identity. Both are keyed by the digest of the utterance's content.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui import __version__
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.encoders import weights
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.study.errors import UserError
from ser_tui.training import features, resampling, trimming
from ser_tui.training.features import Features, Pooled, Unreadable
from ser_tui.training.memory import as_memory_error
from ser_tui.training.model import Model
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnProgress, Stop, check_stop

WINDOW = 256
"""Utterances after which what was computed is written: a worker that is killed loses no more."""


def kept_logits(
    model: Model,
    clips: Sequence[Clip],
    digests: Sequence[str],
    *,
    speakers: Sequence[str] = (),
    should_stop: Stop = lambda: False,
    on_progress: OnProgress | None = None,
) -> NDArray[np.float32]:
    """`model`'s logits [N, classes] of the `clips`, whose contents `digests` name; NaN where one is unreadable. `speakers`: who
    speaks, which a model by speakers' statistics must know.

    Those that were computed before are read. Raises what `Model.predict_logits` raises.
    """
    with as_memory_error():
        if model.tuned:
            return _tuned(model, clips, digests, should_stop, on_progress)
        if not model.pooling.by_speaker:
            return _frozen(model, clips, digests, model.head, len(model.classes), should_stop, on_progress)
        return model.answered(kept_features(model, clips, digests, speakers=speakers, should_stop=should_stop, on_progress=on_progress))


def kept_features(
    model: Model,
    clips: Sequence[Clip],
    digests: Sequence[str],
    *,
    speakers: Sequence[str] = (),
    should_stop: Stop = lambda: False,
    on_progress: OnProgress | None = None,
) -> NDArray[np.float32]:
    """What the head of `model` hears of the `clips`, out of which `Model.answered` makes what `kept_logits` has, to the bit: [N, width],
    NaN where one is unreadable. Of a model on a frozen encoder alone, otherwise ValueError. `speakers`, and what is raised: see
    `kept_logits`."""
    if model.tuned:
        raise ValueError("only of a frozen encoder are pooled features kept")
    with as_memory_error():
        width = model.pooling.width(model.encoder.dimension)
        vectors = _frozen(model, clips, digests, lambda pooled: pooled, width, should_stop, on_progress)
        return model.features_of(vectors, speakers)


def with_shared_features(model: Model) -> Model:
    """`model`, so that features which its frozen encoder computed before, in a search say, are found. A tuned one as it is.

    The fingerprint in the model's table is not believed: what is cached under one is taken for what these very weights compute.
    """
    if model.tuned:
        return model
    held = _digest(model.encoder)
    if held == model.encoder_fingerprint:
        return replace(model, frozen_fingerprint=held)
    try:
        # Its fingerprint may be of its files' tensors, under other names than here.
        published = load_encoder(model.encoder_name)
    except (UserError, MemoryError):
        return replace(model, frozen_fingerprint=held)
    same = _digest(published) == held
    return replace(model, frozen_fingerprint=published.fingerprint if same else held)


def frozen_encoder(model: Model) -> SpeechEncoder:
    """The encoder of `model`, which was not trained with its head, under the fingerprint of the weights that it holds."""
    if model.tuned:
        raise ValueError("the encoder was trained: it has no pre-trained weights")
    encoder = copy.copy(model.encoder)  # the same tensors
    encoder.fingerprint = model.frozen_fingerprint or _digest(encoder)
    return encoder


def _digest(encoder: SpeechEncoder) -> str:
    return weights.digest(encoder.state_dict(), encoder.describe())


def _tuned(
    model: Model, clips: Sequence[Clip], digests: Sequence[str], should_stop: Stop, on_progress: OnProgress | None
) -> NDArray[np.float32]:
    kind = f"logits-{model.identity[:32]}-{__version__}-{features.VERSION}-{trimming.VERSION}-{resampling.VERSION}"
    kept = Shards(kind) if model.identity else None
    logits = np.full((len(clips), len(model.classes)), np.nan, dtype=np.float32)
    missing: list[int] = []
    for index, digest in enumerate(digests):
        found = kept.get(digest) if kept is not None and digest else None
        if found is None or found.shape != (len(model.classes),):
            missing.append(index)
        else:
            logits[index] = found.numpy()
    _tell(on_progress, len(clips) - len(missing), len(clips))
    for start in range(0, len(missing), WINDOW):
        window, before = missing[start : start + WINDOW], len(clips) - len(missing) + start

        def further(done: int, total: int, before: int = before) -> None:
            _tell(on_progress, before + done, len(clips))

        logits[window] = model.predict_logits(
            [clips[index] for index in window], [digests[index] for index in window], should_stop=should_stop,
            on_progress=further,
        )  # fmt: skip
        if kept is None:
            continue
        for index in window:
            # What could not be read may be readable the next time.
            if digests[index] and np.isfinite(logits[index]).all():
                kept.put(digests[index], torch.from_numpy(logits[index].copy()))
        kept.flush()
    return logits


def _frozen(
    model: Model,
    clips: Sequence[Clip],
    digests: Sequence[str],
    head: Callable[[torch.Tensor], torch.Tensor],
    width: int,
    should_stop: Stop,
    on_progress: OnProgress | None,
) -> NDArray[np.float32]:
    """What `head` makes of the pooled vectors: [N, width]."""
    encoder, stores = frozen_encoder(model), dict[str, Shards]()
    logits = np.full((len(clips), width), np.nan, dtype=np.float32)
    for start in range(0, len(clips), WINDOW):
        window = slice(start, start + WINDOW)
        own = Features(encoder, clips[window], digests[window], model.recipe, stores=stores, stored=False)
        pooled = Pooled(encoder, own, stores)
        try:
            for position in range(len(clips[window])):
                check_stop(should_stop)
                try:
                    statistics = pooled.get(position)
                except Unreadable:
                    continue
                with torch.no_grad():
                    # Each alone, so that no score depends, not even in the last bit, on what else was asked for.
                    logits[start + position] = head(model.pooling.select(statistics[None]))[0].numpy()
                _tell(on_progress, start + position + 1, len(clips))
        finally:
            for shards in stores.values():
                shards.flush()
    return logits


def _tell(on_progress: OnProgress | None, done: int, total: int) -> None:
    if on_progress is not None and done:
        on_progress(done, total)
