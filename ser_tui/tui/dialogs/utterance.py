"""One utterance: how it looks, what the model said of it, and how it sounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.evaluation.errors import Spoken, Wrong
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import score
from ser_tui.tui.base import AppScreen
from ser_tui.tui.data.background import in_thread
from ser_tui.tui.views.confusions import bars, spectrogram_lines, waveform_lines
from ser_tui.tui.widgets.keybar import KeyBar
from ser_tui.tui.widgets.lines import Lines, broken
from ser_tui.tui.widgets.table import cell


class UtteranceScreen(AppScreen[None]):
    """Utterance `at` of `listed`; left and right go to its neighbours."""

    CSS_PATH = "utterance.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "go(-1)", "earlier", priority=True),
        Binding("right", "go(1)", "later", priority=True),
        Binding("p", "play", "play", tooltip="Play it, where there is a sound device"),
        Binding("escape,q,enter", "dismiss", "back", key_display="esc"),
    ]

    def __init__(self, listed: Sequence[Wrong], at: int) -> None:
        super().__init__()
        self._listed, self._at = listed, at

    def compose(self) -> ComposeResult:
        """Its facts, what was said, and its picture."""
        yield Lines(Text(), Text(), classes="title", id="head")
        yield Lines(id="said")
        yield Lines(id="picture")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the first one."""
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it for the new size."""
        self.call_after_refresh(self._show)

    @property
    def _one(self) -> Wrong:
        return self._listed[self._at]

    @work(exclusive=True)
    async def _show(self) -> None:
        one, spoken, width = self._one, self._one.spoken, max(20, self.size.width - 2)
        facts = (
            f"speaker {spoken.speaker}" if spoken.speaker else "", spoken.gender or "",
            "" if spoken.seconds is None else f"{spoken.seconds:.2f} s", f"{one.truth} said as {one.said or '(unreadable)'}",
            "" if one.confidence is None else f"confidence {score(one.confidence)}",
        )  # fmt: skip
        head = cell(spoken.id, "bold")
        head.append_text(cell(f"   {self._at + 1} of {len(self._listed)}", "muted"))
        self.query_one("#head", Lines).show([head, cell("   ".join(fact for fact in facts if fact))])
        said = bars(one.probabilities, one.truth, one.said, width) or [cell("class probabilities were not kept", "muted")]
        self.query_one("#said", Lines).show(said)
        height = max(6, self.size.height - self.query_one(KeyBar).size.height - len(said) - 3)  # head and a blank line
        plain = bool(self.app.current_theme.ansi)
        try:
            picture = await in_thread(_picture, spoken, width, height, plain)
        except UserError as error:
            picture = broken(cell(str(error), "warning"), width, hang=2)
        self.query_one("#picture", Lines).show(picture)

    def action_go(self, step: int) -> None:
        """The utterance before, or after."""
        self._at = min(max(0, self._at + step), len(self._listed) - 1)
        self._show()

    @work(exclusive=True, group="play")
    async def action_play(self) -> None:
        """Play it; where that cannot be, say where it is."""
        spoken = self._one.spoken
        why = await self.attempt(lambda: _played(spoken))
        if why:
            bounds = "" if spoken.start is None and spoken.end is None else f", {spoken.start or 0:g} s to {spoken.end or 'its end'}"
            self.ser.tell(f"{why}; the recording is {spoken.path}{bounds}", problem=True)


def _clip(spoken: Spoken) -> Clip:
    if spoken.path is None:
        raise UserError("which recording it is was not kept")
    add = f"`ser-tui corpora add {spoken.corpus} PATH` says where it lies"
    if not Path(spoken.path).is_absolute():
        if spoken.corpus is None:
            raise UserError(f"{spoken.path} cannot be heard: the run kept this path from the folder on in which it was begun")
        raise UserError(f"{spoken.path} cannot be heard: the corpus {spoken.corpus} is not on this machine; {add}")
    if spoken.corpus and not Path(spoken.path).exists():
        raise UserError(f"{spoken.path} is not there; if {spoken.corpus} lies elsewhere, {add}")
    return Clip(Path(spoken.path), spoken.start, spoken.end)


def _played(spoken: Spoken) -> str:
    from ser_tui.client.playing import play
    from ser_tui.corpora.hearing.picture import heard

    return play(heard(_clip(spoken), spoken.digest))


def _picture(spoken: Spoken, width: int, height: int, plain: bool) -> list[Text]:
    """Waveform and spectrogram on `height` lines, their headings included."""
    from ser_tui.corpora.hearing.picture import TOP_HERTZ, heard, log_mel, waveform

    sound = heard(_clip(spoken), spoken.digest)
    wave = 3 if height < 20 else 8
    bands = max(4, height - wave - 2)
    top = min(TOP_HERTZ, sound.rate / 2) / 1000
    return [
        cell(f"waveform, {len(sound.samples) / sound.rate:.2f} s", "muted"),
        *waveform_lines(waveform(sound, width).tolist(), wave, plain=plain),
        cell(f"log-mel spectrogram, 0 to {top:g} kHz from below", "muted"),
        *spectrogram_lines(log_mel(sound, width, 2 * bands).tolist(), plain=plain),
    ]
