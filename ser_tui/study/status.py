"""The words for how far a run, a trial and a worker's run have come. As text they are what logs, the index and JSON hold."""

from __future__ import annotations

from enum import StrEnum

BY_REQUEST = "stopped by request"
"""The reason of a run that a person has stopped."""


class RunStatus(StrEnum):
    """What a run's log says of it."""

    NEW = "new"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Whether the search has ended, so that only a new session can go on with it."""
        return self in (RunStatus.DONE, RunStatus.STOPPED, RunStatus.FAILED)


class ShownStatus(StrEnum):
    """What people are shown of a run: its log's word, and where that leaves it open, what its worker's process tells."""

    QUEUED = "queued"
    """It waits for its turn."""
    STUCK = "can't start"
    """It is in the queue, which could not start it."""
    NOT_BEGUN = "not begun"
    """No worker was ever on it, and it does not wait for its turn: one that was taken out of the queue and brought back."""
    STARTING = "starting"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    ELSEWHERE = "elsewhere"
    """Another host's, whose processes cannot be seen from here."""
    PRIVATE = "private"
    """Another user's, who has not let this one read it."""
    CHECKING = "checking"
    """Not looked at yet."""
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def under_way(self) -> bool:
        """Whether a worker is searching right now."""
        return self in (ShownStatus.STARTING, ShownStatus.LIVE)

    @property
    def resumable(self) -> bool:
        """Whether the search can be gone on with; of another host's run, resuming says which one that is and what to do.
        A queued one then does not wait for its turn."""
        return self in (
            ShownStatus.STOPPED, ShownStatus.INTERRUPTED, ShownStatus.FAILED, ShownStatus.ELSEWHERE, ShownStatus.QUEUED,
            ShownStatus.STUCK, ShownStatus.NOT_BEGUN,
        )  # fmt: skip


class TrialStatus(StrEnum):
    """How far a trial has come."""

    RUNNING = "running"
    DONE = "done"
    COLLAPSED = "collapsed"
    """Ended by the collapse guard, with its score."""
    DROPPED = "dropped"
    """Ended after some of its folds, behind the best trial beyond doubt, or after some of its epochs, behind others that were trained for
    as many: it has no score that others could be compared with."""
    PAUSED = "paused"
    """Trained for some of its epochs, and waits with a checkpoint whether it is gone on with: it has no score yet."""
    FAILED = "failed"
    CUT_SHORT = "cut_short"
    """Ended from outside: it does not count, and is made again."""

    @property
    def counts(self) -> bool:
        """Whether the trial counts against the budget."""
        return self not in _UNCOUNTED


_UNCOUNTED = (TrialStatus.RUNNING, TrialStatus.CUT_SHORT)
"""Not looked up anew for each of thousands of trials."""


class FailureKind(StrEnum):
    """Why a trial has no score: what `events.TrialFailed.kind` holds. A newer version's log may hold others."""

    NAN = "nan"
    MEMORY = "memory"
    AUDIO = "audio"
    ERROR = "error"
    CUT_SHORT = "cut_short"
    """Stopped by request, or its worker ended."""
    IMPORTED = "imported"
    """The file that it was taken over from has no score of it that is known to be a BCA."""
