"""How much memory a process may take, where control groups bound it: those of containers, of Slurm's jobs, of systemd."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ser_tui.execution.memory_limit import free_bytes

GB = 1 << 30


@pytest.fixture
def whole_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 GB are free on the machine."""
    found = psutil.virtual_memory()._replace(available=64 * GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: found)


def of_version_2(folder: Path, most: str, used: int, files: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon {used - files}\nactive_file {files // 2}\ninactive_file {files - files // 2}\n")


@pytest.mark.usefixtures("whole_machine")
def test_a_jobs_own_group_and_those_above_it_bound_what_is_free(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    root.mkdir()
    membership.write_text("0::/system.slice/slurmstepd.scope/job_7/step_0\n")
    assert free_bytes(root, membership) == 64 * GB, "no group says anything"
    step = root / "system.slice" / "slurmstepd.scope" / "job_7" / "step_0"
    of_version_2(step, "max", 3 * GB)
    of_version_2(step.parent, str(16 * GB), 4 * GB)
    assert free_bytes(root, membership) == 12 * GB
    of_version_2(root, str(8 * GB), 6 * GB)
    assert free_bytes(root, membership) == 2 * GB, "a container's limit stands in the root that it sees"


@pytest.mark.usefixtures("whole_machine")
def test_copies_of_files_are_free_since_the_kernel_drops_them(tmp_path: Path) -> None:
    """A container that has read a large corpus holds hardly anything else; every trial would fail for memory in it."""
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("0::/\n")
    of_version_2(root, str(8 * GB), 8 * GB, files=7 * GB)
    assert free_bytes(root, membership) == 7 * GB
    of_version_2(root, str(8 * GB), 9 * GB)
    assert free_bytes(root, membership) == 0, "over its limit there is nothing, not less than nothing"


@pytest.mark.usefixtures("whole_machine")
def test_groups_of_version_1_are_read(tmp_path: Path) -> None:
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("9:name=systemd:/x\n5:cpu,cpuacct:/job\n4:memory:/slurm/job_7\n")
    group = root / "memory" / "slurm" / "job_7"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text(f"{10 * GB}\n")
    (group / "memory.usage_in_bytes").write_text(f"{5 * GB}\n")
    (group / "memory.stat").write_text(f"cache 1\ntotal_active_file {GB}\ntotal_inactive_file {2 * GB}\n")
    (root / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    (root / "memory" / "memory.usage_in_bytes").write_text(f"{20 * GB}\n")
    assert free_bytes(root, membership) == 8 * GB
