"""Corpora on whose emotions an encoder was fine-tuned before it came here: on them no score of a model with it is one on unheard speech."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ser_tui.encoders import layout, registry
from ser_tui.study.errors import UserError

_OF_NAME: Mapping[str, tuple[str, ...]] = {
    "speechbrain/emotion-recognition-wav2vec2-IEMOCAP": ("iemocap",),
    **{f"superb/{kind}-superb-er": ("iemocap",) for kind in ("wav2vec2-base", "wav2vec2-large", "hubert-base", "hubert-large")},
    "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition": ("ravdess",),
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": ("msp-podcast",),
}
"""By names of the hub, as their pages say. Of others nothing is known, which is not to say that they heard none."""


def heard(name: str) -> tuple[str, ...]:
    """The corpora, by the names of their first editions, on whose emotions the encoder called `name` was fine-tuned, as far as is known."""
    try:
        entry = registry.find(name)
    except UserError:
        return ()
    if entry.source == "folder" and entry.speechbrain:
        return ("iemocap",) if _names_iemocap(Path(entry.name).expanduser()) else ()
    folded = entry.name.casefold()
    return next((corpora for known, corpora in _OF_NAME.items() if known.casefold() == folded), ())


def _names_iemocap(folder: Path) -> bool:
    """Whether the settings in a folder of SpeechBrain's layout name that corpus, as those of its recipe for it do."""
    try:
        return "iemocap" in layout.read_text(layout.resolve(folder) / "hyperparams.yaml").casefold()
    except (UserError, OSError):
        return False
