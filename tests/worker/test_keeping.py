"""What is kept in a run's folder, as the next job on it finds it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_tui.experiment.surroundings import ModelMissing
from ser_tui.inference.loading import opened
from ser_tui.store.candidates import candidate_folder
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.worker.keeping import FolderKeeper

OLD = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs" / "20261125-202710-old-probe-ta24"


def test_a_model_that_its_worker_could_not_put_in_place_any_more_is_the_best_trials(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / OLD.name)
    shutil.copytree(OLD, folder.path)
    best = folder.state().best
    assert best is not None
    kept = FolderKeeper(folder).load_best(best).parameters
    waiting = candidate_folder(folder, best.number)
    folder.best.rename(waiting)
    assert FolderKeeper(folder).load_best(best).parameters == kept
    assert waiting.is_dir() and not folder.best.exists(), "looking moves nothing"


def flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


@pytest.mark.parametrize(("pattern", "damage", "what"), [
    ("model.json", lambda data: data[: len(data) // 2], "not JSON"),
    ("model.json", lambda data: data.replace(b'"kind"', b'"bind"'), "damaged|description"),
    ("*.safetensors", lambda data: data[: len(data) // 2], "no sound weight file"),
    ("*.safetensors", flipped, "its digest is another"),
])  # fmt: skip
def test_a_damaged_model_of_a_run_is_not_to_be_fetched_but_trained_by_a_clone(
    pattern: str, damage: Callable[[bytes], bytes], what: str, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path / OLD.name)
    shutil.copytree(OLD, folder.path)
    path = next(folder.best.glob(pattern))
    path.write_bytes(damage(path.read_bytes()))
    helps = rf"{path.parent}.*({what}).*; clone the study into a new run \(`ser-tui run {folder.study}`\)$"
    # A search whose test part waits for this model ends with its result.
    with pytest.raises(ModelMissing, match=helps):
        FolderKeeper(folder).load_best(folder.state().best)
    with pytest.raises(UserError, match=helps), opened(folder.best):
        pass
