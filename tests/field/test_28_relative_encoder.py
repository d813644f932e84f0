"""A run whose encoder was given by a relative path goes on from wherever `resume` is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_tui.client import launch
from ser_tui.store.runs import RunFolder, create
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps, load


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work" / "plain"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "hidden_size": 32, "num_hidden_layers": 1}))
    monkeypatch.chdir(folder.parent)
    return folder


@pytest.mark.parametrize("written", ["./plain", "plain", "../work/plain"])
def test_the_run_keeps_the_path_from_the_root(place: Path, tmp_path: Path, written: str) -> None:
    folder = launch.prepare(Study(encoder=written), tmp_path / "runs")
    kept = Path(load(folder.study).encoder)
    assert kept.is_absolute() and kept.samefile(place)


def test_so_it_does_for_a_home_folder(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(place.parent))
    assert load(launch.prepare(Study(encoder="~/plain"), tmp_path / "runs").study).encoder == str(place)


def test_names_stay_names(tmp_path: Path) -> None:
    for name in ("whisper-tiny.en", "wav2vec2-iemocap", "no-such-encoder"):
        assert load(launch.prepare(Study(encoder=name), tmp_path / "runs").study).encoder == name


def old_run(runs: Path) -> RunFolder:
    """A run as ser_tui 0.1.0 prepared it: the path as it was typed."""
    folder = create(runs, "old")
    folder.study.write_text(dumps(Study(encoder="./plain")))
    return folder


@pytest.mark.parametrize("job", ["resume", "folds"])
def test_an_older_run_says_where_it_must_be_resumed(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str) -> None:
    run = old_run(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        if job == "resume":
            launch.resume(run)
        else:
            launch.score_folds(run, "loso")
    text = str(caught.value)
    assert "relative path ./plain" in text and str(tmp_path) in text and "in which the run was begun" in text
    assert "\n" not in text
    assert not run.worker.exists() and not run.log.exists()
