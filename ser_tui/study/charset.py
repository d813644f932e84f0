"""Characters that an output's encoding lacks: ISO-8859 locales of cluster nodes, PYTHONIOENCODING=ascii, a C locale.

What was measured is printed in any case, with the nearest characters that there are.
"""

from __future__ import annotations

import codecs
import shlex
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

NEAREST: Mapping[str, str] = {
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
    "±": "+-", "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": ".", "•": "*", "→": "->", "≥": ">=", "≤": "<=",
    "‘": "'", "’": "'", "“": '"', "”": '"', "─": "-", "━": "-", "│": "|", "▌": "|", "▎": "|", "▏": "|", "▕": "|", "▔": "-", "▐": "|",
}  # fmt: skip
_ONE_CELL = {"±": "~", "…": "~", "→": ">", "≥": ">", "≤": "<"}
_HANDLER = "ser_tui.nearest"


def to_utf8(path: Path) -> str:
    """The command that makes a UTF-8 table of one that a spreadsheet of Western Windows wrote, beside it."""
    return f"iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(str(path))} > {shlex.quote(str(path.with_suffix(f'.utf8{path.suffix}')))}"


def takes(encoding: str, text: str) -> bool:
    """Whether `encoding` has every character of `text`."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    except LookupError:
        return text.isascii()
    return True


def nearest(char: str, cells: int | None = None) -> str:
    """ASCII that says what `char` does, a question mark where none does; exactly `cells` wide if given."""
    if cells is None:
        return NEAREST.get(char) or _without_accents(char)
    short = _ONE_CELL.get(char) or NEAREST.get(char) or _without_accents(char)
    return (short if len(short) == cells else "?" * cells) if cells else ""


def _without_accents(char: str) -> str:
    """e for an accented one: names stay readable."""
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if part.isascii() and part.isprintable())
    return base if base else "" if unicodedata.combining(char) else "?"


def fitted(text: str, encoding: str) -> str:
    """`text` in characters that `encoding` has."""
    return text if takes(encoding, text) else "".join(char if takes(encoding, char) else nearest(char) for char in text)


def tolerate(stream: TextIO | Any) -> None:
    """From here on what `stream` cannot encode is replaced by what is nearest, instead of ending the program."""
    codecs.register_error(_HANDLER, _replaced)
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(nearest(char) for char in error.object[error.start : error.end]), error.end
