"""Which setting of a cluster is refused, and what an SSH cluster's hosts lack, without a job system or another machine."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ser_tui.execution.cluster_values import refuse_values
from ser_tui.execution.clusters import _usable
from ser_tui.execution.ssh_hosts import refuse_odd, refuse_unreachable
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.executor import ExecutorChoice


class Jobs:
    """Refuses as dask-jobqueue 0.9 does."""

    def __init__(self, memory: str = "", job_cpu: object = 1, **others: object) -> None:
        if not memory:
            raise ValueError("You must specify how much cores and memory per job you want to use")
        if not memory.endswith("GB"):
            raise ValueError(f"Could not interpret {memory!r} as a byte unit")
        self.job_cpu = job_cpu

    def job_script(self) -> str:
        return "%d" % self.job_cpu  # type: ignore[str-format]  # noqa: UP031


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({}, r"executor\.settings\.memory: say how much memory each job is to have, such as memory: 16GB"),
        ({"memory": "much"}, r"executor\.settings\.memory: Jobs refuses 'much' \(Could not"),
        ({"queue": "normal", "memory": "much"}, r"executor\.settings\.memory: Jobs refuses 'much' \(Could not"),
        ({"memory": "16GB", "queue": "normal", "job_cpu": "four"}, r"executor\.settings\.job_cpu: Jobs refuses 'four' \(%d format"),
    ],
)
def test_the_setting_that_is_refused_is_named(settings: dict[str, Any], wrong: str) -> None:
    chosen = ExecutorChoice(kind="dask", cluster="slurm", settings=settings)
    with pytest.raises(UserError, match=wrong) as told:
        refuse_values(chosen, Jobs, settings)
    assert "\n" not in str(told.value)
    fine = {"memory": "16GB", "queue": "normal"}
    refuse_values(ExecutorChoice(kind="dask", cluster="slurm", settings=fine), Jobs, fine)


class SlurmJobs(Jobs):
    """Jobs that Slurm is asked about, without one."""

    job_cls = SimpleNamespace(submit_command="sbatch")

    def job_script(self) -> str:
        return f"#!/bin/sh\n#SBATCH -p {self.queue}\n"

    def __init__(self, memory: str = "", queue: str = "", **others: object) -> None:
        super().__init__(memory)
        self.queue = queue


def test_a_job_that_slurm_would_not_take_is_refused_before_there_is_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words of Slurm 22.05. What it says of a cluster that is drained is no refusal."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = tmp_path / "sbatch"
    command.write_text(
        "#!/bin/sh\n[ $1 = --test-only ] || exit 3\ncase $(cat) in\n"
        "*nosuch*) echo 'sbatch: error: invalid partition specified: nosuch\nallocation failure: Invalid partition name' >&2; exit 1;;\n"
        "*drained*) echo 'allocation failure: Requested node configuration is not available' >&2; exit 1;;\nesac\n"
    )
    command.chmod(0o755)
    for queue in ("normal", "drained"):
        settings = {"memory": "16GB", "queue": queue}
        refuse_values(ExecutorChoice(kind="dask", cluster="slurm", settings=settings), SlurmJobs, settings)
    settings = {"memory": "16GB", "queue": "nosuch"}
    wrong = (
        r"executor\.settings\.queue: SlurmJobs refuses 'nosuch' \(sbatch: invalid partition specified: nosuch allocation failure: Invalid"
    )
    with pytest.raises(UserError, match=wrong):
        refuse_values(ExecutorChoice(kind="dask", cluster="slurm", settings=settings), SlurmJobs, settings)


def of_ssh(**settings: Any) -> ExecutorChoice:
    return ExecutorChoice(kind="dask", cluster="ssh", hosts=("127.0.0.1", "127.0.0.1"), settings=settings)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"connect_options": "secret"}, r"connect_options: write keys and values, such as \{username: you\}"),
        ({"worker_options": [1]}, r"worker_options: write keys and values"),
        ({"connect_options": [{"username": "you"}]}, "connect_options: a list has one for each of the 2 hosts, not 1"),
        ({"remote_python": ["python"]}, "remote_python: a list has one for each of the 2 hosts, not 1"),
    ],
)
def test_settings_of_an_ssh_cluster_have_the_shapes_that_dask_takes(settings: dict[str, Any], wrong: str) -> None:
    with pytest.raises(UserError, match=wrong) as told:
        refuse_odd(of_ssh(**settings))
    assert "secret" not in str(told.value)
    refuse_odd(of_ssh(connect_options=[{}, {"port": 22}], remote_python=["a", "b"], worker_options=None))


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"worker_options": {"memory_limit": "lots"}}, r"worker_options\.memory_limit: Dask does not take 'lots'; write 16GB"),
        ({"worker_options": {"nthreads": "two"}}, r"worker_options\.nthreads: .*whole number"),
        ({"worker_options": {"n_workers": 0}}, r"worker_options\.n_workers: .*whole number"),
        ({"worker_options": {"memorylimit": 1}}, r"worker_options\.memorylimit: a Dask worker has no such .*memory_limit"),
        ({"scheduler_options": {"port": 87860}}, r"scheduler_options\.port: .*up to 65535"),
        ({"scheduler_options": {"ports": 8786}}, r"scheduler_options\.ports: a Dask scheduler has no such setting; did you mean port"),
        ({"scheduler_options": {"idle_timeout": "soon"}}, r"scheduler_options\.idle_timeout: .*60s"),
        ({"scheduler_options": {"protocol": "ssh"}}, r"scheduler_options\.protocol: .*tcp or tls"),
    ],
)
def test_options_of_an_ssh_cluster_are_refused_before_there_is_a_run(settings: dict[str, Any], wrong: str) -> None:
    with pytest.raises(UserError, match=wrong) as told:
        _usable(of_ssh(**settings))
    assert "\n" not in str(told.value)
    fine = {"memory_limit": 0.5, "nthreads": 2, "death_timeout": "60s", "resources": {"GPU": 1}, "port": "9000:9100"}
    scheduler = {"port": 0, "idle_timeout": "1 hour", "dashboard_address": ":0", "protocol": "tls"}
    connecting = [{"username": "you", "known_hosts": None}] * 2
    _usable(of_ssh(worker_options=fine, scheduler_options=scheduler, connect_options=connecting))


def test_a_host_that_lets_nobody_in_is_named() -> None:
    pytest.importorskip("asyncssh", reason="an SSH cluster needs asyncssh")
    with pytest.raises(UserError, match=r"executor\.hosts: 127\.0\.0\.1 cannot be reached over SSH .*: keys must let you in"):
        refuse_unreachable(of_ssh(connect_options={"port": 9}))


def test_no_more_workers_of_an_ssh_cluster_are_waited_for_than_its_hosts_have() -> None:
    from ser_tui.execution.clusters import _count

    def counted(workers: object, **settings: Any) -> int:
        chosen = of_ssh(**settings)
        return _count(Study.model_validate({"workers": workers, "executor": chosen}), chosen)

    assert [counted(8), counted("auto"), counted(8, worker_options={"n_workers": 2})] == [1, 1, 2]
