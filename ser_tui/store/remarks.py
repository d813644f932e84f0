"""remarks.json in a run's folder: what a person has said of the run. Missing or unreadable, nothing was said."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict

from ser_tui.places import folder_within
from ser_tui.store.files import read_held, read_json, write_json
from ser_tui.store.runs import RunFolder, refuse_hidden, refuse_links
from ser_tui.study.remarks import Remarks, remarks_in

NAME = "remarks.json"
LOCK = "remarks.lock"
"""In control/."""


def stamp(folder: RunFolder) -> int:
    """A number that is another one when the file was written again; 0 where there is none. Looked at for each of thousands of runs."""
    try:
        found = os.stat(f"{folder.path}/{NAME}")
    except OSError:
        return 0
    return found.st_mtime_ns + found.st_ino  # each writing makes a new file; clocks of network disks tell whole seconds


def read_remarks(folder: RunFolder) -> Remarks:
    """What the file says."""
    return remarks_in(read_json(folder.path / NAME))


def remarks_held(folder: RunFolder) -> Remarks:
    """The same. Raises UserError where the file is there and cannot be read."""
    return remarks_in(read_held(folder.path / NAME))


def change_remarks(folder: RunFolder, change: Callable[[Remarks], Remarks]) -> Remarks:
    """Write what `change` makes of the remarks, and return that: one process after the other, so that none undoes what another has said.
    Raises UserError where it cannot be written."""
    from ser_tui.store.locks import in_turn, written_in_turn  # a list of runs, which reads remarks, does without

    refuse_links(folder)
    refuse_hidden(folder)
    lock = folder.lock.with_name(LOCK)
    with written_in_turn(lock, folder.path / NAME):
        folder_within(lock.parent)
        with in_turn(lock):
            after = change(remarks_held(folder))
            if after:
                write_json(folder.path / NAME, asdict(after))
            else:
                (folder.path / NAME).unlink(missing_ok=True)
    return after
