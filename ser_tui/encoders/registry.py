"""Which pre-trained speech encoders there are and whether they can be used now. Imports nothing heavy.

A name is a registered one (`whisper-tiny.en`), a short alias (`wav2vec2-iemocap`), the path of a local folder in the
layout of Hugging Face (config.json of a kind in `layout.FAMILIES`) or of SpeechBrain (hyperparams.yaml and wav2vec2.ckpt), or
the id of any model on the hub (`owner/name`) of such a layout. A hub's model is used from where ser_tui has fetched it to, or from
the cache of the hub's own client.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from ser_tui import places
from ser_tui.encoders import bases, layout, packaged
from ser_tui.encoders.hub_folders import client_folder, fetched_folder
from ser_tui.encoders.packaged import Packaged
from ser_tui.study.errors import UserError
from ser_tui.study.plug_ins import PlugIns

if TYPE_CHECKING:
    from ser_tui.encoders.base import SpeechEncoder

Family = Literal["whisper", "wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio", "unknown"]
Source = Literal["package", "hub", "folder", "plug-in"]

PAPER_SEARCH: Mapping[str, Any] = {
    "learning_rate": {"low": 1e-6, "high": 1e-3, "scale": "log"},
    "epochs": {"low": 1, "high": 10},
    "unfreeze_epoch": {"low": 0, "high": 5},
    "max_seconds": {"choices": [2, 3, 4, 5, 7, 10]},
}
"""The search space of arXiv 2510.07052, made for wav2vec2-base, in the form of a study document."""

OFFLINE_SEARCH: Mapping[str, Any] = {
    "learning_rate": {"low": 2e-5, "high": 8e-5, "scale": "log"},
    "epochs": {"low": 3, "high": 4},
    "unfreeze_epoch": {"low": 0, "high": 1},
    "max_seconds": {"choices": [4, 5, 7, 10]},
    "head_learning_rate_factor": 20.0,
    "head_initialization": "probe",
    "label_smoothing": 0.1,
    "layers": "2+3",
}
"""Bounds that suit Whisper tiny on EmoDB. The middle layers know emotion better than the last, whose computation is saved, and
from a probe's head four epochs do more than eight from a random one. Of the paper's rates, those below 2e-5 leave this
encoder where it is and those above 4e-4 ruin it; cutting at 2 or 3 seconds costs more than it saves. docs/measured/emodb-search.md."""


@dataclass(frozen=True)
class EncoderEntry:
    """One encoder. `layers` counts transformer layers, `dimension` their width; sizes are the published ones."""

    name: str
    family: Family
    source: Source
    layers: int
    dimension: int
    parameters_millions: float
    licence: str
    download_bytes: int
    """What has to be transferred before first use; 0 for folders."""
    search: Mapping[str, Any] = field(default_factory=lambda: dict(PAPER_SEARCH))
    """Recommended search bounds, in the form of a study document's `search`."""
    search_found: str = "the paper's, made for wav2vec2-base"
    """What these bounds were found by, and what they were compared to, in few words."""
    search_found_on: tuple[str, ...] = ()
    """The corpora on whose scores they were found: a search within them there knows something of the answer."""
    summary: str = ""
    alias: str = ""
    speechbrain: bool = False
    """Whether its files are in SpeechBrain's layout."""
    sized: bool = True
    """Whether `layers` and `dimension` are known; what a checkpoint alone holds only torch can read."""
    packaged: Packaged | None = None
    """The packages that hold it; for an encoder of a hub, a second way to have it."""
    make: Callable[[], SpeechEncoder] | None = None
    """Of a plug-in: loads the pre-trained encoder, without network. What takes long to import is imported within."""
    rebuild: Callable[[Mapping[str, Any]], SpeechEncoder] | None = None
    """Of a plug-in: the same architecture with any weights, of what its `describe` gave, whose kind is "plug-in" and whose name
    is the entry's."""


@dataclass(frozen=True)
class Status:
    """Whether an encoder can be loaded without network. `path`: its file or folder when ready; `detail`: for people."""

    ready: bool
    detail: str
    path: Path | None = None


_ENTRIES = (
    EncoderEntry(
        "whisper-tiny.en", "whisper", "package", 4, 384, 8.2, "MIT", 71_000_000, OFFLINE_SEARCH,
        summary="OpenAI's Whisper tiny.en, encoder only; comes as a Python package, needs no network afterwards", alias="offline",
        packaged=packaged.TINY, search_found="found on EmoDB's random split: .984 in 8 trials; by the paper's bounds .919",
        search_found_on=("emodb",),
    ),
    EncoderEntry(
        "speechbrain/emotion-recognition-wav2vec2-IEMOCAP", "wav2vec2", "hub", 12, 768, 94.4, "Apache-2.0", 377_700_000,
        summary="wav2vec2-base fine-tuned on IEMOCAP's four emotions by SpeechBrain: the paper's encoder", alias="wav2vec2-iemocap",
        speechbrain=True,
    ),
    EncoderEntry(
        "facebook/wav2vec2-base", "wav2vec2", "hub", 12, 768, 94.4, "Apache-2.0", 380_300_000,
        summary="wav2vec 2.0 base, pre-trained on LibriSpeech, not fine-tuned", alias="wav2vec2-base",
    ),
    EncoderEntry(
        "facebook/hubert-base-ls960", "hubert", "hub", 12, 768, 94.4, "Apache-2.0", 377_600_000,
        summary="HuBERT base, pre-trained on LibriSpeech", alias="hubert-base",
    ),
    EncoderEntry(
        "microsoft/wavlm-base-plus", "wavlm", "hub", 12, 768, 94.4, "MIT", 377_600_000,
        summary="WavLM base+, pre-trained on 94,000 hours of English", alias="wavlm-base-plus",
    ),
    EncoderEntry(
        "openai/whisper-tiny", "whisper", "hub", 4, 384, 8.2, "Apache-2.0", 151_100_000,
        summary="Whisper tiny, multilingual; encoder only", alias="whisper-tiny",
    ),
    EncoderEntry(
        "openai/whisper-base", "whisper", "hub", 6, 512, 20.6, "Apache-2.0", 290_400_000, OFFLINE_SEARCH,
        summary="OpenAI's Whisper base, multilingual, encoder only; from the hub, or as two Python packages without network",
        alias="whisper-base", packaged=packaged.BASE,
        search_found="Whisper tiny's, as good as its own from a wider search; .992 in 15 trials on EmoDB's random split, the probe .976",
        search_found_on=("emodb",),
    ),
)  # fmt: skip


PLUG_INS = PlugIns("ser_tui.encoders", EncoderEntry, "encoder")
"""Entries that other packages declare, of source "plug-in"; a name of ours is ours."""


def entries() -> tuple[EncoderEntry, ...]:
    """All registered encoders, the embedded default first, those of other packages that can be loaded last."""
    return _ENTRIES + tuple(entry for entry in PLUG_INS.sound() if entry.name not in {one.name for one in _ENTRIES})


def plug_in(name: str) -> EncoderEntry:
    """The encoder that another package declares as `name`. Raises UserError where there is none, or it cannot be loaded."""
    if name not in PLUG_INS:
        raise UserError(f"encoder {_short(name)}: the package that brings it is not installed here; install it")
    return PLUG_INS.load(name)


def find(name: str) -> EncoderEntry:
    """The encoder called `name`: a registered name, its alias, or a local folder. Raises UserError with the nearest names."""
    wanted = name.strip()
    for entry in _ENTRIES:
        if wanted in (entry.name, entry.alias):
            return entry
    folded = wanted.casefold()
    for entry in _ENTRIES:
        if folded in (entry.name.casefold(), entry.alias.casefold()):
            return entry
    if wanted in PLUG_INS:
        return plug_in(wanted)
    if _is_folder(wanted):
        folder = Path(wanted).expanduser()
        with _readable(folder):
            return _folder_entry(folder)
    if bases.HUB_NAME.fullmatch(wanted):
        return _hub_entry(wanted)
    known = [word for entry in entries() for word in (entry.name, entry.alias) if word]
    close = difflib.get_close_matches(wanted[:200], known, 3, 0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(entry.name for entry in _ENTRIES)}"
    kind = "no such folder, and " if wanted.startswith((".", "/", "~")) else ""
    raise UserError(f"encoder {_short(wanted)}: {kind}no encoder of this name; {hint} (or give a local model folder)")


def status(entry: EncoderEntry) -> Status:
    """Whether `entry` is ready, or what has to be done first. Looks at files only, never at the network."""
    if entry.source == "plug-in":
        usable = entry.make is not None and entry.rebuild is not None
        return Status(usable, "ready" if usable else "its package declares no `make`, or no `rebuild`")
    if entry.source == "package":
        return _packaged_status(entry)
    if entry.source == "folder":
        return _folder_status(entry, Path(entry.name).expanduser())
    folder = fetched_folder(entry.name)
    for place in (folder, client_folder(entry.name)):
        found = _folder_status(entry, place)
        if found.ready:
            return found
    problem = _folder_status(entry, folder).detail
    packages = _packaged_status(entry) if entry.packaged is not None else None
    if packages is not None and packages.ready:
        return packages
    size = f"{round(entry.download_bytes / 1e6)} MB" if entry.download_bytes else "size not known"
    again = "again, " if os.path.isdir(folder) else ""  # Path.is_dir raises where another user's cache may not be looked into
    damage = f": {problem}" if again else _meant(entry)
    other = f"; or {entry.packaged.install}" if entry.packaged is not None else ""
    return Status(False, f"needs fetching ({again}{size}): ser-tui encoders get {entry.alias or entry.name}{other}{damage}")


def _folder_status(entry: EncoderEntry, folder: Path) -> Status:
    """Whether `folder` holds `entry` whole."""
    problem: str | None
    try:
        with _readable(folder):
            folder = layout.resolve(folder)
            problem = _speechbrain_problem(folder) if entry.speechbrain else layout.huggingface_problem(folder)
    except UserError as error:
        problem = str(error)
    return Status(True, "ready", folder) if problem is None else Status(False, problem)


def _meant(entry: EncoderEntry) -> str:
    """What a name that no one here knows may be a misspelling of."""
    if entry.name in {one.name for one in _ENTRIES}:
        return ""
    close = difflib.get_close_matches(entry.name[:200], [one.name for one in _ENTRIES], 1, 0.8)
    return f"; or did you mean {close[0]}?" if close else ""


def _packaged_status(entry: EncoderEntry) -> Status:
    """`path` is the first of the installed files."""
    if entry.packaged is None:
        raise ValueError(f"{entry.name} is in no package")
    problem, files = entry.packaged.problem(), entry.packaged.files()
    return Status(True, "ready", files[0]) if problem is None and files else Status(False, problem or "")


def assumption(name: str) -> str:
    """What of the computation of the encoder called `name` its files do not say, so that it is assumed: a sentence, or nothing."""
    try:
        entry = find(name)
    except UserError:
        return ""
    return assumption_of(entry, status(entry))


def assumption_of(entry: EncoderEntry, found: Status) -> str:
    """The same of an encoder whose status is known."""
    if entry.source not in ("folder", "hub") or found.path is None or not found.path.is_dir():
        return ""
    try:
        return bases.known(found.path).assumed if entry.speechbrain else bases.normalisation(found.path).assumed
    except (UserError, OSError):
        return ""  # who loads it says what is wrong with it


def refusal(entry: EncoderEntry, found: Status) -> str:
    """The line for an encoder that is not ready; a folder's name is in what is said of it."""
    return f"encoder {entry.name}: {found.detail}".replace(f"{entry.name}: {entry.name}", entry.name, 1)


def _hub_entry(name: str) -> EncoderEntry:
    """A model of the hub that is not registered: as its files say where they are here, else by its name alone."""
    for place in (fetched_folder(name), client_folder(name)):
        if os.path.isdir(place):
            with _readable(place):
                try:
                    found = _folder_entry(place)
                except UserError:
                    continue
                return replace(found, name=name, source="hub", licence="see the hub", summary=f"model of the hub, kind {found.family}")
    return EncoderEntry(
        name, "unknown", "hub", 0, 0, 0.0, "see the hub", 0, sized=False, summary="model of the hub; its kind is known once it is fetched"
    )


def _is_folder(name: str) -> bool:
    try:
        return bool(name) and Path(name).expanduser().is_dir()
    except (OSError, RuntimeError, ValueError):
        return False


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What the system says of a folder that may not be read, or goes away meanwhile, as one line."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or folder}: {error.strerror or error}; make it readable, or give another folder") from None


def _speechbrain_problem(folder: Path) -> str | None:
    problem = layout.speechbrain_problem(folder)
    if problem is None:
        bases.known(folder)
    return problem


def _folder_entry(folder: Path) -> EncoderEntry:
    place = layout.resolve(folder)
    if layout.is_speechbrain(place):
        return _speechbrain_entry(folder, place)
    shape = layout.huggingface_shape(place)
    found = layout.all_weights(place)
    beside = f"; {' and '.join(other.path.name for other in found[1:])} beside it must hold the same" if len(found) > 1 else ""
    read = f": {found[0].path.name} is read{beside}" if found else ""
    return EncoderEntry(
        str(folder),
        cast(Family, shape.family),
        "folder",
        shape.layers,
        shape.dimension,
        shape.parameters_millions,
        "see the folder",
        0,
        summary=f"local Hugging Face folder of kind {shape.family}{read}",
    )


def _speechbrain_entry(folder: Path, place: Path) -> EncoderEntry:
    """Its size is in its configuration, or in its checkpoint, which only torch can read: then wav2vec2-base's layers stand here."""
    family, layers, dimension, millions, origin, sized = "wav2vec2", 12, 768, 94.4, "", False
    try:
        millions = round((place / layout.SPEECHBRAIN_CHECKPOINT).stat().st_size / 4e6, 1)
        how = bases.known(place)
        family, origin = how.family, f", computed as {how.origin} says"
        if how.configuration is not None:
            shape = layout.shape_of(family, layout.checked(place, family, how.configuration))
            layers, dimension, millions, sized = shape.layers, shape.dimension, shape.parameters_millions, True
    except (UserError, OSError):
        pass  # `status` says why it cannot be used
    return EncoderEntry(
        str(folder),
        cast(Family, family),
        "folder",
        layers,
        dimension,
        millions,
        "see the folder",
        0,
        summary=f"local folder in SpeechBrain's layout{origin}",
        speechbrain=True,
        sized=sized,
    )


def absolute_name(name: str) -> str:
    """`name` as it means the same wherever a later command stands: the path of a local folder from the root, others as they are."""
    try:
        entry = find(name)
    except UserError:
        return name  # who uses it says what is wrong with it
    return str(places.absolute(entry.name)) if entry.source == "folder" else name


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
