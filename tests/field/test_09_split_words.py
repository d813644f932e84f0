"""Case 09: words of a split column that cost their rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from own_tables import field_and_own, table, tones

from ser_tui.corpora import registry
from ser_tui.corpora.splitting.protocols import folds, split
from ser_tui.study.protocol import SplitProtocol

EMOTIONS = ("anger", "neutral", "sadness")
WORDS: dict[str, tuple[str, list[str]]] = {
    "capital": ("split", ["TRAIN", " Train", "Dev ", "TEST", "train"]), "digits": ("split", ["0", "0", "0", "1", "2"]),
    "eval": ("split", ["train", "train", "train", "dev", "evaluation"]), "folds": ("part", ["1", "2", "3", "4", "5"]),
    "msp": ("split", ["Train", "Train", "Development", "Test1", "Test2"]),
    "test-clean": ("subset", ["train", "valid", "test", "holdout", "train"]),
}  # fmt: skip
PARTS: dict[str, dict[str | None, int]] = {
    "capital": {"train": 18, "validation": 6, "test": 6}, "digits": {"train": 18, "validation": 6, "test": 6},
    "eval": {"train": 18, "validation": 6, "test": 6}, "folds": {None: 30}, "msp": {"train": 12, "validation": 6, "test": 12},
    "test-clean": {"train": 12, "validation": 6, "test": 12},
}  # fmt: skip


def made(folder: Path) -> Path:
    names = [f"wav/{emotion}{number}.wav" for emotion in EMOTIONS for number in range(10)]
    tones(folder, names)
    for name, (header, words) in WORDS.items():
        rows = [(file, file[4:-5], "03" if number < 10 else "08", words[number % 5]) for number, file in enumerate(names)]
        table(folder / f"{name}.csv", f"file,emotion,speaker,{header}", rows)
    return folder


place = field_and_own("09-split-words", made)


def test_no_word_of_a_split_costs_a_row_and_known_ones_are_parts(place: Path) -> None:
    for name, parts in PARTS.items():
        manifest = registry.add("mine", place / f"{name}.csv")
        assert len(manifest.utterances) == 30 and not manifest.problems, name
        assert Counter(utterance.part for utterance in manifest.utterances) == parts, name
        drawn = split(manifest, SplitProtocol(kind="random"))
        assert len(drawn.train) + len(drawn.validation) == 30
        told = " ".join(manifest.reading)
        assert all(word.strip() in told for word in WORDS[name][1]), "every word is shown with what it became"
        if parts != {None: 30}:
            official = split(manifest, SplitProtocol(kind="official"))
            assert (len(official.train), len(official.validation), len(official.test)) == tuple(parts.values()), name


def test_fold_numbers_serve_kfold(place: Path) -> None:
    manifest = registry.add("mine", place / "folds.csv")
    made_folds = folds(manifest, SplitProtocol(kind="kfold"))
    assert [name for name, _ in made_folds] == [f"fold {number}" for number in range(1, 6)]
    for _, fold in made_folds:
        assert len(fold.validation) == 6 and len({manifest.utterances[index].fold for index in fold.validation}) == 1
