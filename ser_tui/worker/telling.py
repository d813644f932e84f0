"""Telling that a run has ended where no app is open: the command of the settings, run by the worker at its end."""

from __future__ import annotations

import os
import subprocess

from ser_tui.store.remarks import read_remarks
from ser_tui.store.runs import RunFolder
from ser_tui.store.settings import read_settings
from ser_tui.study.frozen import changed
from ser_tui.study.notices import variables, wanted
from ser_tui.study.summary import summarize


def run_command(folder: RunFolder) -> None:
    """Start what the settings name, where the end of this run is to be told; it is not waited for, and what it prints goes into
    worker.log. Raises UserError or OSError where it cannot be started."""
    settings, _ = read_settings()
    if not settings.notify_command:
        return
    remarks = read_remarks(folder)
    summary = changed(summarize(folder.run_id, folder.state()), remarks=remarks)
    if wanted(settings.notify, remarks.notify, summary):
        subprocess.Popen(
            ["/bin/sh", "-c", settings.notify_command], stdin=subprocess.DEVNULL, start_new_session=True, close_fds=True,
            cwd=folder.path, env={**os.environ, **variables(summary, str(folder.path))},
        )  # fmt: skip
