"""Tables that leave the app, each in five formats. A sheet holds plain values; how people are shown them stands at its columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ser_tui.report.markup import joined, table, tag
from ser_tui.report.offered import ENDINGS, SheetFormat
from ser_tui.report.page import framed
from ser_tui.store.export import inert
from ser_tui.study.formatting import csv_text, json_text, printable

_FORMATS: Mapping[str, SheetFormat] = {
    **{f".{ending}": form for form, ending in ENDINGS.items()}, ".markdown": "markdown", ".htm": "html"
}  # fmt: skip


def _plainly(value: Any) -> str:
    return "-" if value is None or value == "" else f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class SheetColumn:
    """A column. `name`: for programs; `heading`: for people, the name where empty; `shown`: a value in words; `right`: aligned so.
    `hidden`: for programs alone, where another column shows the same to people; `told`: the other way round."""

    name: str
    heading: str = ""
    shown: Callable[[Any], str] = _plainly
    right: bool = False
    hidden: bool = False
    told: bool = False


@dataclass(frozen=True)
class Sheet:
    """Rows of values, one for each of `columns`. `strong`: (row, column) of what a test allows to stand out; `note`: what people must
    know to read it."""

    title: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    strong: frozenset[tuple[int, int]] = frozenset()
    note: str = ""


def format_of(file: str) -> SheetFormat:
    """The format that the name of a file says by its ending; CSV where it says none."""
    return _FORMATS.get(PurePath(file).suffix.lower(), "csv")


def written(sheet: Sheet, form: SheetFormat) -> str:
    """The sheet as text that ends with a line break."""
    match form:
        case "csv":
            return _csv(sheet)
        case "json":
            kept = [place for place, column in enumerate(sheet.columns) if not column.told]
            return json_text([{sheet.columns[place].name: row[place] for place in kept} for row in sheet.rows])
        case "markdown":
            return _markdown(sheet)
        case "latex":
            return _latex(sheet)
        case "html":
            return _html(sheet)


def _csv(sheet: Sheet) -> str:
    kept = [place for place, column in enumerate(sheet.columns) if not column.told]
    rows = ([column.name for column in sheet.columns], *sheet.rows)
    return csv_text([inert(row[place]) for place in kept] for row in rows)


def _shown(sheet: Sheet) -> tuple[list[SheetColumn], list[list[tuple[str, bool]]]]:
    """The columns for people, and of each row (text, whether it stands out)."""
    places = [place for place, column in enumerate(sheet.columns) if not column.hidden]
    return [sheet.columns[place] for place in places], [
        [(printable(sheet.columns[place].shown(row[place])), (number, place) in sheet.strong) for place in places]
        for number, row in enumerate(sheet.rows)
    ]


def _markdown(sheet: Sheet) -> str:
    columns, rows = _shown(sheet)
    lines = [
        "| " + " | ".join(markdown_text(column.heading or column.name) for column in columns) + " |",
        "|" + "|".join(" ---: " if column.right else " --- " for column in columns) + "|",
    ]
    for row in rows:
        lines.append("| " + " | ".join(f"**{markdown_text(text)}**" if strong else markdown_text(text) for text, strong in row) + " |")
    # As a caption has it: what the table is of, then what must be known of it.
    return "\n".join([*lines, "", markdown_text(f"{sheet.title}.{f' {sheet.note}' if sheet.note else ''}")]) + "\n"


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")


def markdown_text(text: str) -> str:
    """`text` as Markdown that says it: no character of it is markup, and none ends a cell. Also what begins a list or heading."""
    return re.sub(r"\A([+-]|\d+[.)])(?=\s)", r"\\\1", _MARKDOWN.sub(r"\\\1", printable(text)))


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    '"': r"\textquotedbl{}", "±": r"$\pm$", "−": "$-$", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
}  # fmt: skip


def latex_text(text: str) -> str:
    """`text` as LaTeX (with textcomp, which every LaTeX since 2020 has) that says it: no character of it is a command."""
    escaped = "".join(_LATEX.get(char, char) for char in printable(text))
    return re.sub(r"(?<![\w.])-(?=\.?\d)", "$-$", escaped).replace("--", "-{}-")


def _latex(sheet: Sheet) -> str:
    columns, rows = _shown(sheet)
    lines = [
        r"% \usepackage{booktabs} in the preamble",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex_text(sheet.title)}{'. ' + latex_text(sheet.note) if sheet.note else ''}}}",
        rf"\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in columns)}}}",
        r"\toprule",
        " & ".join(latex_text(column.heading or column.name) for column in columns) + r" \\",
        r"\midrule",
    ]
    for row in rows:
        cells = [rf"\textbf{{{latex_text(text)}}}" if strong else latex_text(text) for text, strong in row]
        # A row that began with a bracket would be read as the argument of the line break before it.
        lines.append(("{}" if cells[0].startswith("[") else "") + " & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"]) + "\n"


def _html(sheet: Sheet) -> str:
    columns, rows = _shown(sheet)
    cells = [[tag("strong", text) if strong else text for text, strong in row] for row in rows]
    right = [place for place, column in enumerate(columns) if column.right]
    body = joined([
        tag("h1", sheet.title),
        table([column.heading or column.name for column in columns], cells, right=right),
        tag("p", sheet.note, class_="soft") if sheet.note else None,
    ])  # fmt: skip
    return framed(sheet.title, body)
