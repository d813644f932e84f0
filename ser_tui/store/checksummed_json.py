"""Tables of plain data as JSON that carries a checksum: what was edited or has rotted is told from what was written."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from typing import Any

import msgspec

from ser_tui.study.regular import read_regular

Tables = dict[str, dict[str, Any]]
MOST_BYTES = 256 << 20
"""More than the summaries of a hundred thousand runs."""
_HEAD = re.compile(rb'\{"checksum": \{"crc32": "([0-9a-f]{8})"\}')


def sealed(tables: Tables) -> bytes:
    """`tables` as one JSON object, with a table "checksum" before them: the CRC-32 of all that follows it."""
    rest = b"".join(b", %b: %b" % (_json(name), _json(table)) for name, table in tables.items()) + b"}"
    return b'{"checksum": {"crc32": "%08x"}%b' % (zlib.crc32(rest), rest)


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # names that are not UTF-8 are lone surrogates here, which JSON can only escape
        return json.dumps(value).encode()


def seal(data: bytes) -> str:
    """The checksum that stands at the beginning of what `sealed` made; empty where `data` begins otherwise."""
    head = _HEAD.match(data)
    return "" if head is None else head[1].decode()


def read_sealed(path: Path) -> Tables | None:
    """The tables in the file at `path`, or None where there is none that `sealed` made, or a huge one."""
    try:
        return unsealed(read_regular(path, MOST_BYTES))
    except OSError:
        return None


def unsealed(data: bytes) -> Tables | None:
    """The tables in `data`, or None where these are not the bytes that `sealed` made."""
    head = _HEAD.match(data)
    if head is None or zlib.crc32(data[head.end() :]) != int(head[1], 16):
        return None
    try:
        try:
            tables: Tables = msgspec.json.decode(data)
        except msgspec.DecodeError:  # names that are not UTF-8, which JSON can only escape: the slower reader takes them
            tables = json.loads(data)
    except (ValueError, RecursionError):
        return None  # a checksum keeps rot away, nobody's hands
    del tables["checksum"]
    return tables
