"""A run that went to another machine finds its recordings where their corpus lies there, and says so where it does not."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from fabricated_outputs import explained_run, outputs_of
from fabricated_runs import FabricatedRun

from ser_tui.corpora import locations
from ser_tui.evaluation.analysis import explained
from ser_tui.evaluation.errors import Spoken
from ser_tui.store.bundle import read_bundle, write_bundle
from ser_tui.store.outputs import read, write
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.tui.dialogs.utterance import _clip


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty configuration."""
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    return tmp_path


def made(runs: Path) -> FabricatedRun:
    """A run whose tables tell of recordings of the corpus tones, in audio/ beside `runs`, as a worker writes them."""
    return explained_run(runs, of="tones")


def first(folder: RunFolder) -> Spoken:
    (part, *_) = explained(folder, folder.state())
    assert part.answers is not None, part.missing
    return part.answers.spoken[0]


def test_it_is_heard_where_the_corpus_lies_now(own: Path) -> None:
    run = made(own / "runs")
    locations.remember("tones", own / "audio")
    assert first(run.folder).path == str(own / "audio" / "tone0.wav") and _clip(first(run.folder)).path.is_file()
    shutil.move(own / "audio", own / "moved")
    with pytest.raises(UserError, match=r"the corpus tones is not on this machine"):
        _clip(first(run.folder))
    locations.remember("tones", own / "moved")
    assert _clip(first(run.folder)).path == own / "moved" / "tone0.wav"
    (own / "moved" / "tone0.wav").unlink()
    with pytest.raises(UserError, match=r"tone0\.wav is not there; if tones lies elsewhere, `ser-tui corpora add tones PATH`"):
        _clip(first(run.folder))


def test_a_bundle_does_not_point_to_the_disk_that_it_was_made_on(own: Path) -> None:
    run = made(own / "runs")
    locations.remember("tones", own / "audio")
    there = read_bundle(write_bundle(run.folder, own / "a.zip"), own / "there")
    locations.forget("tones")
    assert first(there).path == "tone0.wav"
    with pytest.raises(UserError, match=r"^tone0\.wav cannot be heard: the corpus tones is not on this machine; `ser-tui corpora add"):
        _clip(first(there))
    assert str(own) not in "".join(path.read_text() for path in there.outputs.glob("*.json"))


def test_an_older_table_has_whole_paths_and_stays_readable(own: Path) -> None:
    outputs = outputs_of((0, 1, 2), (0, 1, 1), own / "audio")
    digest = write(own / "outputs", outputs)
    (table,) = (own / "outputs").glob("*.json")
    older = {name: column for name, column in json.loads(table.read_text()).items() if name != "corpus"}
    data = json.dumps(older).encode()
    kept = (own / "outputs" / f"{digest}.safetensors").read_bytes()
    kept = kept.replace(bytes.fromhex(table.stem), hashlib.sha256(data).digest())
    (own / "outputs" / f"{hashlib.sha256(data).hexdigest()}.json").write_bytes(data)
    named = hashlib.sha256(kept).hexdigest()
    (own / "outputs" / f"{named}.safetensors").write_bytes(kept)
    found = read(own / "outputs", named, 7)
    assert found.utterances["corpus"] == (None, None, None) and found.utterances["path"] == tuple(outputs.utterances["path"])
    spoken = Spoken("x", path=found.utterances["path"][0], corpus=None)
    assert _clip(spoken).path.is_file()


def test_what_lies_beside_a_table_is_told_from_the_table_on(own: Path) -> None:
    table = own / "lists" / "mine.csv"
    table.parent.mkdir()
    table.write_text("file,emotion\n../audio/a.wav,anger\n")
    locations.remember("mine", table)
    folder = locations.folder("mine")
    assert folder == table.parent
    told = locations.told(own / "audio" / "a.wav", folder)
    assert told == "../audio/a.wav" and locations.found(told, folder) == str(own / "audio" / "a.wav")
    assert locations.folder("nowhere") is None and locations.told(Path("/x/a.wav"), None) == "/x/a.wav"
