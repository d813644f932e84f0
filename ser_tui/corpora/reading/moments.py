"""Times in tables as people and tools write them: 1.5, 00:01:02.5, 0 days 00:00:01.877813. Pure."""

from __future__ import annotations

import math
import re
from decimal import Decimal

EMPTY = frozenset({"", "nat", "nan", "none", "null", "<na>", "n/a"})
"""What stands for no time, in any case: NaT is audformat's for the end of a recording."""

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_CLOCK = re.compile(r"(?P<sign>-)?((?P<days>\d+) days?,? *)?((?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+([.,]\d+)?)")
_UNITS = {"s": Decimal(1), "sec": Decimal(1), "seconds": Decimal(1), "ms": Decimal("0.001"), "us": Decimal("0.000001")}
_WITH_UNIT = re.compile(r"(?P<number>[\d.,]+) ?(?P<unit>s|sec|seconds|ms|us)", re.IGNORECASE)


def seconds(text: str, unit: str = "s") -> float | None:
    """The time that `text` says, in seconds; None where it says none.

    A bare number is in `unit` (s or ms); hours:minutes:seconds, minutes:seconds, and pandas' timedeltas ("0 days
    00:00:01.5") are what they say, as is a number with its own unit ("1500 ms"). Raises ValueError for anything else.
    """
    word = text.strip()
    if word.casefold() in EMPTY:
        return None
    if _NUMBER.fullmatch(word):
        return _finite(_decimal(word) * _UNITS[unit])
    own = _WITH_UNIT.fullmatch(word)
    if own and _NUMBER.fullmatch(own["number"]):
        return _finite(_decimal(own["number"]) * _UNITS[own["unit"].lower()])
    clock = _CLOCK.fullmatch(word)
    if clock is None:
        raise ValueError(text)
    whole = int(clock["days"] or 0) * 86_400 + int(clock["hours"] or 0) * 3600 + int(clock["minutes"]) * 60
    return _finite((whole + _decimal(clock["seconds"])) * (-1 if clock["sign"] else 1))


def _decimal(number: str) -> Decimal:
    # A comma is the decimal sign of half of Europe; as one of thousands it would mean a recording of hours.
    return Decimal(number.replace(",", "."))


def _finite(value: Decimal) -> float:
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(str(value))
    return found
