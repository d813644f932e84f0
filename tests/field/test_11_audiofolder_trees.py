"""Folders that say nothing of emotions are refused with the way out (field case 11, without its tables)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees_of_tones import tones

from ser_tui.corpora import registry
from ser_tui.study.errors import UserError

WAYS = r".*give a table of file, speaker and emotion .*--like ravdess.*--like tree:1"


def refused(root: Path, looks: str) -> None:
    with pytest.raises(UserError, match=looks + WAYS) as caught:
        registry.add("mine", root)
    assert "\n" not in str(caught.value) and registry.locate("mine") is None, "nothing stays registered"


def test_the_fields_folders(isolated: Path, field_case: Callable[[str], Path]) -> None:
    case = field_case("11-audiofolder")
    for table in case.rglob("metadata.*"):
        table.parent.chmod(0o755)
        table.unlink()
    refused(case / "by_speaker", r"spk03, spk08: they look like speakers")
    refused(case / "my_dataset", r"\(data\)")


def test_small_copies(isolated: Path) -> None:
    refused(tones(isolated / "by_speaker", "spk03/an0.wav", "spk03/sa0.wav", "spk08/an1.wav"), r"spk03, spk08: they look like speakers")
    refused(tones(isolated / "mine", "data/a03-0.wav", "data/n03-1.wav"), r"\(data\)")
    refused(tones(isolated / "parts", "train/a.wav", "test/b.wav"), r"test, train: parts of a split")
