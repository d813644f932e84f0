"""Pictures of the real app for the README: `python benchmarks/screenshot.py RUN docs/run.svg [--keys c]`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from ser_tui.places import runs_folder
from ser_tui.store.runs import resolve
from ser_tui.tui.app import SerTuiApp


async def picture(reference: str | None, keys: list[str], size: tuple[int, int], path: Path) -> None:
    """Open the app, on a run if one is named, press `keys` one after the other, and save what is on the screen as SVG."""
    run = resolve(runs_folder(), reference).run_id if reference else None
    app = SerTuiApp(runs_folder(), run)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1.5)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(1.0)
        path.write_text(app.export_screenshot(title="ser_tui"))


def main() -> None:
    """Parse the command line and save one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="a run, or - for the home screen")
    parser.add_argument("path", type=Path)
    parser.add_argument("--keys", nargs="*", default=[])
    parser.add_argument("--size", nargs=2, type=int, default=(110, 32), metavar=("COLUMNS", "ROWS"))
    arguments = parser.parse_args()
    reference = None if arguments.run == "-" else arguments.run
    asyncio.run(picture(reference, arguments.keys, (arguments.size[0], arguments.size[1]), arguments.path))


if __name__ == "__main__":
    main()
