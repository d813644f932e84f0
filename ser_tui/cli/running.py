"""The verbs run, resume, stop and attach."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ser_tui.cli.following import ended_without_word, follow
from ser_tui.cli.output import print_json, say
from ser_tui.cli.screen import has_terminal, open_app
from ser_tui.client import launch
from ser_tui.client.resolving import load_study
from ser_tui.places import runs_folder
from ser_tui.report.document import run_document
from ser_tui.store.runs import RunFolder, liveness, resolve
from ser_tui.study.errors import UsageError
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus

EXIT = {RunStatus.DONE: 0, RunStatus.STOPPED: 130}
STOP_SECONDS = 120.0


def run_study(path: str, overrides: list[str], *, headless: bool, detach: bool, as_json: bool) -> int:
    """Start a run of the study document at `path` and show it the way that was asked for; the exit code."""
    if headless and detach:
        raise UsageError("--headless waits for the run, --detach does not: choose one")
    study = load_study(path, overrides)
    folder = launch.start(study, runs_folder())
    return _shown(folder, headless=headless, detach=detach, as_json=as_json, before=RunState())


def resume_run(
    reference: str, *, headless: bool, detach: bool, as_json: bool, trials: int | None = None, minutes: float | None = None
) -> int:
    """Go on with a run, to `trials` or `minutes` in all where given; the exit code."""
    if headless and detach:
        raise UsageError("--headless waits for the run, --detach does not: choose one")
    folder = resolve(runs_folder(), reference)
    before = folder.state()
    launch.resume(folder, trials=trials, minutes=minutes)
    return _shown(folder, headless=headless, detach=detach, as_json=as_json, before=before)


def stop_run(reference: str, *, wait: bool) -> None:
    """Ask a run's worker to stop, and wait until it has."""
    folder = resolve(runs_folder(), reference)
    launch.request_stop(folder)
    deadline = time.monotonic() + STOP_SECONDS
    while wait and liveness(folder) == "live":
        if time.monotonic() > deadline:
            say(f"{folder.run_id} has not stopped within {STOP_SECONDS:.0f} s; the request stands")
            return
        time.sleep(0.1)
    say(f"{folder.run_id} {'has stopped' if wait else 'was asked to stop'}; `ser-tui resume {folder.run_id}` goes on")


def attach_run(reference: str) -> int:
    """Open the app on a run."""
    return open_app(resolve(runs_folder(), reference).run_id)


def _shown(folder: RunFolder, *, headless: bool, detach: bool, as_json: bool, before: RunState) -> int:
    if detach:
        print_json({"run": folder.run_id, "path": str(folder.path)}) if as_json else say(folder.run_id)
        return 0
    if not headless and not as_json and has_terminal():
        return open_app(folder.run_id)
    return watch(folder, as_json=as_json, before=before)


def watch(folder: RunFolder, *, as_json: bool, before: RunState) -> int:
    """Progress lines until the worker has ended, then the result; the exit code. `before`: the run as the worker found it."""
    progress: Callable[[str], None] = partial(say, error=True) if as_json else say
    progress(f"run {folder.run_id} in {folder.path}")
    state, _ = follow(folder, progress, before.seq)
    if before.sessions and len(state.sessions) == len(before.sessions) and state.seq > before.seq:
        return 1  # it was not gone on with, which the log, and so a line above, says why
    complaint = ended_without_word(folder, state)
    if as_json:
        print_json(run_document(folder, state))
    else:
        from ser_tui.cli.showing import print_run  # when a run has ended: it brings NumPy

        print_run(folder, state)
    if complaint:
        say(f"ser-tui: {complaint}", error=True)
    return EXIT.get(state.status, 1)
