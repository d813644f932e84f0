"""Case 13: one emotion in five spellings was five classes, and trained."""

from __future__ import annotations

from pathlib import Path

from own_tables import field_and_own, table, tones

from ser_tui.corpora import registry
from ser_tui.corpora.check import check
from ser_tui.evaluation.mapping import propose

SPELLINGS = {
    "anger": ["Angry", "angry", "ANG", "anger ", "Anger"], "sadness": ["Sad", "sad", "SAD", "sadness", "Sadness"],
    "neutral": ["NEU", "neutral", "neu", "neutral ", "Neutral"],
}  # fmt: skip


def made(folder: Path) -> Path:
    spoken = [(f"wav/{emotion}{number}.wav", emotion, number) for emotion in SPELLINGS for number in range(20)]
    tones(folder, [name for name, _, _ in spoken])
    mixed = [(name, SPELLINGS[emotion][number % 5], f"{number % 3:02d}") for name, emotion, number in spoken]
    table(folder / "mixed.csv", "file,emotion,speaker", mixed)
    cased = [(name, emotion.capitalize() if number % 2 else emotion, f"{number % 3:02d}") for name, emotion, number in spoken]
    table(folder / "case-only.csv", "file,emotion,speaker", cased)
    return folder


place = field_and_own("13-label-spelling", made)


def test_spellings_of_one_emotion_are_one_class_and_shown(place: Path) -> None:
    for name in ("mixed", "case-only"):
        registry.add("mine", place / f"{name}.csv")
        found = check("mine")
        assert found.emotions == {"anger": 20, "neutral": 20, "sadness": 20} and not found.problems
        told = [line for line in found.told() if line.startswith("one class: ")]
        assert len(told) == 3 and told[0].startswith("one class: anger is spelt")
        assert sum(one.utterances for one in found.spellings if one.emotion == "anger") == 20
        assert registry.load_many(["mine"], {}).emotions == found.emotions


def test_training_and_evaluation_treat_them_alike(place: Path) -> None:
    manifest = registry.add("mine", place / "mixed.csv")
    assert propose(tuple(manifest.emotions), ("ANG", "Sadness ", "NEU", "joy")) == {
        "ANG": "anger",
        "Sadness ": "sadness",
        "NEU": "neutral",
        "joy": "",
    }
