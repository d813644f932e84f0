"""What a model says of one recording, as it comes: for those who show it meanwhile."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from ser_tui.client.asking import why_it_ended
from ser_tui.client.using import started
from ser_tui.study.uses import PredictRequest

_TOLD = 2000
"""Characters of what the process says of itself that are kept."""


@dataclass(frozen=True)
class Said:
    """What a model says from `start` to `end` in seconds: the probability of each class; of none where `problem` says why."""

    start: float
    end: float
    shares: Mapping[str, float]
    problem: str = ""

    @property
    def emotion(self) -> str:
        """The most probable class; empty where there is a problem."""
        return max(self.shares, key=self.shares.__getitem__) if self.shares else ""


class Hearing:
    """A process that hears `recording` in pieces with `model` (see `PredictRequest`) until it is done, or closed."""

    def __init__(self, model: str, recording: str, seconds: float | None) -> None:
        """`seconds` of a piece; None: where voice begins and ends. Raises UserError where that cannot be asked for."""
        self.classes: tuple[str, ...] = ()
        self.calibrated: bool | None = None
        """As `Origin` has it, once there are classes."""
        self.models = 1
        """As `Origin` has it."""
        self.said: list[Said] = []
        """Only ever appended to, by a thread."""
        self._words = ""
        request = PredictRequest(model, (recording,), "lines", segments=seconds, voice=seconds is None)
        self._child = started(request, subprocess.PIPE, subprocess.PIPE)
        self._threads = [
            threading.Thread(target=reads, args=(stream,), daemon=True)
            for reads, stream in ((self._read, self._child.stdout), (self._listen, self._child.stderr))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return not any(thread.is_alive() for thread in self._threads) and self._child.poll() is not None

    @property
    def problem(self) -> str:
        """Once it is over: why nothing was said, or not all; empty: nothing is wrong."""
        broken = next((one.problem for one in self.said if one.problem and one.end < 0), "")
        code = self._child.returncode
        if broken or not code:
            return broken
        return why_it_ended(code, self._words)

    def close(self) -> None:
        """Let it end: with its standard input it does."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            told = json.loads(line)
            if "classes" in told:
                self.calibrated, self.models = told["calibrated"], told["models"]
                self.classes = tuple(told["classes"])
            elif told.get("unreadable"):
                self.said.append(Said(-1.0, -1.0, {}, str(told["problem"])))
            else:
                start, end = told["start"] or 0.0, told["end"] or 0.0
                self.said.append(Said(start, end, told.get("probabilities", {}), str(told.get("problem", ""))))

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._words = (self._words + line.decode("utf-8", "replace"))[-_TOLD:]
