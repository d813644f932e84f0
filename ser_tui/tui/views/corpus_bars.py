"""What a corpus holds, counted and drawn as bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ser_tui.study.formatting import counted
from ser_tui.tui.data.corpus_facts import CorpusContents
from ser_tui.tui.views.matrix_heads import apart
from ser_tui.tui.widgets.characters import plain_terminal
from ser_tui.tui.widgets.table import cell, fitted

NAME = 14


def contents_lines(held: CorpusContents, width: int) -> list[Text]:
    """Emotions, sexes, durations and speakers of the copy here, a bar each with its number."""
    lines = [cell(f"this copy: {counted(held.utterances, 'utterance', ',')}, {held.minutes:.1f} min", "bold")]
    lengths = {f"{low:g} to {high:g} s": number for (low, high), number in held.lengths.items()}
    for title, counts in (
        (counted(len(held.emotions), "emotion"), held.emotions),
        ("sexes", held.sexes),
        ("durations", lengths),
        (counted(sum(bool(speaker) for speaker in held.speakers), "speaker"), held.speakers),
    ):
        lines += [Text(), cell(title, "accent"), *bars(counts, width)]
    return lines


def bars(counts: Mapping[str, int], width: int) -> list[Text]:
    """A line for each of `counts`, its bar as long as its share of the largest; an empty word is what is not known."""
    most = max(counts.values(), default=0)
    digits = len(f"{most:,}")
    room = max(4, width - NAME - digits - 3)
    lines = []
    for (name, number), shown in zip(counts.items(), apart([name or "not known" for name in counts], NAME), strict=True):
        line = cell(f"{fitted(shown, NAME)} ", "" if name else "muted")
        line.append_text(cell(f"{number:>{digits},} "))
        length = max(1, round(number / most * room)) if number else 0
        lines.append(line.append_text(cell(("=" if plain_terminal() else "━") * length, "accent")))
    return lines
