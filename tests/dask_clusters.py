"""Schedulers and workers of Dask on 127.0.0.1, each a process of its own that can be killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from ser_tui.store.runs import RunFolder


class Cluster:
    """A scheduler and workers of one thread, each a process of its own, without nannies: who is killed stays away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._started("scheduler", {}, "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def _started(self, what: str, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        name = f"{what}{len(list(self.folder.glob('*.log')))}"
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *arguments]
            given = {**os.environ, **environment}
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, env=given)

    def join(self, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker."""
        found = self._started("worker", environment, self.address, "--nthreads", str(threads), "--no-dashboard", "--no-nanny")
        self.workers.append(found)
        return found

    def end(self) -> None:
        """End all of them."""
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster of so many workers as long as the block runs."""
    made = Cluster(folder)
    try:
        for _ in range(workers):
            made.join()
        yield made
    finally:
        made.end()


def by_dask(address: str) -> tuple[str, str]:
    """What a study says of it."""
    return "executor=dask", f"executor.scheduler={address}"


def move(folder: RunFolder, address: str) -> None:
    """Let the run go on by another scheduler."""
    lines = folder.study.read_text().splitlines()
    moved = [f"  scheduler: {address}" if line.strip().startswith("scheduler:") else line for line in lines]
    folder.study.write_text("\n".join(moved) + "\n")


def trained_for(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that a Dask worker has for those who search."""
    found = []
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ends while it is looked at, or has ended and is not waited for yet
                if "ser_tui.execution" in child.cmdline():
                    found.append(child.pid)
    return found
