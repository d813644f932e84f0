"""What a run says of its parts, and of what made its scores."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from ser_tui.study.events import RunStarted
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.origin import IN_FOLDS, NAMES, origin
from ser_tui.study.protocol import FOLDED, ProtocolKind
from ser_tui.study.state import RunState


def told(**start: Any) -> dict[str, str]:
    known: dict[str, Any] = {"study": {}, "classes": ("a", "b"), "utterances": {"train": 4, "validation": 2, "test": 0}, **start}
    return dict(origin(RunState(start=RunStarted(**known), study=LoggedStudy.of(known["study"]))))


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ({"speakers": {"train": ("a", "b"), "validation": ("c",)}}, "none is in two parts"),
        ({"speakers": {"train": ("a", "b"), "validation": ("b",)}, "shares_speakers": True}, "in two parts: 1 in train and validation"),
        ({"speakers": {"train": ("a",), "validation": ("b",), "test": ("b",)}}, "in two parts: 1 in validation and test"),
        ({"speakers": {"train": ("a", "b"), "validation": ("a", "b")}, "objective": ("a", "b")}, "none is in two parts of a fold"),
        ({"speakers": {"train": ("a",), "validation": ("b",)}, "unlabelled_speakers": True}, "cannot be told"),
        ({"speakers": {}}, "cannot be told"),
    ],
)
def test_whether_a_speaker_is_in_two_parts_is_said_either_way(start: dict[str, Any], words: str) -> None:
    assert told(**start)["speakers"].endswith(words) or words in told(**start)["speakers"]


def test_parts_name_their_speakers_and_say_how_many_more_there_are() -> None:
    many = tuple(f"{number:03}" for number in range(NAMES + 3))
    found = told(speakers={"train": many, "validation": ("x",)})
    assert found["train"].startswith(f"4 utterances, {len(many)} speakers: 000, 001") and found["train"].endswith(" and 3 more")
    assert found["validation"] == "2 utterances, 1 speaker: x" and "test" not in found


def test_parts_of_a_protocol_in_folds_say_of_which_folds_they_are() -> None:
    assert told(study={"protocol": "loso"})["train"] == "4 utterances (of the first fold)"
    several = told(study={"protocol": "loso"}, objective=("a", "b"))
    assert (several["train"], several["validation"]) == ("4 utterances (of the last fold)", "2 utterances (2 folds, pooled)")
    assert {kind for kind in get_args(ProtocolKind) if kind.startswith(IN_FOLDS)} == {*FOLDED}


def test_what_the_log_does_not_say_is_not_made_up() -> None:
    assert set(told()) == {"train", "validation", "speakers"}
    assert origin(RunState()) == []
