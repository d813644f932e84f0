"""Tables that leave the app: in a format that is asked for, copied and written to a file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_tui.report.offered import ENDINGS, SheetFormat
from ser_tui.tui.base import AppScreen
from ser_tui.tui.dialogs.choose import Choosable, choose_one

if TYPE_CHECKING:
    from ser_tui.report.sheets import Sheet

_FOR: Mapping[SheetFormat, str] = {
    "markdown": "for a README or an issue", "latex": "for a paper, with booktabs", "csv": "for a spreadsheet"
}  # fmt: skip


async def choose_format(screen: AppScreen[Any], what: str) -> SheetFormat | None:
    """The format in which `what` is to be copied; None where none was chosen."""
    found = await choose_one(screen, f"Copy {what} as", list(starmap(Choosable, _FOR.items())))
    return next((form for form in _FOR if form == found), None)


async def export_sheet(screen: AppScreen[Any], what: str, place: Path, sheet: Sheet) -> None:
    """Ask for a format, copy the sheet in it, and write it to `place` in the working folder, with the format's suffix."""
    form = await choose_format(screen, what)
    if form is None:
        return
    target = place.with_suffix(f".{ENDINGS[form]}").absolute()

    def write() -> str:
        from ser_tui.places import folder_within
        from ser_tui.report.sheets import written
        from ser_tui.report.writing import write_out

        folder_within(target.parent)
        text = written(sheet, form)
        write_out(target, text)
        return text

    text = await screen.attempt(write)
    if text is not None:
        screen.app.copy_to_clipboard(text)
        screen.ser.tell(f"copied, and written to {target}")
