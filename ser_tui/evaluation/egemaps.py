"""The eGeMAPS baseline: logistic regression on 88 acoustic functionals, the field's reference without any pre-training.

Eyben et al. 2016, "The Geneva Minimalistic Acoustic Parameter Set". Needs opensmile (the extra `egemaps`), whose licence
allows research but not commercial use, which is why nothing else here depends on it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.training import audio, linear, resampling
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnProgress, Part, Stop, check_stop

FUNCTIONALS = 88
INVERSE_REGULARIZATION = 0.1
"""C of the logistic regression. On EmoDB, leave-one-speaker-out, it gives a BCA of .687; 0.01 to 0.3 lie within .01 of it."""


LACKING = "opensmile is not installed; pip install 'ser-tui[egemaps]' brings it, under a licence that allows research only"


def available() -> bool:
    """Whether opensmile is installed. Does not import it, which takes seconds."""
    return importlib.util.find_spec("opensmile") is not None


def functionals(
    clips: Sequence[Clip], digests: Sequence[str], should_stop: Stop = lambda: False, on_progress: OnProgress | None = None
) -> NDArray[np.float32]:
    """eGeMAPS v02 functionals [N, 88] of `clips`; NaN for one that cannot be read.

    `digests` name their contents: what was computed before is found in the cache. Raises TrialStopped.
    """
    import opensmile

    stored = Shards(f"egemaps-v02-opensmile-{opensmile.__version__}")
    smile: Any = None
    rows: list[NDArray[np.float32]] = []
    for done, (clip, digest) in enumerate(zip(clips, digests, strict=True)):
        check_stop(should_stop)
        if on_progress is not None:
            on_progress(done, len(clips))
        key = _key(clip, digest) if digest else ""
        found = stored.get(key) if key else None
        if found is None:
            smile = smile or opensmile.Smile(feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals)
            found = _compute(smile, clip)
            if key and found.isfinite().all():
                stored.put(key, found)
        rows.append(found.numpy())
    stored.flush()
    return np.stack(rows) if rows else np.zeros((0, FUNCTIONALS), dtype=np.float32)


def logits(
    train: Part,
    clips: Sequence[Clip],
    digests: Sequence[str],
    classes: int,
    should_stop: Stop = lambda: False,
    on_progress: OnProgress | None = None,
) -> NDArray[np.float32]:
    """Logits [N, classes] of `clips` by balanced logistic regression on `train`; NaN for what cannot be read.

    Raises TrialStopped, and UserError when the readable part of `train` holds fewer than two classes.
    """
    known = functionals(train.clips, train.digests, should_stop, on_progress)
    readable = np.isfinite(known).all(axis=1)
    head = linear.fit(known[readable], np.asarray(train.labels)[readable], classes, INVERSE_REGULARIZATION)
    with torch.no_grad():
        values: NDArray[np.float32] = head(torch.from_numpy(functionals(clips, digests, should_stop, on_progress))).numpy()
    return values


def _key(clip: Clip, digest: str) -> str:
    """What the functionals are cached under: two resamplers give two waveforms."""
    try:
        resampler = resampling.tag(audio.extent(clip).rate)
    except audio.AudioError:
        resampler = ""
    return f"{digest}-{resampler}" if resampler else digest


def _compute(smile: Any, clip: Clip) -> torch.Tensor:
    try:
        waveform = audio.load(clip)
    except audio.AudioError:
        return torch.full((FUNCTIONALS,), torch.nan)
    # openSMILE gives zeros with a warning for what is shorter than its longest window.
    row = smile.process_signal(waveform.numpy(), audio.SAMPLE_RATE).to_numpy(dtype=np.float32)[0]
    return torch.tensor(row)
