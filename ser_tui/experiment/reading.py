"""What a job does while its corpora are read, which takes minutes the first time: it says how far it has come, and heeds a stop."""

from __future__ import annotations

from collections.abc import Callable

from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.training.trial import check_stop


def reading(session: Surroundings, what: str) -> Callable[[int, int], None]:
    """Hears how many files of `what` are read: says so, and raises TrialStopped where the job shall stop; what was read by then is
    remembered. Before a run has begun nothing is said: its log begins with that."""

    def progress(done: int, total: int) -> None:
        check_stop(session.should_stop)
        if session.state.start is not None:
            session.progress(f"reading {what}", done, total)

    return progress


def reading_own(session: Surroundings, study: Study) -> Callable[[int, int], None]:
    """The same of all corpora of the run's study."""
    return reading(session, "+".join(study.corpus))
