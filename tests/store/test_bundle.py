"""Bundles: a run goes to another machine and back unchanged; what was tampered with, or leads elsewhere, leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from calling import call
from fabricated_runs import FabricatedRun, begin, under_way

from ser_tui.cli.exporting import bundle_run, import_run
from ser_tui.report.collecting import tell
from ser_tui.store import bundle
from ser_tui.store.bundle import read_bundle, write_bundle
from ser_tui.store.candidates import candidate_folder
from ser_tui.store.runs import RunFolder, folders, resolve
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.load import load

LEFT = Path(__file__).parents[1] / "versions" / "0.1.0"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that ser_tui 0.1.0 made, with its model."""
    return resolve(Path(shutil.copytree(LEFT / "runs", tmp_path / "here")), "old-probe")


def told(folder: RunFolder) -> dict[str, Any]:
    return {key: value for key, value in tell(folder).document.items() if key != "path"}


def test_a_run_is_the_same_elsewhere_and_back(run: RunFolder, tmp_path: Path) -> None:
    there = read_bundle(write_bundle(run, tmp_path / "a.zip"), tmp_path / "there")
    assert told(there) == told(run)
    again = read_bundle(write_bundle(there, tmp_path / "b.zip"), tmp_path / "back")
    assert told(again) == told(run) and (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    for path in (run.log, run.study, *run.best.iterdir()):
        assert (again.path / path.relative_to(run.path)).read_bytes() == path.read_bytes()
    assert {path.name for path in there.path.iterdir()} <= {"study.yaml", "events.jsonl", "corpus.json", "best", "control"}
    assert not (there.path.stat().st_mode | there.log.stat().st_mode) & 0o077
    study = load(run.study)
    run.study.unlink()  # which the log has too
    found = read_bundle(write_bundle(run, tmp_path / "c.zip"), tmp_path / "lost")
    assert load(found.study) == study and told(found) == told(there)


def test_an_id_that_is_here_already_is_refused_with_the_way_out(run: RunFolder, tmp_path: Path) -> None:
    made, before = write_bundle(run, tmp_path / "a.zip"), run.log.read_bytes()
    with pytest.raises(UserError, match=rf"already in .*ser-tui delete {run.run_id}.*SER_TUI_RUNS"):
        read_bundle(made, run.path.parent)
    assert run.log.read_bytes() == before


def test_commands_say_what_they_made(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SER_TUI_RUNS", str(run.path.parent))
    bundle_run([run.run_id], tmp_path / "a.zip", [])
    assert capsys.readouterr().out.strip() == str(tmp_path / "a.zip")
    with pytest.raises(UsageError, match="--format"):
        bundle_run([run.run_id], tmp_path / "a.zip", ["--format"])
    monkeypatch.setenv("SER_TUI_RUNS", str(tmp_path / "there"))
    import_run(tmp_path / "a.zip")
    assert capsys.readouterr().out.strip() == run.run_id
    (weights,) = (tmp_path / "there").glob("*/best/*.safetensors")
    weights.unlink()
    bundle_run([run.run_id], tmp_path / "b.zip", [])
    assert f"{weights} is not there" in capsys.readouterr().err, "it was taken for whole by its model.json"


def test_a_model_that_a_killed_worker_had_not_put_in_place_is_in_the_bundle(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    best = run.state().best
    assert best is not None
    whole = write_bundle(run, tmp_path / "whole.zip").read_bytes()
    run.best.rename(candidate_folder(run, best.number))
    run.best.mkdir()
    (run.best / "model.json").write_text('{"parameters": {"layers": "an earlier best one"}}')
    assert write_bundle(run, tmp_path / "a.zip").read_bytes() == whole
    assert (read_bundle(tmp_path / "a.zip", tmp_path / "there").best / "model.json").is_file()
    shutil.rmtree(candidate_folder(run, best.number))
    monkeypatch.setenv("SER_TUI_RUNS", str(run.path.parent))
    bundle_run([run.run_id], tmp_path / "b.zip", [])
    assert "warning: the bundle has no model of the best trial" in capsys.readouterr().err


def test_a_live_run_is_not_bundled(tmp_path: Path) -> None:
    live = under_way(tmp_path)
    live.live()
    with pytest.raises(UserError, match="ser-tui stop"):
        write_bundle(live.folder, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


Entries = dict[str, bytes]


def contents(entries: Entries, **changes: Any) -> bytes:
    """bundle.json of `entries`, as a forger would make it."""
    files = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in entries.items()}
    return json.dumps({"format": 1, "ser_tui": "0", "run_id": "20261122-143015-forged-2222", "files": files, **changes}).encode()


def add(name: str, data: bytes = b"x") -> Callable[[Entries], None]:
    def change(entries: Entries) -> None:
        entries[name] = data

    return change


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "best/../../evil", "best\\..\\evil", "best/model.pkl", "best/x/y.safetensors", "worker.json", "control/stop",
     "C:evil", "events.jsonl/x", "best/.safetensors", "study.yaml\n"],
)  # fmt: skip
def test_names_that_no_run_has_are_refused_and_nothing_is_written(run: RunFolder, tmp_path: Path, name: str) -> None:
    forged(run, tmp_path, add(name))
    refused(tmp_path, "which no run has")
    assert {path.name for path in tmp_path.iterdir()} <= {"here", "forged.zip", "there"}


def forged(run: RunFolder, tmp_path: Path, change: Callable[[Entries], None], **changes: Any) -> None:
    """A bundle with sound digests of something else."""
    with zipfile.ZipFile(write_bundle(run, tmp_path / "sound.zip")) as sound:
        entries = {name: sound.read(name) for name in sound.namelist() if name != "bundle.json"}
    (tmp_path / "sound.zip").unlink()
    change(entries)
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.writestr("bundle.json", contents(entries, **changes))


def refused(tmp_path: Path, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_bundle(tmp_path / "forged.zip", tmp_path / "there")
    assert folders(tmp_path / "there") == [] and not list((tmp_path / "there").glob("**/*"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "newer ser_tui"), ({"run_id": "../20261122-143015-x-2222"}, "not sound"), ({"run_id": 7}, "not sound"),
        ({"files": {"study.yaml": {"bytes": -1, "sha256": "0" * 64}}}, "not sound"), ({"files": {}}, "not those that it lists"),
    ],
)  # fmt: skip
def test_a_table_of_contents_that_is_not_sound_is_refused(run: RunFolder, tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    forged(run, tmp_path, lambda entries: None, **changes)
    refused(tmp_path, words)


def test_a_changed_file_is_found_by_its_digest(run: RunFolder, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_bundle(run, tmp_path / "sound.zip")) as sound:
        entries = {name: sound.read(name) for name in sound.namelist()}
    for victim in [name for name in entries if name != "bundle.json"]:
        with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data[:-1] + bytes([data[-1] ^ 1]) if name == victim else data)
        refused(tmp_path, "SHA-256")


def test_links_and_what_is_longer_than_it_says_are_refused(run: RunFolder, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_bundle(run, tmp_path / "sound.zip")) as sound:
        entries = {name: sound.read(name) for name in sound.namelist()}
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        for name, data in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16 if name == "study.yaml" else 0
            archive.writestr(info, data)
    refused(tmp_path, "no plain file")
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data + b"more" if name == "events.jsonl" else data)
    refused(tmp_path, "not as long")


def test_more_than_a_machine_can_bear_is_refused_before_it_is_written(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(write_bundle(run, tmp_path / "sound.zip"), tmp_path / "forged.zip")
    monkeypatch.setattr(bundle, "MOST_BYTES", 1000)
    refused(tmp_path, "more than")
    monkeypatch.undo()
    monkeypatch.setattr(bundle, "MOST_FILES", 2)
    refused(tmp_path, "files; a bundle has")


@pytest.mark.parametrize("cut", [0, 10, 2000, -30])
def test_a_file_that_is_cut_short_or_no_bundle_is_refused(run: RunFolder, tmp_path: Path, cut: int) -> None:
    (tmp_path / "forged.zip").write_bytes(write_bundle(run, tmp_path / "sound.zip").read_bytes()[:cut])
    refused(tmp_path, "no bundle")
    with zipfile.ZipFile(tmp_path / "forged.zip", "w") as archive:
        archive.writestr("holiday.jpg", b"x")
    refused(tmp_path, "no bundle of ser_tui")


def test_parts_that_the_log_does_not_name_are_refused(tmp_path: Path) -> None:
    other = begin(tmp_path / "here")
    start = other.folder.state().start
    assert start is not None
    parts = {"train": ["a.wav"], "validation": ["b.wav"]}
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    other.folder.log.unlink()
    run = FabricatedRun(other.folder, other.clock)
    run.write(replace(start, fingerprints={"split": digest}, seq=-1, time="", clock=None))
    for kept, sound in ((parts, True), ({**parts, "train": ["c.wav"]}, False), ({}, False)):
        run.folder.parts.write_text(json.dumps({"digest": digest, "parts": kept}))
        shutil.rmtree(tmp_path / "there", ignore_errors=True)
        write_bundle(run.folder, tmp_path / "forged.zip")
        if sound:
            assert told(read_bundle(tmp_path / "forged.zip", tmp_path / "there")) == told(run.folder)
        else:
            refused(tmp_path, "not what the run began with")


@pytest.mark.slow
def test_the_model_of_an_imported_run_is_evaluated(run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_TUI_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(shutil.copytree(LEFT / "corpus", tmp_path / "corpus").parent)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "corpora.json").write_text(json.dumps({"old-target": str(tmp_path / "corpus" / "old-target.csv")}))
    there = read_bundle(write_bundle(run, tmp_path / "a.zip"), tmp_path / "there")
    before = tell(run).document["evaluations"]
    call("evaluate", there.run_id, "--on", "old-target", runs=tmp_path / "there")
    after = tell(there).document["evaluations"]
    assert len(after) == len(before) + 1
    assert [after[-1][key] for key in ("accuracy", "confusion")] == [before[-1][key] for key in ("accuracy", "confusion")]
