"""The verbs run, resume, stop and attach."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ser_tui.cli.following import ended_without_word, follow, interrupts, reading
from ser_tui.cli.output import print_json, say
from ser_tui.cli.screen import has_terminal, open_app
from ser_tui.client import launch, queueing
from ser_tui.client.begun_before import begun_before, go_on
from ser_tui.client.resolving import load_study, require_besides
from ser_tui.places import runs_folder
from ser_tui.report.document import run_document
from ser_tui.store.left_behind import seen
from ser_tui.store.remarks import change_remarks, read_remarks
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.store.settings import read_settings
from ser_tui.store.wanted import ANY, EXTENDABLE, QUEUABLE, RESUMABLE, STOPPABLE
from ser_tui.strategies import registry as strategies
from ser_tui.study import notices
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.frozen import changed
from ser_tui.study.state import RunState
from ser_tui.study.status import RunStatus, ShownStatus
from ser_tui.study.summary import summarize
from ser_tui.study.unread import unread

EXIT = {RunStatus.DONE: 0, RunStatus.STOPPED: 130}
STOP_SECONDS = 120.0


def run_study(
    path: str, overrides: list[str], *, headless: bool, detach: bool, queue: bool, notify: bool | None, as_json: bool, again: bool = False
) -> int:
    """Start a run of the study document at `path`, or queue it, and show it the way that was asked for; the exit code. `again`: where it
    has a run, that is gone on with instead."""
    _refuse_both(headless, detach, queue)
    if again and queue:
        raise UsageError("--continue goes on at once, --queue when its turn comes: choose one")
    study = load_study(path, overrides)
    if again and (known := begun_before(study, runs_folder())) is not None:
        return _gone_on_with(known, study, headless=headless, detach=detach, as_json=as_json)
    require_besides(study, reading("+".join(study.corpus), partial(say, error=True)), later=queue)
    if queue:
        folder = queueing.enqueue(study, runs_folder())
        _remember(folder, notify)
        _say_what_is_passed_over(study, unlogged=True)
        return _queued(folder, as_json=as_json)
    with interrupts() as caught:
        watched = not detach and not _in_app(headless, as_json)
        folder = launch.start(study, runs_folder(), tied=watched)
        _remember(folder, notify)
        _say_what_is_passed_over(study, unlogged=detach)
        if watched:
            return watch(folder, as_json=as_json, before=RunState())
    return _left(folder, detach=detach, as_json=as_json, pressed=bool(caught))


def _gone_on_with(folder: RunFolder, study: Study, *, headless: bool, detach: bool, as_json: bool) -> int:
    """Go on with the run of `study` that has begun before, or show it where it is done; the exit code."""
    before = folder.state()
    with interrupts() as caught:
        watched = not detach and not _in_app(headless, as_json)
        begun = go_on(folder, study, tied=watched)
        if watched:
            if begun:
                return watch(folder, as_json=as_json, before=before)
            return _shown(folder, before, as_json=as_json)
    return _left(folder, detach=detach, as_json=as_json, pressed=bool(caught) and begun)


def resume_run(
    reference: str, *, headless: bool, detach: bool, queue: bool, as_json: bool, trials: int | None = None, minutes: float | None = None
) -> int:
    """Go on with a run, now or when its turn comes, to `trials` or `minutes` in all where given; the exit code."""
    _refuse_both(headless, detach, queue)
    longer = trials is not None or minutes is not None
    folder = resolve(runs_folder(), reference, EXTENDABLE if longer else QUEUABLE if queue else RESUMABLE)
    if queue:
        queueing.add(runs_folder(), [folder], trials=trials, minutes=minutes)
        return _queued(folder, as_json=as_json)
    before = folder.state()
    with interrupts() as caught:
        watched = not detach and not _in_app(headless, as_json)
        launch.resume(folder, trials=trials, minutes=minutes, tied=watched)
        if watched:
            return watch(folder, as_json=as_json, before=before)
    return _left(folder, detach=detach, as_json=as_json, pressed=bool(caught))


def _say_what_is_passed_over(study: Study, *, unlogged: bool) -> None:
    """Say what changes nothing of the search. Where nobody reads the log (`unlogged`) what that says at its beginning too."""
    for sentence in (*strategies.unheeded(study), *(unread(study) if unlogged else ())):
        say(f"note: {sentence}", error=True)


def _remember(folder: RunFolder, notify: bool | None) -> None:
    """Keep with the run whether its end is to be told."""
    if notify is not None:
        change_remarks(folder, lambda before: replace(before, notify=notify))


def _refuse_both(headless: bool, detach: bool, queue: bool) -> None:
    if headless and (detach or queue):
        raise UsageError(f"--headless waits for the run, {'--queue' if queue else '--detach'} does not: choose one")


def _queued(folder: RunFolder, *, as_json: bool) -> int:
    view = queueing.look(runs_folder())
    place = next((number for number, (one, _) in enumerate(view.runs, 1) if one.run_id == folder.run_id), None)
    if as_json:
        print_json({"run": folder.run_id, "path": str(folder.path), "queued": place})
    else:
        say(folder.run_id)
        say(f"it is number {place or 1} in the queue; `ser-tui queue` lists them", error=True)
        if view.queue.paused:
            say(view.idle, error=True)
    return 0


def stop_run(reference: str, *, wait: bool) -> None:
    """Ask a run's worker to stop, and wait until it has."""
    folder = resolve(runs_folder(), reference, STOPPABLE)
    launch.request_stop(folder)
    deadline = time.monotonic() + STOP_SECONDS
    while wait and seen(folder) in ("live", "elsewhere"):  # of a job that is over too
        if time.monotonic() > deadline:
            raise UserError(
                f"{folder.run_id} has not stopped within {STOP_SECONDS:.0f} s; the request stands: `ser-tui show {folder.run_id}` says when"
            )
        time.sleep(0.1)
    say(f"{folder.run_id} {'has stopped' if wait else 'was asked to stop'}; `ser-tui resume {folder.run_id}` goes on")


def attach_run(reference: str) -> int:
    """Open the app on a run."""
    return open_app(resolve(runs_folder(), reference, ANY).run_id)


def _in_app(headless: bool, as_json: bool) -> bool:
    return not headless and not as_json and has_terminal()


def _left(folder: RunFolder, *, detach: bool, as_json: bool, pressed: bool) -> int:
    """Leave a run whose worker has started to itself, or to the app, unless Ctrl+C was `pressed` meanwhile; the exit code."""
    if detach:
        print_json({"run": folder.run_id, "path": str(folder.path)}) if as_json else say(folder.run_id)
    if pressed:
        with suppress(UserError):  # it may end by itself at this very moment
            launch.request_stop(folder)
        say(f"stopping {folder.run_id}; what is finished is kept; `ser-tui resume {folder.run_id}` goes on", error=True)
        return 130
    return 0 if detach else open_app(folder.run_id)


def _ring(folder: RunFolder, state: RunState, *, interrupted: bool) -> None:
    """Tell the terminal that the run has ended, where that is wanted and somebody sits before one."""
    if not sys.stderr.isatty():
        return
    settings, _ = read_settings()
    summary = summarize(folder.run_id, state)
    if interrupted:
        summary = changed(summary, state=ShownStatus.INTERRUPTED)
    if notices.wanted(settings.notify, read_remarks(folder).notify, summary):
        plain = not (sys.stderr.encoding or "").lower().startswith("utf")
        sys.stderr.write(notices.terminal_text(
            notices.words(summary), bell=settings.notify_bell, desktop=settings.notify_desktop, environment=os.environ, ascii_only=plain
        ))  # fmt: skip
        sys.stderr.flush()


def watch(folder: RunFolder, *, as_json: bool, before: RunState) -> int:
    """Progress lines until the worker has ended, then the result; the exit code. `before`: the run as the worker found it."""
    progress: Callable[[str], None] = partial(say, error=True) if as_json else say
    progress(f"run {folder.run_id} in {folder.path}")
    state, _ = follow(folder, progress, before.seq)
    if before.sessions and len(state.sessions) == len(before.sessions) and state.seq > before.seq:
        if as_json:
            print_json(run_document(folder, state))
        return 1  # it was not gone on with, which the log, and so a line above, says why
    complaint = ended_without_word(folder, state)
    _ring(folder, state, interrupted=complaint is not None)
    code = _shown(folder, state, as_json=as_json)
    if complaint:
        say(f"ser-tui: {complaint}", error=True)
    return code


def _shown(folder: RunFolder, state: RunState, *, as_json: bool) -> int:
    """Print a run whose worker has ended; the exit code."""
    if as_json:
        print_json(run_document(folder, state))
    else:
        from ser_tui.cli.showing import print_run  # when a run has ended: it brings NumPy

        print_run(folder, state)
    return EXIT.get(state.status, 1)
