"""nEMO by the names of its files; its table data.tsv is another way (field case 21)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees_of_tones import tones

from ser_tui.corpora import registry
from ser_tui.corpora.locations import Source


@pytest.mark.parametrize("name", ["nemo", "polish"])
def test_the_fields_names(isolated: Path, field_case: Callable[[str], Path], name: str) -> None:
    root = field_case("21-nemo") / "samples"
    found = registry.add(name, root)
    assert found.emotions == {"anger": 6, "sadness": 6} and found.speakers == {"03": 12} and found.problems == ()


@pytest.mark.parametrize(("name", "like"), [("nemo", ""), ("polish", ""), ("polish", "nemo")])
def test_a_small_copy(isolated: Path, name: str, like: str) -> None:
    root = tones(isolated / "own", "samples/EB0_anger_1.wav", "samples/KS0_surprised_90.wav", "samples/KS0_neutral_2.wav")
    found = registry.add(name, root, Source(root, like=like))
    assert [(one.emotion, one.speaker, one.gender, one.sentence, one.language) for one in found.utterances] == [
        ("anger", "EB0", "female", "1", "pl"), ("neutral", "KS0", "male", "2", "pl"), ("surprise", "KS0", "male", "90", "pl"),
    ]
