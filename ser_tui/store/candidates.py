"""Where the models of a run lie, and whether there is one of its best trial. What is in them is `ser_tui.training.model`'s."""

from __future__ import annotations

from pathlib import Path

from ser_tui.store.runs import RunFolder


def candidate_folder(folder: RunFolder, number: int) -> Path:
    """Where the model of trial `number` lies until its score is in the log."""
    return folder.path / f"best.trial-{number:05d}"


def has_model(folder: RunFolder) -> bool:
    """Whether there is a model of the best trial, in place or to be put in place by the next worker that takes the run over."""
    if (folder.best / "model.json").is_file():
        return True
    best = folder.state().best if any(folder.path.glob("best.trial-*")) else None
    return best is not None and (candidate_folder(folder, best.number) / "model.json").is_file()
