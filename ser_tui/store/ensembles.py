"""An ensemble as a folder: copies of its members' models, with the run, trial and digests of each. Nothing here imports what trains.

ensemble.json       members: run, trial, weight, files with their SHA-256; what the ensemble scored when it was saved
members/1/          model.json and weights of the first, as in a run's best/
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui import __version__
from ser_tui.store.candidates import again, model_of
from ser_tui.store.files import digest_if_read, disk_errors, read_json, sync_folder, sync_tree, write_json
from ser_tui.store.held_folders import held_folder
from ser_tui.store.runs import RunFolder, is_run_id, liveness, refuse_links
from ser_tui.study.errors import UserError
from ser_tui.study.regular import open_regular

FORMAT = 1
TABLE = "ensemble.json"
MOST_MEMBERS = 1_000
_WEIGHTS = re.compile(r"[A-Za-z0-9_-]{1,80}\.safetensors")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SavedMember:
    """One model of a saved ensemble: trial `trial` of `run`, copied to `folder`; `files`: SHA-256 by name."""

    run: str
    trial: int
    weight: float
    folder: Path
    files: Mapping[str, str]


def is_ensemble(folder: Path) -> bool:
    """Whether `folder` holds a saved ensemble."""
    return (folder / TABLE).is_file()


def save(target: Path, runs: Sequence[RunFolder], scored: Mapping[str, Any]) -> Path:
    """Copy the best model of each of `runs` into the new folder `target`, all of one weight, beside what they `scored` together. Raises
    UserError, and then nothing of it is left."""
    if os.path.lexists(target):
        raise UserError(f"{target} is there already: name a folder that is not")
    if not target.parent.is_dir():
        raise UserError(f"{target.parent}: no such folder; make it first")
    with disk_errors("saving an ensemble", target, "the same command again"):
        with held_folder(target.parent) as partial:
            told = [_copied(run, partial, number, 1 / len(runs)) for number, run in enumerate(runs, 1)]
            table = {"format": FORMAT, "ser_tui": __version__, "members": told, "scored": dict(scored)}
            write_json(partial / TABLE, table)
            sync_tree(partial)
            partial.rename(target)
        sync_folder(target.parent)
    return target


def read(folder: Path) -> tuple[SavedMember, ...]:
    """The members of the ensemble in `folder`, each file compared with its digest. Raises UserError."""
    table = read_json(folder / TABLE)
    if not isinstance(table, dict) or not isinstance(table.get("members"), list):
        raise UserError(f"{folder}: no ensemble: {TABLE} is absent or damaged; `ser-tui ensemble RUN... --save FOLDER` makes one")
    if table.get("format") != FORMAT:
        raise UserError(f"{folder}: an ensemble of another format ({table.get('format')!r:.20}), by a newer ser_tui; use that one")
    members = []
    for number, one in enumerate(table["members"][:MOST_MEMBERS], 1):
        try:
            member = SavedMember(str(one["run"]), int(one["trial"]), float(one["weight"]), folder / "members" / str(number), one["files"])
            sound = is_run_id(member.run) and 0 < member.weight <= 1 and _are_files(member.files)
        except (KeyError, TypeError, ValueError):
            sound = False
        if not sound:
            raise UserError(f"{folder}: damaged: the entry of its member {number} is not valid; save the ensemble again")
        for name, digest in member.files.items():
            if digest_if_read(member.folder / name) != digest:
                raise UserError(f"{member.folder / name} is not what was saved: its SHA-256 differs; save the ensemble again")
        members.append(member)
    if not members:
        raise UserError(f"{folder}: an ensemble without members")
    return tuple(members)


def refuse_others(member: SavedMember, run: RunFolder) -> None:
    """Raise UserError where the run's best model is not `member` any more."""
    _, place = _best(run)
    if any(digest_if_read(place / name) != digest for name, digest in member.files.items()):
        raise UserError(f"{run.run_id}: its best model has changed since the ensemble was saved; save the ensemble again")


def _best(run: RunFolder) -> tuple[int, Path]:
    """(number, folder of its model) of the best trial. Raises UserError."""
    best = run.state().best
    place = model_of(run, best)
    assert best is not None  # who has a model
    return best.number, place


def _copied(run: RunFolder, target: Path, number: int, weight: float) -> dict[str, Any]:
    if liveness(run) == "live":
        raise UserError(f"a worker is on {run.run_id}, which may find a better model: wait for it, or `ser-tui stop {run.run_id}`")
    refuse_links(run)
    trial, place = _best(run)
    table = read_json(place / "model.json")
    weights = table.get("weights") if isinstance(table, dict) else None
    if not isinstance(weights, str) or not _WEIGHTS.fullmatch(weights):
        raise UserError(f"{place / 'model.json'}: damaged; {again(run)}")
    folder = target / "members" / str(number)
    folder.mkdir(mode=0o700, parents=True)
    for name in ("model.json", weights):
        with open_regular(place / name) as source, (folder / name).open("xb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)
    files = {name: digest_if_read(folder / name) for name in ("model.json", weights)}
    return {"run": run.run_id, "trial": trial, "weight": weight, "files": files}


def _are_files(files: Any) -> bool:
    return (
        isinstance(files, dict)
        and "model.json" in files
        and all((name == "model.json" or _WEIGHTS.fullmatch(name)) and isinstance(digest, str) for name, digest in files.items())
    )
