"""Which recordings a file of answers has all of, so that they need not be heard again.

A call is stopped within a recording, and a later one may name others first: no order of rows tells what is whole. The cut does: where
a recording's pieces lie, as far as that is known without hearing it.
"""

from __future__ import annotations

from collections.abc import Collection

from ser_tui.inference.pieces import LEAST_VOICE, Cut, known_length, planned
from ser_tui.inference.sources import Recording
from ser_tui.store.answers import Key, shown


class Finished:
    """What `done`, the keys of the answers that are there, has all of; recordings are cut by `cut`."""

    def __init__(self, done: Collection[Key], cut: Cut) -> None:
        self._done, self._cut = done, cut
        self._reach: dict[str, float] = {}
        """Of a recording in pieces: the end of its last answer, in seconds."""
        for name, _, end in () if cut.whole else done:
            self._reach[name] = max(self._reach.get(name, 0.0), end or 0.0)

    def has(self, source: Recording) -> bool:
        """Whether all answers on `source` are known to be there. No more than the header of its file is read.

        Where it is False for a recording in pieces, only cutting it again can tell: each piece is then looked up by itself.
        """
        name = shown(source.name)
        # Of a recording in pieces this is what went wrong with it, behind which nothing comes.
        if (name, source.clip.start, source.clip.end) in self._done:
            return True
        if not self.begun(source) or (there := known_length(source.clip)) is None:
            return False
        frames, rate = there
        if self._cut.seconds is not None:
            return all((name, start, end) in self._done for start, end in planned(frames, rate, self._cut.seconds))
        return frames / rate - self._reach[name] < LEAST_VOICE

    def begun(self, source: Recording) -> bool:
        """Whether there are answers on pieces of `source`, of which more may be found."""
        return shown(source.name) in self._reach and not source.problem
