"""What screens and dialogs share: what they ask of the app, calls that may take seconds kept off the event loop, how they are left."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.worker import NoActiveWorker, get_current_worker

from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError, told
from ser_tui.tui.data.background import Fetches, Progress, in_thread
from ser_tui.tui.widgets.keybar import KeyBar

if TYPE_CHECKING:
    from ser_tui.store.settings import Preferences
    from ser_tui.tui.data.feed import RunsFeed

_LOOKS = (events.Mount, events.Timer, events.Resize, events.ScreenResume, events.Key, events.Paste, events.Click)
_TOLD_BY = ("ser_tui.", "textual.widgets.")
"""Events, and the modules of messages, upon which a screen looks for its widgets."""

BINDINGS_BY_ID: dict[str, Binding] = {}
"""Every binding of the app and of the screens and dialogs that were imported, by the id by which a person gives it another key."""

Result = TypeVar("Result")
Returned = TypeVar("Returned")


def with_ids(name: str, bindings: Iterable[BindingType]) -> list[BindingType]:
    """`bindings` of what is called `name` with ids such as home.delete, by which the settings give them other keys.

    Those that are not shown beside another one, an alias, have none. An action that takes a value is named by what is shown.
    """
    found: list[BindingType] = []
    for one in bindings:
        named = one
        if isinstance(one, Binding) and one.description and one.id is None and (one.show or one.priority):
            action = one.action.partition(".")[2] or one.action
            id_ = f"{name}.{action if '(' not in action else one.description.replace(' ', '_')}"
            named = BINDINGS_BY_ID[id_] = replace(one, id=id_)
        found.append(named)
    return found


class Host(Protocol):
    """What a screen may ask of the app that shows it, beyond what every Textual app does. Screens open one another through it,
    by name (`tui/screens/table.py`): none of them imports another."""

    runs: Path
    opened: str | None
    settings: Preferences
    fetches: Fetches

    def feed(self) -> RunsFeed:
        """The one reader of the runs folder."""

    def open(self, name: str, /, *shown: Any) -> None:
        """Show the screen called `name`, of what `shown` names."""

    def open_run(self, run_id: str) -> None:
        """Show a run, where the list's cursor stands on the way back."""

    def use_settings(self, settings: Preferences) -> None:
        """Show everything as `settings` say from now on."""

    def go_on(self) -> None:
        """Hand on the keys that were typed while a screen was not `ready`."""

    def tell(self, message: object, *, problem: bool = False) -> None:
        """Show a sentence for a while."""

    async def fetch(self, kind: str, name: str, call: Callable[[Progress], object]) -> None:
        """Download by `call(progress)`, and tell how that ended."""


class AppScreen(Screen[Result]):
    """A screen of ser_tui."""

    def __init_subclass__(cls, **options: Any) -> None:
        # Before Textual merges them. Its own id of a binding is what a keymap goes by.
        if "BINDINGS" in vars(cls):
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Screen")).lower()
            cls.BINDINGS = with_ids(name, cls.BINDINGS)
        super().__init_subclass__(**options)

    @property
    def ready(self) -> bool:
        """Whether it takes what is typed; until then that waits, see `tui/terminal/keys_in_turn.py`."""
        return True

    @property
    def ser(self) -> Host:
        """The app, as its host."""
        return cast("Host", self.app)

    def folder_of(self, run_id: str) -> RunFolder:
        """The folder of the run called `run_id`."""
        return RunFolder(self.ser.runs / run_id)

    @property
    def in_front(self) -> bool:
        """Whether nothing lies on top. A change on a screen below has everything above it sent again, so there is none.

        Not of an app that is about to end either: it takes its screens' widgets away before it stops who draws on them.
        """
        return self.app.is_running and self.app.screen is self

    @property
    def left(self) -> bool:
        """Whether it was dismissed: its widgets go one by one, and what a thread or a message brings late finds none."""
        return self not in self.app.screen_stack

    async def on_event(self, event: events.Event) -> None:
        """As Textual's, without sizes that the terminal no longer has.

        A layout tells its screen its size once more. Where two sizes are under way at once (a terminal that is resized while
        it is drawn, one that says 0 rows), each would bring the other back for ever.
        """
        if isinstance(event, events.Resize) and event.size != self.app.size:
            event = events.Resize(self.app.size, self.app.size, pixel_size=event.pixel_size)
        await super().on_event(event)

    async def _on_message(self, message: Message) -> None:
        """As Textual's, but what comes for a screen that was left, and would look for its widgets, is dropped.

        Private in Textual, which has no other place that every message and event passes before it is handled;
        tests/tui/test_tui_leaving_early.py fails where a new version goes another way.
        """
        if self.left and (isinstance(message, _LOOKS) or type(message).__module__.startswith(_TOLD_BY)):
            return
        await super()._on_message(message)

    if not TYPE_CHECKING:  # its overloads are Textual's

        def query_one(self, *arguments: Any, **named: Any) -> Any:
            """As Textual's. What a worker looks for in vain on a screen that was left, or in an app that ends, ends that worker only."""
            try:
                return super().query_one(*arguments, **named)
            except NoMatches:
                if not self.left and self.app.is_running:
                    raise
                try:
                    get_current_worker()
                except NoActiveWorker:
                    raise NoMatches(f"{type(self).__name__} was left") from None
                raise asyncio.CancelledError from None

    def on_screen_suspend(self) -> None:
        """What still works for a screen that was left ends before its widgets go: it would look for them in vain."""
        if self.left:
            self.workers.cancel_node(self)
        else:
            self._cover_keys(True)

    def on_screen_resume(self) -> None:
        """In front again: the keys work."""
        self._cover_keys(False)

    def _cover_keys(self, covered: bool) -> None:
        for bar in self.query(KeyBar):
            bar.cover(covered)

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Leave this screen, and what lies on top of it. Nothing where it was left already.

        Textual takes away whatever screen is in front: after a second key, or a late answer, that is another one.
        """
        if self.left:
            return AwaitComplete()
        while not self.in_front:
            self.app.pop_screen()
        return super().dismiss(result)

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """As Textual's, which has the screen in front make the call, also where that is no longer this one: then nothing."""
        return super().call_after_refresh(lambda: None if self.left else callback(*args, **kwargs))

    async def attempt(self, call: Callable[[], Returned]) -> Returned | None:
        """`call()` in a thread. A UserError, or what the system refused, is shown to the person and None returned."""
        try:
            return await in_thread(call)
        except UserError as error:
            self.ser.tell(error, problem=True)
        except OSError as error:
            self.ser.tell(told(error), problem=True)
        return None

    async def succeeds(self, call: Callable[[], object]) -> bool:
        """Whether `call()`, made in a thread, came to its end; a UserError is shown."""

        def reported() -> bool:
            call()
            return True

        return await self.attempt(reported) is True


class AppDialog(ModalScreen[Result], AppScreen[Result]):
    """A dialog of ser_tui over the screen that asked."""
