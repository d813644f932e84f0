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
from ser_tui.study.state import RunState
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


def test_what_cannot_be_removed_of_checkpoints_ends_no_search(tmp_path: Path) -> None:
    """NFS keeps a file that is still open under another name (.nfs...), and lets nobody remove it; here a folder stands for it."""
    folder = RunFolder(tmp_path / "20261128-120000-x-a1b2")
    keeper = FolderKeeper(folder)
    (folder.paused / ".nfs0000000001").mkdir(parents=True)
    keeper.checkpoint(1, 2).touch()
    keeper.settle_checkpoints(RunState())
    assert [path.name for path in folder.paused.iterdir()] == [".nfs0000000001"]


def test_what_a_trial_under_way_is_writing_is_left_alone(tmp_path: Path) -> None:
    """safetensors writes into a file of a name of its own, and renames it; two workers pause trials at one moment."""
    folder = RunFolder(tmp_path / "20261128-120000-x-a1b2")
    keeper = FolderKeeper(folder)
    folder.paused.mkdir(parents=True)
    for name in (keeper.checkpoint(1, 2).name, f".{keeper.checkpoint(2, 2).name}.x.partial", ".tmpkieMPl"):
        (folder.paused / name).touch()
    keeper.settle_checkpoints(RunState(running=(2,)))
    assert sorted(path.name for path in folder.paused.iterdir()) == [".tmpkieMPl", ".trial-00002-epoch-0002.safetensors.x.partial"]
    keeper.settle_checkpoints(RunState())
    assert not folder.paused.exists()


def test_a_model_that_another_process_still_reads_ends_no_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On NFS its file stays, and the folder with it: the third best model of a run could not be put in place."""
    folder = RunFolder(tmp_path / OLD.name)
    shutil.copytree(OLD, folder.path)
    best = folder.state().best
    assert best is not None
    removed = shutil.rmtree

    def but_for_open_files(path: Path, ignore_errors: bool = False) -> None:
        removed(path, ignore_errors=ignore_errors)
        if path.name.startswith("best.old"):
            path.mkdir()
            (path / ".nfs0000000001").touch()

    monkeypatch.setattr(shutil, "rmtree", but_for_open_files)
    for _ in range(3):
        shutil.copytree(folder.best, candidate_folder(folder, best.number))
        FolderKeeper(folder).settle(best)
    monkeypatch.undo()
    FolderKeeper(folder).settle(best)
    assert FolderKeeper(folder).load_best(best) and not list(folder.path.glob("best.*"))
