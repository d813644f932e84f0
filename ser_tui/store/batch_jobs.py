"""The job of a batch system that a worker runs in: when that is over its worker is gone, whichever machine it was on.

A worker that a job's end kills has no time to give its run back, and from another machine its process cannot be looked for. Slurm knows of
its jobs everywhere. Only Slurm's are known so far.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subprocess import CompletedProcess

ASK_SECONDS = 20.0
"""Slurm's commands wait longer for a controller that is busy."""
_RUNS = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}
"""States of a Slurm job (squeue(1)) in which processes of it can be left."""


@dataclass(frozen=True)
class BatchJob:
    """A job of Slurm's. `start`: how often it had begun before, which a job does that was put back into the queue."""

    number: str
    start: int = 0
    cluster: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @staticmethod
    def from_json(data: Any) -> BatchJob | None:
        """The job that `data` names; None where that is not readable."""
        try:
            found = BatchJob(str(data["number"]), int(data["start"]), str(data["cluster"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return found if found.number.isascii() and found.number.isdigit() else None

    @property
    def called(self) -> str:
        """Slurm job 17, as sentences name it."""
        return f"Slurm job {self.number}"


def this_job(environment: Mapping[str, str] = os.environ) -> BatchJob | None:
    """The job that this process is a part of; None where it is of none. A shell beside a job, as salloc opens one, knows the job's number
    and outlives it: only what the job's nodes start has a node's name."""
    number = environment.get("SLURM_JOB_ID", "")
    if not (number.isascii() and number.isdigit() and environment.get("SLURMD_NODENAME")):
        return None
    said = environment.get("SLURM_RESTART_COUNT", "")
    begun = int(said) if said.isascii() and said.isdigit() else 0
    if begun:
        # sbatch hands it on to the jobs that such a job submits, for which it is not true. Where it is not set no start was before.
        known = _starts_before(number)
        begun = begun if known is None else known
    return BatchJob(number, begun, environment.get("SLURM_CLUSTER_NAME", ""))


def is_over(job: BatchJob, *, own: bool) -> bool | None:
    """Whether nothing of `job`, as it began then, runs any more; False also where its batch system may not say that, None where that gives
    no answer. `own`: it is this user's job: others' may be hidden from here, and look as if they were not there."""
    mine = this_job()
    if mine is not None and (mine.number, mine.cluster) == (job.number, job.cluster):
        return mine.start > job.start
    if not job.cluster:
        return False
    try:
        # A number is another job's on another cluster. Asked of by name only there: that needs a database of accounts.
        there = [] if job.cluster == (mine.cluster if mine is not None else _cluster()) else [f"--clusters={job.cluster}"]
        found = _found(job.number, *there)
    except _Unanswered:
        return None
    if found is None:
        return own  # it was forgotten, minutes after its end
    state, begun = found
    return bool(state) and (state not in _RUNS or begun > job.start)


class _Unanswered(Exception):
    """Slurm is not there, or away."""


@cache
def _starts_before(number: str) -> int | None:
    """How often this process's job began before, None where Slurm does not say it: the same as long as this process lives."""
    try:
        found = _found(number)
    except _Unanswered:
        return None
    return found[1] if found is not None and found[0] in _RUNS else None


@cache
def _cluster() -> str:
    """The cluster that is asked from here where none is named. Raises _Unanswered, which is not remembered."""
    done = _answer("scontrol", "show", "config")
    found = re.search(r"(?m)^ClusterName\s*=\s*(\S+)", done.stdout)
    if done.returncode or found is None:
        raise _Unanswered
    return found[1]


def _found(number: str, *options: str) -> tuple[str, int] | None:
    """The job's state, empty where that is not shown, and how often it began before; None where Slurm says that there is no such job.
    Raises _Unanswered."""
    columns = "--Format=JobID:|,State:|,RestartCnt:|"
    done = _answer("squeue", "--noheader", "--states=all", f"--jobs={number}", columns, *options)
    if done.returncode:
        if "Invalid job id" not in done.stderr:
            raise _Unanswered
        return None
    # The last task of an array, and a heterogeneous job's first part, have the number of all, which are listed too.
    for line in done.stdout.splitlines():
        which, state, begun, *_ = (*(part.strip() for part in line.split("|")), "", "")
        if which == number and begun.isascii() and begun.isdigit():
            return state, int(begun)
    return "", 0


def _answer(*command: str) -> CompletedProcess[str]:
    """What the command of Slurm's says, whatever the user's environment chooses for their own lists. Raises _Unanswered."""
    import subprocess  # not needed for a list of runs

    environment = {name: value for name, value in os.environ.items() if name != "SLURM_CLUSTERS" and not name.startswith("SQUEUE_")}
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        raise _Unanswered from None
