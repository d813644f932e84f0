"""The verbs of `ser-tui encoders`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ser_tui.cli.output import print_json, print_table, say
from ser_tui.encoders import registry
from ser_tui.study.errors import UserError


def list_encoders(folders: Sequence[str], *, as_json: bool) -> int:
    """Print the encoders and which are ready, after those in `folders`, with what one is refused for; the exit code, 1 where one is."""
    for problem in registry.PLUG_INS.problems():
        say(f"warning: {problem}", error=True)
    asked = [_folder(name) for name in folders]
    found = [*asked, *((entry.name, entry, registry.status(entry)) for entry in registry.entries())]
    code = 0 if all(status.ready for _, _, status in asked) else 1
    if as_json:
        print_json([
            {**(asdict(entry) if entry else {"name": name, "source": "folder"}),
             "ready": status.ready, "detail": status.detail, "assumed": _assumed(entry, status),
             "path": str(status.path) if status.path else None}
            for name, entry, status in found
        ])  # fmt: skip
        return code
    print_table(("ENCODER", "KIND", "LAYERS", "SIZE", "LICENCE", "STATE"), [_row(*one) for one in found], ("LAYERS", "SIZE"))
    for name, entry, status in asked:
        what = entry.summary if entry and status.ready else status.detail
        say(what if what.startswith(name) else f"{name}: {what}")
    for _, entry, status in found:
        if assumed := _assumed(entry, status):
            say(f"warning: {assumed}", error=True)
    return code


def _row(name: str, entry: registry.EncoderEntry | None, status: registry.Status) -> tuple[str, ...]:
    if entry is None:
        return name, "-", "-", "-", "-", "refused"
    size = f"{entry.parameters_millions:g} M" if entry.parameters_millions else "-"
    state = status.detail if status.ready or entry.source != "folder" else "refused"
    return name, entry.family, str(entry.layers) if entry.sized else "-", size, entry.licence, state


def _assumed(entry: registry.EncoderEntry | None, status: registry.Status) -> str:
    return registry.assumption_of(entry, status) if entry and status.ready else ""


def _folder(name: str) -> tuple[str, registry.EncoderEntry | None, registry.Status]:
    """The encoder in a folder and what it is called; without one what the folder is refused for."""
    try:
        entry = registry.find(name)
    except UserError as error:
        return name, None, registry.Status(False, str(error))
    return entry.name, entry, registry.status(entry)


def get_encoder(name: str) -> None:
    """Fetch an encoder with a progress bar."""
    from ser_tui.encoders.fetch import fetch

    entry = registry.find(name)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    # Where nobody watches it would still print an empty line.
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task(entry.name, total=entry.download_bytes or None)
        path = fetch(name, lambda done, total: bar.update(task, completed=done, total=total or None))
    say(f"{entry.name} is ready in {path}")
