"""A confusion matrix, an utterance and its sound as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.text import Text

from ser_tui.evaluation import errors
from ser_tui.evaluation.analysis import Explained
from ser_tui.evaluation.errors import Answers, Calibration
from ser_tui.study.formatting import score, score_text
from ser_tui.study.headline import lone_recalls_text, sample
from ser_tui.tui.views.matrix_heads import LONE, NAME, apart, heads, least, recall_cells
from ser_tui.tui.widgets.lines import broken
from ser_tui.tui.widgets.table import cell, fitted

RAMP = " .:-=+*#%@"
"""From quiet to loud where there are no colours."""
FEW_SPEAKERS = 10
"""Speakers that are listed before they are asked for."""
DIAGRAM, GAP = 64, 4
"""Cells that a reliability diagram needs beside a matrix, and between them."""
Place = tuple[int, int]


def matrix_lines(part: Explained, width: int, *, shares: bool = False, at: Place | None = None) -> list[Text]:
    """Rows are the truth, columns what was said: counts, or per cent of the row (`shares`), and at the right recall and n.

    Hits stand in one hue, errors in another with a ! behind them, cells of none are dots. `at`: the row and column of the cursor. Below it
    stands what its names and marks mean, where that is not plain. It is as wide as its names need, `width` cells at most.
    """
    matrix = part.matrix
    if matrix is None:
        return [cell(part.missing, "muted")]
    names = heads(matrix.rows, matrix.columns, width)
    lines = [names.line("truth:said")]
    for number, (name, row, of, recall) in enumerate(zip(matrix.rows, matrix.counts, matrix.utterances, part.recalls, strict=True)):
        line = cell(fitted(names.rows[number], names.left))
        for index, count in enumerate(row):
            hit = matrix.columns[index] == name
            told = f"{100 * count / max(1, of):.0f}" if shares and count else str(count) if count else "."
            mark = "!" if count and not hit else " "
            style = "muted" if not count else "strong" if hit else "warning"
            piece = cell(f"{told:>{names.width - 1}}{mark}", style)
            if at == (number, index):
                piece.stylize("reverse")
            line.append_text(piece)
        lines.append(line.append_text(recall_cells(recall.recall, recall.interval, of, recall.lone)))
    told = lone_recalls_text([recall.name for recall in part.recalls if recall.lone], len(part.recalls))
    wide = max(line.cell_len for line in lines)
    return [*lines, *names.legend_lines(wide), *(broken(cell(f"{LONE} {told}", "muted"), wide, hang=2) if told else [])]


def part_lines(part: Explained, width: int, *, shares: bool = False) -> list[Text]:
    """One scored part: score, matrix, what is confused most, recall by sex, calibration in words."""
    head = cell(part.whose, "accent")
    head.append_text(cell(f"  {part.title}", "muted"))
    shown = f"BCA {score_text(part.score)}"
    accuracy = "" if part.accuracy is None else f"   accuracy {score_text(part.accuracy)}"
    lines = [head, *broken(cell(f"{shown}{accuracy}   {sample(part.utterances, part.speakers)}", "bold"), width)]
    if part.matrix is not None:
        lines += [
            *matrix_lines(part, width, shares=shares),
            *broken(cell(f"most confused: {errors.pairs_text(part.pairs)}"), width, hang=2),
        ]
    if part.answers is not None:
        sexes = [f"{group.name} {score(group.value)} (n = {group.utterances})" for group in errors.by_group(part.answers, "gender")]
        if sexes:
            lines += broken(cell(f"BCA by sex: {', '.join(sexes)}", "muted"), width, hang=2)
    if part.calibration is not None:
        lines += broken(cell(errors.calibration_text(part.calibration), "muted"), width, hang=2)
    if part.missing:
        lines += broken(cell(part.missing, "muted"), width, hang=2)
    return [*lines, Text()]


def reliability_lines(found: Calibration, width: int) -> list[Text]:
    """A reliability diagram, a bin a line, with its numbers; bins without an utterance are left out."""
    room = max(30, min(50, width - 35))
    lines = [
        cell(f"confidence against accuracy: ECE {score(found.ece)}, n = {found.utterances}", "accent"),
        cell(f"{'SURE':<10}{'N':>5}{'MEAN':>7}{'RIGHT':>7}   {'0  # accuracy, | confidence':<{room - 1}}1", "muted"),
    ]
    for one in found.bins:
        if one.utterances:
            line = cell(f"{errors.bin_text(one):<10}{one.utterances:>5}{score(one.confidence):>7}{score(one.accuracy):>7}   ")
            lines.append(line.append_text(cell(errors.reliability_bar(one, room), "accent")))
    return lines


def speaker_lines(answers: Answers, width: int, *, most: int | None = FEW_SPEAKERS) -> list[Text]:
    """The BCA of each speaker's utterances as bars, the lowest first, with n and the class that is recognized least. `most`: so many
    only (None: all); how many are left out is said."""
    groups = errors.by_group(answers, "speaker")
    if not groups:
        return []
    name = min(16, max(7, *(cell_len(group.name) for group in groups)))
    room = max(6, min(30, width - name - 40))
    head = f"{fitted('SPEAKER', name)}{'BCA':>7}{'N':>5}   0{'1':>{room - 1}}  LEAST RECALL"
    lines = [cell("BCA by speaker, the lowest first", "accent"), cell(head, "muted")]
    shown = groups if most is None or len(groups) <= most + 1 else groups[:most]
    for group in shown:
        line = cell(f"{fitted(group.name, name)}{score(group.value):>7}{group.utterances:>5}   ")
        filled = round(group.value * room)
        line.append_text(cell("#" * filled, "accent")).append_text(cell("." * (room - filled), "muted"))
        hardest = errors.hardest_class(group)
        lines.append(line.append_text(cell(f"  {hardest[0]} {score(hardest[1])}" if hardest else "", "muted")))
    if len(shown) < len(groups):
        rest = groups[len(shown) :]
        ends = dict.fromkeys(score(group.value) for group in (rest[0], rest[-1]))  # once where they are the same
        lines.append(cell(f"{len(rest)} more, {' to '.join(ends)}: a lists them", "muted"))
    return lines


def many_speakers(answers: Answers) -> bool:
    """Whether more speak than are listed at first."""
    return len({one.speaker for one in answers.spoken if one.speaker is not None}) > FEW_SPEAKERS + 1


def explained_lines(part: Explained, width: int, *, shares: bool = False, speakers: int | None = FEW_SPEAKERS) -> list[Text]:
    """One scored part in full: `part_lines`, and, where its outputs were kept, its reliability diagram and its speakers, to the right
    where there is room, else below."""
    room = width - GAP - DIAGRAM
    side_by_side = part.matrix is not None and room >= least(len(part.matrix.columns))
    left = max(line.cell_len for line in matrix_lines(part, room, shares=shares)) if side_by_side else width
    own = width - left - GAP if side_by_side else width
    diagram = [] if part.calibration is None else reliability_lines(part.calibration, own)
    people = [] if part.answers is None else speaker_lines(part.answers, own, most=speakers)
    details = [line for block in (diagram, people) if block for line in (*block, Text())]
    if not (side_by_side and details):
        return part_lines(part, width, shares=shares) + details
    return beside(part_lines(part, left, shares=shares), details, left + GAP)


def beside(left: Sequence[Text], right: Sequence[Text], at: int) -> list[Text]:
    """`right` beside `left`, from column `at` on."""
    lines = []
    for one, other in zip_longest(left, right, fillvalue=Text()):
        line = one.copy()
        line.append(" " * max(1, at - line.cell_len))
        lines.append(line.append_text(other) if other.cell_len else one)
    return lines


def bars(probabilities: Mapping[str, float], truth: str, said: str, width: int) -> list[Text]:
    """Class probabilities as bars with their numbers; the true class and the one that was said are named as such."""
    room = max(5, min(30, width - NAME - 22))
    lines = []
    for (name, value), short in zip(probabilities.items(), apart(list(probabilities), NAME - 1), strict=True):
        role = "truth, said" if name == truth == said else "truth" if name == truth else "said" if name == said else ""
        style = "strong" if name == truth else "warning" if name == said else "muted"
        line = cell(f"{fitted(short, NAME - 1)} {score(value):>5} ")
        filled = round(value * room)
        line.append("#" * filled + " " * (room - filled), style)
        lines.append(line.append_text(cell(f" {role}", style)))
    return lines


def waveform_lines(extremes: Sequence[Sequence[float]], height: int, *, plain: bool) -> list[Text]:
    """The lowest and highest samples [2][width] on `height` lines, in half blocks, or in # where characters are plain."""
    low, high = extremes
    steps = 2 * height
    tops = [round((1 - value) / 2 * (steps - 1)) for value in high]
    ends = [round((1 - value) / 2 * (steps - 1)) for value in low]
    lines = []
    for row in range(height):
        text = ""
        for top, end in zip(tops, ends, strict=True):
            upper, lower = top <= 2 * row <= end, top <= 2 * row + 1 <= end
            text += ("#" if upper or lower else " ") if plain else "█" if upper and lower else "▀" if upper else "▄" if lower else " "
        lines.append(cell(text, "accent"))
    return lines


def spectrogram_lines(levels: Sequence[Sequence[float]], *, plain: bool) -> list[Text]:
    """`levels` [bands][width] from 0 to 1, low bands first: two bands a line in half blocks, or characters of RAMP."""
    bands = list(reversed(levels))
    lines = []
    for upper, lower in zip(bands[::2], bands[1::2], strict=True):
        line = Text(no_wrap=True, end="")
        for above, below in zip(upper, lower, strict=True):
            if plain:
                line.append(RAMP[min(len(RAMP) - 1, int((above + below) / 2 * len(RAMP)))])
            else:
                line.append("▀", Style(color=_colour(above), bgcolor=_colour(below)))
        lines.append(line)
    return lines


def _colour(level: float) -> Color:
    """Sixteen steps from the background by the accent to nearly white: fewer changes of colour are sent than of 256."""
    step = round(level * 15) / 15
    stops = ((20, 24, 26), (42, 76, 70), (95, 179, 161), (240, 244, 220))
    place = step * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    share = place - index
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(stops[index], stops[index + 1], strict=True))
    return Color.from_rgb(red, green, blue)
