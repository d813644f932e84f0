"""Words of a split column: known ones are parts, numbers are what evidence says, unknown ones lose no row."""

from __future__ import annotations

import pytest

from ser_tui.corpora.reading.partitions import divide
from ser_tui.study.errors import UserError


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("TRAIN", "train"), ("training", "train"), ("Development", "validation"), ("devel", "validation"), ("val", "validation"),
        ("valid", "validation"), ("Test1", "test"), ("test-clean", "test"), ("test_other", "test"), ("holdout", "test"),
        ("hold-out", "test"), ("evaluation", "test"),
    ],
)  # fmt: skip
def test_words_that_the_field_uses_are_known(word: str, part: str) -> None:
    found = divide("split", {word: 3}, {})
    assert found.parts == {word: part} and not found.unclear
    assert any(word in line and part in line for line in found.said)


def test_evaluation_is_what_the_other_words_leave() -> None:
    assert divide("split", {"train": 3, "dev": 1, "evaluation": 1}, {}).parts["evaluation"] == "test"
    assert divide("split", {"train": 3, "evaluation": 1, "test": 1}, {}).parts["evaluation"] == "validation"


def test_numbers_are_parts_folds_or_asked_about_by_evidence() -> None:
    assert divide("split", {"0": 18, "1": 6, "2": 6}, {}).parts == {"0": "train", "1": "validation", "2": "test"}
    folds = divide("part", {"1": 6, "2": 6, "3": 6, "4": 6, "5.0": 6}, {})
    assert not folds.parts and folds.folds == {"1": "1", "2": "2", "3": "3", "4": "4", "5.0": "5"} and not folds.unclear
    for counts in ({"0": 6, "1": 6, "2": 6}, {"1": 20, "2": 5, "3": 5}, {"0": 20, "1": 5}):
        found = divide("split", counts, {})
        assert set(found.parts.values()) == {None} and not found.folds
        assert "parts or numbers of folds" in found.unclear and "--split-map" in found.unclear


def test_a_column_of_folds_is_one_whatever_it_holds() -> None:
    assert divide("fold", {"0": 3, "1": 3, "2": 3}, {}, folds=True).folds == {"0": "0", "1": "1", "2": "2"}
    assert divide("fold", {"Ses01": 3, "Ses02": 3}, {}, folds=True).folds == {"Ses01": "Ses01", "Ses02": "Ses02"}
    assert divide("split", {"fold_1": 3, "Fold 2": 3}, {}).folds == {"fold_1": "1", "Fold 2": "2"}


def test_unknown_words_are_in_no_part_until_they_are_mapped() -> None:
    counts = {"train": 5, "dev": 2, "spare": 3, "odd": 1}
    found = divide("split", counts, {})
    assert found.parts == {"train": "train", "dev": "validation", "spare": None, "odd": None}
    assert "spare" in found.unclear and "--split-map" in found.unclear
    told = divide("split", counts, {"SPARE": "test", "odd": ""})
    assert told.parts == {"train": "train", "dev": "validation", "spare": "test", "odd": None} and not told.unclear
    assert any("in no part, as asked: odd (1)" in line for line in told.said)


def test_several_words_in_one_part_are_said() -> None:
    said = divide("split", {"Train": 9, "Test1": 3, "Test2": 4}, {}).said
    assert any("Test1 and Test2 together" in line or "Test2 and Test1 together" in line for line in said)


def test_a_map_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"no such word; there are: train \(2\)"):
        divide("split", {"train": 2}, {"tset": "test"})
    with pytest.raises(UserError, match="no part testing2x"):
        divide("split", {"train": 2}, {"train": "testing2x"})
