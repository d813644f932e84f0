"""Running searches, and looking at runs, for scripts and notebooks."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ser_tui import places
from ser_tui.client import launch
from ser_tui.client.resolving import require_possible
from ser_tui.store import runs as store
from ser_tui.store.index import Index
from ser_tui.store.log import LogReader
from ser_tui.store.lost_studies import study_of
from ser_tui.store.queue import state_of
from ser_tui.store.runs import RunFolder, liveness
from ser_tui.store.wanted import ANY
from ser_tui.strategies import registry as strategies
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import Event
from ser_tui.study.state import RunState, Trial
from ser_tui.study.unread import unread

OnEvent = Callable[[Event], None]
_POLL_SECONDS = 0.2


class Run:
    """One run: what its folder and its log say, read anew whenever it is asked.

    `run`, `open_run` and `runs` give these. The command line and the app see the same runs, and work on them.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"<Run {self.id}>"

    @property
    def id(self) -> str:
        """Time (UTC), study name and four random characters: what `open_run` and `ser-tui show` take."""
        return self._folder.run_id

    @property
    def path(self) -> Path:
        """Its folder."""
        return self._folder.path

    @property
    def study(self) -> Study:
        """Its study, with all defaults written out; by its log where study.yaml is lost. Raises UserError where it cannot be read."""
        return study_of(self._folder)

    @property
    def state(self) -> RunState:
        """All that its log tells: trials with their epochs, the best one, the test part, folds, evaluations. Raises UserError."""
        return self._folder.state()

    @property
    def status(self) -> str:
        """queued, can't start (the queue could not start it), not begun (nobody has started it), starting, live, done, stopped, failed,
        interrupted (its worker died), or elsewhere (worked on by another machine)."""
        return state_of(self._folder, self.state.status)

    @property
    def trials(self) -> Sequence[Trial]:
        """Its trials in order. `value("bca")` is the balanced class accuracy on the validation part, 0 to 1; None without a score."""
        return tuple(self.state.trials)

    @property
    def best(self) -> Trial | None:
        """The best trial so far, by the study's objective: the one with the highest BCA, unless it says otherwise."""
        return self.state.best

    def events(self) -> list[Event]:
        """All events of its log, in order; see `ser_tui.study.events`."""
        return LogReader(self._folder.log).read_all()

    def resume(
        self, on_event: OnEvent | None = None, *, detach: bool = False, trials: int | None = None, minutes: float | None = None
    ) -> Run:
        """Take its search up where the log ends, as `run` would; this run. `trials`, `minutes`: the budget in all with which it goes on,
        which a search that is done needs. Raises UserError as `run` does, and where nothing is left to do."""
        if detach:
            _refuse_on_event(on_event)
            launch.resume(self._folder, trials=trials, minutes=minutes)
        else:
            launch.make_ready(self._folder, trials=trials, minutes=minutes)
            _search_here(self._folder, on_event)
        return self

    def stop(self) -> None:
        """Ask whoever works on it to stop, which takes no longer than a batch. Raises UserError where nobody does."""
        launch.request_stop(self._folder)

    def wait(self, seconds: float | None = None) -> str:
        """Wait until nobody works on it, `seconds` at most; its status then."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while liveness(self._folder) == "live" and (deadline is None or time.monotonic() < deadline):
            time.sleep(_POLL_SECONDS)
        return self.status


def run(study: Study, on_event: OnEvent | None = None, detach: bool = False, runs: str | os.PathLike[str] | None = None) -> Run:
    """Search as `study` says, in this thread, and return the run when it is over, stopped from elsewhere included.

    `on_event` is called with every event (`ser_tui.study.events`) once it is in the log; what it raises ends the run as failed.
    `runs`: the folder for runs, by default the one that the app shows. A KeyboardInterrupt stops the search, of which all but
    the trial under way is kept, and is raised again; `open_run("latest").resume()` goes on.

    The search leaves the process's signals alone, and may run in any thread; it sets torch's number of threads, and that
    denormal numbers are zero. With `detach` it runs in a process of its own instead, which outlives this one, and the run is
    returned at once.

    Warns (UserWarning) of what the study says and nothing reads. Raises UserError where the search cannot begin, and then there is no run;
    and where it fails: what was measured by then stays in the run.
    """
    if not isinstance(study, Study):
        raise UserError(f"run() takes what load_study() gives, not {type(study).__name__}: ser_tui.run(ser_tui.load_study(...))")
    place = Path(runs) if runs is not None else places.runs_folder()
    require_possible(study)
    for sentence in (*strategies.unheeded(study), *unread(study)):
        warnings.warn(sentence, stacklevel=2)  # a log is seldom read in a notebook, and a run's document has its own settings alone
    if detach:
        _refuse_on_event(on_event)
        if strategies.is_registered(study.strategy.kind):
            raise UserError(
                f"strategy {study.strategy.kind} is known to this process only: run without detach, or declare it as an entry "
                f"point of {strategies.PLUG_INS.group}"
            )
        return Run(launch.start(study, place))
    folder = launch.prepare(study, place)
    _search_here(folder, on_event)
    return Run(folder)


def open_run(reference: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None) -> Run:
    """The run that `reference` names: its folder, `latest`, its id or the beginning of it, or the name of its study.

    Raises UserError where none or several are named.
    """
    path = Path(reference)
    if RunFolder(path).is_run:
        return Run(RunFolder(path.absolute()))
    return Run(store.resolve(Path(runs) if runs is not None else places.runs_folder(), str(reference), ANY))


def runs(folder: str | os.PathLike[str] | None = None) -> list[Run]:
    """All runs in `folder`, by default the one that the app shows, newest first."""
    return [Run(found) for found in store.folders(Path(folder) if folder is not None else places.runs_folder())]


def _refuse_on_event(on_event: OnEvent | None) -> None:
    if on_event is not None:
        raise UserError("on_event hears of a search in this process only: run without detach, or read Run.events()")


def _search_here(folder: RunFolder, on_event: OnEvent | None) -> None:
    from ser_tui.worker.jobs import work
    from ser_tui.worker.session import Session

    failed, again = "", True
    try:
        while again:
            with Session(folder, "search", own_process=False, on_event=on_event) as session:
                failed = work(session, None)
                # There is no fresh process to go on in after a trial that ran out of memory: this one goes on.
                again, session.continues = session.continues, False
    finally:
        with suppress(UserError, OSError):
            Index(folder.path.parent).refresh()
    if failed:
        raise UserError(failed)
