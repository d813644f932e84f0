"""Features by the speaker's own statistics: what all recordings of a voice share is taken out, without labels.

Transductive: what is said of one utterance depends on which others of its speaker are there. Speaker-dependent z-normalisation is
usual in speech emotion recognition (Schuller et al. 2010, Cross-corpus acoustic emotion recognition), and must be named with its score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted

_EPSILON = 1e-6


def by_speaker(features: NDArray[np.float32], speakers: Sequence[str]) -> NDArray[np.float32]:
    """`features` [N, width] to zero mean and unit variance over the rows of each of `speakers` [N]. Raises UserError where one is
    not known."""
    if not all(speakers) or len(speakers) != len(features):
        unknown = sum(not name for name in speakers) if len(speakers) == len(features) else len(features)
        raise UserError(
            "training.normalize_speaker: features by each speaker's own statistics need speakers, and "
            f"{counted(unknown, 'utterance')} {'has' if unknown == 1 else 'have'} none; name them in the corpus's table (column speaker), "
            "or search without it"
        )
    normalised, names = np.empty_like(features), np.asarray(speakers)
    for name in np.unique(names):
        own = features[names == name]
        normalised[names == name] = (own - own.mean(0)) / (own.std(0) + _EPSILON)
    return normalised
