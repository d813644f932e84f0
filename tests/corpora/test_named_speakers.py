"""Speakers who stand in nothing but the names of files, and what a first table of one's own is told."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ser_tui.corpora import registry
from ser_tui.corpora.asked import typed
from ser_tui.corpora.check import report
from ser_tui.corpora.locations import Source
from ser_tui.corpora.reading.named_speakers import proposed
from ser_tui.study.errors import UsageError, UserError
from ser_tui.tui.data.knowledge import look_at

NAMES = [f"s{sitting}/S{sitting}_P{person:02}_{take}.wav" for sitting in (1, 2) for person in (3, 8) for take in ("a", "b")]


def corpus(home: Path, sound: Any) -> Path:
    for name in NAMES:
        sound(home / "P9" / "audio" / name)
    table = home / "P9" / "t.csv"
    table.write_text("Datei;Gefühl\n" + "".join(f"{name};{'Wut' if 'a' in name else 'gioia'}\n" for name in NAMES), encoding="utf-8")
    return table


def test_a_pattern_finds_the_speakers_of_a_table_and_stays_with_the_corpus(home: Path, sound: Any) -> None:
    table = corpus(home, sound)
    told = "\n".join(report(registry.preview("mine", table)).first_lines())
    assert "speakers: none are named; if names of files tell them, add --speaker-in 'S(\\d+)', which finds 2 (1, 2)" in told
    assert " or 'P(\\d+)', which finds 2 (03, 08)" in told
    made = registry.add("mine", table, Source(table, speaker_in=r"P(\d+)"))
    assert made.speakers == {"03": 4, "08": 4} and made.reading[-1] == r"speaker from file names by P(\d+): 8 of 8 utterances"
    assert registry.load_manifest("mine") == made
    with pytest.raises(UsageError, match=r"--speaker-in X\(\\d\): found in no file's name; one of them is .*S1_P03_a.wav"):
        registry.preview("mine", table, Source(table, speaker_in=r"X(\d)"))
    with pytest.raises(UsageError, match=r"--speaker-in P\(: not a regular expression"):
        registry.preview("mine", table, Source(table, speaker_in="P("))


def test_folders_of_a_tree_name_speakers_too_and_who_is_not_found_is_nobody(home: Path, sound: Any) -> None:
    for name in ("anger/vp1_x.wav", "anger/vp2_x.wav", "joy/vp01_y.wav", "joy/z.wav"):
        sound(home / "tree" / name)
    made = registry.preview("mine", home / "tree", Source(home, speaker_in=r"vp(\d+)"))
    assert made.speakers == {"01": 2, "2": 1}
    assert sum(utterance.speaker is None for utterance in made.utterances) == 1


@pytest.mark.parametrize(
    ("files", "patterns"),
    [
        ([f"Spk-{n // 5}_{n}.wav" for n in range(20)], [r"Spk-(\d+)"]),
        ([f"take{n}.wav" for n in range(20)], []),  # each number once: no people
        ([f"A{n % 2}B{n % 3}_{n}.wav" for n in range(20)], [r"A(\d+)", r"B(\d+)"]),
        ([f"{n % 4}_{n}.wav" for n in range(20)], []),
        ([f"XP{n}_P{n % 2}.wav" for n in range(20)], []),  # P(\d+) would find the other number
    ],
)
def test_patterns_are_proposed_where_they_fit(files: list[str], patterns: list[str]) -> None:
    assert [found for found, _ in proposed(files)] == patterns


def test_the_dialog_takes_the_options_that_its_messages_name(home: Path, sound: Any) -> None:
    table = corpus(home, sound)
    text = table.read_text(encoding="utf-8").replace("Gefühl", "was gefühlt wird")
    table.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="--emotion COLUMN"):
        look_at("mine", table, "")
    look_at("mine", table, "--emotion 'was gefühlt wird' --speaker-in=P(\\d+)".replace("(\\d+)", "..")).keep()
    assert registry.load_manifest("mine").speakers == {"P03": 4, "P08": 4}
    assert typed("tree:2").like == "tree:2" and typed("--like ravdess --root x").root == Path("x")
    for wrong, why in (("--emotion", "give it a value"), ("--emotoin x", "no option; there are"), ("--emotion 'x", "quotation")):
        with pytest.raises(UsageError, match=why):
            typed(wrong)


def test_the_kind_that_most_files_share_is_told_where_none_can_be_used(home: Path) -> None:
    (home / "t.csv").write_text("file,emotion\na.wav,\n" + "".join(f"x{n}.wav,joy\n" for n in range(9)))
    with pytest.raises(UserError, match=r"10 files left out; first: x0\.wav: No such file.*--root DIR"):
        registry.preview("mine", home / "t.csv")


def test_a_class_that_no_split_can_train_on_and_score_is_told(home: Path, sound: Any) -> None:
    for name in "abcd":
        sound(home / f"{name}.wav")
    (home / "t.csv").write_text("file,emotion\na.wav,joy\nb.wav,???\nc.wav,joy\nd.wav,joy\n")
    told = report(registry.preview("mine", home / "t.csv")).first_lines()
    assert [line for line in told if "few" in line] == [
        "few: ??? 1; a split has them in training or in what is scored, not in both; a study drops a class with labels (???=)"
    ]


def test_the_way_out_of_another_encoding_can_be_run_from_anywhere(home: Path, sound: Any, tmp_path: Path) -> None:
    sound(home / "a b" / "ä.wav")
    table = home / "a b" / "t.csv"
    table.write_bytes("file,emotion\nä.wav,joy\n".encode("cp1252"))
    with pytest.raises(UserError) as refused:
        registry.preview("mine", table)
    command = re.search(r"iconv .*", str(refused.value))
    assert command is not None
    subprocess.run(command[0], shell=True, check=True, cwd=tmp_path)
    assert registry.preview("mine", Path(shlex.split(command[0])[-1])).emotions == {"joy": 1}
