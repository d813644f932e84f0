"""The command embed: pooled hidden states of recordings, in one file with what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ser_tui.encoders import registry
from ser_tui.encoders.base import SpeechEncoder
from ser_tui.encoders.load import load_encoder
from ser_tui.inference.loading import opened
from ser_tui.inference.pieces import Cut, pieces
from ser_tui.inference.saying import ProgressLine, note
from ser_tui.inference.sources import Recording, gather
from ser_tui.store.answers import shown
from ser_tui.store.files import replacing
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted
from ser_tui.study.uses import EmbedRequest
from ser_tui.training import hearing
from ser_tui.training.features import Recipe, Unreadable
from ser_tui.training.head import Pooling
from ser_tui.training.joint import KIND
from ser_tui.training.memory import as_memory_error
from ser_tui.training.model import Model

_SECONDS = 30.0


@dataclass(frozen=True)
class Embedder:
    """What makes a vector of a waveform: `name` of the encoder, its weights' `fingerprint` (of a tuned one the model's digest)."""

    encoder: SpeechEncoder
    name: str
    fingerprint: str
    pooling: Pooling
    recipe: Recipe

    def vector(self, waveform: torch.Tensor) -> NDArray[np.float32]:
        """The pooled vector [width] of a waveform that `hearing.prepared` made by `recipe`. Raises Unreadable."""
        frames, real = hearing.frames(self.encoder, waveform, self.recipe)
        with torch.no_grad():
            found = self.pooling.of(self.encoder, frames[None], torch.tensor([len(frames)]), torch.tensor([real]))[0]
        made: NDArray[np.float32] = found.float().numpy()
        return made


def embed(request: EmbedRequest) -> int:
    """Do it; 1 where some of the recordings could not be read."""
    if request.output.endswith(".parquet"):
        _require_pyarrow()
    with _embedder(request) as embedder:
        sources = gather(request.sources)
        line, kept, vectors, unreadable = ProgressLine(), list[Recording](), list[NDArray[np.float32]](), 0
        for number, source in enumerate(sources, 1):
            try:
                vectors.append(_vector(embedder, source))
                kept.append(source)
            except Unreadable as problem:
                unreadable += 1
                line.clear()
                note(f"left out: {source.name}: {problem}")
            line.show(number, len(sources), embedder.name)
        line.clear()
        if not vectors:
            raise UserError(f"none of {counted(len(sources), 'recording')} could be read: {request.output} was not written")
        _write(Path(request.output), embedder, kept, np.stack(vectors))
    note(f"{counted(len(kept), 'vector')} of {vectors[0].size:,} numbers, {embedder.name}, layers {_layers_text(embedder)}")
    if unreadable:
        note(f"{counted(unreadable, 'recording')} could not be read and have no row")
    print(request.output, flush=True)
    return 1 if unreadable else 0


def _vector(embedder: Embedder, source: Recording) -> NDArray[np.float32]:
    if source.problem:
        raise Unreadable(source.problem)
    recipe = embedder.recipe
    piece = next(pieces(source.clip, Cut(), recipe.max_seconds, None if recipe.trim else recipe.max_seconds))
    if piece.waveform is None:
        raise Unreadable(piece.problem)
    with as_memory_error():
        return embedder.vector(hearing.prepared(piece.waveform, recipe))


@contextmanager
def _embedder(request: EmbedRequest) -> Iterator[Embedder]:
    """The encoder by name, or the model that is named, with what the request changes. Raises UserError."""
    if _is_encoder(request.model):
        encoder = load_encoder(request.model)
        pooling = _pooling(request.layers or "last", request.pooling or "mean", encoder)
        recipe = Recipe(request.max_seconds or _SECONDS, context_seconds=encoder.context_seconds)
        yield Embedder(encoder, request.model, encoder.fingerprint, pooling, recipe)
        return
    with opened(request.model) as loaded:
        model = loaded.model
        if model.encoder.family == KIND:
            raise UserError(
                "this model is the geometric mean of members (method: autospeech), which share no embedding; name an encoder, such as "
                f"{model.encoder_name}"
            )
        yield Embedder(
            model.encoder,
            f"{model.encoder_name} of {loaded.name}" if model.tuned else model.encoder_name,
            model.identity if model.tuned else model.encoder_fingerprint,
            _chosen(model, request),
            model.recipe if request.max_seconds is None else replace(model.recipe, max_seconds=request.max_seconds),
        )


def _chosen(model: Model, request: EmbedRequest) -> Pooling:
    if request.layers:
        kind = request.pooling or ("mean+std" if model.pooling.deviation else "mean")
        return _pooling(request.layers, kind, model.encoder)
    return replace(model.pooling, deviation=request.pooling == "mean+std") if request.pooling else model.pooling


def _is_encoder(name: str) -> bool:
    path = Path(name).expanduser()
    if (path / "model.json").is_file() or RunFolder(path).is_run:
        return False
    try:
        registry.find(name)
    except UserError:
        return False
    return True


def _pooling(layers: str, kind: str, encoder: SpeechEncoder) -> Pooling:
    """`layers` of the encoder side by side."""
    if layers == "all":
        chosen = list(range(encoder.layers + 2))
    else:
        try:
            named = [encoder.layers + 1 if part == "last" else int(part) for part in layers.split("+")]
        except ValueError:
            raise UsageError(f"--layers {layers:.40}: last, all, or numbers as in 2+3") from None
        if wrong := [number for number in named if not 0 <= number <= encoder.layers + 1]:
            raise UsageError(f"--layers: {wrong[0]} does not exist, this encoder has {encoder.layers}; 0 to {encoder.layers}, or last")
        chosen = sorted(set(named))
    return Pooling(tuple(chosen), kind == "mean+std", concatenated=True)


def _layers_text(embedder: Embedder) -> str:
    names = ["last" if layer > embedder.encoder.layers else str(layer) for layer in embedder.pooling.layers]
    return "+".join(names) + (" side by side" if embedder.pooling.concatenated and len(names) > 1 else "")


def _about(embedder: Embedder) -> dict[str, object]:
    return {
        "encoder": embedder.name, "fingerprint": embedder.fingerprint, "layers": _layers_text(embedder),
        "pooling": "mean+std" if embedder.pooling.deviation else "mean", "max_seconds": embedder.recipe.max_seconds,
        "normalize": embedder.recipe.normalize, "trim_silence": embedder.recipe.trim,
    }  # fmt: skip


def _write(path: Path, embedder: Embedder, kept: Sequence[Recording], vectors: NDArray[np.float32]) -> None:
    ids, speakers = [shown(source.name) for source in kept], [source.speaker for source in kept]
    starts, ends = ([getattr(source.clip, name) for source in kept] for name in ("start", "end"))
    about = json.dumps(_about(embedder))
    with replacing(path, 0o644) as partial:
        if path.suffix == ".npz":
            times = [np.array([np.nan if time is None else time for time in one]) for one in (starts, ends)]
            with partial.open("wb") as stream:
                np.savez(
                    stream, features=vectors, ids=np.array(ids), speakers=np.array(speakers), starts=times[0], ends=times[1],
                    about=np.array(about),
                )  # fmt: skip
            return
        import pyarrow
        from pyarrow import parquet

        table = pyarrow.table({
            "id": ids, "start": pyarrow.array(starts, pyarrow.float64()), "end": pyarrow.array(ends, pyarrow.float64()),
            "speaker": speakers, "features": pyarrow.FixedSizeListArray.from_arrays(vectors.reshape(-1), vectors.shape[1]),
        })  # fmt: skip
        parquet.write_table(table.replace_schema_metadata({"ser_tui": about}), partial)


def _require_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UserError("a .parquet file needs pyarrow, which is not installed: pip install pyarrow, or write to a file .npz") from None
