"""Whether a cluster takes the values that the study has for its settings: Dask and dask-jobqueue say it only when they begin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ser_tui.study.errors import UserError
from ser_tui.study.executor import ExecutorChoice

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
            cluster.job_script()
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
