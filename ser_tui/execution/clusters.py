"""A connection to a Dask scheduler: one that runs already, or one of a cluster that is made from the study and ends with the search."""

from __future__ import annotations

import inspect
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ser_tui.execution.cluster_values import refuse_options, refuse_shapes, refuse_values, said_of
from ser_tui.execution.job_clusters import Jobs
from ser_tui.execution.ssh_hosts import connecting, refuse_odd, refuse_unreachable
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.executor import ExecutorChoice
from ser_tui.study.extras import missing
from ser_tui.study.wrong_values import nearest
from ser_tui.training.threads import cores, environment

CONNECT_SECONDS = 20.0
PORT_SECONDS = 10.0
"""For which a port that refuses is asked again, before there is a run: its scheduler may have been started by the line before in a job's
script, and its imports take seconds on a disk of a network. Dask would for CONNECT_SECONDS."""
SAID_SECONDS = 2.0
"""Within which a network says that nobody listens, where it says so."""
LISTED = 60
"""Names of settings that a message lists at most."""
SLACK = 1.5
"""Of that, how long a connection is waited for that Dask does not give up itself."""
START_SECONDS = 60.0
"""How long the workers of a cluster that is made here are waited for before the search says that it waits."""
JOBS: Mapping[str, str] = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster", "lsf": "LSFCluster"}
OURS = ("n_workers", "threads_per_worker", "cores", "processes", "asynchronous", "loop", "hosts", "scheduler_file")
"""What the study says by keys of its own, or what the search depends on."""


@dataclass(frozen=True)
class Connected:
    """A client of a scheduler, what ends the cluster that was made for it, and how many workers it is to have; 0: not known. `jobs`: where
    that cluster is one of jobs."""

    client: Any
    close: Callable[[], None]
    workers: int
    jobs: Jobs | None = None


def refuse_impossible(study: Study, *, reach: bool) -> None:
    """Raise UserError where `connected` would, as far as that is known within seconds. `reach`: the machines that the study names
    are asked, too: its scheduler, for CONNECT_SECONDS at most, and the hosts of an SSH cluster."""
    chosen = study.executor
    for key, text in missing(study).items():
        raise UserError(f"{key}: {text}")
    if chosen.cluster != "none":
        make, given = _usable(chosen), _arguments(chosen, _count(study, chosen))
        if chosen.cluster != "ssh":
            refuse_values(chosen, make, given)
        elif reach:
            refuse_unreachable(chosen)
    elif reach:
        if refused := _closed_port(chosen.scheduler):
            raise UserError(_unanswered(chosen.scheduler, refused))
        client = _reached(chosen.scheduler)
        with suppress(Exception):
            client.close(timeout=5)


def connected(study: Study) -> Connected:
    """The client that the study's `executor` asks for. Raises UserError in one line."""
    chosen = study.executor
    for text in missing(study).values():
        raise UserError(text)

    cluster: Any = None
    jobs: Jobs | None = None
    address, workers = chosen.scheduler, 0
    if not address:
        cluster, jobs, workers = _made(study, chosen)
        address = str(cluster.scheduler_address)
    try:
        client = _reached(address, getattr(cluster, "security", None))
    except UserError:
        _closed(cluster)
        raise
    return Connected(client, lambda: _closed(cluster), workers, jobs)


def _reached(address: str, security: Any = None) -> Any:
    """A client of the scheduler at `address`. `security`: the certificates of a cluster that was made here; else those that Dask's
    configuration names. Raises UserError where none answers."""
    try:
        return _client(address, security)
    except Exception as error:
        raise UserError(_unanswered(address, said_of(error))) from None


def _unanswered(address: str, why: str) -> str:
    todo = "start one with `dask scheduler`, or see whether the network lets this machine reach it"
    if address.startswith("tls:") and "ssl" in why.lower():
        todo = "Dask's configuration must name this machine's certificates (distributed.comm.tls), made by the authority of the scheduler's"
    elif "reset by peer" in why:
        todo = "if it wants TLS, write tls://; else see that it is a scheduler's port"
    return f"executor.scheduler: no Dask scheduler answers at {address} ({why}): {todo}"


def _closed_port(address: str) -> str:
    """Why nobody can be listening at `address`, asked for PORT_SECONDS; empty where somebody does, or where that is not told so soon."""
    place = urlsplit(address)
    until = time.monotonic() + PORT_SECONDS
    while True:
        try:
            socket.create_connection((place.hostname or "", place.port or 0), timeout=SAID_SECONDS).close()
        except TimeoutError:
            return ""  # a network may lose what is sent to it
        except socket.gaierror as error:
            return f"{place.hostname}: {error.strerror}"
        except OSError as error:
            if time.monotonic() < until:
                time.sleep(0.2)
                continue
            return f"{error.strerror}"
        return ""


def _client(address: str, security: Any = None) -> Any:
    """A client of the scheduler there. Raises TimeoutError, and what Dask raises.

    Dask's own limit does not hold where another program takes the connection and says nothing: in a thread of its own it can be left.
    """
    import distributed

    found: Future[Any] = Future()

    def connect() -> None:
        try:
            client = distributed.Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False, name="ser-tui")
        except Exception as error:
            found.set_exception(error)
            return
        found.set_result(client)

    threading.Thread(target=connect, name="dask connecting", daemon=True).start()
    if not wait([found], timeout=CONNECT_SECONDS * SLACK).done:
        raise TimeoutError("what listens there takes the connection and says nothing: is it a scheduler's port?")
    return found.result()


def _made(study: Study, chosen: ExecutorChoice) -> tuple[Any, Jobs | None, int]:
    """The cluster, with its workers asked for, the same as jobs where it is one of jobs, and their number."""
    count = _count(study, chosen)
    try:
        make = _usable(chosen)
        if chosen.cluster == "ssh":
            refuse_unreachable(chosen)
        if chosen.cluster not in JOBS:
            return make(**_arguments(chosen, count)), None, count
        jobs = Jobs(make, _arguments(chosen, count), count)
        jobs.submit()
        return jobs.cluster, jobs, count
    except UserError:
        raise
    except Exception as error:  # of other people's code, about other people's machines
        raise UserError(f"executor.cluster: the {chosen.cluster} cluster cannot be started ({said_of(error)})") from None


def _arguments(chosen: ExecutorChoice, count: int) -> dict[str, Any]:
    """What its class, or function, is called with for `count` workers; a cluster of jobs is scaled to them later."""
    threads = chosen.threads or (max(1, cores() // count) if chosen.cluster == "local" else 1)
    given = dict(chosen.settings)
    if chosen.cluster == "local":
        # What they train with are processes of their own, which limit their memory themselves.
        limits = {"memory_limit": 0, "dashboard_address": None}
        return {**limits, **given, "n_workers": count, "threads_per_worker": threads, "processes": True}
    if chosen.cluster == "ssh":
        options = {"nthreads": threads, **(given.pop("worker_options", None) or {})}
        return {**given, "hosts": list(chosen.hosts), "worker_options": options}
    said = [f"export {name}={value}" for name, value in _environment(threads).items()]
    return {**given, "job_script_prologue": [*said, *(given.get("job_script_prologue") or [])], "cores": threads, "processes": 1}


def _count(study: Study, chosen: ExecutorChoice) -> int:
    if chosen.cluster == "ssh":  # more than there are would be waited for in vain
        options = chosen.settings.get("worker_options")
        each = options.get("n_workers") if isinstance(options, dict) else None
        there = (len(chosen.hosts) - 1) * (each if isinstance(each, int) and each > 0 else 1)
        return min(study.workers, there) if isinstance(study.workers, int) else there
    if isinstance(study.workers, int):
        return study.workers
    if chosen.cluster == "local":
        return cores()
    raise UserError(f"workers: say how many jobs the {chosen.cluster} cluster is to have, such as workers: 8")


def _usable(chosen: ExecutorChoice) -> Any:
    """What makes the cluster. Raises UserError where it knows a setting not, or this machine cannot submit its jobs."""
    make = _maker(chosen)
    _refuse_unknown(chosen, make)
    if chosen.cluster == "ssh":
        refuse_odd(chosen)
        _refuse_unknown_options(chosen)
        refuse_options(chosen)
    elif chosen.cluster in JOBS:
        refuse_shapes(chosen)
    command = getattr(getattr(make, "job_cls", None), "submit_command", None) or ""
    if command and shutil.which(command.split()[0]) is None:
        needed = f"{chosen.cluster} needs its command {command.split()[0]} on this machine, which is to submit the jobs"
        raise UserError(f"executor.cluster: {needed}: start the search on a login node")
    return make


def _maker(chosen: ExecutorChoice) -> Any:
    import distributed

    if chosen.cluster == "local":
        return distributed.LocalCluster
    if chosen.cluster == "ssh":
        return distributed.SSHCluster
    import dask_jobqueue

    return getattr(dask_jobqueue, JOBS[chosen.cluster])


def _refuse_unknown(chosen: ExecutorChoice, make: Any) -> None:
    """Raise UserError where a setting is none that the cluster's class, or its jobs' class, declares."""
    known = parameters(make)
    if chosen.cluster == "local":  # what it does not know it hands to its workers
        from distributed import Nanny

        known |= parameters(Nanny)
    for name in chosen.settings:
        if name in OURS:
            raise UserError(f"executor.settings.{name}: workers, executor.threads and executor.hosts say that; leave it out")
    _refuse_others("executor.settings", chosen.settings, known, make.__name__)


def _refuse_unknown_options(chosen: ExecutorChoice) -> None:
    """Raise UserError where one of the options that an SSH cluster hands on is none of whom it is for."""
    from distributed import Nanny, Scheduler, Worker

    known = {"scheduler_options": (parameters(Scheduler), "a Dask scheduler"), "connect_options": (connecting(), "an SSH connection")}
    if "worker_class" not in chosen.settings:
        known["worker_options"] = ({"n_workers", *parameters(Nanny), *parameters(Worker)}, "a Dask worker")
    for name, (taken, what) in known.items():
        given = chosen.settings.get(name) or {}
        for options in given if isinstance(given, list) else [given]:
            _refuse_others(f"executor.settings.{name}", options, taken or options, what)


def _refuse_others(where: str, given: Mapping[str, Any], known: Collection[str], what: str) -> None:
    for name in given:
        if name not in known:
            hint = nearest(str(name), sorted(known), None if len(known) <= LISTED else "see its documentation")
            raise UserError(f"{where}.{name}: {what} has no such setting{hint}")


def parameters(make: Any) -> set[str]:
    """The names that a cluster's class, or function, declares: those of its bases and of its jobs' class too."""
    if not inspect.isclass(make):
        return set(inspect.signature(make).parameters) - {"kwargs"}
    classes = [*make.__mro__, *getattr(getattr(make, "job_cls", None), "__mro__", ())]
    found: set[str] = set()
    for one in classes:
        with suppress(TypeError, ValueError):
            own = inspect.signature(one.__init__).parameters.values() if "__init__" in vars(one) else ()
            found |= {parameter.name for parameter in own if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)}
    return found - {"self", "kwargs", "job_cls"}


def _environment(threads: int) -> Mapping[str, str]:
    """What a job's processes are to know: where ser_tui keeps things, if that was said here."""
    moved = {name: value for name in ("SER_TUI_CACHE", "SER_TUI_CACHE_GB") if (value := os.environ.get(name))}
    theirs = {name: value for name, value in environment(threads).items() if name.startswith("OMP")}
    # The job begins in the working folder, and Dask starts its worker by `python -m`, which would import what lies there.
    return {**theirs, "OMP_NUM_THREADS": str(threads), "PYTHONSAFEPATH": "1", **moved}


def _closed(cluster: Any) -> None:
    if cluster is not None:
        with suppress(Exception):
            cluster.close(timeout=10)
