"""The model that somebody names: a run's best, one in a bundle, or a folder that holds model.json; or a saved ensemble."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ser_tui.places import runs_folder
from ser_tui.store.bundle import read_bundle
from ser_tui.store.candidates import again, model_of
from ser_tui.store.ensembles import is_ensemble
from ser_tui.store.held_folders import held_folder
from ser_tui.store.lost_studies import study_of
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.store.wanted import USABLE
from ser_tui.study.errors import UserError
from ser_tui.training import model as saved
from ser_tui.training.averaging import AveragedModel, load_averaged
from ser_tui.worker.keeping import FolderKeeper


@dataclass(frozen=True)
class Loaded:
    """A model, and the run that it comes from, where there is one."""

    model: saved.Model
    name: str
    run: RunFolder | None

    @property
    def calibrated(self) -> bool | None:
        """Whether its probabilities are by a temperature that the run fitted (`training.calibration`), which is in the model's own
        weights; None where neither the model nor a study says so."""
        if self.model.temperature is not None:
            return self.model.temperature != 1.0  # of 1 no temperature fitted better than none
        if self.run is None:
            return None
        try:
            return study_of(self.run).training.calibration == "temperature"
        except (UserError, OSError):
            return None


@dataclass(frozen=True)
class Answerer:
    """What answers: a model, or those of an ensemble together."""

    model: AveragedModel
    name: str
    calibrated: bool | None
    """See `Loaded`. An ensemble is averaged as it is, not calibrated as one."""
    run: RunFolder | None = None
    """Whose model it is; None: of no run that is here, or of several."""


@contextmanager
def answering(reference: str | os.PathLike[str]) -> Iterator[Answerer]:
    """The model that `reference` names, or the ensemble in that folder; see `opened`. Raises UserError."""
    path = Path(reference).expanduser()
    if is_ensemble(path):
        yield Answerer(load_averaged(path), str(path), False)
        return
    with opened(reference) as loaded:
        yield Answerer(AveragedModel.of(loaded.model), loaded.name, loaded.calibrated, loaded.run)


@contextmanager
def opened(reference: str | os.PathLike[str]) -> Iterator[Loaded]:
    """The model that `reference` names. What a bundle holds is there until the context ends. Raises UserError."""
    path = Path(reference).expanduser()
    if path.suffix.lower() == ".zip" and path.is_file():
        with held_folder() as place:
            yield of_run(read_bundle(path, place))
    elif is_ensemble(path):
        raise UserError(
            f"{path} is an ensemble, which `ser-tui predict` can use; here name one of its members, {path / 'members' / '1'} for example"
        )
    elif (path / "model.json").is_file():
        run = _around(path)
        model = saved.load_model(path) if run is None else saved.load_model(path, again(run))
        yield Loaded(model, str(path), run)
    elif path.is_dir() and RunFolder(path).is_run:
        yield of_run(RunFolder(path.absolute()))
    elif path.is_dir() and len(path.parts) > 1:  # a bare name may be that of a run
        raise UserError(f"{path}: holds no model (model.json is absent), and is no run's folder; name a run, or its folder best/")
    else:
        yield of_run(resolve(runs_folder(), str(reference), USABLE))


def of_run(folder: RunFolder) -> Loaded:
    """The best trial's model of a run. Raises UserError where there is none."""
    return Loaded(FolderKeeper(folder).load_best(folder.state().best), folder.run_id, folder)


def _around(path: Path) -> RunFolder | None:
    """The run of whose best trial the model in the folder `path` is; None where there is none, or it is another trial's: the run's scores
    are not its own."""
    run = RunFolder(path.absolute().parent)
    if run.best.name != path.name or not run.is_run:
        return None
    try:
        return run if model_of(run, run.state().best) == run.best else None
    except UserError:
        return None
