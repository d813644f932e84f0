"""The eGeMAPS baseline: logistic regression on 88 acoustic functionals, the field's reference without any pre-training.

Eyben et al. 2016, "The Geneva Minimalistic Acoustic Parameter Set". Needs opensmile (the extra `egemaps`), whose licence
allows research but not commercial use, which is why nothing else here depends on it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.training import audio, probe
from ser_tui.training.shards import Shards
from ser_tui.training.trial import OnProgress, Part, Stop, check_stop

FUNCTIONALS = 88
INVERSE_REGULARIZATION = 0.1
"""C of the logistic regression. On EmoDB, leave-one-speaker-out, it gives a BCA of .687; 0.01 to 0.3 lie within .01 of it."""


def available() -> bool:
    """Whether opensmile is installed. Does not import it, which takes seconds."""
    return importlib.util.find_spec("opensmile") is not None


def functionals(
    paths: Sequence[Path], digests: Sequence[str], should_stop: Stop = lambda: False, on_progress: OnProgress | None = None
) -> NDArray[np.float32]:
    """eGeMAPS v02 functionals [N, 88] of the audio files `paths`; NaN for a file that cannot be read.

    `digests` name the files' contents: what was computed before is found in the cache. Raises TrialStopped.
    """
    import opensmile

    stored = Shards(f"egemaps-v02-opensmile-{opensmile.__version__}")
    smile: Any = None
    rows: list[NDArray[np.float32]] = []
    for done, (path, digest) in enumerate(zip(paths, digests, strict=True)):
        check_stop(should_stop)
        if on_progress is not None:
            on_progress(done, len(paths))
        found = stored.get(digest) if digest else None
        if found is None:
            smile = smile or opensmile.Smile(
                feature_set=opensmile.FeatureSet.eGeMAPSv02, feature_level=opensmile.FeatureLevel.Functionals
            )
            found = _compute(smile, path)
            if digest and found.isfinite().all():
                stored.put(digest, found)
        rows.append(found.numpy())
    stored.flush()
    return np.stack(rows) if rows else np.zeros((0, FUNCTIONALS), dtype=np.float32)


def logits(
    train: Part, paths: Sequence[Path], digests: Sequence[str], classes: int, should_stop: Stop = lambda: False,
    on_progress: OnProgress | None = None,
) -> NDArray[np.float32]:
    """Logits [N, classes] of `paths` by balanced logistic regression on `train`; NaN for what cannot be read.

    Raises TrialStopped, and UserError when the readable part of `train` holds fewer than two classes.
    """
    known = functionals(train.paths, train.digests, should_stop, on_progress)
    readable = np.isfinite(known).all(axis=1)
    head = probe.fit(known[readable], np.asarray(train.labels)[readable], classes, INVERSE_REGULARIZATION)
    with torch.no_grad():
        values: NDArray[np.float32] = head(torch.from_numpy(functionals(paths, digests, should_stop, on_progress))).numpy()
    return values


def _compute(smile: Any, path: Path) -> torch.Tensor:
    try:
        waveform = audio.load(path)
    except audio.AudioError:
        return torch.full((FUNCTIONALS,), torch.nan)
    # openSMILE gives zeros with a warning for what is shorter than its longest window.
    row = smile.process_signal(waveform.numpy(), audio.SAMPLE_RATE).to_numpy(dtype=np.float32)[0]
    return torch.tensor(row)
