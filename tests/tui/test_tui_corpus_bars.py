"""What the copy of a corpus here holds, as bars with their numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from piloting import press, until, until_shown

from ser_tui.corpora import registry
from ser_tui.study.errors import UserError
from ser_tui.tui.app import SerTuiApp
from ser_tui.tui.data.background import CorpusReading
from ser_tui.tui.data.knowledge import contents
from ser_tui.tui.views.corpus_bars import bars, contents_lines
from ser_tui.tui.widgets.pane import Pane


def corpus(folder: Path) -> None:
    """Eight recordings called `mine`: six of anger, two of fear; speakers a (male) and b (female), one recording of nobody."""
    table = folder / "mine.csv"
    with table.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("file", "speaker", "emotion", "gender"))
        for index in range(8):
            path = folder / f"{index}.wav"
            soundfile.write(path, 0.3 * np.sin(np.arange(16000 * (1 + index % 2) + 4000) / 9), 16000)
            speaker = "" if index == 7 else "ab"[index % 2]
            rows.writerow((path, speaker, "fear" if index < 2 else "anger", "mf"[index % 2] if speaker else ""))
    registry.remember("mine", table)


def test_the_counts_are_of_this_copy_and_what_is_not_known_is_counted_too(tmp_path: Path) -> None:
    corpus(tmp_path)
    held = contents("mine")
    assert held.utterances == 8 and held.emotions == {"anger": 6, "fear": 2}
    assert held.speakers == {"a": 4, "b": 3, "": 1} and sum(held.sexes.values()) == 8
    assert {bounds: number for bounds, number in held.lengths.items() if number} == {(1.0, 2.0): 4, (2.0, 3.0): 4}
    text = "\n".join(line.plain for line in contents_lines(held, 60))
    assert "this copy: 8 utterances" in text and "not known" in text and "2 emotions" in text


def test_a_reading_says_how_far_it_is_and_ends_once_nobody_waits(tmp_path: Path) -> None:
    corpus(tmp_path)
    reading = CorpusReading()
    assert reading.words == "reading ..."
    reading(4_300, 10_000)
    assert reading.words == "reading 43 %, 4,300 of 10,000 files"
    reading.stop()
    with pytest.raises(UserError):
        contents("mine", reading)
    assert reading.done < reading.total == 8


def test_a_bar_is_as_long_as_its_share_and_never_too_long() -> None:
    lines = [line.plain for line in bars({"anger": 200, "fear": 100, "rare": 1, "none": 0}, 50)]
    lengths = [line.count("━") for line in lines]
    assert lengths[0] == 2 * lengths[1] and lengths[2:] == [1, 0] and all(len(line) <= 50 for line in lines)


async def test_b_counts_the_highlighted_corpus(tmp_path: Path) -> None:
    corpus(tmp_path)
    for size in ((80, 24), (120, 24)):
        async with SerTuiApp(tmp_path / "runs").run_test(size=size) as pilot:
            await press(pilot, "o")
            await until_shown(pilot, "mine")
            await press(pilot, "down", "b")
            await until_shown(pilot, "this copy: 8 utterances")
            # Beside the list the text is longer than its place: it is read to its end without a mouse.
            if size[0] > 80:
                await until_shown(pilot, "tab list/text")
                await press(pilot, "tab", "end")
            await until_shown(pilot, "mine", "2 emotions", "not known" if size[0] > 80 else "durations")
            if size[0] > 80:
                await press(pilot, "tab", "up")
                await until(pilot, lambda: pilot.app.screen.query_one(Pane).scroll_offset.y == 0)
