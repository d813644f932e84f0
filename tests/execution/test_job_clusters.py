"""Dask workers that are jobs of a batch system: why one is refused is told, and as many again as have ended are submitted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ser_tui.execution import job_clusters
from ser_tui.execution.job_clusters import Jobs


class Job:
    """As one of dask-jobqueue's: what it says where its command refuses it."""

    refusals = 99

    async def start(self) -> None:
        if Job.refusals:
            Job.refusals -= 1
            said = "sbatch: error: Batch job submission failed: Invalid account\n"
            raise RuntimeError(
                f"Command exited with non-zero exit code.\nExit code: 1\nCommand:\nsbatch /tmp/x.sh\nstdout:\n\nstderr:\n{said}\n"
            )


class Cluster:
    """Of such jobs, as Dask has it: it starts those that are not there."""

    job_cls = Job

    def __init__(self, job_cls: Any) -> None:
        self.job, self.asked = job_cls, list[int]()

    def scale(self, *, jobs: int) -> None:
        self.asked.append(jobs)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    monkeypatch.setattr(job_clusters, "AGAIN_SECONDS", 0.0)
    return Jobs(Cluster, {}, 2)


def test_a_job_that_is_refused_again_and_again_is_told_in_the_words_of_its_command(jobs: Jobs) -> None:
    Job.refusals = 99
    with pytest.raises(RuntimeError):
        asyncio.run(jobs.cluster.job().start())
    assert jobs.refused() == "Batch job submission failed: Invalid account"
    assert not jobs.refused(), "once"
    Job.refusals = job_clusters.SUBMITTED_AGAIN - 1  # a controller that was busy for a moment
    asyncio.run(jobs.cluster.job().start())
    assert not jobs.refused()


def test_jobs_that_end_are_submitted_again_unless_none_makes_a_trial(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.submit()
    jobs.ended()
    assert not jobs.replace(), "Dask has not forgotten its worker yet"
    monkeypatch.setattr(job_clusters, "REPLACED_SECONDS", 0.0)
    assert jobs.replace() and not jobs.replace(), "once for all that have ended"
    for _ in range(20):  # each makes a trial before its time is over
        jobs.bore_fruit()
        jobs.ended()
        assert jobs.replace()
    for _ in range(job_clusters.FRUITLESS * jobs.count - 1):
        assert not jobs.useless
        jobs.ended()
    assert jobs.useless and not jobs.replace(), "else it would go on for ever"
    assert set(jobs.cluster.asked) == {2}
