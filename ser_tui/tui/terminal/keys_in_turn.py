"""Keys, each handed on when the one before it has had its effect.

Textual gives every key at once to what has the focus. On a machine that is busy a person, or a paste, is faster than the key
before: after tab the next letters land in the field that was left, after / they are commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen

_AT_ONCE = ("ctrl+q", "ctrl+z", "ctrl+c")
"""Leave or stop the app, whatever it does."""
_MOVING = (
    "tab", "shift+tab", "up", "down", "left", "right", "backspace", "delete", "home", "end", "ctrl+u", "space", "enter",
    "ctrl+down", "ctrl+up", "ctrl+n",
)  # fmt: skip
LOOK_SECONDS = 0.05
"""Between two looks whether what has the key is still there."""


class KeysInTurn:
    """Hands keys to `deliver` one by one.

    A screen whose `ready` is False has no fields yet: what is typed for it waits till it calls `go_on`, and is dropped where
    it was left by then. Other keys reach it. No key waits for one of the `own_keys` of what has the focus, which change
    neither focus nor screen: a held one is drawn as rarely as it can be.
    """

    def __init__(self, app: App[Any], deliver: Callable[[events.Key], Awaitable[None]]) -> None:
        self._app = app
        self._deliver = deliver
        self._waiting: deque[events.Key] = deque()
        self._at: DOMNode | None = None
        """Where the key is that is under way; None: none is."""
        self._turn = 0
        self._screen: Screen[Any] | None = None
        """Which one was in front when that key came."""
        self._unready: Screen[Any] | None = None
        """For which screen keys wait."""

    async def take(self, key: events.Key) -> None:
        """Hand `key` on, now or later."""
        self._drop_what_was_for_a_screen_that_was_left()  # ahead of `key`, which is for the one in front now
        waits = not _ready(self._app.screen) and _typed(key)
        if key.key in _AT_ONCE or not (waits or self._at is not None or (self._waiting and _typed(key))):
            await self._hand_on(key)
            return
        if waits:
            self._unready = self._app.screen
        self._waiting.append(key)

    def go_on(self) -> None:
        """A screen is ready, or was left."""
        self._app.call_later(self._next)

    async def _hand_on(self, key: events.Key) -> None:
        app = self._app
        target: DOMNode = app.focused or app.screen
        if self._at is None and key.key in getattr(target, "own_keys", ()):
            await self._deliver(key)
            return
        self._turn += 1
        self._screen = app.screen
        await self._deliver(key)
        self._pass(target, self._turn)
        asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, self._turn)

    def _pass(self, node: DOMNode, turn: int) -> None:
        """Called back when `node` has handled the key, which then is with its parent. At last the app runs its bindings."""
        self._at = node
        if not node.call_later(self._passed, node, turn):
            self._at = self._app
            self._app.call_later(self._passed, self._app, turn)

    def _passed(self, node: DOMNode, turn: int) -> None:
        if turn != self._turn or self._at is not node:
            return
        if node is self._app:
            # What the key has asked for: a focus, which the app gives, or a screen, which must have been mounted.
            self._app.call_later(self._settle, turn)
        else:
            self._pass(node.parent if isinstance(node.parent, DOMNode) else self._app, turn)

    def _settle(self, turn: int) -> None:
        if turn != self._turn:
            return
        self._at = screen = self._app.screen
        if screen is self._screen:
            self._app.call_later(self._ended, turn)
        else:
            screen.call_later(self._app.call_later, self._ended, turn)

    async def _ended(self, turn: int) -> None:
        if turn == self._turn:
            self._at = None
            await self._next()

    def _look(self, turn: int) -> None:
        """A widget that is taken away may never call back."""
        if turn != self._turn or self._at is None:
            return
        if self._at.is_running:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look, turn)
        elif self._app.is_running:
            self._app.call_later(self._ended, turn)

    def _drop_what_was_for_a_screen_that_was_left(self) -> None:
        if self._unready is not None and self._unready is not self._app.screen:
            self._waiting.clear()
            self._unready = None

    async def _next(self) -> None:
        if self._at is not None:
            return
        self._drop_what_was_for_a_screen_that_was_left()
        ready = _ready(self._app.screen)
        due = next((key for key in self._waiting if ready or not _typed(key)), None)
        self._unready = None if ready or not self._waiting else self._app.screen
        if due is not None:
            self._waiting.remove(due)
            await self._hand_on(due)
            if self._at is None and self._waiting:
                self._app.call_later(self._next)


def _ready(screen: Screen[Any]) -> bool:
    return bool(getattr(screen, "ready", True))


def _typed(key: events.Key) -> bool:
    """Whether it would be kept for a field: what starts or writes something is not."""
    return key.key in _MOVING or key.is_printable
