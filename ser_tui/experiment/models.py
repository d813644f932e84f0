"""The best trial's model in its run folder: written before its score is reported, put in place after.

Killed between the two, the candidate of a trial that the log does not know is dropped, and one that it knows is put in place.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ser_tui.store.candidates import candidate_folder
from ser_tui.store.files import disk_message, sync_folder, sync_tree
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.state import Trial

if TYPE_CHECKING:
    from ser_tui.training.model import Model


class Saving(Protocol):
    """A trainer that can write the model of the trial it has just trained."""

    def save_best(self, folder: Path) -> None:
        """Write everything needed to predict into `folder`."""
        ...


def save_candidate(folder: RunFolder, trainer: Saving, number: int) -> None:
    """Write the model that `trainer` has just trained in trial `number`. Raises UserError on a full disk."""
    candidate = candidate_folder(folder, number)
    shutil.rmtree(candidate, ignore_errors=True)
    try:
        candidate.mkdir(mode=0o700)
        trainer.save_best(candidate)
        sync_tree(candidate)
        sync_folder(folder.path)
    except OSError as error:
        shutil.rmtree(candidate, ignore_errors=True)
        raise disk_message(error, f"saving the model of trial {number}", candidate) from None


def settle(folder: RunFolder, best: Trial | None) -> None:
    """Make best/ hold the model of `best`, and remove what other trials left."""
    if best is not None:
        candidate = candidate_folder(folder, best.number)
        if candidate.exists():
            old = folder.path / "best.old"
            shutil.rmtree(old, ignore_errors=True)
            if folder.best.exists():
                folder.best.rename(old)
            candidate.rename(folder.best)
            sync_folder(folder.path)
    for left in [*folder.path.glob("best.trial-*"), folder.path / "best.old"]:
        shutil.rmtree(left, ignore_errors=True)


def load_best(folder: RunFolder, best: Trial | None) -> Model:
    """The model in best/, which must be that of the trial `best`. Raises UserError."""
    from ser_tui.training.model import load_model

    model = load_model(folder.best)
    if best is not None and any(model.parameters.get(name) != value for name, value in best.parameters.items()):
        raise UserError(
            f"{folder.best} holds the model of another trial than trial {best.number}, the best one: its scores would be "
            "another trial's; clone the study into a new run"
        )
    return model
