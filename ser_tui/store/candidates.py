"""Where the models of a run lie, and whether there is one of its best trial. What is in them is `ser_tui.training.model`'s."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_tui.store.files import read_json
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError

if TYPE_CHECKING:
    from ser_tui.study.state import Trial

TABLE = "model.json"


def candidate_folder(folder: RunFolder, number: int) -> Path:
    """Where the model of trial `number` lies until its score is in the log."""
    return folder.path / f"best.trial-{number:05d}"


def model_place(folder: RunFolder, best: Trial | None) -> Path:
    """Where a model of the run's best trial lies, if there is one: in a folder of its own till a worker puts it in place, or in best/."""
    waiting = None if best is None else candidate_folder(folder, best.number)
    return waiting if waiting is not None and (waiting / TABLE).is_file() else folder.best


def model_of(folder: RunFolder, best: Trial | None) -> Path:
    """The folder with the model of the run's best trial, in place or to be put in place by the next worker that takes the run over.

    Raises UserError where there is none, also where best/ still holds that of an earlier best trial, because a later one's could not be
    saved: whoever took it would take another trial's model for this one's.
    """
    place = model_place(folder, best)
    if best is None or not (place / TABLE).is_file():
        if best is None:
            raise UserError(f"{folder.run_id} has no model yet: its first finished trial makes one")
        why = best.unsaved or f"{folder.best} is not there, or empty"
        raise UserError(f"{folder.run_id} has no model of trial {best.number}, its best one ({why}); {again(folder)}")
    table: Any = read_json(place / TABLE)
    held = table.get("parameters") if isinstance(table, dict) else None
    weights = table.get("weights") if isinstance(table, dict) else None
    if isinstance(weights, str) and not (place / weights).is_file():  # a folder that was copied without its largest file
        raise UserError(
            f"{folder.run_id} has no model of trial {best.number}, its best one ({place / weights} is not there); {again(folder)}"
        )
    # A table that cannot be read is what whoever reads the model says more of.
    if isinstance(held, Mapping) and any(held.get(name) != value for name, value in best.parameters.items()):
        why = f" ({best.unsaved})" if best.unsaved else ""
        raise UserError(f"{place} holds the model of another trial than trial {best.number}, the best one{why}; {again(folder)}")
    return place


def again(folder: RunFolder) -> str:
    """What makes a model of the run's study again: its own search trains no trial twice."""
    return f"clone the study into a new run (`ser-tui run {folder.study}`)"
