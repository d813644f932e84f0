"""Tables that leave the app: in a format that is asked for, copied and written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_tui.tui.base import AppScreen
from ser_tui.tui.dialogs.choose import Choosable, choose_one

if TYPE_CHECKING:
    from ser_tui.report.offered import SheetFormat
    from ser_tui.report.sheets import Sheet

TABLES: tuple[tuple[SheetFormat, str, str], ...] = (
    ("markdown", "md", "for a README or an issue"),
    ("latex", "tex", "for a paper, with booktabs"),
    ("csv", "csv", "for a spreadsheet"),
)


async def choose_format(screen: AppScreen[Any], what: str) -> tuple[SheetFormat, str] | None:
    """The format in which `what` is to be copied, and how such a file's name ends; None where none was chosen."""
    choices = [Choosable(name, note) for name, _, note in TABLES]
    found = await choose_one(screen, f"Copy {what} as", choices)
    return next(((name, suffix) for name, suffix, _ in TABLES if name == found), None)


async def export_sheet(screen: AppScreen[Any], what: str, place: Path, sheet: Sheet) -> None:
    """Ask for a format, copy the sheet in it, and write it to `place` in the working folder, with the format's suffix."""
    form = await choose_format(screen, what)
    if form is None:
        return
    target = place.with_suffix(f".{form[1]}").absolute()

    def write() -> str:
        from ser_tui.places import private_folder
        from ser_tui.report.sheets import written
        from ser_tui.report.writing import write_out

        private_folder(target.parent)
        text = written(sheet, form[0])
        write_out(target, text)
        return text

    text = await screen.attempt(write)
    if text is not None:
        screen.app.copy_to_clipboard(text)
        screen.ser.tell(f"copied, and written to {target}")
