"""Dask workers that are jobs of a batch system: why one is refused is told, and as many again as have ended are submitted."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from ser_tui.execution import job_clusters
from ser_tui.execution.dask_workers import DaskWorkers
from ser_tui.execution.job_clusters import Jobs
from ser_tui.study.errors import UserError


class Job:
    """As one of dask-jobqueue's: what it says where its command refuses it."""

    refusals = 99

    def __init__(self, name: int = 0) -> None:
        self.name, self.accepted = name, False

    async def start(self) -> None:
        if Job.refusals:
            Job.refusals -= 1
            said = "sbatch: error: Batch job submission failed: Invalid account\n"
            raise RuntimeError(
                f"Command exited with non-zero exit code.\nExit code: 1\nCommand:\nsbatch /tmp/x.sh\nstdout:\n\nstderr:\n{said}\n"
            )
        self.accepted = True


class Cluster:
    """Of such jobs, as Dask has it: it starts those that are not there, and takes those for there that it has started, refused or not."""

    job_cls = Job

    def __init__(self, job_cls: Any) -> None:
        self.job, self.asked, self.workers = job_cls, list[int](), dict[int, Any]()

    def scale(self, *, jobs: int) -> None:
        self.asked.append(jobs)
        for name in set(range(jobs)) - set(self.workers):
            self.workers[name] = self.job(name)
            with suppress(RuntimeError):
                asyncio.run(self.workers[name].start())


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


def test_jobs_that_wait_go_on_where_others_are_refused_which_are_submitted_again_once_one_has_ended(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_clusters, "REPLACED_SECONDS", 0.0)
    notes: list[str] = []
    search: Any = SimpleNamespace(_session=SimpleNamespace(note=lambda text, **_: notes.append(text)))

    def end(*names: int) -> None:
        for name in names:
            del jobs.cluster.workers[name]  # Dask forgets who has left
            jobs.ended()
        DaskWorkers._see_to(search, jobs, set())

    Job.refusals = job_clusters.SUBMITTED_AGAIN
    jobs.submit()
    for _ in range(2):  # one waits for its turn
        DaskWorkers._see_to(search, jobs, set())
    assert len(notes) == 1 and "was refused (Batch job submission failed: Invalid account): it is submitted again once" in notes[0]
    assert [job.accepted for job in jobs.cluster.workers.values()] == [False, True]
    end(1)
    assert [job.accepted for job in jobs.cluster.workers.values()] == [True, True]
    Job.refusals = 99
    end(0, 1)
    with pytest.raises(UserError, match=r"its jobs are refused \(Batch job submission failed: Invalid account\)"):
        DaskWorkers._see_to(search, jobs, set())


def test_jobs_that_end_are_submitted_again_unless_none_makes_a_trial(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    Job.refusals = 0
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
