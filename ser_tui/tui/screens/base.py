"""What the app's screens share: the typed app, and calls that may take seconds kept off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from textual.screen import ModalScreen, Screen

from ser_tui.study.errors import UserError
from ser_tui.tui.background import in_thread

if TYPE_CHECKING:
    from ser_tui.tui.app import SerTuiApp

Result = TypeVar("Result")
Returned = TypeVar("Returned")


class AppScreen(Screen[Result]):
    """A screen of ser_tui."""

    @property
    def ser(self) -> SerTuiApp:
        """The app, with its own methods."""
        return cast("SerTuiApp", self.app)

    @property
    def in_front(self) -> bool:
        """Whether nothing lies on top. A change on a screen below has everything above it sent again, so there is none."""
        return self.app.screen is self

    @property
    def left(self) -> bool:
        """Whether it was dismissed: its widgets go one by one, and what a thread or a message brings late finds none."""
        return self not in self.app.screen_stack

    async def attempt(self, call: Callable[[], Returned]) -> Returned | None:
        """`call()` in a thread. A UserError is shown to the person and None returned."""
        try:
            return await in_thread(call)
        except UserError as error:
            self.ser.tell(error, problem=True)
            return None

    async def succeeds(self, call: Callable[[], object]) -> bool:
        """Whether `call()`, made in a thread, came to its end; a UserError is shown."""

        def reported() -> bool:
            call()
            return True

        return await self.attempt(reported) is True


class AppDialog(ModalScreen[Result]):
    """A dialog of ser_tui over the screen that asked."""

    @property
    def ser(self) -> SerTuiApp:
        """The app, with its own methods."""
        return cast("SerTuiApp", self.app)
