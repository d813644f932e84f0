"""What is kept in a run's folder, as the next job on it finds it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ser_tui.store.candidates import candidate_folder
from ser_tui.store.runs import RunFolder
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
