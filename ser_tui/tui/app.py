"""The app: it starts fast, owns the theme and the way between screens, and leaves everything else to them."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input
from textual.worker import WorkerFailed

from ser_tui.store.settings import Preferences, read_settings, use_time_zone
from ser_tui.study.errors import UserError, told
from ser_tui.study.formatting import printable
from ser_tui.study.status import ShownStatus
from ser_tui.tui.base import BINDINGS_BY_ID, with_ids
from ser_tui.tui.data.background import Fetches, Progress, calls_under_way, in_thread
from ser_tui.tui.data.garbage import kept
from ser_tui.tui.terminal.keys_in_turn import KeysInTurn
from ser_tui.tui.terminal.sanitize import Harmless
from ser_tui.tui.terminal.screen_diff import Sent
from ser_tui.tui.theme import PLAIN_THEME, THEME, legible_variables, muted, styles
from ser_tui.tui.widgets.characters import choose_scroll_bars, encoding

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.command import Provider
    from textual.driver import Driver
    from textual.filter import LineFilter

    from ser_tui.study.run_summary import RunSummary
    from ser_tui.tui.data.feed import RunsFeed


ENDS_SECONDS = 2.0
"""Between two looks whether a run has ended."""
CALM_SECONDS = 0.5
"""After the first frame, before anything is done that nobody asked for yet."""


def _commands() -> type[Provider]:
    from ser_tui.tui.commands import ScreenCommands

    return ScreenCommands


class SerTuiApp(App[None]):
    """Home screen and whatever is opened from it. `attach`: id of a run to show at once."""

    TITLE = "ser_tui"
    CSS_PATH = ["app.tcss", "screens/home.tcss"]  # noqa: RUF012  Textual loads no CSS for the default screen by itself
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = with_ids("app", [
        Binding("question_mark", "help", "help", key_display="?", tooltip="What is on this screen, and its keys"),
        Binding("f1", "help", "help", show=False),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "to the shell", show=False, priority=True),
    ])  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  Textual declares it without ClassVar
        (0, "-narrow"),
        (110, "-wide"),
        (160, "-huge"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012  as above

    def __init__(self, runs: Path, attach: str | None = None, driver_class: type[Driver] | None = None) -> None:
        # Which filter takes the colours out is settled before there is a theme: the wrong one makes black on black of all.
        super().__init__(driver_class, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.runs = runs
        self.attach = attach
        self.until_ready = ExitStack()
        """Is left once the first frame is there."""
        self.opened: str | None = None
        """The run that was opened last: where the list's cursor stands on the way back."""
        self.animation_level = "none"
        choose_scroll_bars()
        self.register_theme(THEME)
        self.register_theme(PLAIN_THEME)
        self._named_styles = False
        self.settings, self._problems = read_settings()
        use_time_zone(self.settings.time_zone)
        self.theme = self._best_theme()
        self._feed: RunsFeed | None = None
        self.fetches = Fetches()
        self._harmless = Harmless(encoding())
        self._sent = Sent()
        self._keys = KeysInTurn(self, super().on_event)

    def feed(self) -> RunsFeed:
        """The one reader of the runs folder, made on first use: importing it is not for the first paint."""
        if self._feed is None:
            from ser_tui.tui.data.feed import RunsFeed

            self._feed = RunsFeed(self.runs)
        return self._feed

    def get_default_screen(self) -> Screen[Any]:
        """The home screen, at once: a blank one below it would cost a frame."""
        from ser_tui.tui.screens.table import maker

        return maker("home")()

    async def on_event(self, event: events.Event) -> None:
        """As Textual's; keys come one after another."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def go_on(self) -> None:
        """A screen that was not ready for keys now is, or was left: those that were typed meanwhile come."""
        self._keys.go_on()

    def on_mount(self) -> None:
        """Show the run to attach to on top of the home screen."""
        self.app_resume_signal.subscribe(self, lambda app: self._repaint())
        if self.settings.keys:
            self.set_keymap(self.settings.keys)
        if self.attach is not None:
            self.open_run(self.attach)
        self._tell_ends()

    def use_settings(self, settings: Preferences) -> None:
        """Show everything as `settings` say from now on."""
        self.settings, self._problems = settings, []
        use_time_zone(settings.time_zone)
        self.theme = self._best_theme()
        self.set_keymap(settings.keys)

    @work(exclusive=True, group="ends")
    async def _tell_ends(self) -> None:
        """Tell of every run that was under way and is over, whatever screen is in front, where that is wanted."""
        under_way: set[str] = set()
        for problem in self._problems[:1]:
            self.tell(problem, problem=True)
        while True:
            await asyncio.sleep(ENDS_SECONDS)
            if self._feed is None:
                continue
            if any(self._may_tell(one) for one in self._feed.summaries if one.run_id in under_way):
                with suppress(UserError, OSError):  # a disk that is away: nothing has ended that is known of
                    await in_thread(self._feed.poll)
            summaries = self._feed.summaries
            for one in summaries:
                if one.run_id in under_way and not one.under_way:
                    self._tell_end(one)
            under_way = {one.run_id for one in summaries if one.under_way}

    def _may_tell(self, summary: RunSummary) -> bool:
        of_run = summary.remarks.notify
        return self.settings.notify != "never" if of_run is None else of_run

    def _tell_end(self, summary: RunSummary) -> None:
        from ser_tui.study import notices

        if notices.wanted(self.settings.notify, summary.remarks.notify, summary):
            text = notices.words(summary)
            self.tell(text, problem=summary.state not in (ShownStatus.DONE, ShownStatus.STOPPED))
            plain = not encoding().lower().startswith("utf")
            self.send(notices.terminal_text(
                text, bell=self.settings.notify_bell, desktop=self.settings.notify_desktop, environment=os.environ, ascii_only=plain
            ))  # fmt: skip

    def send(self, sequence: str) -> None:
        """Write to the terminal what is no part of the picture."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)

    def on_ready(self) -> None:
        """The first frame is there."""
        self.until_ready.close()
        if not self.is_headless:
            self.run_worker(self._prepare(), exit_on_error=False)  # what fails here is told where the screen is opened

    async def _prepare(self) -> None:
        """While the first list is looked at: bring what the next screens need, so that they open at once."""
        from ser_tui.tui.screens.table import bring, sheets

        await asyncio.sleep(CALM_SECONDS)
        while calls_under_way():
            await asyncio.sleep(CALM_SECONDS / 10)  # a long log is read: that comes first
        await in_thread(bring)
        for path in sheets():
            # Textual would read a screen's sheet when it is first shown, and then go through those of all others again.
            if not self.stylesheet.has_source(str(path), ""):
                self.stylesheet.read(path)
                self.stylesheet.parse()
                await asyncio.sleep(CALM_SECONDS / 10)

    def on_app_blur(self, event: events.AppBlur) -> None:
        """Another pane or window is in front. Textual would take the focus away: other keys in the bar, other colours, and both again on
        the way back, over the line at each change of panes. Nothing changes here."""
        event.prevent_default()

    def on_resize(self) -> None:
        """A terminal that was made smaller in between has lost what it showed."""
        self._sent.forget()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        # Only what Textual is about to send, by its own conditions, may count as sent.
        if self._running and not self._closed and not self.is_headless and self._driver is not None and not self._batch_count:
            renderable = self._sent.less(screen, renderable, self.console)
        super()._display(screen, renderable)

    def _handle_exception(self, error: Exception) -> None:
        """What the system refuses a screen's work, and the screen did not expect, as where a disk is away, is told: the app goes on, and
        who looks again asks again. All else ends the app, as Textual's."""
        cause: BaseException | None = error if isinstance(error, WorkerFailed) else None
        while isinstance(cause, WorkerFailed):  # of a worker that has waited for another one
            cause = cause.error
        if isinstance(cause, UserError | OSError):
            self.tell(told(cause) if isinstance(cause, OSError) else cause, problem=True)
            return
        super()._handle_exception(error)

    def _repaint(self) -> None:
        """The terminal was lent: it shows what others wrote."""
        self._sent.forget()
        self.screen.refresh(layout=True)

    def action_suspend_process(self) -> None:
        """Stop, and give the terminal back to the shell until `fg`."""
        from ser_tui.tui.terminal.driver import TerminalDriver

        driver = self._driver
        if not isinstance(driver, TerminalDriver):
            return
        if driver.can_stop:
            driver.stop_job()
        else:
            self.tell("no shell with job control is waiting: nothing could bring the app back. ctrl+q leaves it; runs go on")

    def open(self, name: str, /, *shown: Any) -> None:
        """Show the screen called `name`, of what `shown` names."""
        from ser_tui.tui.screens.table import maker

        self.push_screen(maker(name)(*shown))

    def open_run(self, run_id: str) -> None:
        """Show the run called `run_id`, live or past."""
        self.opened = run_id
        self.feed().attend(run_id)
        self.open("run", run_id)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes before it is sent."""
        return [*super().get_line_filters(), self._harmless]

    def tell(self, message: object, *, problem: bool = False) -> None:
        """Show a sentence for a while; nothing in it is read as markup."""
        self.clear_notifications()  # one at a time: they cover the rows and the keys
        self.notify(printable(str(message)), severity="warning" if problem else "information", markup=False, timeout=6 if problem else 3)

    async def fetch(self, kind: str, name: str, call: Callable[[Progress], object]) -> None:
        """Download by `call(progress)` and tell how that ended. A screen that is left while it waits for it does not end it."""

        async def fetched() -> None:
            reason = await self.fetches.run(kind, name, call)
            self.tell(reason or f"{name} is here now", problem=bool(reason))

        await asyncio.shield(self.run_worker(fetched()).wait())

    def action_help(self) -> None:
        """Show the help of the present screen."""
        from ser_tui.tui.dialogs.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep cursors still: a blinking one would send bytes for ever."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the stylesheets name and Textual's own themes do not."""
        return {"muted": muted(self.current_theme)}

    def get_css_variables(self) -> dict[str, str]:
        """As Textual's, with the colours of text so that they are read in every theme."""
        self.theme_variables = {**super().get_css_variables(), **legible_variables(self.current_theme)}
        return self.theme_variables

    def watch_theme(self, name: str) -> None:
        """Give rich text the same colours."""
        self._name_styles(self.current_theme)

    def _name_styles(self, theme: Theme) -> None:
        if self._named_styles:
            self.console.pop_theme()
        self.console.push_theme(styles(theme))
        self._named_styles = True

    def _best_theme(self) -> str:
        if self.settings.theme in self.available_themes and not self.no_color:
            return self.settings.theme
        plain = self.no_color or self.console.color_system not in ("truecolor", "256")
        return (PLAIN_THEME if plain else THEME).name


def bindings() -> dict[str, Binding]:
    """Every key of the app that can be changed, by its id: of the app, of each screen and of each dialog."""
    from importlib import import_module
    from pkgutil import iter_modules

    for room in ("screens", "dialogs"):
        for module in iter_modules([str(Path(__file__).parent / room)]):
            import_module(f"ser_tui.tui.{room}.{module.name}")
    return dict(BINDINGS_BY_ID)


def run(runs: Path, attach: str | None = None) -> int:
    """Open the app on the runs in `runs` and return its exit code. Raises UserError where there is no terminal for it."""
    refuse_unusable_terminal()
    end_with_the_terminal()
    with ExitStack() as until_ready:
        until_ready.enter_context(kept(fresh=True))  # looking through what the start makes takes a tenth of its time
        from ser_tui.tui.terminal.driver import TerminalDriver, mouse_wanted

        app = SerTuiApp(runs, attach, TerminalDriver)
        app.until_ready = until_ready
        app.run(mouse=mouse_wanted(app.settings.mouse, os.environ))
    return app.return_code or 0


def end_with_the_terminal() -> None:
    """See to it that this process ends when its terminal is closed.

    Under a shell that ignores SIGHUP the signal is ignored here too, or never sent; then Textual would read the end of its
    input without a pause, and wait for ever to write.
    """
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    terminal = select.poll()
    terminal.register(sys.stdin.fileno(), 0)  # no event is asked for: that it was closed is told all the same

    def wait() -> None:
        terminal.poll()
        os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, daemon=True, name="terminal").start()


def refuse_unusable_terminal() -> None:
    """Raise UserError where the app could only print rubbish."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):  # Textual draws on standard error
        raise UserError("the app needs a terminal; without one use `ser-tui run STUDY --headless`, `ser-tui runs`, `ser-tui show RUN`")
    term = os.environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        raise UserError(
            f"TERM is {term or 'not set'}: this terminal says that it cannot move its cursor; set TERM (xterm-256color suits "
            "most), or use `ser-tui run STUDY --headless`, `ser-tui runs`, `ser-tui show RUN`"
        )
