"""What stands around the counts of a confusion matrix: names of classes that stay apart, recalls with their intervals. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ser_tui.study.formatting import printable, score_with_interval
from ser_tui.tui.widgets.lines import broken
from ser_tui.tui.widgets.table import cell, fitted

NAME = 11
"""Cells for the name of a class at the left, and the blank after it, at least."""
MOST = 20
"""Cells of a name at most."""
RIGHT = 20
"""Cells of recall, interval and n."""
LONE = "*"
"""Behind an interval that is over other units than those of the other classes: see `headline.lone_recalls_text`."""
_CUT = "~"
"""In a name, for what is left out of it."""


@dataclass(frozen=True)
class Heads:
    """Names of `rows` and `columns` as they are shown. `left`: cells before the counts; `width`: of a column; the blank after each counts.
    `legend`: which class is meant by a name that is no beginning of it."""

    left: int
    width: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    legend: tuple[str, ...]

    def line(self, corner: str) -> Text:
        """The line over the counts."""
        head = cell(fitted(corner, self.left), "muted")
        for name in self.columns:
            head.append_text(cell(f"{fitted(name, self.width - 1, right=True)} ", "muted"))
        return head.append_text(cell(f" {'recall 95% CI':<14}{'n':>5}", "muted"))

    def legend_lines(self, width: int) -> list[Text]:
        """What to read below the counts, on lines of `width` cells; none where all names are plain."""
        return broken(cell(f"classes: {', '.join(self.legend)}", "muted"), max(width, NAME), hang=2) if self.legend else []


def least_width(columns: int) -> int:
    """Cells of a column of counts, at least."""
    return 6 if columns <= 7 else 5 if columns <= 9 else 4


def least(columns: int) -> int:
    """Cells of a whole matrix, at least."""
    return NAME + columns * least_width(columns) + RIGHT


def heads(rows: Sequence[str], columns: Sequence[str], width: int) -> Heads:
    """Those of a matrix that has `width` cells in all: whole names where there is room, else beginnings that are told apart."""
    room, narrow, number = width - RIGHT, least_width(len(columns)), max(1, len(columns))
    left = max(NAME, min(MOST + 1, 1 + max(map(_cells, rows), default=0), room - number * narrow))
    each = max(narrow, min(MOST + 1, 1 + max(map(_cells, columns), default=0), (room - left) // number))
    own, said = apart(rows, left - 1), apart(columns, each - 1)
    shown = dict.fromkeys((*zip(columns, said, strict=True), *zip(rows, own, strict=True)))
    legend = tuple(f"{short} = {printable(name)}" for name, short in shown if not printable(name).startswith(short))
    return Heads(left, each, own, said, legend)


def apart(names: Sequence[str], cells: int) -> tuple[str, ...]:
    """`names` in so many cells (3 at least) each, no two of them alike: beginnings; of those that begin alike, beginning and end (an~ld
    of anger_cold); where these are alike too, all by beginning and number."""
    whole = [printable(name) for name in names]
    found = [_begin(name, cells) for name in whole]
    for tail in range(1, cells - 1):
        alike = {short for short, count in Counter(found).items() if count > 1}
        if not alike:
            return tuple(found)
        shorter = [f"{_begin(name, cells - 1 - tail)}{_CUT}{_end(name, tail)}" for name in whole]
        found = [other if short in alike or _CUT in short else short for short, other in zip(found, shorter, strict=True)]
    if len(set(found)) == len(found):
        return tuple(found)
    return tuple(f"{_begin(name, cells - 1 - len(str(number)))}{_CUT}{number}" for number, name in enumerate(whole, 1))


def recall_cells(recall: float | None, interval: Sequence[float] | None, utterances: int, lone: bool) -> Text:
    """What stands at the right of a row. `lone`: the interval is over other units than those of the other classes."""
    shown = score_with_interval(recall, interval, short=True) + (LONE if lone and interval is not None else "")
    return cell(f" {shown:<14}{utterances:>5}")


def _cells(name: str) -> int:
    return cell_len(printable(name))


def _begin(name: str, cells: int) -> str:
    return name if cell_len(name) <= cells else set_cell_size(name, cells).rstrip()


def _end(name: str, cells: int) -> str:
    return _begin(name[::-1], cells)[::-1]
