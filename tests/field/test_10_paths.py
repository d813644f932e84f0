"""Case 10: the ways in which tables name files, and the files' encodings and separators."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from own_tables import own_places, table, tones

from ser_tui.corpora import registry
from ser_tui.study.errors import UserError

NAMES = [*(f"anger{number}.wav" for number in range(8)), *(f"sadness{number}.wav" for number in range(8))]
IDS = {
    "backslash": "../audio/anger0.wav", "basenames": "anger0.wav", "data_path": "{root}/audio/anger0.wav", "pipe": "../audio/anger0.wav",
    "project": "audio/anger0.wav", "relative": "../audio/anger0.wav", "sep-line": "../audio/anger0.wav", "tilde": "~/corp/anger0.wav",
    "uri": "{root}/audio/anger0.wav", "utf16": "../audio/anger0.wav",
}  # fmt: skip
"""By table, the id of its first utterance: the path as the table writes it, with slashes."""


def made(folder: Path) -> Path:
    tones(folder / "audio", NAMES)
    labels = folder / "labels"

    def rows(prefix: str = "", *, turned: bool = False) -> list[tuple[str, str]]:
        pairs = [(prefix + name, name[:-5]) for name in NAMES]
        return [(emotion, file) for file, emotion in pairs] if turned else pairs

    table(labels / "backslash.csv", "file;emotion", rows("..\\audio\\"), ";")
    table(labels / "basenames.csv", "file,emotion", rows())
    table(labels / "cp1252.csv", "file,emotion", [*rows("../audio/"), ("../audio/ärger.wav", "anger")], encoding="cp1252")
    table(labels / "data_path.csv", "Emotions,Path", rows("ROOT/audio/", turned=True))
    table(labels / "pipe.csv", "file|emotion", rows("../audio/"), "|")
    table(labels / "project.csv", "path,emotion", rows("audio/"))
    table(labels / "relative.csv", "file,emotion", rows("../audio/"))
    table(labels / "sep-line.csv", "sep=;\nfile;emotion", rows("../audio/"), ";")
    table(labels / "tilde.csv", "file,emotion", rows("~/corp/"))
    table(labels / "uri.csv", "file,emotion", rows("file://ROOT/audio/"))
    table(labels / "utf16.csv", "file,emotion", rows("../audio/"), encoding="utf-16")
    return folder


@pytest.fixture(params=["field", "own"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own_places(tmp_path, monkeypatch)
    if request.param == "own":
        folder = made(tmp_path / "own")
    else:
        field_case: Callable[[str], Path] = request.getfixturevalue("field_case")
        folder = field_case("10-paths")
    for name in ("uri", "data_path"):
        path = folder / "labels" / f"{name}.csv"
        path.write_text(path.read_text().replace("ROOT", str(folder)))
    shutil.copytree(folder / "audio", tmp_path / "home" / "corp")
    return folder


def test_files_are_found_however_they_are_named(place: Path) -> None:
    for name, first in IDS.items():
        manifest = registry.add("mine", place / "labels" / f"{name}.csv")
        assert manifest.emotions == {"anger": 8, "sadness": 8} and not manifest.problems, name
        assert manifest.utterances[0].id == first.format(root=place), name
        assert {utterance.path.name: utterance.emotion for utterance in manifest.utterances} == {file: file[:-5] for file in NAMES}, name


def test_what_is_no_utf_8_is_refused_and_not_kept(place: Path) -> None:
    with pytest.raises(UserError, match=r"not UTF-8 text .*iconv"):
        registry.add("mine", place / "labels" / "cp1252.csv")
    assert registry.locate("mine") is None


def test_where_a_missing_file_was_looked_for_is_said(place: Path) -> None:
    shutil.rmtree(place / "audio")
    with pytest.raises(UserError, match=r"No such file: looked in .*labels, its parents, their folders data, audio.*--root DIR"):
        registry.add("mine", place / "labels" / "basenames.csv")
