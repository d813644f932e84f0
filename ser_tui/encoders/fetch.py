"""Fetching encoders from a Hugging Face hub. Imports nothing heavy.

Files arrive in a folder of their own and are checked there; the folder is renamed when it is complete, so an encoder is
either ready or absent, after a power cut too. An interrupted transfer of weights is taken up where it ended, until they
have the checksum that the hub announces. Only weights and plain configuration are fetched, never code.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ser_tui import places
from ser_tui.encoders import bases, layout, registry
from ser_tui.encoders.hub_folders import fetched_folder
from ser_tui.store import transfer
from ser_tui.store.files import FULL, DiskError, disk_message, refuse_full_disk, sync_folder, sync_tree
from ser_tui.store.locks import locked
from ser_tui.store.transfer import ELSEWHERE, VARIABLE, Patience, Progress, kept_as, room_for_the_rest, shifted
from ser_tui.study.errors import UserError

_PLAIN = ("config.json", "preprocessor_config.json")
_SPEECHBRAIN = ("hyperparams.yaml", layout.SPEECHBRAIN_CHECKPOINT, "label_encoder.txt")
_REVISION = "main"


@dataclass(frozen=True)
class _File:
    """A file of a model on the hub: what a download wants to know of it."""

    file_name: str
    url: str
    """It holds the commit, so that halves of two versions are never joined."""
    size: int | None
    checksum: str | None


def fetch(name: str, progress: Progress = lambda done, total: None, patience: Patience | None = None) -> Path:
    """Fetch encoder `name` from the hub (HF_ENDPOINT, huggingface.co by default) and return its folder.

    Returns at once when it is there already. Raises UserError in one line: no such model, no network, a broken transfer,
    a file that is not what it should be, no space.
    """
    entry = registry.find(name)
    status = registry.status(entry)
    if status.ready and status.path is not None:
        return status.path
    if entry.source != "hub":
        raise UserError(f"encoder {entry.name}: {status.detail}")
    target = fetched_folder(entry.name)
    partial = target.with_name(target.name + ".partial")
    try:
        places.folder_within(target.parent)
        with locked(target.with_name(target.name + ".lock"), "SER_TUI_CACHE"):
            if not registry.status(entry).ready:
                _transfer(entry, partial, progress, patience or Patience())
                places.give_tree_to_group(partial)
                sync_tree(partial)
                shutil.rmtree(target, ignore_errors=True)
                partial.rename(target)
                sync_folder(target.parent)
    except UserError:
        raise
    except Exception as error:
        # The hub's client raises errors of its own, of its HTTP library and of the file system, by version.
        raise UserError(f"encoder {entry.name}: {_explain(error, partial)}") from None
    return target


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _transfer(entry: registry.EncoderEntry, folder: Path, progress: Progress, patience: Patience) -> None:
    from huggingface_hub.utils import logging as hub_logging

    hub_logging.set_verbosity(logging.ERROR)  # what it warns of would be lines on the terminal, which may be the app's
    listing = _listing(entry.name)
    if entry.family == "unknown":
        entry = replace(entry, speechbrain={file.file_name for file in listing} >= set(_SPEECHBRAIN[:2]))
    files = _wanted(entry, listing)
    total = sum(file.size or 0 for file in files)
    _tidy(places.folder_within(folder), files)
    refuse_full_disk(folder.parent, room_for_the_rest(total, _size(folder)), f"fetching {entry.name}", VARIABLE)
    done = 0
    for file in files:
        _fetch(entry.name, file, folder, shifted(progress, done, total), patience)
        if file.file_name == _PLAIN[0] and not entry.speechbrain:
            _refuse_other_kind(entry.name, folder)  # before its weights, which may be gigabytes, are fetched
        done += file.size or 0
    if entry.speechbrain:
        _base_configuration(folder, patience)
    progress(total, total)


def _tidy(folder: Path, files: Sequence[_File]) -> None:
    """Remove what an earlier try left that is of no use now: parts of other versions, what other versions of ser_tui fetched."""
    useful = {name for file in files for name in kept_as(file.file_name)}
    useful |= {file.file_name for file in files if file.checksum}  # of others nobody knows of which version they are
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in useful:
            path.unlink()


def _fetch(name: str, file: _File, folder: Path, progress: Progress | None, patience: Patience) -> None:
    """Have `file` of `name` in `folder`, as the hub announces it. Raises UserError."""
    try:
        come = transfer.fetch(file, folder, progress, patience, room_for_the_rest)
    except DiskError:
        raise
    except UserError as error:
        raise UserError(f"encoder {name}: {error} (HF_ENDPOINT and the proxy say where it comes from)") from None
    if _is_page(come, file):
        come.unlink()
        raise UserError(f"encoder {name}: {file.file_name} is a web page, not model weights; check HF_ENDPOINT and the proxy")


def _is_page(path: Path, file: _File) -> bool:
    """Whether a page to sign in, say, came in place of weights."""
    if Path(file.file_name).suffix in (".json", ".yaml", ".txt"):
        return False
    with path.open("rb") as stream:
        return stream.read(64).lstrip().lower().startswith((b"<!doctype", b"<html"))


def _listing(name: str) -> list[_File]:
    """The files of the commit that the hub has now: all are fetched of that one."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=_endpoint(), token=False).model_info(name, revision=_REVISION, files_metadata=True, timeout=30)
    revision = info.sha or _REVISION
    found = []
    for sibling in info.siblings or []:
        lfs = sibling.lfs
        digest = lfs.get("sha256") if isinstance(lfs, dict) else getattr(lfs, "sha256", None)
        found.append(_file(name, sibling.rfilename, revision, sibling.size, digest))
    return found


def _file(model: str, name: str, revision: str, size: int | None = None, sha256: str | None = None) -> _File:
    from huggingface_hub import hf_hub_url

    url = hf_hub_url(model, name, revision=revision, endpoint=_endpoint())
    return _File(name, url, size or None, f"sha256:{sha256}" if sha256 else None)


def _wanted(entry: registry.EncoderEntry, listing: Sequence[_File]) -> list[_File]:
    """The files to fetch, by exact name: nothing that could be code is among them."""
    by_name = {file.file_name: file for file in listing}
    names = list(_SPEECHBRAIN) if entry.speechbrain else []
    names += _PLAIN
    if not entry.speechbrain:
        weights = _weights(by_name)
        names += weights
    required = _SPEECHBRAIN[:2] if entry.speechbrain else (_PLAIN[0], *weights)
    missing = [name for name in required if name not in by_name]
    if missing:
        raise UserError(f"encoder {entry.name}: {_endpoint()} has no {' and no '.join(missing)} of it; is this the right model?")
    return [by_name[name] for name in names if name in by_name]


def _weights(names: Iterable[str]) -> list[str]:
    """The names of the weights to fetch: whole ones, or an index and its shards; safetensors preferred."""
    there = set(names)
    for whole in layout.WEIGHT_FILES:
        if whole in there:
            return [whole]
        stem, _, kind = whole.rpartition(".")
        shards = sorted(name for name in there if re.fullmatch(rf"{stem}-\d+-of-\d+\.{kind}", name))
        if f"{whole}.index.json" in there and shards:
            return [f"{whole}.index.json", *shards]
    return [layout.WEIGHT_FILES[0]]


def _refuse_other_kind(name: str, folder: Path) -> None:
    family = layout.read_json(folder / _PLAIN[0]).get("model_type")
    if family not in layout.FAMILIES:
        raise UserError(f"encoder {name}: its model_type is {family!r:.60}; supported: {', '.join(layout.FAMILIES)}")


def _base_configuration(folder: Path, patience: Patience) -> None:
    """SpeechBrain's layout names its base model; that model's small config.json says what the checkpoint's tensors do not."""
    own = folder / "config.json"
    try:
        name = bases.read_options(folder / "hyperparams.yaml").base
    except UserError:
        return  # loading says what is wrong with it
    if not bases.HUB_NAME.fullmatch(name) or (own.is_file() and layout.read_json(own).get("model_type")):
        return
    base = folder / layout.BASE_FOLDER
    try:
        for file in _PLAIN:
            _fetch(name, _file(name, file, _REVISION), places.folder_within(base), None, patience)
    except DiskError:
        raise
    except Exception:
        # Not needed where the base is one of the known ones; else loading says what is wanted.
        if not (base / _PLAIN[0]).is_file():
            shutil.rmtree(base, ignore_errors=True)


def _size(folder: Path) -> int:
    """Bytes of all files in `folder`."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return size


def _explain(error: Exception, folder: Path) -> str:
    kind = type(error).__name__
    code = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OSError) and error.errno in FULL:
        return str(disk_message(error, "fetching it", folder.parent, f"fetch it again, or {ELSEWHERE}"))
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
        return f"{folder.parent} cannot be written; set SER_TUI_CACHE to a folder of your own"
    if kind in ("RepositoryNotFoundError", "GatedRepoError") or code in (401, 403, 404):
        return f"no such public model at {_endpoint()} (HTTP {code or 404}); check the name and HF_ENDPOINT"
    if code is not None:
        return f"{_endpoint()} answered HTTP {code}; try again later"
    text = " ".join(str(error).split())[:120]
    if "Offline" in kind:
        return "HF_HUB_OFFLINE is set; unset it to fetch"
    if "Consistency" in text or "Protocol" in kind or "IncompleteRead" in text or "peer closed" in text:
        return "the transfer broke off; run the same command again, it goes on where it ended"
    if "Connect" in kind or "Timeout" in kind or "LocalEntryNotFound" in kind or isinstance(error, ConnectionError):
        return f"{_endpoint()} cannot be reached; check the network, or copy a model folder here and give its path"
    return f"fetching failed ({kind}: {text}); try again"
