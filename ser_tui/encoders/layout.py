"""What model folders must hold, what they are where they hold something else, and what their config.json says.

Reads JSON and file names only; imports nothing heavy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui.encoders import settings
from ser_tui.study.errors import Damaged, UserError
from ser_tui.study.formatting import some_of
from ser_tui.study.regular import open_regular

RAW_WAVEFORM = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio")
FAMILIES = (*RAW_WAVEFORM, "whisper")
WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
"""Whole weights, in order of preference."""
PREPROCESSOR = "preprocessor_config.json"
SPEECHBRAIN_CHECKPOINT = "wav2vec2.ckpt"
BASE_FOLDER = "wav2vec2_hub"
"""Where the configuration of SpeechBrain's base model is kept, inside the model's folder."""
MAX_JSON = 4 * 1024 * 1024
MOST_SHARDS = 1_000
SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Shape:
    """Size of an encoder as its configuration gives it."""

    family: str
    layers: int
    dimension: int
    parameters_millions: float
    parameters: int
    """Parameters of its matrices and convolutions alone: it has no fewer."""


@dataclass(frozen=True)
class Weights:
    """Weights in a folder. `path`: the file itself, or the index of shards; `files`: what holds the tensors."""

    path: Path
    files: tuple[Path, ...]
    names: Mapping[str, str] | None = None
    """Of shards: the name of each tensor and that of its file."""


# --- reading -----------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The beginning of a text file, at most `MAX_JSON` bytes. Raises OSError, also for what is no regular file."""
    with open_regular(path) as stream:
        return stream.read(MAX_JSON).decode("utf-8", "replace")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`. Raises UserError that names the file."""
    try:
        with open_regular(path) as stream:
            raw = stream.read(MAX_JSON + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give a complete model folder") from None
    if len(raw) > MAX_JSON:
        raise UserError(f"{path}: larger than any model configuration; is this the right folder?")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        if _LINK.fullmatch(raw):
            raise UserError(
                f"{path}: holds only the name of another file ({raw.strip().decode()}), as a link does that was copied as text; "
                "copy the folder with its links followed (cp -rL), or fetch the model again"
            ) from None
        raise Damaged(f"{path}: not JSON", "fetch the model again or give another folder") from None
    if not isinstance(data, dict):
        raise Damaged(f"{path}: not a JSON object", "fetch the model again or give another folder")
    return data


_LINK = re.compile(rb"\s*(?:\.\./)+blobs/[\w.-]{1,128}\s*")

# --- which folder is meant ---------------------------------------------------------------------------------------------


def resolve(folder: Path) -> Path:
    """The folder that holds the model which `folder` stands for: itself, a hub cache's snapshot, or a trainer's only checkpoint.

    Raises UserError where several could be meant.
    """
    if not folder.is_dir() or _holds_model(folder):
        return folder
    if (folder / "snapshots").is_dir():
        return _snapshot(folder)
    checkpoints = _checkpoints(folder)
    if len(checkpoints) > 1:
        raise UserError(f"{folder}: holds the checkpoints {_some(checkpoints)}; give the path of one of them")
    return folder / checkpoints[0] if checkpoints else folder


def _holds_model(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("config.json", "hyperparams.yaml", SPEECHBRAIN_CHECKPOINT, *WEIGHT_FILES))


def _snapshot(folder: Path) -> Path:
    """The snapshot that a hub cache's folder models--owner--name names as its newest, or its only one."""
    try:
        with open_regular(folder / "refs" / "main") as stream:
            commit = stream.read(200).decode("ascii", "replace").strip()
    except OSError:
        commit = ""
    snapshots = folder / "snapshots"
    if re.fullmatch(r"[0-9A-Za-z]+", commit):
        if (snapshots / commit).is_dir():
            return snapshots / commit
        raise UserError(f"{folder}: refs/main names the snapshot {commit[:40]}, which is not there; fetch the model again")
    found = sorted(path.name for path in snapshots.iterdir() if path.is_dir())
    if len(found) == 1:
        return snapshots / found[0]
    raise UserError(f"{folder}: holds {len(found)} snapshots and no refs/main; give the path of one in {snapshots}")


def _checkpoints(folder: Path) -> list[str]:
    found = [path.name for path in folder.iterdir() if re.fullmatch(r"checkpoint-\d+", path.name) and _holds_model(path)]
    return sorted(found, key=lambda name: int(name.split("-")[1]))


# --- what a folder lacks, or is ----------------------------------------------------------------------------------------


def is_speechbrain(folder: Path) -> bool:
    """Whether `folder` is in SpeechBrain's layout rather than Hugging Face's."""
    return (folder / "hyperparams.yaml").is_file() and not is_huggingface(folder)


def is_huggingface(folder: Path) -> bool:
    """Whether `folder` holds a config.json of a supported kind beside weights of Hugging Face's names."""
    try:
        if not (folder / "config.json").is_file() or find_weights(folder) is None:
            return False
        return read_json(folder / "config.json").get("model_type") in FAMILIES
    except UserError:
        return False


def huggingface_problem(folder: Path) -> str | None:
    """What `folder` lacks to be a Hugging Face model folder, what it is instead, or what its configuration says that cannot
    be; None where nothing is wrong. Tensors are not looked at."""
    try:
        if not folder.is_dir():
            return f"{folder}: no such folder"
        config = folder / "config.json"
        if not config.is_file():
            return f"{folder}: {_broken_link(config) or _instead(folder) or 'no config.json'}"
        found = find_weights(folder)
        if found is None:
            return f"{folder}: {_without_weights(folder)}"
        for path in found.files:
            if what := no_weights(path):
                return f"{path}: {what}"
        _refuse_larger(folder, found)
        normalises(folder)
    except UserError as error:
        return str(error)
    return None


def _refuse_larger(folder: Path, found: Weights) -> None:
    shape = huggingface_shape(folder)
    size = sum(path.stat().st_size for path in found.files)
    # Nothing is stored in less than a byte a weight; said before any memory is taken for them.
    if shape.parameters > size:
        raise UserError(
            f"{found.path}: {size:,} bytes cannot hold the {shape.parameters:,} weights of its config.json; "
            "configuration and weights belong to different models"
        )


def speechbrain_problem(folder: Path) -> str | None:
    """What `folder` lacks to be a SpeechBrain model folder, or None. Whether its base is known, `bases.known` says."""
    if not folder.is_dir():
        return f"{folder}: no such folder"
    for name in ("hyperparams.yaml", SPEECHBRAIN_CHECKPOINT):
        if not (folder / name).is_file():
            return f"{folder}: {_broken_link(folder / name) or f'no {name}'}"
    what = no_weights(folder / SPEECHBRAIN_CHECKPOINT)
    return f"{folder / SPEECHBRAIN_CHECKPOINT}: {what}" if what else None


def _broken_link(path: Path) -> str:
    if not path.is_symlink() or path.exists():
        return ""
    return f"{path.name} is a link to a file that is not there; copy the folder with its links followed (cp -rL), or fetch it again"


def _instead(folder: Path) -> str:
    """What a folder without config.json is, where that can be seen by its names."""
    names = {path.name for path in folder.iterdir()}
    models = sorted(name for name in names if name.startswith("models--"))
    if models:
        return f"a hub's cache; give the path of one model in it ({_some(models)})"
    if "adapter_config.json" in names:
        return "a PEFT adapter without its model; merge it into the model and save that"
    if SPEECHBRAIN_CHECKPOINT in names:
        return f"{SPEECHBRAIN_CHECKPOINT} of SpeechBrain without hyperparams.yaml; put the recipe's hyperparams.yaml beside it"
    if any(name in names for name in WEIGHT_FILES):
        return "weights without config.json; put the model's config.json beside them"
    return ""


def _without_weights(folder: Path) -> str:
    """What a folder with a config.json and without weights of a name that is read is."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("model", "pytorch_model")) and (broken := _broken_link(path)):
            return broken
    names = sorted(path.name for path in folder.iterdir())
    if "adapter_config.json" in names:
        return "a PEFT adapter without its model's weights; merge it into the model and save that"
    for pattern, what in _OTHER_WEIGHTS:
        found = [name for name in names if re.fullmatch(pattern, name)]
        if found:
            return f"its weights are {what} ({_some(found)})"
    return f"neither {' nor '.join(WEIGHT_FILES)}"


_OTHER_WEIGHTS = (
    (r"(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)", "shards without their index; put the model's *.index.json beside them"),
    (r"tf_model.*\.h5|flax_model.*\.msgpack", "TensorFlow's or Flax's; save the model by PyTorch"),
    (r"model\.bin", "CTranslate2's; give the model as Hugging Face has it"),
    (r".*\.onnx", "ONNX; give the model as Hugging Face has it"),
    (r".*\.(gguf|ggml)", "GGML's; give the model as Hugging Face has it"),
    (r"(global_step\d+|zero_to_fp32\.py)", "DeepSpeed's; gather them by its zero_to_fp32.py first"),
    (r".*\.(ckpt|pt|pth|tar)", f"under a name that is not read; if they are this model's, call the file {WEIGHT_FILES[1]}"),
    (r".*\.safetensors", f"under a name that is not read; if they are this model's, call the file {WEIGHT_FILES[0]}"),
)

# --- weights -----------------------------------------------------------------------------------------------------------

_PLAIN = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_VARIANT = re.compile(
    r"model\.([\w-]+)\.safetensors|model\.safetensors\.index\.([\w-]+)\.json"
    r"|pytorch_model\.([\w-]+)\.bin|pytorch_model\.bin\.index\.([\w-]+)\.json"
)


def find_weights(folder: Path) -> Weights | None:
    """The weights that are read in a Hugging Face folder, safetensors preferred as by transformers; None where there are none.

    A variant (model.fp16.safetensors) is read where it is the only one. Raises UserError where that cannot be told, or
    where an index of shards is damaged.
    """
    found = all_weights(folder)
    return found[0] if found else None


def all_weights(folder: Path) -> list[Weights]:
    """All weights in a Hugging Face folder under names that transformers reads, preferred ones first; variants where no others are."""
    plain = [folder / name for name in _PLAIN if (folder / name).is_file()]
    if not plain:
        variants: dict[str, list[Path]] = {}
        for path in sorted(folder.iterdir()):
            if (match := _VARIANT.fullmatch(path.name)) and path.is_file():
                variants.setdefault(next(filter(None, match.groups())), []).append(path)
        if len(variants) > 1:
            raise UserError(f"{folder}: holds the variants {_some(sorted(variants))} of its weights; keep one of them")
        plain = next(iter(variants.values()), [])
    return [_shards(path) if path.name.endswith(".json") else Weights(path, (path,)) for path in plain]


def no_weights(path: Path) -> str:
    """What a file that should hold weights is instead, where its first bytes say so; empty where they do not."""
    try:
        with open_regular(path) as file:
            head = file.read(512).lstrip().lower()
    except OSError as error:
        return error.strerror or "cannot be read"
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not model weights"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the model weights themselves"
    if _LINK.fullmatch(head):
        return "only the name of another file, as a link that was copied as text; copy the folder with its links followed (cp -rL)"
    return ""


def _shards(index: Path) -> Weights:
    """The weights that an index describes. Raises UserError where it is damaged or a shard is absent."""
    table = read_json(index).get("weight_map")
    if not isinstance(table, dict) or not table or not all(isinstance(name, str) for name in table.values()):
        raise UserError(f"{index}: has no weight_map of tensors and files; fetch the model again")
    names = sorted(set(table.values()))
    if len(names) > MOST_SHARDS:
        raise UserError(f"{index}: names {len(names):,} shards, {MOST_SHARDS:,} at most are read; is this the right folder?")
    for name in names:
        if not re.fullmatch(r"[\w-][\w.-]{0,200}\.(safetensors|bin)", name):
            raise UserError(f"{index}: names the shard {name[:60]!r}, which is no file of this folder; fetch the model again")
    absent = [name for name in names if not (index.parent / name).is_file()]
    if absent:
        raise UserError(f"{index}: names {_some(absent)}, which {'is' if len(absent) == 1 else 'are'} not there; fetch the model again")
    return Weights(index, tuple(index.parent / name for name in names), table)


# --- configuration -----------------------------------------------------------------------------------------------------


def checked(path: Path, family: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `config`, read from `path`, that an encoder of `family` is made by. Raises UserError, see `settings.fields`."""
    try:
        return settings.fields(family, config)
    except ValueError as problem:
        raise UserError(f"{path}: {problem}; give another model folder") from None


def huggingface_shape(folder: Path) -> Shape:
    """Kind and size of the model in a Hugging Face folder, from its config.json. Raises UserError."""
    path = folder / "config.json"
    if not path.is_file():
        what = _broken_link(path) or (_instead(folder) if folder.is_dir() else "") or "neither config.json nor hyperparams.yaml"
        raise UserError(f"{folder}: {what}; give a model folder of Hugging Face or SpeechBrain")
    config = read_json(path)
    family = config.get("model_type")
    if family not in FAMILIES:
        raise UserError(f"{path}: model_type is {family!r:.60}; supported: {', '.join(FAMILIES)}")
    return shape_of(str(family), checked(path, str(family), config))


def shape_of(family: str, fields: Mapping[str, Any]) -> Shape:
    """Kind and size of an encoder of these `settings.fields`."""
    names = ("encoder_layers", 4, "d_model", 384) if family == "whisper" else ("num_hidden_layers", 12, "hidden_size", 768)
    layers, dimension = int(fields.get(names[0], names[1])), int(fields.get(names[2], names[3]))
    matrices = settings.parameters(family, fields)
    return Shape(family, layers, dimension, round(matrices / 1e6, 1), matrices)


def normalises(folder: Path) -> bool | None:
    """Whether waveforms get zero mean and unit variance before the model in `folder`, as its preprocessor_config.json says.

    None where there is none, see `bases.normalisation`; true where it does not say, as in transformers' own class. Raises
    UserError for another sampling rate than 16 kHz, and for spectrograms other than Whisper's own.
    """
    path = folder / PREPROCESSOR
    if not path.is_file():
        if broken := _broken_link(path):
            raise UserError(f"{folder}: {broken}")
        return None
    found = read_json(path)
    for name, expected in (("sampling_rate", SAMPLE_RATE), ("n_fft", 400), ("hop_length", 160)):
        if found.get(name, expected) != expected:
            raise UserError(f"{path}: {name} is {found[name]!r:.20}; only encoders made for {expected} are supported")
    flag = found.get("do_normalize", True)
    if type(flag) is not bool:
        raise UserError(f"{path}: do_normalize is {flag!r:.20}, it must be true or false")
    return flag


def _some(names: list[str]) -> str:
    return some_of([name[:60] for name in names], 3)
