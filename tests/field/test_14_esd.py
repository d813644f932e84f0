"""ESD as it is unpacked: SPEAKER/emotion/part, one half with Chinese names for the emotions (field case 14)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from trees_of_tones import tones

from ser_tui.corpora import registry
from ser_tui.corpora.check import report
from ser_tui.corpora.locations import Source


@pytest.mark.parametrize("name", ["esd", "my-esd"])
@pytest.mark.parametrize("like", ["", "tree"])
def test_the_fields_tree(isolated: Path, field_case: Callable[[str], Path], name: str, like: str) -> None:
    root = field_case("14-esd") / "full"
    found = report(registry.add(name, root, Source(root, like=like)))
    assert sorted(found.speakers) == ["0001", "0002", "0011", "0012"] and found.utterances == 80
    assert found.parts == {"train": 48, "validation": 16, "test": 16} and found.problems == ()
    if not like:
        assert found.emotions == {"anger": 20, "happiness": 20, "neutral": 20, "sadness": 20}


@pytest.mark.parametrize("name", ["esd", "my-esd"])
def test_a_small_copy(isolated: Path, name: str) -> None:
    words = {"0001": "生气 伤心 快乐 中立", "0002": "生气 伤心 快乐 中立", "0011": "Angry Sad Happy Neutral"}
    parts = {1: "train", 2: "evaluation", 3: "test"}
    root = tones(
        isolated / "own",
        *(
            f"{speaker}/{word}/{part}/{speaker}_{n:06d}.wav"
            for speaker, emotions in words.items()
            for word in emotions.split()
            for n, part in parts.items()
        ),
    )
    found = report(registry.add(name, root))
    assert found.emotions == {"anger": 9, "happiness": 9, "neutral": 9, "sadness": 9}
    assert found.speakers == {"0001": 12, "0002": 12, "0011": 12}
    assert found.parts == {"train": 12, "validation": 12, "test": 12}
