"""An event as one line of a log, versioned and with a checksum.

A line is `{"v":1,"seq":n,"time":"...Z","clock":s,"type":"...","data":{...},"crc":"xxxxxxxx"}`: `seq` counts from 0 without
gaps, `time` is UTC as the machine's clock had it, `clock` is seconds since the worker opened the log, by a clock that nobody
sets (absent in older logs), `crc` is the CRC-32 of the line without its crc member. Non-finite numbers become null: JSON has none.
"""

from __future__ import annotations

import dataclasses
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

from ser_tui.study.events import TYPES, Event, Unknown, parse_time
from ser_tui.study.plausible import plausible
from ser_tui.study.shapes import MAX_NUMBER, checks

VERSION = 1
ENVELOPE = ("seq", "time", "clock")
"""Fields that the log fills in; in a line they stand beside the data."""


class DamagedLine(ValueError):
    """A line of a log that is not an event as it was written."""


class NewerLine(DamagedLine):
    """A whole line of a format that this version does not know: what it says is for a newer ser_tui."""


def encode(event: Event) -> bytes:
    """One line, newline included. `seq` and `time` must be set."""
    data = {
        item.name: _finite(getattr(event, item.name))
        for item in dataclasses.fields(event)
        if item.name not in ENVELOPE
    }
    clock = {} if event.clock is None else {"clock": event.clock}
    body = {"v": VERSION, "seq": event.seq, "time": event.time, **clock, "type": event.type, "data": data}
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{_crc(text)}"}}\n'.encode("utf-8", "surrogateescape")


def decode(line: bytes) -> Event:
    """The event that `line` (with or without its newline) holds, every field of its type. Raises DamagedLine."""
    try:
        text = line.rstrip(b"\n").decode("utf-8", "surrogateescape")
        body = json.loads(text, parse_constant=_refuse_constant)
        crc = body.pop("crc")
        kept = text[: -len(f',"crc":"{crc}"}}')] + "}"
        if _crc(kept) != crc:
            raise DamagedLine("the checksum does not fit")
        if body["v"] > VERSION:
            raise NewerLine(f"written by a newer ser_tui (format {body['v']})")
        kind = body["type"]
        cls = TYPES.get(kind, Unknown)
        shapes = checks(cls)
        written = {"kind": kind} if cls is Unknown else body["data"]
        data = {name: _tuples(value) for name, value in written.items() if name in shapes}
        event = cls(**{**data, "seq": body["seq"], "time": body["time"], "clock": body.get("clock")})
        wrong = [name for name, fits in shapes.items() if not fits(getattr(event, name))]
        stamped = event.seq >= 0 and 0 <= (event.clock or 0) <= MAX_NUMBER and parse_time(event.time).tzinfo is not None
        if wrong or not stamped or not plausible(cls.type, data):
            raise DamagedLine(f"its data is not what a {cls.type} has" + (f" ({', '.join(wrong)})" if wrong else ""))
        return event
    except DamagedLine:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedLine(f"not an event: {type(error).__name__}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are no JSON, and nothing that shows a run expects them


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value
