"""Where words are typed that the rows of a list must have."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterField(Input):
    """An `Input` that names the key which ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "to the list", key_display="enter")]
