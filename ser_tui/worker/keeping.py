"""What a run keeps in its folder besides the log: notes of what it was begun on, and the best trial's model.

Outputs and a model are written before the score is reported; the model is put in place after. Killed between the two, the candidate
of a trial that the log does not know is dropped, and one that it knows is put in place.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_tui.experiment.surroundings import ModelMissing, Noted
from ser_tui.places import give_to_group
from ser_tui.store.candidates import again, candidate_folder, model_place
from ser_tui.store.files import disk_errors, disk_message, read_json, sync_folder, sync_tree, write_json
from ser_tui.store.outputs import Outputs, OutputsMissing, prune, read, write
from ser_tui.store.past_runs import past_runs
from ser_tui.store.runs import RunFolder
from ser_tui.strategies.warm import Prior
from ser_tui.study.document import Study
from ser_tui.study.errors import Damaged
from ser_tui.study.load import load
from ser_tui.study.outputs import kept
from ser_tui.study.state import RunState, Trial
from ser_tui.study.status import TrialStatus

if TYPE_CHECKING:
    from ser_tui.training.model import Model


_OLD = "best.old"
"""How the name begins of what was in best/ before."""


class FolderKeeper:
    """Keeps what a job keeps in `folder`: see `ser_tui.experiment.surroundings.Keeper`."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @property
    def study_place(self) -> str:
        """The path of study.yaml."""
        return str(self._folder.study)

    def study(self) -> Study:
        """The study in study.yaml. Raises UserError."""
        return load(self._folder.study)

    def recall(self, name: Noted) -> Mapping[str, Any]:
        """What the file of `name` says; empty where it says nothing readable."""
        read = read_json(self._place(name))
        return read if isinstance(read, dict) else {}

    def remember(self, name: Noted, facts: Mapping[str, Any]) -> None:
        """Write the file of `name`. Raises DiskError."""
        place = self._place(name)
        with disk_errors("keeping the parts of the corpus", place):
            write_json(place, dict(facts))

    def save_candidate(self, number: int, write: Callable[[Path], None]) -> None:
        """Let `write` write the model of trial `number` into a folder of its own. Raises DiskError."""
        candidate = candidate_folder(self._folder, number)
        shutil.rmtree(candidate, ignore_errors=True)
        try:
            candidate.mkdir(mode=0o700)
            give_to_group(candidate)
            write(candidate)
            sync_tree(candidate)
            sync_folder(self._folder.path)
        except Exception as error:  # half a model would be put in place as a whole one
            shutil.rmtree(candidate, ignore_errors=True)
            if isinstance(error, OSError):
                raise disk_message(error, f"saving the model of trial {number}", candidate) from None
            raise

    def settle(self, best: Trial | None) -> None:
        """Make best/ hold the model of `best`, and remove what other trials left. Raises OSError."""
        folder = self._folder
        if best is not None:
            candidate = candidate_folder(folder, best.number)
            if candidate.exists():
                if folder.best.exists():
                    _put_away(folder.best)
                candidate.rename(folder.best)
                sync_folder(folder.path)
        for left in [*folder.path.glob("best.trial-*"), *folder.path.glob(f"{_OLD}*")]:
            shutil.rmtree(left, ignore_errors=True)

    def past_runs(self, study: Study) -> list[Prior]:
        """Of the folder that this run lies in. Raises UserError."""
        found = past_runs(self._folder.path.parent, study, self._folder.run_id)
        return [Prior.of_run(run_id, state) for run_id, state in found]

    def checkpoint(self, number: int, epoch: int) -> Path:
        """A file in paused/."""
        return self._folder.paused / f"trial-{number:05d}-epoch-{epoch:04d}.safetensors"

    def settle_checkpoints(self, state: RunState) -> None:
        """Remove from paused/ all but the last checkpoint of trials that wait or are under way; the folder with the last of them."""
        place = self._folder.paused
        if not place.is_dir():
            return
        alive = [trial for trial in state.trials if trial.rungs and trial.status in (TrialStatus.PAUSED, TrialStatus.RUNNING)]
        kept = {self.checkpoint(trial.number, trial.rungs[-1].epoch) for trial in alive}
        # A trial under way may be writing its next one, safetensors under a name of its own.
        writing = tuple(f"trial-{number:05d}-" for number in state.running)
        for path in place.iterdir():
            name = path.name.lstrip(".")
            being_written = bool(writing) and (name.startswith(writing) or not name.startswith("trial-"))
            if path not in kept and not being_written:
                with suppress(OSError):  # it takes room, and nothing else; NFS keeps what is still open under another name
                    path.unlink(missing_ok=True)
        with suppress(OSError):
            place.rmdir()

    @property
    def shared(self) -> Path:
        """The folder shared/."""
        return self._folder.shared

    def settle_shared(self) -> None:
        """Remove shared/."""
        shutil.rmtree(self._folder.shared, ignore_errors=True)

    def keep_outputs(self, outputs: Outputs) -> str:
        """Write `outputs` into outputs/; their digest. Raises DiskError."""
        return write(self._folder.outputs, outputs)

    def outputs(self, digest: str, classes: int) -> Outputs | None:
        """What outputs/ has as `digest`; None where that cannot be read."""
        try:
            return read(self._folder.outputs, digest, classes)
        except OutputsMissing:
            return None

    def settle_outputs(self, state: RunState) -> None:
        """Remove from outputs/ what `state` does not keep."""
        prune(self._folder.outputs, kept(state))

    def load_best(self, best: Trial | None) -> Model:
        """The model of the trial `best`: in best/, or still to be put there by the next worker. Raises ModelMissing where there is none,
        another trial's, or a damaged one, and UserError."""
        from ser_tui.training.model import load_model

        place = model_place(self._folder, best)
        if best is not None and not (place / "model.json").exists():
            raise ModelMissing(f"{place} holds no model of trial {best.number}, the best one; {again(self._folder)}")
        try:
            model = load_model(place, again(self._folder))
        except Damaged as error:
            raise ModelMissing(str(error)) from None
        if best is not None and any(model.parameters.get(name) != value for name, value in best.parameters.items()):
            raise ModelMissing(
                f"{place} holds the model of another trial than trial {best.number}, the best one: its scores would "
                f"be another trial's; {again(self._folder)}"
            )
        return model

    def _place(self, name: Noted) -> Path:
        return {"corpus": self._folder.corpus, "parts": self._folder.parts}[name]


def _put_away(best: Path) -> None:
    """Give the folder `best` another name. Raises OSError."""
    old = best.with_name(_OLD)
    shutil.rmtree(old, ignore_errors=True)
    if old.exists():  # on NFS a file of it is still read by another process, and stays till that ends
        old = Path(tempfile.mkdtemp(prefix=f"{_OLD}-", dir=best.parent))
    best.rename(old)
