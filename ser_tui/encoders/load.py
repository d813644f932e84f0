"""Loading an encoder by name, and making the architecture of a saved one again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser_tui.encoders import registry
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.errors import UserError


def load_encoder(name: str) -> SpeechEncoder:
    """The pre-trained encoder called `name` (see `registry.find`), in evaluation mode.

    Raises UserError when the name is unknown, the encoder is not ready, or its files are unsound. Never uses the network.
    """
    entry = registry.find(name)
    status = registry.status(entry)
    if not status.ready or status.path is None:
        raise UserError(f"encoder {entry.name}: {status.detail}")
    return _load(entry, status.path).eval()


def _load(entry: registry.EncoderEntry, path: Path) -> SpeechEncoder:
    if entry.source == "package":
        from ser_tui.encoders import offline

        return offline.load()
    if entry.speechbrain:
        from ser_tui.encoders import speechbrain_iemocap

        return speechbrain_iemocap.load(path)
    from ser_tui.encoders import huggingface

    return huggingface.load(path)


def build(description: Mapping[str, Any]) -> SpeechEncoder:
    """The architecture that `description` (of `SpeechEncoder.describe`) gives, with random weights, in evaluation mode.

    Raises UserError when the description is not one of ours.
    """
    try:
        kind = description["kind"]
        if kind == "whisper":
            from ser_tui.encoders.whisper import Whisper

            return Whisper(description["configuration"]).eval()
        if kind == "raw-waveform":
            from ser_tui.encoders.wav2vec2 import RawWaveformEncoder

            return RawWaveformEncoder(
                description["family"], description["configuration"], normalise=bool(description["normalise"]),
                epsilon=float(description["epsilon"]), output_norm=bool(description["output_norm"]),
            ).eval()
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise UserError(f"saved encoder: its description is damaged ({error!r:.100}); save the model again") from None
    raise UserError(f"saved encoder: unknown kind {kind!r:.50}; it was written by another version of ser_tui")
