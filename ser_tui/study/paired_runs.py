"""Runs against the one that they are compared with: paired tests, corrected for how many there are, and recall of each class. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ser_tui.study.comparison import Pairing, Row
from ser_tui.study.formatting import score_text, signed
from ser_tui.study.scores import Score
from ser_tui.study.several_tests import holm


def corrected(pairings: Sequence[Pairing]) -> list[Pairing]:
    """`pairings`, each p also as it is among as many tests as there are, see `holm`. A single test stays as it is."""
    tested = {place: pairing.p for place, pairing in enumerate(pairings) if pairing.p is not None}
    found = list(pairings)
    if len(tested) < 2:
        return found
    for place, left in zip(tested, holm(list(tested.values())), strict=True):
        found[place] = replace(pairings[place], corrected_p=left, tests=len(tested))
    return found


Recalls = Mapping[str, tuple[Score, int, bool]]
"""Class -> (recall, of so many utterances, whether one speaker alone has it, so that the interval is over these)."""


def told_rows(pairings: Sequence[Pairing], recalls: Sequence[Row]) -> list[Row]:
    """Rows of the tests against the first run and of recalls, which `recall_rows` made, where they stand among those of test parts and
    folds: both are of the best trials on the validation part, which chose these."""
    paired = ("valid. difference to the first", ("-", *(pairing.sentence for pairing in pairings)))
    return [paired, *((f"valid. recall of {label}", cells) for label, cells in recalls)]


_OF_ONE = ", over 1 speaker's utterances"
"""Beside an interval, where those of the other classes are over speakers."""


def recall_rows(told: Sequence[Recalls | None], alike: Sequence[bool], *, short: bool = False) -> list[Row]:
    """Recall of each class, a cell a run: .93 [.81, 1.00], and where the utterances are the reference's (the first run's; `alike`)
    what it is more or less: .89 [.74, .97] (-.04); `short`: .89 .74-.97 -.04. None: not read yet."""
    rows: list[Row] = []
    for name in dict.fromkeys(name for one in told for name in one or ()):
        numbers = list(dict.fromkeys(one[name][1] for one in told if one and name in one))
        first = (told[0] or {}).get(name)
        cells = []
        for place, one in enumerate(told):
            if one is None or name not in one:
                cells.append("reading ..." if one is None else "-")
                continue
            recall, number, lone = one[name]
            beside = ""
            if place and alike[place] and first is not None:
                gap = signed(recall.value - first[0].value)
                beside = f" {gap}" if short else f" ({gap})"
            cells.append(
                f"{score_text(recall, short=short)}{beside}" + ("" if len(numbers) == 1 else f", n = {number}") + (_OF_ONE if lone else "")
            )
        rows.append((f"{name}, n = {numbers[0]}" if len(numbers) == 1 else name, tuple(cells)))
    return rows
