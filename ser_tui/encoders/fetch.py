"""Fetching encoders from a Hugging Face hub. Imports nothing heavy.

Files arrive in a folder of their own and are checked there; the folder is renamed when it is complete, so an encoder is
either ready or absent, after a power cut too. An interrupted transfer of weights is taken up where it ended, until they
have the checksum that the hub announces. Only weights and plain configuration are fetched, never code.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ser_tui import __version__, places
from ser_tui.encoders import bases, layout, registry
from ser_tui.store.files import FULL, RESERVE, DiskError, disk_message, refuse_full_disk, sync_folder, sync_tree
from ser_tui.store.locks import locked
from ser_tui.study.errors import UserError

Progress = Callable[[int, int], None]
"""(done, total) in bytes."""

_PLAIN = ("config.json", "preprocessor_config.json")
_SPEECHBRAIN = ("hyperparams.yaml", layout.SPEECHBRAIN_CHECKPOINT, "label_encoder.txt")
_REVISION = "main"
_POLL_SECONDS = 0.2
_VARIABLE = "SER_TUI_CACHE"
_ELSEWHERE = f"set {_VARIABLE} to another disk"


@dataclass(frozen=True)
class _File:
    name: str
    size: int
    sha256: str | None


def fetch(name: str, progress: Progress = lambda done, total: None) -> Path:
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
    target = registry.hub_folder(entry.name)
    partial = target.with_name(target.name + ".partial")
    try:
        places.private_folder(target.parent)
        with locked(target.with_name(target.name + ".lock"), "SER_TUI_CACHE"):
            if not registry.status(entry).ready:
                _transfer(entry, partial, progress)
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


def _transfer(entry: registry.EncoderEntry, folder: Path, progress: Progress) -> None:
    from huggingface_hub.utils import logging as hub_logging
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    hub_logging.set_verbosity(logging.ERROR)  # each new try would be a line on the terminal, which may be the app's
    revision, listing = _listing(entry.name)
    files = _wanted(entry, listing)
    total = sum(file.size for file in files)
    _tidy(places.private_folder(folder), revision, files)
    refuse_full_disk(folder.parent, max(0, total - _size(folder)) + RESERVE, f"fetching {entry.name}", _VARIABLE)
    with _Watch(folder, total, progress):
        for file in files:
            _fetch(entry.name, revision, file, folder)
        if entry.speechbrain:
            _base_configuration(folder)
    progress(total, total)


def _tidy(folder: Path, revision: str, files: Sequence[_File]) -> None:
    """Remove what an earlier try left that is of no use now: parts of other versions, what other versions of ser_tui fetched."""
    useful = {name for file in files for name in (file.name, _part(file, revision))}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in useful:
            path.unlink()


def _part(file: _File, revision: str) -> str:
    """The name of what has come of `file`: by its content, so that halves of two versions are never joined."""
    return f"{file.name}.{(file.sha256 or revision)[:16]}.part"


def _fetch(name: str, revision: str, file: _File, folder: Path) -> None:
    """Have `file` of `name` in `folder`, as the hub announces it. A part of it is gone on with where its checksum is known."""
    path, part = folder / file.name, folder / _part(file, revision)
    if file.sha256 and path.is_file() and not _problem(path, file):
        return
    for last in (False, True):
        begun = file.sha256 is not None and part.is_file()
        try:
            _receive(name, revision, file, part, resume=begun)
        except OSError as error:
            if error.errno not in FULL:
                raise
            have = part.stat().st_size if part.is_file() else 0
            missing = f", {(file.size - have) / 1e6:.1f} MB of which are missing" if file.size > have else ""
            kept = f"; {have / 1e6:.1f} MB are kept" if have and file.sha256 else ""
            again = f"fetch it again, or {_ELSEWHERE}{kept}"
            raise disk_message(error, f"fetching {name}/{file.name}{missing}", folder.parent, again) from None
        problem = _problem(part, file)
        if not problem:
            part.replace(path)
            return
        part.unlink()
        if last or not begun:
            raise UserError(f"encoder {name}: {file.name} {problem}; try again, or check HF_ENDPOINT and the proxy")


def _receive(name: str, revision: str, file: _File, part: Path, *, resume: bool) -> None:
    """Write what is missing of `file` to `part`. Not hf_hub_download: it throws away what had come before a fault."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    headers = {"User-Agent": f"ser-tui/{__version__}", "Accept-Encoding": "identity"}
    with part.open("r+b" if resume else "wb") as stream:
        have = stream.seek(0, os.SEEK_END)
        if not (file.size and have >= file.size):
            url = hf_hub_url(name, file.name, revision=revision, endpoint=_endpoint())
            http_get(url, stream, resume_size=have, headers=headers)


def _listing(name: str) -> tuple[str, list[_File]]:
    """The commit that the hub has now, and its files: all are fetched of that one."""
    from huggingface_hub import HfApi

    info = HfApi(endpoint=_endpoint(), token=False).model_info(name, revision=_REVISION, files_metadata=True, timeout=30)
    found = []
    for sibling in info.siblings or []:
        lfs = sibling.lfs
        digest = lfs.get("sha256") if isinstance(lfs, dict) else getattr(lfs, "sha256", None)
        found.append(_File(sibling.rfilename, int(sibling.size or 0), digest))
    return info.sha or _REVISION, found


def _wanted(entry: registry.EncoderEntry, listing: Sequence[_File]) -> list[_File]:
    """The files to fetch, by exact name: nothing that could be code is among them."""
    by_name = {file.name: file for file in listing}
    names = list(_SPEECHBRAIN) if entry.speechbrain else []
    names += _PLAIN
    if not entry.speechbrain:
        names += [name for name in layout.WEIGHT_FILES if name in by_name][:1] or [layout.WEIGHT_FILES[0]]
    required = _SPEECHBRAIN[:2] if entry.speechbrain else (_PLAIN[0], names[-1])
    missing = [name for name in required if name not in by_name]
    if missing:
        raise UserError(f"encoder {entry.name}: {_endpoint()} has no {' and no '.join(missing)} of it; is this the right model?")
    return [by_name[name] for name in names if name in by_name]


def _problem(path: Path, file: _File) -> str:
    """How what came differs from what the hub announced; empty where it does not."""
    size = path.stat().st_size
    if file.size and size != file.size:
        return f"has {size} bytes instead of {file.size}"
    if file.sha256:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            return "has another checksum than the hub announces"
    if Path(file.name).suffix not in (".json", ".yaml", ".txt"):
        with path.open("rb") as stream:
            if stream.read(64).lstrip().lower().startswith((b"<!doctype", b"<html")):
                return "is a web page, not model weights"
    return ""


def _base_configuration(folder: Path) -> None:
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
            _fetch(name, _REVISION, _File(file, 0, None), places.private_folder(base))
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


class _Watch:
    """Reports how many bytes have arrived in `folder`, by looking: this works for every transfer that the client may choose."""

    def __init__(self, folder: Path, total: int, progress: Progress) -> None:
        self._folder, self._total, self._progress = folder, total, progress
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self._progress(min(_size(self._folder), self._total), self._total)


def _explain(error: Exception, folder: Path) -> str:
    kind = type(error).__name__
    code = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OSError) and error.errno in FULL:
        return str(disk_message(error, "fetching it", folder.parent, f"fetch it again, or {_ELSEWHERE}"))
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
        return f"{folder.parent} cannot be written; set SER_TUI_CACHE to a folder of your own"
    if kind in ("RepositoryNotFoundError", "GatedRepoError") or code in (401, 403, 404):
        what = "a file of it is missing" if "EntryNotFound" in kind else "no such public model"
        return f"{what} at {_endpoint()} (HTTP {code or 404}); check the name and HF_ENDPOINT"
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
