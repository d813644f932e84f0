"""What the tensors of a checkpoint cannot tell: which model it was made from. Imports nothing heavy.

SpeechBrain's hyperparams.yaml names that model, the "base". Whether it normalises before or after each layer, how many heads share a
hidden state and whether its waveforms are normalised changes every number and no shape. So this comes from a config.json, or
from the facts below where the base is one of the published ones, or the folder is refused. Whether waveforms are normalised
is assumed where nothing says it, and that is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui import places
from ser_tui.encoders import layout
from ser_tui.encoders.hub_folders import client_folder, fetched_folder
from ser_tui.study.errors import UserError


@dataclass(frozen=True)
class Base:
    """Facts of a published base model that no tensor shows. `head`: width of an attention head; `normalise`: whether its
    preprocessor brings waveforms to zero mean and unit variance (do_normalize)."""

    family: str
    stable: bool
    """do_stable_layer_norm: normalises before each layer rather than after."""
    normalise: bool = True
    head: int = 64

    @property
    def front_norm(self) -> str:
        """feat_extract_norm: in all published ones it goes with the place of the layers' norms, and tensors show it."""
        return "layer" if self.stable else "group"


_BASE, _LARGE, _WIDE = Base("wav2vec2", False), Base("wav2vec2", True), Base("wav2vec2", True, head=80)
PUBLISHED: Mapping[str, Base] = {
    "facebook/wav2vec2-base": _BASE,
    "facebook/wav2vec2-base-100h": _BASE,
    "facebook/wav2vec2-base-960h": _BASE,
    "facebook/wav2vec2-large": _BASE,
    "facebook/wav2vec2-large-960h": _BASE,
    "facebook/wav2vec2-large-lv60": _LARGE,
    "facebook/wav2vec2-large-960h-lv60": _LARGE,
    "facebook/wav2vec2-large-960h-lv60-self": _LARGE,
    "facebook/wav2vec2-large-robust": _LARGE,
    "facebook/wav2vec2-large-robust-ft-swbd-300h": _LARGE,
    "facebook/wav2vec2-large-robust-ft-libri-960h": _LARGE,
    "facebook/wav2vec2-large-xlsr-53": _LARGE,
    "facebook/wav2vec2-xls-r-300m": _LARGE,
    "facebook/wav2vec2-xls-r-1b": _WIDE,
    "facebook/wav2vec2-xls-r-2b": Base("wav2vec2", True, head=120),
    "facebook/mms-300m": _LARGE,
    "facebook/mms-1b": _WIDE,
    "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim": _LARGE,
    "facebook/hubert-base-ls960": Base("hubert", False),
    "facebook/hubert-large-ll60k": Base("hubert", True),
    "facebook/hubert-large-ls960-ft": Base("hubert", True),
    "facebook/hubert-xlarge-ll60k": Base("hubert", True, head=80),
    "facebook/hubert-xlarge-ls960-ft": Base("hubert", True, head=80),
    "microsoft/wavlm-base": Base("wavlm", False, normalise=False),
    "microsoft/wavlm-base-plus": Base("wavlm", False, normalise=False),
    "microsoft/wavlm-large": Base("wavlm", True),
}
"""From the config.json and preprocessor_config.json of each on its hub. In all of them activations are GELU, layer_norm_eps is
1e-5, strides are 5, 2, 2, 2, 2, 2, 2, and WavLM has buckets up to a distance of 800 frames: transformers' defaults."""


@dataclass(frozen=True)
class Known:
    """How a SpeechBrain checkpoint computes: by the `configuration` of a config.json, or as the published base `facts` say."""

    family: str
    normalise: bool
    output_norm: bool
    origin: str
    """Where this was found, for people."""
    configuration: Mapping[str, Any] | None = None
    facts: Base | None = None
    assumed: str = ""
    """What of this nothing says, as one sentence; empty: nothing."""


def known(folder: Path) -> Known:
    """How the checkpoint in `folder` computes. Raises UserError, which says what to put there, where that is not known."""
    options = read_options(folder / "hyperparams.yaml")
    name, output_norm = options.base, options.output_norm
    facts = PUBLISHED.get(name)
    for place in (folder, folder / layout.BASE_FOLDER, *_local(name, folder)):
        if found := _configured(place, facts, output_norm):
            return found
    if facts is not None:
        return Known(facts.family, facts.normalise, output_norm, name, facts=facts)
    for place in _cached(name):
        if found := _configured(place, facts, output_norm):
            return found
    named = f"hyperparams.yaml names {name[:80]}, which is not known here" if name else "hyperparams.yaml names no base model"
    raise UserError(
        f"{folder}: {named}, and the checkpoint's tensors do not show how it computes; put the config.json "
        "(and preprocessor_config.json) of the model that it was made from beside it"
    )


def _configured(place: Path, facts: Base | None, output_norm: bool) -> Known | None:
    path = place / "config.json"
    if not path.is_file():
        return None
    config = layout.read_json(path)
    family = config.get("model_type")
    if family is None:
        return None  # SpeechBrain's own config.json says only by which class it is loaded
    if family not in layout.RAW_WAVEFORM:
        raise UserError(f"{path}: model_type is {family!r:.60}; SpeechBrain's layout holds {', '.join(layout.RAW_WAVEFORM)}")
    layout.checked(path, str(family), config)
    how = normalisation(place, facts)
    return Known(str(family), how.normalise, output_norm, str(path), configuration=config, assumed=how.assumed)


@dataclass(frozen=True)
class Normalisation:
    """Whether waveforms get zero mean and unit variance before a model. `assumed`: a sentence where nothing says so, else empty."""

    normalise: bool
    assumed: str = ""


def normalisation(folder: Path, facts: Base | None = None) -> Normalisation:
    """What the model in `folder` (with a config.json) gets: as its preprocessor_config.json says, else as the published model does
    which it was made from (`facts`, or the one that its config.json or its folder names), else as the published ones of its kind do.

    The last is an assumption, but for layer-normed front ends: all published ones of these families take normalised waveforms.
    Raises UserError, see `layout.normalises`.
    """
    said = layout.normalises(folder)
    if said is not None:
        return Normalisation(said)
    config = layout.read_json(folder / "config.json")
    family, layered = str(config.get("model_type")), config.get("feat_extract_norm") == "layer"
    alike = [base for base in PUBLISHED.values() if base.family == family and base.stable == layered]
    if facts is None:
        facts = next((PUBLISHED[name] for name in _names(folder, config) if PUBLISHED.get(name) in alike), None)
    if facts is not None:
        return Normalisation(facts.normalise)
    usual = all(base.normalise for base in alike)
    if family == "whisper" or (layered and alike):
        return Normalisation(usual)
    return Normalisation(
        usual,
        f"Assumed: waveforms are {'normalised' if usual else 'taken as they are'}, {f'as by published {family}' if alike else 'as usual'}. "
        f"If that is wrong, scores are another model's: put {layout.PREPROCESSOR} into {folder}, which has none and names no known model.",
    )


def _names(folder: Path, config: Mapping[str, Any]) -> Iterator[str]:
    """The hub's names that a model may have: what transformers wrote, and what a cache calls its folder."""
    yield from (name for name in (config.get("_name_or_path"), config.get("name_or_path")) if isinstance(name, str))
    yield from (part.removeprefix("models--").replace("--", "/", 1) for part in reversed(folder.parts) if "--" in part)


def _local(name: str, folder: Path) -> Iterator[Path]:
    """Folders that `name` may mean; never one that depends on where somebody stands."""
    if not name:
        return
    if name.startswith(("/", "~")):
        yield places.absolute(name)
    else:
        yield folder / name


HUB_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*")


def _cached(name: str) -> Iterator[Path]:
    """Where ser_tui and the hub's own client keep the files of the model `name`."""
    if not HUB_NAME.fullmatch(name):
        return
    yield fetched_folder(name)
    try:
        yield layout.resolve(client_folder(name))
    except UserError:
        return


@dataclass(frozen=True)
class LobeOptions:
    """The plain values of hyperparams.yaml that matter: the base's name (may be empty) and the lobe's output_norm."""

    base: str
    output_norm: bool


_LINE = re.compile(r"^(\s*)([\w-]+)\s*:\s*(.*?)\s*$")
_LOBE = re.compile(r"!new:speechbrain\.[\w.]*\.(?:Wav2Vec2|HuBERT|WavLM|HuggingFaceWav2Vec2|HuggingFaceHuBERT|HuggingFaceWavLM)$")
_REFERENCE = re.compile(r"!ref\s+<([\w-]+)>$")
_PLAIN = re.compile(r"[^\s!&*<>{}\[\]|%@`]+")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_CLASS = "!new"


def read_options(path: Path) -> LobeOptions:
    """Read what matters of hyperparams.yaml. The file is a program (!new:, !apply:) and is not run. Raises UserError."""
    try:
        text = layout.read_text(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give a complete model folder") from None
    top: dict[str, str] = {}
    lobes: list[dict[str, str]] = []
    depth = -1
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        indent, name, value = len(found[1]), found[2], _bare(found[3])
        if depth >= 0 and indent > depth:
            lobes[-1].setdefault(name, value)
            continue
        depth = -1
        if _LOBE.search(value):
            depth = indent
            lobes.append({_CLASS: value})
        elif not indent:
            top[name] = value
    if len(lobes) > 1:
        raise UserError(f"{path}: makes {len(lobes)} speech encoders; leave only the one that {layout.SPEECHBRAIN_CHECKPOINT} is of")
    lobe = lobes[0] if lobes else {}

    def plain(value: str) -> str:
        for _ in range(8):
            reference = _REFERENCE.match(value)
            if reference is None:
                break
            value = top.get(reference[1], "")
        return value if _PLAIN.fullmatch(value) else ""

    base = plain(lobe.get("source", "")) or plain(top.get("wav2vec2_hub", ""))
    flag = _FLAGS.get(plain(lobe.get("output_norm", top.get("output_norm", _default_norm(lobe)))).lower())
    if flag is None:
        raise UserError(f"{path}: whether there is an output_norm is not said; write `output_norm: True` or False, as in training")
    return LobeOptions(base, flag)


def _default_norm(lobe: Mapping[str, str]) -> str:
    """output_norm where nothing is written: off since SpeechBrain 1.0; before, it depended on the version."""
    kind = lobe.get(_CLASS, "")
    return "" if not kind or "HuggingFace" in kind else "false"


def _bare(value: str) -> str:
    """A YAML value without its comment and quotes."""
    value = re.sub(r"(^|\s)#.*$", "", value).strip()
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
