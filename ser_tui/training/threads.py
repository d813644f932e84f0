"""How many threads torch should use here, how its threads should wait, and what it may remember. Imports nothing heavy.

OpenMP's threads spin while they wait: two torch processes on the same cores stall each other 5 to 20 fold. With a
passive wait policy each costs its share and no more. The environment must be set before torch is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from ser_tui import places

PRIMITIVES = 512
"""Compiled operations that oneDNN, and torch's layer above it, keep for shapes to come, instead of 1024 each. Trained batches have few
shapes (`ser_tui.training.shapes`), whose operations all fit; where each has its own, a thousand kept ones held 0.7 GiB after two epochs of
EmoDB, for no time saved (docs/measured/speed.md)."""


CGROUPS, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where the kernel tells of control groups, and which of them this process is in."""
LIBRARIES = "libraries"
"""The folder of these, in the cache folder."""
CACHES = {
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    "TRITON_CACHE_DIR": "triton",
    "MPLCONFIGDIR": "matplotlib",
    "NUMBA_CACHE_DIR": "numba",
}
"""Where libraries keep what they have compiled, by the variable that says so. By themselves some use a name in /tmp that every
user of the machine can foresee, and make first."""


JOB_CORES = {"SLURM_JOB_ID": "SLURM_CPUS_ON_NODE", "PBS_JOBID": "NCPUS", "JOB_ID": "NSLOTS", "LSB_JOBID": "LSB_DJOB_NUMPROC"}
"""By the variable that names a job of Slurm, PBS, Grid Engine or LSF, the one that says how many of this machine's cores it was given: not
all such systems confine it to them."""


def cores() -> int:
    """Physical cores that this process may use: CPU affinity, hyper-threads counted once, cgroup quota and what a batch job was given."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    physical = len({_siblings(cpu) for cpu in allowed})
    quota = _quota()
    granted = [max(1, round(quota))] if quota is not None else []
    return max(1, min([physical, *granted, *job_cores(os.environ)]))


def in_batch_job(variables: Mapping[str, str]) -> bool:
    """Whether `variables`, an environment, are those of a batch job. JOB_ID alone is a common name, of CI's and Kubernetes' jobs too."""
    return any(variables.get(job) and (job != "JOB_ID" or variables.get(number)) for job, number in JOB_CORES.items())


def job_cores(variables: Mapping[str, str]) -> list[int]:
    """The cores of this machine that the batch jobs were given whose environment `variables` is: of one, or of none."""
    said = [variables.get(number, "") for job, number in JOB_CORES.items() if variables.get(job)]
    return [int(one) for one in said if one.isascii() and one.isdigit() and int(one)]


def libraries() -> Path:
    """The folder of what libraries have compiled. It is one user's in a cache that is a group's too: it is code, which is run."""
    folder = places.cache_folder()
    return folder / (f"{LIBRARIES}-{os.geteuid()}" if places.group_bits(folder) else LIBRARIES)


def environment(threads: int | None = None) -> dict[str, str]:
    """Environment for a process that will train: thread counts, a wait policy that does not spin, small caches of operations,
    and caches of libraries in the cache folder.

    Variables that the user has set himself are left as they are.
    """
    count = str(threads or cores())
    kept = libraries()
    wanted = {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_DYNAMIC": "false",
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": str(PRIMITIVES),
        "LRU_CACHE_CAPACITY": str(PRIMITIVES),
        "TOKENIZERS_PARALLELISM": "false",
        **{name: str(kept / folder) for name, folder in CACHES.items()},
    }
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


def _siblings(cpu: int) -> str:
    """The hyper-threads that share a core with `cpu`, as the kernel writes them; `cpu` itself where it does not say."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        physical, logical = psutil.cpu_count(logical=False) or 1, psutil.cpu_count() or 1
        return str(cpu % physical if logical > physical else cpu)


def _quota(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """CPUs' worth of time that the process's cgroups grant (version 2 and 1), or None where there is no limit."""
    limits = [limit for folder in groups("cpu", root, membership) if (limit := _limit(folder)) is not None]
    return min(limits) if limits else None


def groups(controller: str, root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> list[Path]:
    """Folders that may say what the process's control groups grant of `controller`, cpu or memory: its own and all above it, of version 2
    and 1."""
    folders = [root, root / controller]
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        base = root if not controllers else root / controller
        if controllers and controller not in controllers.split(","):
            continue
        folder = base / path.lstrip("/")
        folders += [folder, *[parent for parent in folder.parents if base in parent.parents]]
    return folders


def _limit(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()[:2]
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        pass
    try:
        allowed = int((folder / "cpu.cfs_quota_us").read_text())
        return None if allowed <= 0 else allowed / int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError, ZeroDivisionError):
        return None
