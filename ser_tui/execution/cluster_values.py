"""Whether a cluster takes the values that the study has for its settings: Dask and dask-jobqueue say it only when they begin."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ser_tui.execution.job_clusters import REFUSES, refusal_of
from ser_tui.study.errors import UserError
from ser_tui.study.executor import MOST_PORT, ExecutorChoice

TRIED = 8
"""For so many settings at most it is tried which of them is refused: a worker takes two seconds to start."""

_OUT = object()


def refuse_shapes(chosen: ExecutorChoice) -> None:
    """Raise UserError where dask-jobqueue wants a list and has a word, whose letters it would write a line each, or the other way round."""
    from dask import config

    for name, value in chosen.settings.items():
        usual = config.get(f"jobqueue.{chosen.cluster}.{name.replace('_', '-')}", None)
        where = f"executor.settings.{name}"
        if isinstance(usual, list) and not isinstance(value, list):
            raise UserError(f"{where}: write a list, such as [{str(value)[:60]!r}]")
        if not isinstance(usual, list | dict) and isinstance(value, list | dict) and name not in ("extra", "env_extra", "job_extra"):
            raise UserError(f"{where}: write one value, not {'several' if isinstance(value, list) else 'keys and values'}")


def refuse_options(chosen: ExecutorChoice) -> None:
    """Raise UserError where an SSH cluster's scheduler or workers are to have a value that Dask does not take: it says so once it starts
    them on their machines, and then only that they failed to start. What those machines alone know, such as an interface, is left to them.
    """
    for where in ("worker_options", "scheduler_options"):
        for name, value in (chosen.settings.get(where) or {}).items():
            wanted = next((said for names, takes, said in _TAKEN if name in names and value is not None and not takes(value)), "")
            if wanted:
                raise UserError(f"executor.settings.{where}.{name}: Dask does not take {repr(value)[:60]}; write {wanted}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_port(value: Any) -> bool:
    ports = str(value).split(":") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return len(ports) > 0 and all(re.fullmatch(r"\d{1,5}", str(port)) and int(port) <= MOST_PORT for port in ports)


def _is_memory(value: Any) -> bool:
    from dask.utils import parse_bytes

    return value == "auto" or (not isinstance(value, bool) and _parsed(parse_bytes, value))


def _is_time(value: Any) -> bool:
    from dask.utils import parse_timedelta

    return not isinstance(value, bool) and _parsed(parse_timedelta, value)


def _parsed(parse: Callable[[Any], float], value: Any) -> bool:
    try:
        return parse(value) >= 0
    except Exception:  # of other people's code, for whatever somebody wrote
        return False


def _is_resources(value: Any) -> bool:
    numbers = value.values() if isinstance(value, dict) else ("none",)
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers)


_TAKEN: Sequence[tuple[Collection[str], Callable[[Any], bool], str]] = (
    (("n_workers", "nthreads"), _is_count, "a whole number from 1 on"),
    (("memory_limit",), _is_memory, "16GB, a share of the memory such as 0.5, auto, or 0 for no limit"),
    (("port", "worker_port"), _is_port, f"a port up to {MOST_PORT}, or a range such as '9000:9100'"),
    (
        ("death_timeout", "lifetime", "lifetime_stagger", "heartbeat_interval", "idle_timeout", "worker_ttl"), _is_time,
        "a time such as 60s or 1 hour",
    ),
    (("protocol",), lambda value: value in ("tcp", "tls", "ws", "wss", "ucx"), "tcp or tls"),
    (("resources",), _is_resources, "keys and numbers, such as {GPU: 1}"),
    (("env", "config"), lambda value: isinstance(value, dict), "keys and values"),
)  # fmt: skip
"""(options, whether a value is taken, what to write)."""


def refuse_values(chosen: ExecutorChoice, make: Any, given: Mapping[str, Any]) -> None:
    """Raise UserError where `make`, called with `given` for a cluster of this machine or of jobs, refuses it: such a cluster is made,
    without a job, and ended. Takes two seconds with one of this machine, and less than one with others."""
    jobs = chosen.cluster != "local"
    if not jobs and not chosen.settings:
        return
    refused = _refused(make, given, jobs)
    if not refused:
        return
    if jobs and "memory" not in chosen.settings and "memory" in refused:
        raise UserError("executor.settings.memory: say how much memory each job is to have, such as memory: 16GB")
    names = list(chosen.settings)[:TRIED]
    without = {name: "" if len(names) == 1 else _refused(make, {**given, name: _OUT}, jobs) for name in names}
    # Without what is refused all is well; or at least, where that is needed, something else is said.
    culprits = sorted((bool(said), name) for name, said in without.items() if _alike(said) != _alike(refused))
    if refused.startswith(REFUSES):  # what is said without a setting that every job needs is no more about it
        culprits = [(said, name) for said, name in culprits if not said]
    for _, name in culprits:
        value = repr(chosen.settings[name])[:60]
        raise UserError(f"executor.settings.{name}: {make.__name__} refuses {value} ({refused}); write another value, or leave it out")
    raise UserError(f"executor.settings: {make.__name__} refuses them ({refused}); see what Dask's documentation says of them")


def _refused(make: Any, given: Mapping[str, Any], jobs: bool) -> str:
    """What is said against a cluster like that; nothing where it can be made."""
    cluster: Any = None
    try:
        few = {} if jobs else {"n_workers": 1}
        cluster = make(**{key: value for key, value in {**given, **few}.items() if value is not _OUT})
        if jobs:
            command = getattr(getattr(make, "job_cls", None), "submit_command", None) or ""
            return refusal_of(command, cluster.job_script())
    except Exception as error:  # of other people's code
        return said_of(error)
    finally:
        if cluster is not None:
            with suppress(Exception):
                cluster.close(timeout=5)
    return ""


def _alike(said: str) -> str:
    """Without the numbers: addresses have others each time."""
    return re.sub(r"\d+", "", said)


def said_of(error: BaseException) -> str:
    """What an error of other people's code says, in one line: what it was for, where it says only that something has failed to start."""
    while error.__cause__ is not None and str(error).strip(".").endswith("failed to start"):
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__
