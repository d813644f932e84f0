"""Trees in which the folders were no words known here, so that speakers became classes (field case 26)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees_of_tones import filled, tones

from ser_tui.corpora import registry
from ser_tui.corpora.check import report


@pytest.fixture(params=["the field's", "a small copy"])
def root(request: pytest.FixtureRequest, isolated: Path) -> Path:
    """The three trees."""
    if request.param == "the field's":
        case: Callable[[str], Path] = request.getfixturevalue("field_case")
        return filled(case("26-tree-no-words"), request.getfixturevalue("shared_data"))
    tones(isolated / "ravdess-own-name", *(f"Actor_0{a}/03-01-0{e}-01-01-01-0{a}.wav" for a in (1, 2, 3) for e in (1, 2, 3)))
    words = ("Colere", "Joie", "Neutre", "Tristesse")
    tones(isolated / "fr", *(f"s{s}/{word}/03a01{v}a.wav" for s in (1, 2) for word in words for v in "FW"))
    return tones(
        isolated / "tess-own-name",
        *(f"{who}_{word}/03a01{v}a.wav" for who in ("OAF", "YAF") for word in ("angry", "happy", "sad", "Pleasant_surprise") for v in "FW"),
    ).parent


def test_ravdess_under_an_own_name(root: Path) -> None:
    found = report(registry.add("ravdess-new", root / "ravdess-own-name"))
    assert set(found.emotions) == {"neutral", "calm", "happiness"} and list(found.speakers) == ["01", "02", "03"]
    assert "as ravdess" in found.reading[0] and "21 of its 24 speakers are missing" in found.missing


def test_french_words_by_speaker(root: Path) -> None:
    found = report(registry.add("fr", root / "fr"))
    assert set(found.emotions) == {"Colere", "Joie", "Neutre", "Tristesse"} and list(found.speakers) == ["s1", "s2"]
    assert found.reading[0] == "as a folder tree" and any("the folders count" in line for line in found.reading)


def test_tess_folders_with_other_files(root: Path) -> None:
    found = report(registry.add("tess-own", root / "tess-own-name"))
    assert set(found.emotions) == {"angry", "happy", "sad", "Pleasant_surprise"}
    assert any("OAF_angry is angry" in line for line in found.reading)
