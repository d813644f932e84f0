"""What a trial said of every utterance, packed: hundreds of small numbers, tens of thousands of times in a long run."""

from __future__ import annotations

import binascii
from array import array
from collections.abc import Iterator, Sequence
from typing import overload


class Predicted(Sequence[int]):
    """Labels in order, as numbers. Equal to any sequence of equal numbers."""

    __slots__ = ("_values",)

    def __init__(self, values: array[int] | None = None) -> None:
        self._values = array("b") if values is None else values

    @staticmethod
    def of(labels: Sequence[int]) -> Predicted:
        """`labels`, each in one byte where all of them go into one. Raises OverflowError where one does not go into eight."""
        if isinstance(labels, Predicted):
            return labels
        narrow = not labels or (min(labels) >= -128 and max(labels) < 128)
        return Predicted(array("b" if narrow else "q", labels))

    @staticmethod
    def unpacked(data: bytes) -> Predicted:
        """The labels that `packed` wrote."""
        return Predicted(array("b", data))

    def packed(self) -> str | list[int]:
        """These labels as base64, or, where one needs more than a byte, as they are."""
        return binascii.b2a_base64(self._values, newline=False).decode() if self._values.typecode == "b" else list(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return tuple(self._values[index]) if isinstance(index, slice) else self._values[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self._values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Predicted):
            return self._values == other._values
        return isinstance(other, Sequence) and tuple(self._values) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self._values))

    def __repr__(self) -> str:
        return f"Predicted({list(self._values)!r})"
