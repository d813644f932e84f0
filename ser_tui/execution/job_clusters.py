"""The jobs of a batch system that a search's Dask workers are: why one is refused, and as many again as have ended."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Mapping
from typing import Any

ASK_SECONDS = 30.0
SUBMITTED_AGAIN, AGAIN_SECONDS = 3, 5.0
"""How often a job is submitted that is refused, and how long after: a busy controller lets a command time out."""
REPLACED_SECONDS = 30.0
"""How long after one of them has ended jobs are submitted in its place: Dask itself forgets a worker after half of that."""
REFUSES = "sbatch:"
"""Begins what is said against a job."""
FRUITLESS = 3
"""So many times as many jobs as there are to be may end in a row without a trial: others would too."""
_MAY_WAIT = ("node configuration", "down, drained or reserved", "busy", "contact", "timed out", "socket")
"""What Slurm says also where a job would have to wait, as for nodes that are drained, or where it cannot be asked."""


def refusal_of(command: str, script: str) -> str:
    """Why the batch system would refuse a job with this script; empty where it would not, or is not known to. Only Slurm can be asked
    without a job: sbatch --test-only (sbatch(1))."""
    if command.split()[:1] != ["sbatch"]:
        return ""
    asked = [*command.split(), "--test-only"]
    try:
        done = subprocess.run(
            asked, input=script, capture_output=True, text=True, errors="replace", timeout=ASK_SECONDS, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    said = done.stderr or done.stdout
    return f"{REFUSES} {words_of(said)}" if done.returncode and not any(word in said.lower() for word in _MAY_WAIT) else ""


def words_of(said: str) -> str:
    """What a command of a batch system has said against a job, in one line: without the command line that dask-jobqueue tells before it."""
    return " ".join(said.rpartition("stderr:")[2].replace("sbatch: error:", "").split())[:200]


class Jobs:
    """The cluster of `count` jobs that `make`, a class of dask-jobqueue, makes when it is called with `given`. Not submitted yet."""

    def __init__(self, make: Any, given: Mapping[str, Any], count: int) -> None:
        self.count = count
        self._refused: dict[Any, str] = {}
        """Why, by the names of those that are refused as it stands. Another thread, which is Dask's, writes it too."""
        self._told = ""
        self._ended_at: float | None = None
        self._fruitless = 0
        self.cluster = make(**given, job_cls=_telling(make.job_cls, self._refused))

    def submit(self) -> None:
        """Have as many jobs as there are to be: those that have ended are submitted again, and those that were refused."""
        for name in list(self._refused):
            if self.cluster.workers.pop(name, None) is not None:  # else Dask takes it for one that has been submitted
                self._refused.pop(name, None)
        self.cluster.scale(jobs=self.count)

    def refused(self) -> str:
        """Why a job was refused, once; empty where none was, and where the same was said before."""
        said = next(iter(list(self._refused.values())[-1:]), "")
        if said == self._told:
            return ""
        self._told = said or self._told
        return said

    @property
    def all_refused(self) -> str:
        """Why all of them were refused; empty where one was not: it waits, or has begun."""
        said = list(self._refused.values())
        return said[-1] if len(said) >= self.count else ""

    def ended(self) -> None:
        """Note that one of them has ended, at its time limit say."""
        self._fruitless += 1
        self._ended_at = self._ended_at or time.monotonic()

    def bore_fruit(self) -> None:
        """Note that one of them has made a trial."""
        self._fruitless = 0

    @property
    def useless(self) -> bool:
        """Whether others would end as these have, without a trial."""
        return self._fruitless >= FRUITLESS * self.count

    def replace(self) -> bool:
        """Submit as many as have ended, once that is due; whether it was."""
        if self._ended_at is None or time.monotonic() - self._ended_at < REPLACED_SECONDS or self.useless:
            return False
        self._ended_at = None
        self.submit()
        return True


def _telling(job: Any, refused: dict[Any, str]) -> Any:
    """`job`, a class of dask-jobqueue's jobs, that keeps in `refused`, by its name, why it was: Dask says so to its log alone."""

    async def start(self: Any) -> None:
        for again in range(SUBMITTED_AGAIN, 0, -1):
            try:
                await job.start(self)
            except Exception as error:  # of other people's code
                if again == 1:
                    refused[self.name] = words_of(str(error)) or type(error).__name__
                    raise
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                refused.pop(self.name, None)
                return

    return type(job.__name__, (job,), {"start": start})
