"""The command palette: what the present screen can do now, and the runs by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from ser_tui.study.errors import UserError
from ser_tui.study.formatting import printable
from ser_tui.tui.base import Host
from ser_tui.tui.widgets.keybar import key_of, offered


class ScreenCommands(Provider):
    """The bindings of the screen from which the palette was opened, as commands."""

    @property
    def _ser(self) -> Host:
        return cast("Host", self.app)

    def _actions(self) -> Iterator[tuple[str, str, str]]:
        for binding in (active.binding for active in offered(self.screen)):
            yield f"{binding.description}  ({key_of(binding)})", binding.tooltip or "", binding.key

    def _runs(self) -> Iterator[tuple[str, str]]:
        for run_id in self._known()[:1000]:
            yield f"open {printable(run_id)}", run_id

    def _known(self) -> list[str]:
        """Ids of the runs: as they were seen last, since every letter that is typed asks, and a disk may be slow."""
        from ser_tui.store.runs import folders

        if seen := self._ser.feed().summaries:
            return [one.run_id for one in seen]
        with suppress(UserError):
            return [folder.run_id for folder in folders(self._ser.runs)]
        return []

    async def discover(self) -> Hits:
        """What the screen can do, before anything is typed."""
        for text, help_text, key in self._actions():
            yield DiscoveryHit(Text(text), partial(self.app.simulate_key, key), text, help_text or None)

    async def search(self, query: str) -> Hits:
        """Commands and runs that fit what is typed."""
        matcher = self.matcher(query)
        for text, help_text, key in self._actions():
            if (rank := matcher.match(text)) > 0:
                yield Hit(rank, Text(text), partial(self.app.simulate_key, key), text, help_text or None)
        for text, run_id in self._runs():
            if (rank := matcher.match(text)) > 0:
                yield Hit(rank, Text(text), partial(self._ser.open_run, run_id), text)
