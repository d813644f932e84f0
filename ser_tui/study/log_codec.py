"""An event as one line of a log, versioned and with a checksum.

A line is `{"v":1,"seq":n,"time":"...Z","clock":s,"type":"...","data":{...},"crc":"xxxxxxxx"}`: `seq` counts from 0 without
gaps, `time` is UTC as the machine's clock had it, `clock` is seconds since the worker opened the log, by a clock that nobody
sets (absent in older logs), `crc` is the CRC-32 of the line without its crc member. Non-finite numbers become null: JSON has none.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
import zlib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from ser_tui.study.event_rules import plausible
from ser_tui.study.events import TYPES, EpochFinished, Event, Unknown, parse_time
from ser_tui.study.type_checks import MAX_NUMBER, checks

VERSION = 1
ENVELOPE = ("seq", "time", "clock")
"""Fields that the log fills in; in a line they stand beside the data."""


class DamagedLine(ValueError):
    """A line of a log that is not an event as it was written."""


class NewerLine(DamagedLine):
    """A whole line of a format that this version does not know: what it says is for a newer ser_tui."""


def encode(event: Event) -> bytes:
    """One line, newline included. `seq` and `time` must be set."""
    data = {item.name: _finite(getattr(event, item.name)) for item in dataclasses.fields(event) if item.name not in ENVELOPE}
    clock = {} if event.clock is None else {"clock": event.clock}
    body = {"v": VERSION, "seq": event.seq, "time": event.time, **clock, "type": event.type, "data": data}
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{_crc(text)}"}}\n'.encode("utf-8", "surrogateescape")


def decode(line: bytes) -> Event:
    """The event that `line` (with or without its newline) holds, every field of its type. Raises DamagedLine."""
    return _epoch(line) or _decoded(line)


_NUMBER = r"(?:0|[1-9]\d{0,14})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?"
_COUNT = r"0|[1-9]\d{0,14}"
_EPOCH = re.compile(
    rf'\{{"v":{VERSION},"seq":({_COUNT}),"time":"((\d{{4}}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{{3}}Z)"'
    rf'(?:,"clock":({_NUMBER}))?,"type":"epoch_finished","data":\{{"trial":([1-9]\d{{0,14}}),"epoch":({_COUNT}),'
    rf'"epochs":({_COUNT}),"loss":(null|{_NUMBER}),"bca":(null|{_NUMBER}),"validation_loss":(null|{_NUMBER}),'
    rf'"frozen":(true|false),"seconds":({_NUMBER}),"interval":(?:null|\[({_NUMBER}),({_NUMBER})\])\}}'
    r'(,"crc":"([0-9a-f]{8})"\})\n?', re.ASCII
)  # fmt: skip
"""An epoch as `encode` writes it, of numbers that are not negative: most lines of a log are one, and taken apart so in a
fifth of the time."""


def _epoch(line: bytes) -> EpochFinished | None:
    """The epoch in `line`; None where that is not one for certain, which `_decoded` then tells."""
    if b'"type":"epoch_finished"' not in line:
        return None
    try:
        found = _EPOCH.fullmatch(line.decode("ascii"))
    except UnicodeDecodeError:
        return None
    if found is None:
        return None
    seq, time, day, clock, trial, epoch, epochs, loss, bca, validation, frozen, seconds, low, high, _, crc = found.groups()
    whole = line[: found.start(15)]
    since = None if clock is None else float(clock)
    if f"{zlib.crc32(b'}', zlib.crc32(whole)):08x}" != crc or not _is_day(day) or (since or 0) > MAX_NUMBER:
        return None
    event: EpochFinished = object.__new__(EpochFinished)
    event.__dict__.update(
        seq=int(seq), time=time, clock=since, trial=int(trial), epoch=int(epoch), epochs=int(epochs),
        loss=None if loss == "null" else float(loss), bca=None if bca == "null" else float(bca),
        validation_loss=None if validation == "null" else float(validation), frozen=frozen == "true", seconds=float(seconds),
        interval=None if low is None else (float(low), float(high)),
    )  # fmt: skip
    return event


@lru_cache(maxsize=1000)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _decoded(line: bytes) -> Event:
    try:
        raw = line.rstrip(b"\n")
        text = raw.decode("utf-8", "surrogateescape")
        body = _JSON.decode(text)
        crc = body.pop("crc")
        kept = raw[: -len(f',"crc":"{crc}"}}')] + b"}"
        if f"{zlib.crc32(kept):08x}" != crc:
            raise DamagedLine("the checksum does not fit")
        if body["v"] > VERSION:
            raise NewerLine(f"written by a newer ser_tui (format {body['v']})")
        kind = body["type"]
        cls = TYPES.get(kind, Unknown)
        shapes = checks(cls)
        written = {"kind": kind} if cls is Unknown else body["data"]
        data = {name: tuples(value) for name, value in written.items() if name in shapes}
        event = cls(**{**data, "seq": body["seq"], "time": body["time"], "clock": body.get("clock")})
        held = event.__dict__
        wrong = [name for name, fits in shapes.items() if not fits(held[name])]
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


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


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


def tuples(value: Any) -> Any:
    """`value`, as JSON holds it, with tuples for lists, at every depth."""
    kind = type(value)
    if kind is list:
        flat = _NESTED.isdisjoint(map(type, value))
        return tuple(value) if flat else tuple([tuples(item) for item in value])
    if kind is dict:
        # Names of hyperparameters, classes and parts come again in every trial.
        return {sys.intern(key): tuples(item) for key, item in value.items()}
    return value


_NESTED = frozenset((list, dict))
