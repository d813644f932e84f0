"""Whether the machines of an SSH cluster let this user in, and have what their workers need: Dask itself says of most of this only that a
worker failed to start, and waits minutes for a machine that does not answer."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ser_tui.study.errors import UserError
from ser_tui.study.executor import ExecutorChoice

HOST_SECONDS = 20.0
"""For which a machine is waited for that does not answer, and for what it is asked."""
AT_ONCE = 50
"""How many machines are asked at one time."""
_NEEDED = "import distributed, ser_tui"


def refuse_odd(chosen: ExecutorChoice) -> None:
    """Raise UserError where settings of an SSH cluster have another shape than Dask's. Values are not shown: one may be a password."""
    hosts, wanted = len(chosen.hosts), "write keys and values"
    for name in ("worker_options", "scheduler_options", "connect_options"):
        value = chosen.settings.get(name)
        listed = name == "connect_options" and isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if value is not None and not isinstance(value, dict) and not listed:
            raise UserError(f"executor.settings.{name}: {wanted}, such as {{{_EXAMPLES[name]}}}")
    for name in ("connect_options", "remote_python"):
        value = chosen.settings.get(name)
        if isinstance(value, list) and len(value) != hosts:
            raise UserError(f"executor.settings.{name}: a list has one for each of the {hosts} hosts, not {len(value)}")


_EXAMPLES = {"worker_options": "memory_limit: 16GB", "scheduler_options": "port: 8786", "connect_options": "username: you"}


def connecting() -> set[str]:
    """What can be said of a connection; empty where that is not known here."""
    try:
        import asyncssh
    except ImportError:
        return set()
    declared = (asyncssh.connect, asyncssh.SSHClientConnectionOptions.prepare)
    return {name for one in declared for name in inspect.signature(one).parameters} - {"self", "host", "kwargs"}


def refuse_unreachable(chosen: ExecutorChoice) -> None:
    """Raise UserError where one of the hosts does not let this user in, or its Python lacks what a worker needs."""
    with ThreadPoolExecutor(1) as alone:  # a notebook's thread has a loop already
        alone.submit(asyncio.run, _all_of(chosen)).result()


async def _all_of(chosen: ExecutorChoice) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    asked = {(host, _of(chosen, "remote_python", place) or sys.executable): place for place, host in enumerate(chosen.hosts)}
    for refused in await asyncio.gather(
        *(_refused(host, python, _of(chosen, "connect_options", place) or {}, turns) for (host, python), place in asked.items())
    ):
        if refused:
            raise UserError(f"executor.hosts: {refused}")


def _of(chosen: ExecutorChoice, name: str, place: int) -> Any:
    """What the setting says of the host at `place`."""
    value = chosen.settings.get(name)
    return value[place] if isinstance(value, list) else value


async def _refused(host: str, python: str, options: Mapping[str, Any], turns: asyncio.Semaphore) -> str:
    """Why no worker can be started on `host`; empty: nothing is known against it."""
    import asyncssh

    async with turns:
        try:
            async with asyncio.timeout(HOST_SECONDS), asyncssh.connect(host, **options) as connection:
                done = await connection.run(f'{python} -c "{_NEEDED}"')
        except Exception as error:  # of a library, about other machines
            why = " ".join(str(error).split())[:200] or f"no answer within {HOST_SECONDS:.0f} s"
            keys = "keys must let you in without a password; executor.settings.connect_options says port, username and known_hosts"
            return f"{host} cannot be reached over SSH ({why}): {keys}"
    if not done.exit_status:
        return ""
    said = (str(done.stderr or "").strip().splitlines() or [f"exit code {done.exit_status}"])[-1][:200]
    remedy = "install ser-tui[dask] there, or name the Python that has it as executor.settings.remote_python"
    return f"{python} on {host} cannot do what a worker needs ({said}): {remedy}"
