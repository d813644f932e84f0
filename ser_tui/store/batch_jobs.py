"""The job of a batch system that a worker runs in: when that is over its worker is gone, whichever machine it was on.

A worker that a job's end kills has no time to give its run back, and from another machine its process cannot be looked for. Slurm knows of
its jobs everywhere. Only Slurm's are known so far.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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
    start = environment.get("SLURM_RESTART_COUNT", "")
    begun = int(start) if start.isascii() and start.isdigit() else 0
    return BatchJob(number, begun, environment.get("SLURM_CLUSTER_NAME", ""))


def is_over(job: BatchJob) -> bool:
    """Whether nothing of `job`, as it began then, runs any more; False also where that cannot be known from here."""
    import subprocess  # not needed for a list of runs

    mine = this_job()
    if mine is not None and (mine.number, mine.cluster) == (job.number, job.cluster):
        return mine.start > job.start
    there = ["--clusters", job.cluster] if mine is not None and job.cluster != mine.cluster else []
    command = ["squeue", "--noheader", "--states=all", f"--jobs={job.number}", "--Format=State:|,RestartCnt:|", *there]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    if done.returncode:
        return "Invalid job id" in done.stderr  # it was forgotten, minutes after its end
    state, _, rest = done.stdout.strip().partition("|")
    begun = rest.strip("|").strip()
    return state.strip() not in _RUNS or (begun.isdigit() and int(begun) > job.start)
