"""What a study needs of optional packages, and how to have it. Looks for them without importing any."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec

from ser_tui.study.document import Study

DASK = "pip install 'ser-tui[dask]'"
JOBQUEUE = "pip install 'ser-tui[dask]' dask-jobqueue"
SSH = "pip install 'ser-tui[dask]' asyncssh"
OPTUNA = "pip install 'ser-tui[optuna]'"


def missing(study: Study) -> dict[str, str]:
    """What is not installed here that the study asks for, by dotted key: a check for `ser_tui.study.load`."""
    if not study.executor.is_dask:
        return {}
    if not is_there("distributed"):
        return {"executor.kind": f"dask needs the package distributed, here and on every machine that makes trials: {DASK}"}
    if study.executor.cluster == "ssh" and not is_there("asyncssh"):
        return {"executor.cluster": f"ssh needs the package asyncssh: {SSH}"}
    if study.executor.cluster in ("slurm", "pbs", "sge", "lsf") and not is_there("dask_jobqueue"):
        return {"executor.cluster": f"{study.executor.cluster} needs the package dask-jobqueue: {JOBQUEUE}"}
    return {}


def executors() -> dict[str, str]:
    """What makes trials here, by the words of a study's `executor`: ready, or what to install."""
    found = {"local": "ready"}
    wanted = (("dask", "distributed", DASK), ("dask over ssh", "asyncssh", SSH), ("dask jobs", "dask_jobqueue", JOBQUEUE))
    for name, package, remedy in wanted:
        needed = [one for one in ("distributed", package) if not is_there(one)]
        found[name] = remedy if needed else f"ready ({package} {metadata.version(package.replace('_', '-'))})"
    return found


def is_there(package: str) -> bool:
    """Whether `package` can be imported here."""
    return find_spec(package) is not None
