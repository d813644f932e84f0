"""What the terminal sent, cut into whole pieces.

A terminal sends more than keys: mouse reports, answers to queries, focus events, pastes. Over a slow link they come in parts,
and a part that is taken for keys opens screens and starts things. Here bytes wait until the piece that they belong to is
whole; what never becomes whole, and what is no text, is dropped. Every wait is bounded.

Pure: bytes and the time in, pieces out.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

ESCAPE_SECONDS = 0.1
"""An escape that nothing follows for so long is the key."""
CUT_SECONDS = 2.0
"""A sequence whose rest does not come for so long is dropped."""
LATE_SECONDS = 5.0
"""For so long after that a rest that comes late is still known as one."""
QUIET_SECONDS, QUIET_BYTES = 2.0, 16
"""A paste, or a text of the terminal's own, whose end is missing is over when so little came for so long: a person who types
against a dead screen sends less."""
PASTE_MOST = 256 * 1024
"""Bytes of a paste that are kept; a longer one is dropped as a whole, no field of the app wants it."""
TEXT_MOST = 4096
"""Bytes of a text of the terminal's own (OSC, DCS) that are held until its end comes; it is dropped anyway."""
SEQUENCE_MOST = 128
"""Bytes of a control sequence; longer ones are noise."""

PASTE_BEGIN, PASTE_END = b"\x1b[200~", b"\x1b[201~"

_CSI = re.compile(rb"\x1b\[(?:\[[\x20-\x7e]|M...|2?[2-8]\$|(?!M)[0-?]*[ -/]*[@-Z\\-~])", re.DOTALL)
"""A control sequence; the Linux console's function keys have a second bracket, the oldest mouse reports three bytes more, and
rxvt ends some keys with a dollar sign."""
_CSI_BEGUN = re.compile(rb"\x1b\[(?:\[|M.{0,2}|[0-?]*[ -/]*)", re.DOTALL)
_SS3 = re.compile(rb"\x1bO[0-9;]*[ -/:-~]")
_SS3_BEGUN = re.compile(rb"\x1bO[0-9;]*")
_TEXTS = b"PX]^_"
_TEXT_END = re.compile(rb"\x1b\\|\x07|\x18|\x1a")
_C1 = {0x8F: b"\x1bO", 0x9B: b"\x1b[", 0x90: b"\x1bP", 0x98: b"\x1bX", 0x9D: b"\x1b]", 0x9E: b"\x1b^", 0x9F: b"\x1b_"}
_AFTER_ESCAPE = re.compile(rb"\[[0-?]|\][0-9]|P[0-9>+$!]")
"""How the rest of a sequence begins of which only the escape came in time."""
_SOON_AFTER_ESCAPE = re.compile(rb"\[[A-Za-z]|O[A-Za-z]")
"""As above, for what a person may have typed by then."""
SOON_SECONDS = 1.0
_MOUSE_BUT_THE_END = re.compile(rb"\x1b\[<[0-9]+;[0-9]+;[0-9]+")
_LATE = re.compile(rb"[0-?]+[ -/]*[@-~]|[ -/]+[@-~]|[0-?]{2,}\Z")

Kind = Literal["text", "sequence", "escape", "paste"]


@dataclass(frozen=True)
class Piece:
    """`text`: one character; `sequence`: what begins with an escape, whole; `escape`: the key; `paste`: its text."""

    kind: Kind
    text: str


class Received:
    """Cuts what a terminal sends. `encoding`: of its characters."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self._encoding = encoding
        self._utf8 = encoding.replace("-", "").replace("_", "").lower() in ("utf8", "ascii", "usascii", "ansix3.41968")
        self._held = b""
        self._since = 0.0
        self._pasting: bytearray | None = None
        self._too_long = False
        self._began: float | None = None
        """When the paste, or the text of the terminal's own, began."""
        self._arrivals: deque[tuple[float, int]] = deque()
        self._cut = b""
        self._cut_at = 0.0
        self._lost = 0
        """Continuation bytes that may still come of a character whose first bytes were dropped."""

    @property
    def waiting(self) -> bool:
        """Whether something is held back: `wait` wants to be called soon."""
        return bool(self._held) or self._pasting is not None

    def take(self, data: bytes, now: float) -> list[Piece]:
        """The pieces that are whole with `data`, which came at `now` in seconds."""
        pieces = self.wait(now)
        self._arrivals.append((now, len(data)))
        if self._cut and not self._held and self._pasting is None:
            data = self._with_cut(data, now)
        self._held += data
        self._since = now
        return pieces + self._cut_up(now)

    def wait(self, now: float) -> list[Piece]:
        """The pieces that are settled by nothing having come until `now`."""
        if self._pasting is not None:
            if not self._quiet(now):
                return []
            pasted = [] if self._too_long else [Piece("paste", self._decoded(bytes(self._pasting) + self._held))]
            self._pasting, self._held, self._began = None, b"", None
            return pasted
        if not self._held:
            return []
        if self._held == b"\x1b":
            if now - self._since < ESCAPE_SECONDS:
                return []
            self._held, self._cut, self._cut_at = b"", b"\x1b", now
            return [Piece("escape", "\x1b")]
        over = self._quiet(now) if self._is_text(self._held) else now - self._since >= CUT_SECONDS
        if over:
            self._drop(now)
        return []

    def _quiet(self, now: float) -> bool:
        while self._arrivals and now - self._arrivals[0][0] >= QUIET_SECONDS:
            self._arrivals.popleft()
        lasted = self._began is None or now - self._began >= QUIET_SECONDS
        return lasted and sum(number for _, number in self._arrivals) < QUIET_BYTES

    def _drop(self, now: float) -> None:
        held, self._held, self._began = self._held, b"", None
        if held.startswith(b"\x1b"):
            self._cut, self._cut_at = held[:SEQUENCE_MOST], now
        else:
            self._lost = _length(held[0]) - len(held)

    def _with_cut(self, data: bytes, now: float) -> bytes:
        """`data`, behind the beginning of its first sequence where that came long before it."""
        cut, self._cut = self._cut, b""
        if now - self._cut_at > LATE_SECONDS:
            return data
        if cut == b"\x1b":
            soon = now - self._cut_at <= SOON_SECONDS and _SOON_AFTER_ESCAPE.match(data)
            late = len(data) > 1 and (soon or _AFTER_ESCAPE.match(data))
        elif self._is_text(cut):
            late = _TEXT_END.search(data)
        elif _MOUSE_BUT_THE_END.fullmatch(cut):
            late = re.match(rb"[0-9;]*[Mm]", data)
        else:
            late = len(data) > 1 and _LATE.match(data)
        return cut + data if late else data

    @staticmethod
    def _is_text(held: bytes) -> bool:
        return len(held) > 1 and held[0] == 0x1B and held[1] in _TEXTS

    def _cut_up(self, now: float) -> list[Piece]:
        pieces: list[Piece] = []
        while self._held or self._pasting is not None:
            if self._pasting is not None:
                if not self._paste_on(pieces):
                    break
                continue
            length = self._first(pieces, now)
            if not length:
                break
            self._held = self._held[length:]
        return pieces

    def _paste_on(self, pieces: list[Piece]) -> bool:
        """Take what is held into the paste; whether its end was there."""
        assert self._pasting is not None
        text, end, rest = self._held.partition(PASTE_END)
        if end:
            self._pasting += text
            if len(self._pasting) <= PASTE_MOST and not self._too_long:
                pieces.append(Piece("paste", self._decoded(bytes(self._pasting))))
            self._pasting, self._held, self._began = None, rest, None
            return True
        kept = len(PASTE_END) - 1
        self._pasting += self._held[:-kept]
        self._held = self._held[-kept:]
        if len(self._pasting) > PASTE_MOST:
            self._too_long = True
            self._pasting.clear()
        return False

    def _first(self, pieces: list[Piece], now: float) -> int:
        """Add the first piece of what is held to `pieces`; how many bytes it took, none where it is not whole yet."""
        held = self._held
        first = held[0]
        if self._lost and 0x80 <= first < 0xC0:
            self._lost -= 1
            return 1
        self._lost = 0
        if first == 0x1B:
            return self._sequence(pieces, now)
        if first in _C1:
            self._held = _C1[first] + held[1:]
            return self._sequence(pieces, now)
        if first < 0x80:
            pieces.append(Piece("text", chr(first)))
            return 1
        return self._character(pieces)

    def _character(self, pieces: list[Piece]) -> int:
        held = self._held
        length = _length(held[0]) if self._utf8 else 1
        if length == 0:
            return 1
        for index in range(1, min(length, len(held))):
            if not 0x80 <= held[index] < 0xC0:
                return index
        if len(held) < length:
            return 0
        text = self._decoded(held[:length])
        if text.isprintable():
            pieces.extend(Piece("text", char) for char in text)
        return length

    def _decoded(self, data: bytes) -> str:
        return data.decode("utf-8" if self._utf8 else self._encoding, "ignore")

    def _sequence(self, pieces: list[Piece], now: float) -> int:
        held = self._held
        if len(held) == 1:
            return 0
        if held[1] == 0x1B:
            pieces.append(Piece("escape", "\x1b"))
            return 1
        if self._is_text(held):
            return self._text_of_its_own(now)
        if held[1] not in b"[O":
            # With alt held down, or the Linux console's shift+tab; other controls, and what is no ASCII, stand for themselves.
            if not 0x20 <= held[1] < 0x80 and held[1] != 0x09:
                pieces.append(Piece("escape", "\x1b"))
                return 1
            pieces.append(Piece("sequence", held[:2].decode()))
            return 2
        whole, begun = (_CSI, _CSI_BEGUN) if held[1] == ord("[") else (_SS3, _SS3_BEGUN)
        if found := whole.match(held):
            if found.group() == PASTE_BEGIN:
                self._pasting, self._too_long, self._began = bytearray(), False, now
                self._arrivals = deque([(now, len(held))])
            elif found.group() != PASTE_END:
                pieces.append(Piece("sequence", found.group().decode("latin-1")))
            return found.end()
        length = len(begun.match(held).group())  # type: ignore[union-attr]  # it matches where `held` begins as it does
        if length < len(held) or length > SEQUENCE_MOST:
            return length  # something else begins in its midst: it was cut short for good
        return 0

    def _text_of_its_own(self, now: float) -> int:
        """OSC, DCS, APC, PM, SOS: answers to queries, and none of them is for the app."""
        held = self._held
        end = _TEXT_END.search(held, 2)
        another = re.search(rb"\x1b[^\\]", held[2:])
        if another is not None and (end is None or another.start() + 2 < end.start()):
            self._began = None
            return another.start() + 2
        if end is not None:
            self._began = None
            return end.end()
        if self._began is None:
            self._began = now
        if len(held) > TEXT_MOST:
            self._held = held[:2] + held[-1:]
        return 0


def _length(first: int) -> int:
    """Bytes of the UTF-8 character that begins with `first`; 0 where none does."""
    return 2 if 0xC2 <= first < 0xE0 else 3 if 0xE0 <= first < 0xF0 else 4 if 0xF0 <= first < 0xF5 else 0
