"""HTML and SVG from values. `tag` is the one door: whatever is not markup already is escaped on its way in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from ser_tui.study.formatting import printable


class Html(str):
    """Text that is markup already. Made here alone; everything else is text from outside."""

    __slots__ = ()


_WHOLE = re.compile(r"([+-]?\d*\.\d+ \[[^\]]{1,20}\]|p = \d?\.\d+)")
_VOID = frozenset({"meta", "br", "hr", "link", "img", "col"})


def text(value: object) -> Html:
    """`value` as text: escaped, and what a terminal would obey made visible, as everywhere else. Line breaks and tabs stay."""
    if isinstance(value, Html):
        return value
    lines = (printable(line.replace("\t", "    ")) for line in str(value).split("\n"))
    return Html(html.escape("\n".join(lines), quote=True))


def joined(parts: Iterable[object]) -> Html:
    """The parts behind one another; None is left out."""
    return Html("".join(text(part) for part in parts if part is not None))


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """An element. Attributes that are None are left out; `class_` is class, `data_of` is data-of; numbers of SVG are rounded."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(_short(value)))}"' for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{joined(children)}</{name}>")


def held_together(words: str) -> Html:
    """`words` in which no line ends within a score and its interval, or within p = .04."""
    return joined(tag("span", part, class_="score") if place % 2 else part for place, part in enumerate(_WHOLE.split(words)))


def _short(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def table(
    headings: Sequence[object],
    lines: Iterable[Sequence[object]],
    *,
    right: Sequence[int] = (),
    chosen: Sequence[int] = (),
    long: Sequence[int] = (),
    class_: str | None = None,
) -> Html:
    """A table that scrolls sideways where it has no room. `right`, `long`: columns; `chosen`: lines that stand out."""

    def kind(column: int) -> str | None:
        return "right" if column in right else "long" if column in long else None

    head = tag("tr", *(tag("th", heading, class_=kind(column), scope="col") for column, heading in enumerate(headings)))
    body = [
        tag(
            "tr",
            *(tag("td", cell, class_=kind(column)) for column, cell in enumerate(cells)),
            class_="chosen" if number in chosen else None,
        )
        for number, cells in enumerate(lines)
    ]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body), class_=class_), class_="wide")
