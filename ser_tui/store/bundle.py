"""A run in one file, to another machine and back: study, log, parts, model. Nothing of a bundle is executed or unpickled, nothing of it
is written outside the new run's folder, and every digest is compared before the run is there."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ser_tui import __version__
from ser_tui.places import folder_within, give_to_group, private_folder
from ser_tui.store.candidates import model_place
from ser_tui.store.files import RESERVE, disk_errors, refuse_full_disk, replacing, sync_folder, sync_tree
from ser_tui.store.held_folders import held_folder
from ser_tui.store.lost_studies import lost_study
from ser_tui.store.noted_parts import digest_of_parts, noted_parts
from ser_tui.store.runs import RunFolder, is_run_id, liveness, refuse_hidden, refuse_links
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps
from ser_tui.study.regular import open_regular

FORMAT = 1
CONTENTS = "bundle.json"
_FILES = re.compile(
    r"study\.yaml|events\.jsonl|remarks\.json|corpus\.json|parts\.json|best/model\.json|best/[A-Za-z0-9_-]{1,80}\.safetensors|outputs/[A-Za-z0-9_-]{1,80}\.(json|safetensors)"
)
"""All that a bundle holds. Derived files, the worker's own and exports stay behind; there is no name among these that leads elsewhere."""
MOST_FILES = 5_000
MOST_BYTES = 32 << 30
_MOST_CONTENTS = 4 << 20
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of every file in a bundle: the same run makes the same bytes."""


def write_bundle(folder: RunFolder, target: Path) -> Path:
    """Put the run into the ZIP file `target` and return it. Raises UserError, also while a worker is on the run."""
    if liveness(folder) == "live":
        raise UserError(f"a worker is on {folder.run_id}: wait for it, or `ser-tui stop {folder.run_id}`, then bundle it")
    refuse_links(folder)
    refuse_hidden(folder)
    files = dict(_own_files(folder))
    lost = lost_study(folder, folder.state().start)
    if "events.jsonl" not in files or ("study.yaml" not in files and lost is None):
        raise UserError(f"{folder.path} has no study or no log: nothing to bundle")
    contents: dict[str, Any] = {"format": FORMAT, "ser_tui": __version__, "run_id": folder.run_id, "files": {}}
    with (
        disk_errors("writing a bundle", target, "the same command again"),
        replacing(target, 0o644) as partial,
        zipfile.ZipFile(partial, "w", allowZip64=True) as archive,
    ):
        if lost is not None:
            files.pop("study.yaml", None)
            contents["files"]["study.yaml"] = _put(archive, "study.yaml", io.BytesIO(dumps(lost[0]).encode()))
        for name, path in files.items():
            with open_regular(path) as source:
                contents["files"][name] = _put(archive, name, source)
        info = zipfile.ZipInfo(CONTENTS, _EPOCH)
        archive.writestr(info, json.dumps(contents, indent=1).encode() + b"\n")
    return target


def _own_files(folder: RunFolder) -> Iterator[tuple[str, Path]]:
    """What of the run goes into a bundle, by its name there: the best trial's model as that in best/, also where the worker was killed
    before it was put there."""
    model = model_place(folder, folder.state().best)
    for place, named in ((folder.path, ""), (model, "best/"), (folder.path / "outputs", "outputs/")):
        if not place.is_dir() or place.is_symlink():
            continue
        for path in sorted(place.iterdir()):
            name = f"{named}{path.name}"
            if _FILES.fullmatch(name) and stat.S_ISREG(path.lstat().st_mode):
                yield name, path


def _put(archive: zipfile.ZipFile, name: str, source: IO[bytes]) -> dict[str, Any]:
    """Copy a file into the archive; its size and digest as they went in."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".safetensors") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    with archive.open(info, "w", force_zip64=True) as sink:
        size, digest = _copy(source, sink)
    return {"bytes": size, "sha256": digest}


def read_bundle(source: Path, runs: Path) -> RunFolder:
    """Make the run that the bundle `source` holds in the folder `runs`. Raises UserError, and then nothing of it is left."""
    try:
        with open_regular(source) as stream, zipfile.ZipFile(stream) as archive:
            return _unpack(archive, source, runs)
    except zipfile.BadZipFile:
        raise UserError(f"{source}: no bundle, or an incomplete one; make it again with `ser-tui export RUN --bundle FILE.zip`") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(source, str(error)) from None


def _unpack(archive: zipfile.ZipFile, source: Path, runs: Path) -> RunFolder:
    run_id, files = _contents(archive, source)
    target = RunFolder(runs / run_id)
    if os.path.lexists(target.path):
        raise UserError(
            f"{run_id} is already in {runs}: nothing was imported. `ser-tui delete {run_id}` makes room for it, or set SER_TUI_RUNS to "
            "another folder and import it there"
        )
    with disk_errors(f"importing {run_id}", runs, "import it again"):
        private_folder(runs)
        refuse_full_disk(runs, sum(one["bytes"] for one in files.values()) + RESERVE, f"importing {run_id}", "SER_TUI_RUNS")
        with held_folder(runs) as partial:
            give_to_group(partial)
            for name, told in files.items():
                _take(archive, name, told, partial / name, source)
            _compare_parts(RunFolder(partial), source)
            folder_within(partial / "control")
            sync_tree(partial)
            if os.path.lexists(target.path):
                raise UserError(f"{run_id} has come into {runs} meanwhile: nothing was imported")
            partial.rename(target.path)
        sync_folder(runs)
    return target


def _contents(archive: zipfile.ZipFile, source: Path) -> tuple[str, Mapping[str, Any]]:
    """(run id, size and digest by name) of the bundle. Raises UserError where it is none of ours, or holds anything else."""
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise UserError(f"{source}: {len(entries):,} files; a bundle has {MOST_FILES:,} at most")
    names = [entry.filename for entry in entries]
    if CONTENTS not in names or archive.getinfo(CONTENTS).file_size > _MOST_CONTENTS:
        raise UserError(f"{source}: no bundle of ser_tui: it has no {CONTENTS}; `ser-tui export RUN --bundle FILE.zip` makes one")
    with archive.open(CONTENTS) as stream:
        raw = stream.read(_MOST_CONTENTS + 1)
    try:
        told = json.loads(raw)
        version, run_id, files = told["format"], told["run_id"], told["files"]
        sound = (
            isinstance(files, dict)
            and isinstance(run_id, str)
            and all(
                type(one["bytes"]) is int and one["bytes"] >= 0 and re.fullmatch("[0-9a-f]{64}", one["sha256"]) for one in files.values()
            )
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        sound, version, run_id, files = False, FORMAT, "", {}
    if sound and version != FORMAT:
        raise UserError(f"{source}: a bundle of another format ({str(version)[:20]}), by a newer ser_tui; import it with that one")
    if not sound or not is_run_id(run_id):
        raise _damaged(source, f"its {CONTENTS} is not sound")
    if strange := next((name for name in files if not _FILES.fullmatch(name)), None):
        raise UserError(f"{source}: holds {strange!r}, which no run has; nothing was imported")
    if len(set(names)) != len(names) or set(names) != {CONTENTS, *files}:
        raise _damaged(source, "its files are not those that it lists")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or entry.is_dir():
            raise UserError(f"{source}: {entry.filename!r} is no plain file; nothing was imported")
        if entry.filename != CONTENTS and entry.file_size != files[entry.filename]["bytes"]:
            raise _damaged(source, f"{entry.filename} is not as long as it lists")
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise UserError(f"{source}: would take more than {MOST_BYTES >> 30} GB; refused")
    if "events.jsonl" not in files or "study.yaml" not in files:
        raise _damaged(source, "it has no study or no log")
    return run_id, files


def _take(archive: zipfile.ZipFile, name: str, told: Mapping[str, Any], target: Path, source: Path) -> None:
    """Write one file, no more of it than is listed, and compare its digest. Raises UserError."""
    folder_within(target.parent)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    give_to_group(target)
    with os.fdopen(descriptor, "wb") as sink, archive.open(name) as stream:
        size, digest = _copy(stream, sink, told["bytes"])
    if (size, digest) != (told["bytes"], told["sha256"]):
        raise _damaged(source, f"{name} is not what was bundled: its SHA-256 is another one")


def _compare_parts(folder: RunFolder, source: Path) -> None:
    """Raise UserError where the log cannot be read, or the parts are not those that it names."""
    start = folder.state().start
    begun = None if start is None else start.fingerprints.get("split")
    if begun is None or not folder.parts.exists():
        return
    if digest_of_parts(noted_parts(folder)) != begun:
        raise UserError(f"{source}: its parts.json is not what the run began with, says the log; nothing was imported")


def _copy(source: IO[bytes], sink: IO[bytes], most: int | None = None) -> tuple[int, str]:
    """Copy, and return (bytes, SHA-256); stops one chunk after `most`."""
    digest, size = hashlib.sha256(), 0
    while (most is None or size <= most) and (chunk := source.read(_CHUNK)):
        digest.update(chunk)
        sink.write(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _damaged(source: Path, why: str) -> UserError:
    return UserError(f"{source}: damaged: {why}; nothing was imported. Copy it again from where it was made")
