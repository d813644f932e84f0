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
    found = [*map(_folder, folders), *((entry, registry.status(entry)) for entry in registry.entries())]
    code = 0 if all(status.ready for _, status in found[: len(folders)]) else 1
    if as_json:
        print_json([
            {**(asdict(entry) if isinstance(entry, registry.EncoderEntry) else {"name": entry, "source": "folder"}),
             "ready": status.ready, "detail": status.detail, "assumed": _assumed(entry, status),
             "path": str(status.path) if status.path else None}
            for entry, status in found
        ])  # fmt: skip
        return code
    print_table(
        ("ENCODER", "KIND", "LAYERS", "SIZE", "LICENCE", "STATE"),
        [
            (
                entry.name,
                entry.family,
                str(entry.layers) if entry.sized else "-",
                f"{entry.parameters_millions:g} M" if entry.parameters_millions else "-",
                entry.licence,
                status.detail if status.ready or entry.source != "folder" else "refused",
            )
            if isinstance(entry, registry.EncoderEntry)
            else (entry, "-", "-", "-", "-", "refused")
            for entry, status in found
        ],
        ("LAYERS", "SIZE"),
    )
    for entry, status in found[: len(folders)]:
        name = entry.name if isinstance(entry, registry.EncoderEntry) else entry
        what = entry.summary if isinstance(entry, registry.EncoderEntry) and status.ready else status.detail
        say(what if what.startswith(name) else f"{name}: {what}")
    for entry, status in found:
        if assumed := _assumed(entry, status):
            say(f"warning: {assumed}", error=True)
    return code


def _assumed(entry: registry.EncoderEntry | str, status: registry.Status) -> str:
    return registry.assumption_of(entry, status) if isinstance(entry, registry.EncoderEntry) and status.ready else ""


def _folder(name: str) -> tuple[registry.EncoderEntry | str, registry.Status]:
    """The encoder in a folder, or its name alone with what it is refused for."""
    try:
        entry = registry.find(name)
    except UserError as error:
        return name, registry.Status(False, str(error))
    return entry, registry.status(entry)


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
