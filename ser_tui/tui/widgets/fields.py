"""The rows of the new-study form: label, control, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static

from ser_tui.study.formatting import counted, printable
from ser_tui.tui.data.form import DimensionText, FormField, Kind
from ser_tui.tui.widgets.lines import Lines
from ser_tui.tui.widgets.options import Options
from ser_tui.tui.widgets.picker import Picker


class FieldNote(Static):
    """What follows from a choice; it takes no room while there is nothing to say."""

    DEFAULT_CSS = """
    FieldNote { height: auto; width: 1fr; color: $muted; }
    FieldNote:ansi { text-style: dim; }
    FieldNote.-problem { color: $warning; }
    FieldNote.-problem:ansi { text-style: none; }
    """

    def __init__(self, text: str) -> None:
        super().__init__(text, markup=False, classes="" if text else "-empty")
        self._text = text

    def say(self, text: str, problem: bool) -> None:
        """Show `text`, or nothing; a `problem` with a mark."""
        self.set_class(problem, "-problem")
        text = f"! {text}" if problem and text else text  # its colour alone is not seen everywhere
        if text != self._text:
            self._text = text
            self.update(printable(text))
            self.set_class(not text, "-empty")


class FieldRow(Container):
    """A setting of the study: its control is an Input or, for words, an Options."""

    DEFAULT_CSS = """
    FieldRow { layout: grid; grid-size: 2; grid-columns: 15 1fr; grid-rows: auto; height: auto; }
    FieldRow > .label { color: $muted; }
    FieldRow > FieldNote { column-span: 2; padding-left: 15; }
    FieldRow > FieldNote.-empty { display: none; }
    """

    def __init__(self, label: str, control: Widget, key: str, note: str = "") -> None:
        super().__init__(id=f"row-{slug(key)}")
        self.key = key
        self.help = note
        self._label = label
        self.control = control
        self._note = FieldNote(note)  # held, not looked for: the row may be gone when it is told something

    def compose(self) -> ComposeResult:
        """Label, control, note."""
        yield Lines(Text(self._label), classes="label")
        yield self.control
        yield self._note

    def say(self, text: str, *, problem: bool = False) -> None:
        """Put `text` beside the control; without one its standing explanation."""
        self._note.say(text or self.help, problem)


def field_row(item: FormField, value: str) -> FieldRow:
    """The row of a field of the form."""
    control: Widget
    if item.options:
        control = Options(item.options, value, id=f"field-{slug(item.key)}")
    else:
        control = Input(value, id=f"field-{slug(item.key)}", compact=True)
        control.styles.max_width = item.width if not item.listed else 46
    return FieldRow(item.label, control, item.key, item.help)


class _Folded(Picker):
    """Opens what is folded."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "open", "show them", key_display="enter")]


class FoldRow(FieldRow):
    """Stands for the rows of a section that are not shown: how many, and which."""

    def __init__(self, section: str, what: str) -> None:
        self.section = section
        self._what = what
        self._picker = _Folded("", id=f"field-fold-{section.lower()}")
        super().__init__("more", self._picker, f"fold-{section.lower()}")

    def stand_for(self, names: Sequence[str]) -> None:
        """Say what is not shown."""
        self.display = bool(names)
        self._picker.value = counted(len(names), self._what)
        self.say(", ".join(names))


def slug(key: str) -> str:
    """A dotted key as a widget's id."""
    return key.replace(".", "-")


class DimensionRow(Container):
    """A hyperparameter's bounds: an interval with its scale, a list of choices, or one value."""

    DEFAULT_CSS = """
    DimensionRow { layout: vertical; height: auto; }
    DimensionRow > Horizontal { height: 1; width: 100%; }
    DimensionRow .label { width: 27; }
    DimensionRow Options { width: 13; }
    DimensionRow .low, DimensionRow .high { width: 11; margin-right: 1; }
    DimensionRow .single { width: 34; }
    DimensionRow FieldNote { padding-left: 27; }
    DimensionRow FieldNote.-empty { display: none; }
    """

    def __init__(self, text: DimensionText, **options: Any) -> None:
        super().__init__(id=f"dimension-{text.hyperparameter.name}", **options)
        self.text = text
        # Held, not looked for: the form may be left while its rows are being mounted.
        self._line = Horizontal()
        self._kind = Options(text.kinds, text.kind, narrow=True, classes="kind")
        self._parts: dict[str, Input | Options] = {}
        """The controls of the kinds that were chosen so far: each is a widget, and most hyperparameters are at one value."""
        self._note = FieldNote(text.hyperparameter.help)

    def compose(self) -> ComposeResult:
        """What every kind has, and the controls of the present one."""
        with self._line:
            yield Lines(Text(self.text.hyperparameter.name), classes="label")
            yield self._kind
            yield from self._fresh()
        yield self._note

    def on_mount(self) -> None:
        """Show the bounds as they are by now."""
        self.fill()

    def fill(self) -> None:
        """Take the texts into the controls."""
        if not self.is_mounted:
            return  # `on_mount` will
        self._kind.value = self.text.kind
        values = self._values()
        with self.prevent(Input.Changed):
            if fresh := self._fresh():
                self._line.mount_all(fresh)
            for part, value in values.items():
                self._parts[part].value = value
        for part, control in self._parts.items():
            control.display = part in values

    def _values(self) -> dict[str, str]:
        """What the controls of the present kind are to show."""
        text = self.text
        if text.kind == "range":
            return {"low": text.low, "high": text.high, "scale": text.scale if text.scale in text.scales else text.scales[0]}
        return {"single": text.choices if text.kind == "choices" else text.fixed}

    def _fresh(self) -> list[Input | Options]:
        """The controls of the present kind that are not there yet."""
        with self.prevent(Input.Changed):
            fresh = {part: self._made(part, value) for part, value in self._values().items() if part not in self._parts}
        self._parts |= fresh
        return list(fresh.values())

    def _made(self, part: str, value: str) -> Input | Options:
        if part != "scale":
            return Input(value, compact=True, classes=part)
        scales = self.text.scales
        made = Options(scales, value, narrow=True, classes=part)
        made.can_focus = len(scales) > 1
        return made

    def take(self) -> None:
        """Take the controls into the texts."""
        text = self.text
        typed = {part: control.value for part, control in self._parts.items()}
        if text.kind == "range":
            text.low, text.high, text.scale = typed["low"], typed["high"], typed["scale"]
        elif text.kind == "choices":
            text.choices = typed["single"]
        else:
            text.fixed = typed["single"]

    def set_kind(self, kind: Kind) -> None:
        """Another kind of bounds; what was typed for the others is kept."""
        hyperparameter, text = self.text.hyperparameter, self.text
        text.kind = kind
        if kind == "choices" and not text.choices:
            text.choices = " ".join(hyperparameter.options) or text.fixed or str(hyperparameter.default)
        if kind == "fixed" and not text.fixed:
            text.fixed = str(hyperparameter.default)
        if kind == "range" and not text.low and not text.high:
            text.low = text.high = text.fixed
        self.fill()

    def say(self, text: str, *, problem: bool = False) -> None:
        """Put `text` beside the bounds; without one what the hyperparameter means."""
        self._note.say(text or self.text.hyperparameter.help, problem)
