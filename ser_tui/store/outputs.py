"""What a model said of every utterance of a scored part: files of a run's folder, named after the digests that its log has.

DIGEST.safetensors holds truth and predictions (class indices, -1 for what could not be read), class probabilities (float32),
for folds the number of each utterance's fold, and for evaluations the probabilities after self-training, where there are some;
DIGEST.json what is known of the utterances, once for all that was scored on them.
The log has the SHA-256 of the first, which holds that of the second: what somebody has changed, or another run's, is never read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.places import folder_within
from ser_tui.store.files import digest_if_read, disk_message, write_atomically
from ser_tui.study.regular import read_regular
from ser_tui.study.type_checks import check

MOST_BYTES = 1 << 30
"""Of one file: a million utterances of a hundred classes."""
COLUMNS: Mapping[str, Any] = {
    "id": tuple[str, ...], "speaker": tuple[str | None, ...], "gender": tuple[str | None, ...], "seconds": tuple[float | None, ...],
    "path": tuple[str | None, ...], "start": tuple[float | None, ...], "end": tuple[float | None, ...], "digest": tuple[str, ...],
    "corpus": tuple[str | None, ...],
}  # fmt: skip
"""Of the table of utterances, see `ser_tui.evaluation.errors.Spoken`. `path` is relative to where the `corpus` lies, see
`ser_tui.corpora.locations.told`; tables of before there was a corpus in them have absolute ones."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FILES = re.compile(r"[0-9a-f]{64}\.(safetensors|json)")


class OutputsMissing(Exception):
    """Outputs that cannot be read; the text says why, in a few words."""


@dataclass(frozen=True)
class Outputs:
    """Truth [n] and predictions [n] as class indices, probabilities [n, classes]; columns of n values; folds [n], or None;
    probabilities [n, classes] after self-training (`evaluation.self_training`), or None, as of files of before these were kept."""

    truth: tuple[int, ...]
    predictions: tuple[int, ...]
    probabilities: NDArray[np.float32]
    utterances: Mapping[str, Sequence[Any]]
    folds: tuple[int, ...] | None = None
    self_trained: NDArray[np.float32] | None = None


def write(folder: Path, outputs: Outputs) -> str:
    """Keep `outputs` in `folder`, which is made where it is missing; the digest that the log is to hold. Raises DiskError."""
    from safetensors.numpy import save

    columns = {name: list(column) for name, column in _whole(outputs.utterances, len(outputs.truth)).items()}
    table = json.dumps(columns, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    held = hashlib.sha256(table)
    arrays: dict[str, NDArray[Any]] = {
        "truth": np.asarray(outputs.truth, dtype=np.int32),
        "predictions": np.asarray(outputs.predictions, dtype=np.int32),
        "probabilities": np.ascontiguousarray(outputs.probabilities, dtype=np.float32),
        "utterances": np.frombuffer(held.digest(), dtype=np.uint8),
    }
    if outputs.folds is not None:
        arrays["folds"] = np.asarray(outputs.folds, dtype=np.int32)
    if outputs.self_trained is not None:
        arrays["self_trained"] = np.ascontiguousarray(outputs.self_trained, dtype=np.float32)
    data = save(arrays)
    digest = hashlib.sha256(data).hexdigest()
    place = folder / f"{held.hexdigest()}.json"
    try:
        folder_within(folder)
        if digest_if_read(place) != held.hexdigest():
            write_atomically(place, table)
        place = folder / f"{digest}.safetensors"
        write_atomically(place, data)
    except OSError as error:
        raise disk_message(error, "keeping class probabilities", place, "those of later scores are kept") from None
    return digest


def read(folder: Path, digest: str, classes: int) -> Outputs:
    """What `write` kept as `digest`, of a part that is scored in so many classes. Raises OutputsMissing."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(_checked(folder, digest, ".safetensors"))
        truth, predictions, probabilities = arrays["truth"], arrays["predictions"], arrays["probabilities"]
        folds, after, n = arrays.get("folds"), arrays.get("self_trained"), len(truth)
        flat = [array for array in (truth, predictions, folds) if array is not None]
        likely = [array for array in (probabilities, after) if array is not None]
        shaped = all(array.shape == (n,) and array.dtype == np.int32 for array in flat)
        shaped = shaped and all(array.shape == (n, classes) and array.dtype == np.float32 for array in likely)
        if not shaped or not n or truth.min() < 0 or predictions.min() < -1:
            raise OutputsMissing("its file holds something else")
        if max(truth.max(), predictions.max()) >= classes:
            raise OutputsMissing("its file holds other classes")
        table = json.loads(_checked(folder, arrays["utterances"].tobytes().hex(), ".json"), parse_constant=_refuse_constant)
        columns = {name: tuple(column) for name, column in _whole(table, n).items()}
        if not all(_CHECKS[name](column) and len(column) == n for name, column in columns.items()):
            raise OutputsMissing("its table of utterances holds something else")
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise OutputsMissing("its file holds something else") from None
    numbers = None if folds is None else tuple(folds.tolist())
    return Outputs(tuple(truth.tolist()), tuple(predictions.tolist()), probabilities, columns, numbers, after)


def _whole(table: Mapping[str, Sequence[Any]], utterances: int) -> dict[str, Sequence[Any]]:
    """The columns of a table of so many utterances, in order; an older one says nothing of corpora. Raises KeyError."""
    return {name: table[name] for name in COLUMNS if name != "corpus"} | {"corpus": table.get("corpus", [None] * utterances)}


def prune(folder: Path, wanted: Iterable[str]) -> None:
    """Remove all outputs in `folder` but those `wanted`, with tables that none of them needs, and what was left half written.

    A digest that the log holds may so be of a file that is gone. Nothing is removed where that cannot be done.
    """
    kept = set(wanted)
    if folder.is_symlink():
        return
    try:
        found = [path for path in folder.iterdir() if _FILES.fullmatch(path.name)]
    except OSError:
        return
    named = {path.stem for path in found if path.suffix == ".safetensors"}
    tables = {table for digest in kept & named if (table := _table_of(folder, digest)) is not None}
    for path in found:
        if path.stem not in (kept if path.suffix == ".safetensors" else tables):
            _unlink(path)
    for path in folder.glob(".*.partial"):
        _unlink(path)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _unlink(path: Path) -> None:
    with suppress(OSError):  # it takes room, and nothing else
        path.unlink(missing_ok=True)


def _table_of(folder: Path, digest: str) -> str | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: Mapping[str, NDArray[Any]] = load(read_regular(folder / f"{digest}.safetensors", MOST_BYTES))
        return arrays["utterances"].tobytes().hex()
    except (OSError, SafetensorError, ValueError, KeyError):
        return None


def _checked(folder: Path, digest: str, suffix: str) -> bytes:
    """The bytes of the file of that digest. Raises OutputsMissing where it is not there, or holds others."""
    if _DIGEST.fullmatch(digest) is None:
        raise OutputsMissing("the log names no digest")
    try:
        data = read_regular(folder / f"{digest}{suffix}", MOST_BYTES)
    except FileNotFoundError:
        raise OutputsMissing("its file is gone") from None
    except OSError as error:
        raise OutputsMissing(f"its file cannot be read: {error.strerror or error}") from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise OutputsMissing("its file is not the one that the log names")
    return data


_CHECKS = {name: check(hint) for name, hint in COLUMNS.items()}
