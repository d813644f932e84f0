"""From the bytes of a table to its header and rows: encodings, separators, JSON lines. Knows nothing of emotions."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui.study.charset import to_utf8
from ser_tui.study.errors import UserError
from ser_tui.study.regular import open_regular

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".json")
FOUND_SUFFIXES = (".csv", ".tsv", ".jsonl")
"""Of tables that nobody has named: a .txt or .json in a folder may be anything."""
MAX_BYTES = 256 * 1024 * 1024
DELIMITERS = ",;\t|"
_NAMED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_AS_TEXT = re.compile(r'="([^"]*)"')
"""What a spreadsheet is given lest it take 03 for the number 3."""
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


@dataclass(frozen=True)
class Rows:
    """A table as text: `cells` has (number of the line's row in the file, its cells) for every row that is not blank."""

    header: tuple[str, ...]
    cells: tuple[tuple[int, tuple[str, ...]], ...]
    form: str
    """What it is, for people: "UTF-8, separated by commas"."""
    delimiter: str = ""
    """Empty: JSON."""


def read_rows(path: Path, is_header: Callable[[Sequence[str]], bool]) -> Rows:
    """The rows of the table at `path`.

    `is_header` says whether cells can be the header: of the separators , ; | and tab that occur in the first line, the
    first by frequency with which they can is taken. A line `sep=;` before the header names it. Raises UserError where the
    file cannot be read as a table.
    """
    text, encoding = decoded(path)
    if path.suffix.lower() in (".json", ".jsonl"):
        return _json_rows(path, text, encoding)
    return _separated_rows(path, text, encoding, is_header)


def decoded(path: Path) -> tuple[str, str]:
    """(text of a file, the name of its encoding): UTF-8 or UTF-16, each with or without a byte order mark. Raises UserError."""
    if path.is_dir():
        raise UserError(f"{path}: not a file; give the path of a table")
    try:
        with open_regular(path) as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give the path of a table that you may read") from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES >> 20} MB; a table has one short line for each utterance")
    encoding = _encoding(raw)
    name = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not {name} text (byte {error.start}); save the table as UTF-8, for example: {to_utf8(path)}") from None
    return (text if "\n" in text else text.replace("\r", "\n")), name


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    start = data[:4096]
    even, odd = start[::2], start[1::2]
    # Every second byte of Latin text in UTF-16 is zero, and no byte of UTF-8 text.
    if len(start) >= 8 and odd.count(0) > 0.6 * len(odd) and not even.count(0):
        return "utf-16-le"
    if len(start) >= 8 and even.count(0) > 0.6 * len(even) and not odd.count(0):
        return "utf-16-be"
    return "utf-8-sig"


def _separated_rows(path: Path, text: str, encoding: str, is_header: Callable[[Sequence[str]], bool]) -> Rows:
    skipped = 0
    first, _, rest = text.partition("\n")
    named = _SEP_LINE.fullmatch(first.strip("\r\ufeff "))
    if named:
        text, skipped = rest, 1
    lines = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    candidates = [named[1]] if named else sorted(DELIMITERS, key=lambda sign: -lines.count(sign))
    readable = [sign for sign in candidates if is_header(_cells(lines, sign))]
    delimiter = (readable or candidates)[0]
    parsed = ((number + skipped, tuple(map(_plain, cells))) for number, cells in _parsed(path, text, delimiter))
    rows = [(number, cells) for number, cells in parsed if any(cell.strip() for cell in cells)]
    header = tuple(cell.strip() for cell in rows[0][1]) if rows else ()
    return Rows(header, tuple(rows[1:]), f"{encoding}, separated by {_NAMED.get(delimiter, repr(delimiter))}", delimiter)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _parsed(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the row, counted from 1; its cells), blank ones as well."""
    if delimiter == "\t":
        plain = [line.rstrip("\r").split("\t") for line in text.split("\n")]
        width = len(plain[0])
        # Tools that write tabs seldom quote: there a quotation mark that opens a sentence must not swallow the rows after it.
        if all(len(cells) == width or cells == [""] for cells in plain):
            yield from enumerate(([_unquoted(cell) for cell in cells] for cells in plain), 1)
            return
    try:
        yield from enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), 1)
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV table ({error}); begin with a line file,speaker,emotion, then a row a file") from None


def _plain(cell: str) -> str:
    written = _AS_TEXT.fullmatch(cell.strip())
    return written[1] if written else cell


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    inner = cell[1:-1]
    return inner.replace('""', '"') if quoted and '"' not in inner.replace('""', "") else cell


def _json_rows(path: Path, text: str, encoding: str) -> Rows:
    """Lines of one object each; or one document: a list of objects, or an object of objects by file."""
    numbered = _documents(path, text)
    header: dict[str, None] = {}
    records: list[tuple[int, dict[str, str]]] = []
    for number, document in numbered:
        if not isinstance(document, dict):
            raise UserError(f"{path}: row {number} is no JSON object; write an object with file and emotion for each file")
        record = {key: _text_of(value) for key, value in _flat(document)}
        header.update(dict.fromkeys(record))
        records.append((number, record))
    names = tuple(header)
    cells = tuple((number, tuple(record.get(name, "") for name in names)) for number, record in records if any(record.values()))
    return Rows(names, cells, f"JSON, {encoding}")


def _documents(path: Path, text: str) -> list[tuple[int, Any]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, list):
        return list(enumerate(whole, 1))
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        return [(number, {"key": key, **value}) for number, (key, value) in enumerate(whole.items(), 1)]
    found: list[tuple[int, Any]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append((number, json.loads(line)))
            except (ValueError, RecursionError):
                raise UserError(f"{path}: line {number} is no JSON; write one object a line: {_EXAMPLE}") from None
    return found


_EXAMPLE = '{"file": "a.wav", "emotion": "anger"}'


def _flat(document: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The members of an object, those of an object within it by both names: {"segment": {"start": 1}} has a segment.start."""
    for key, value in document.items():
        if isinstance(value, dict) and not isinstance(value.get("path"), str):
            yield from ((f"{key}.{inner}".strip(), one) for inner, one in value.items())
        else:
            yield str(key).strip(), value


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return str(value["path"])  # the Audio feature of Hugging Face's datasets
    return json.dumps(value, ensure_ascii=False)
