"""An option that would do nothing is refused in one line, instead of being passed over."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call, document


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("trash", "--yes"), "--yes answers what --empty asks"),
        (("export", "latest", "--bundle", "-"), "a bundle is a file"),
        (("ensemble", "latest", "--top", "3", "--of", "test", "--save", "-"), "name several runs instead of --top"),
        (("ensemble", "one", "other", "--save", "-"), "an ensemble is a folder"),
        (("predict", "latest", "a.wav", "-o", "-"), "answers go to standard output where -o is left out"),
        (("export-model", "latest", "-o", "-", "--format", "onnx"), "name a new one"),
        (("embed", "whisper-tiny.en", "a.wav", "-o", "a.npz", "--max-seconds", "0"), "--max-seconds 0: 0.1 to 600"),
        (("embed", "whisper-tiny.en", "a.wav", "-o", "a.npz", "--max-seconds", "-3"), "--max-seconds -3: 0.1 to 600"),
        (("predict", "latest", "a.wav", "--column", "speaker=WHO"), "names a column of a table, and a.wav is none"),
        (("cross", "--corpora", "emodb,ravdess", "--set", "corpus=emovo"), "--corpora says which corpora"),
        (("cross", "--corpora", "emodb,ravdess", "--set", "strategy=gpp"), "--set strategy=gpp: strategy.kind: 'gpp' is not one of"),
    ],
)
def test_it_is_refused_in_one_line(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = call(*arguments, runs=tmp_path, code=2)
    assert told in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert not Path("-").exists()


def test_an_emptied_trash_is_a_document(tmp_path: Path) -> None:
    assert document("trash", "--empty", "--yes", runs=tmp_path) == {"removed": [], "bytes": 0}
    (run := tmp_path / ".trash" / "20261127-101500-gone-x3kq").mkdir(parents=True)
    (run / "study.yaml").write_text("name: gone\n")
    assert "add --yes" in document("trash", "--empty", runs=tmp_path, code=2)["error"]
    found = document("trash", "--empty", "--yes", runs=tmp_path)
    assert found["removed"] == [run.name] and not run.exists()
