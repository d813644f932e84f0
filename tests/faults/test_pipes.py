"""A named pipe, or a device, in the place of a file is refused at once: whoever opens one waits for a writer, for ever, deaf to stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from ser_tui import places
from ser_tui.client import launch
from ser_tui.client.resolving import load_study
from ser_tui.corpora import registry as corpora
from ser_tui.encoders import bases, layout
from ser_tui.encoders import registry as encoders
from ser_tui.store.runs import create
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.load import dumps, load
from ser_tui.study.regular import open_regular, read_regular


class Waited(BaseException):
    """No Exception: nothing may take it for what it foresees."""


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> None:
        raise Waited

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def refused(call: Callable[[], object]) -> str:
    with pytest.raises((UserError, OSError)) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("read", [load, load_study, open_regular, read_regular])
def test_a_study_document(tmp_path: Path, read: Callable[[Path], object]) -> None:
    assert "not a regular file" in refused(lambda: read(pipe(tmp_path / "study.yaml")))
    assert "not a regular file" in refused(lambda: read(Path("/dev/zero")))


@pytest.mark.parametrize("job", [launch.resume, lambda folder: launch.score_folds(folder, "loso")])
def test_a_runs_study(tmp_path: Path, job: Callable[[object], object]) -> None:
    folder = create(tmp_path / "runs", "piped")
    pipe(folder.study)
    assert "study.yaml: not a regular file" in refused(lambda: job(folder))
    assert not folder.worker.exists()


def test_a_runs_log_and_its_sign_of_life(tmp_path: Path) -> None:
    folder = create(tmp_path / "runs", "piped")
    folder.study.write_text(dumps(Study()))
    pipe(folder.worker)
    pipe(folder.log)
    refused(folder.state)


def files_of_an_encoder(folder: Path) -> list[Path]:
    (folder / "snapshots").mkdir(parents=True)
    return [
        folder / name
        for name in ("config.json", layout.PREPROCESSOR, "hyperparams.yaml", layout.SPEECHBRAIN_CHECKPOINT, *layout.WEIGHT_FILES,
                     "model.safetensors.index.json", "model-00001-of-00002.safetensors", "refs/main")
    ]  # fmt: skip


@pytest.mark.parametrize("config", [True, False])
def test_any_file_of_an_encoders_folder(tmp_path: Path, config: bool) -> None:
    from ser_tui.encoders import weights

    folder = tmp_path / "model"
    paths = files_of_an_encoder(folder)
    for path in paths:
        pipe(path)
        refused(lambda path=path: weights.read(path))  # type: ignore[misc]
        refused(lambda path=path: layout.read_json(path))  # type: ignore[misc]
        refused(lambda path=path: bases.read_options(path))  # type: ignore[misc]
        assert layout.no_weights(path) == "not a regular file"
    if config:
        paths[0].unlink()
        paths[0].write_text('{"model_type": "wav2vec2"}')
        assert not encoders.status(encoders.find(str(folder))).ready
    else:
        refused(lambda: encoders.find(str(folder)))


@pytest.mark.parametrize("name", ["table.csv", "archive.zip"])
def test_a_corpus(tmp_path: Path, name: str) -> None:
    from ser_tui.corpora.fetching.archives import extract

    path = pipe(tmp_path / name)
    if name.endswith("csv"):
        refused(lambda: (corpora.remember("piped", path), corpora.load_manifest("piped")))
    else:
        refused(lambda: extract(path, tmp_path / "out"))


def test_what_is_remembered_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_tui.encoders import ctranslate2_file, offline
    from ser_tui.training import precision

    monkeypatch.setenv("SER_TUI_CACHE", str(tmp_path))
    pipe(places.cache_folder() / "precision.json")
    monkeypatch.setattr(precision, "_measure", lambda: 1.0)
    assert precision.measured().precision == "float32"
    refused(lambda: ctranslate2_file.read(pipe(tmp_path / "model.bin")))
    tiny = encoders.find("offline")
    pipe(offline.cached_file(tiny))
    if encoders.status(tiny).ready:
        assert offline.load(tiny).layers == 4  # made again in the place of the pipe
