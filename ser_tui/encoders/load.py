"""Loading an encoder by name, and making the architecture of a saved one again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ser_tui.encoders import registry
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.study.errors import Damaged, UserError


def load_encoder(name: str) -> SpeechEncoder:
    """The pre-trained encoder called `name` (see `registry.find`), in evaluation mode.

    Raises UserError when the name is unknown, the encoder is not ready, or its files are unsound. Never uses the network.
    """
    entry = registry.find(name)
    status = registry.status(entry)
    if status.ready and entry.make is not None and entry.source == "plug-in":
        with _as_user_errors(f"encoder {entry.name}: its package cannot make it", "see whether another version of it can"):
            return entry.make().eval()
    if not status.ready or status.path is None:
        raise UserError(registry.refusal(entry, status))
    with _as_user_errors(f"{status.path}: no encoder can be made of it", "fetch it again or give another folder"):
        return _load(entry, status.path).eval()


def _load(entry: registry.EncoderEntry, path: Path) -> SpeechEncoder:
    if entry.packaged is not None and path in (entry.packaged.files() or ()):
        from ser_tui.encoders import offline

        return offline.load(entry)
    if entry.speechbrain:
        from ser_tui.encoders import speechbrain_iemocap

        return speechbrain_iemocap.load(path)
    from ser_tui.encoders import huggingface

    encoder = huggingface.load(path)
    if entry.packaged is not None:
        from ser_tui.encoders import offline

        offline.settle_fingerprint(encoder, entry)
    return encoder


def build(description: Mapping[str, Any], source: str = "saved encoder") -> SpeechEncoder:
    """The architecture that `description` (of `SpeechEncoder.describe`) gives, with random weights, in evaluation mode.

    Raises UserError when the description is not one of ours; `source` says where it was read.
    """
    with _as_user_errors(f"{source}: its description of the encoder is damaged", "save the model again"):
        kind = description["kind"]
        if kind == "whisper":
            from ser_tui.encoders.whisper import Whisper

            return Whisper(description["configuration"]).eval()
        if kind == "raw-waveform":
            from ser_tui.encoders.wav2vec2 import RawWaveformEncoder

            return RawWaveformEncoder(
                description["family"],
                description["configuration"],
                normalise=bool(description["normalise"]),
                epsilon=float(description["epsilon"]),
                output_norm=bool(description["output_norm"]),
            ).eval()
        if kind in ("log-mel", "crnn"):
            from ser_tui.encoders.spectra import ConvolutionalRecurrent, LogMel

            if kind == "log-mel":
                return LogMel().eval()
            return ConvolutionalRecurrent(int(description["channels"]), int(description["units"])).eval()
        if kind == "ge2e":
            from ser_tui.encoders.speaker import SpeakerEmbedding

            return SpeakerEmbedding().eval()
        if kind == "plug-in":
            entry = registry.plug_in(str(description["name"]))
            if entry.rebuild is not None:
                return entry.rebuild(description).eval()
    raise UserError(f"{source}: unknown kind of encoder {kind!r:.50}; it was written by another version of ser_tui")


@contextmanager
def _as_user_errors(what: str, advice: str) -> Iterator[None]:
    """What torch, transformers and SpeechBrain raise on a stranger's configuration is of any kind: one line says so."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise Damaged(f"{what} ({type(error).__name__}: {' '.join(str(error).split()):.120})", advice) from None
