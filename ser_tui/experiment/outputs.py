"""What a model said of each utterance of a scored part, kept beside the log for error analysis; it costs no score where it cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ser_tui.corpora import locations
from ser_tui.corpora.manifest import Manifest
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store.files import DiskError
from ser_tui.store.outputs import COLUMNS, Outputs


def outputs_kept(
    session: Surroundings,
    of: str,
    manifest: Manifest,
    indices: Sequence[int],
    truth: Sequence[int],
    predictions: Sequence[int],
    probabilities: NDArray[np.float32] | None,
    folds: Sequence[int] | None = None,
    self_trained: NDArray[np.float32] | None = None,
) -> str:
    """Keep what was said `of` a part, the utterances at `indices` of `manifest`; the digest for the event that tells of its score.
    `self_trained`: see `Outputs`.

    Empty where there are no probabilities, and where the disk does not take them, which a note says. Raises UserError where that
    cannot be told either.
    """
    if probabilities is None:
        return ""
    outputs = Outputs(
        tuple(truth), tuple(predictions), probabilities, _columns(manifest, indices), None if folds is None else tuple(folds), self_trained
    )
    try:
        return session.keeper.keep_outputs(outputs)
    except DiskError as error:
        session.note(f"class probabilities of {of} are not kept: {error}", level="warning")
        return ""


def _columns(manifest: Manifest, indices: Sequence[int]) -> dict[str, Sequence[object]]:
    """What is known of the utterances, by the names of `store.outputs.COLUMNS`."""
    chosen = [manifest.utterances[index] for index in indices]
    folders = {name: locations.folder(name) for name in dict.fromkeys(utterance.corpus for utterance in chosen)}
    made: dict[str, Sequence[object]] = {
        "path": [locations.told(utterance.path, folders[utterance.corpus]) for utterance in chosen],
        "digest": [manifest.digests[utterance.id] for utterance in chosen],
    }
    return {name: made[name] if name in made else [getattr(utterance, name) for utterance in chosen] for name in COLUMNS}
