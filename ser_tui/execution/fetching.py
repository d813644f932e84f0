"""What the tasks of a Dask cluster have come to, fetched by several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future as Fetched
from concurrent.futures import wait
from contextlib import suppress
from typing import Any

LOOK_SECONDS = 1.0
"""How long a result is waited for before it is asked again whether it can still come."""


class GivenUp(Exception):
    """A result that will not come."""


class Fetcher:
    """Fetches results one at a time, each for as long as that takes.

    Dask gathers in one go what several threads ask for at one moment: a time limit that ends this for one of them ends it for all, and
    what the others are told is an UnboundLocalError (distributed 2026.8). Over a slow link a limit would also begin a large result again
    and again.
    """

    def __init__(self) -> None:
        self._one = threading.Lock()

    def fetch(self, future: Any, is_hopeless: Callable[[], bool]) -> Any:
        """What the task of `future` has returned; raises what it has raised.

        Raises GivenUp where Dask cannot say what became of it, and as soon as `is_hopeless`, which is asked about once a second.
        """
        over = threading.Event()
        future.add_done_callback(lambda _: over.set())
        while not over.wait(LOOK_SECONDS):
            if is_hopeless():
                raise GivenUp
        fetched: Fetched[Any] = Fetched()
        threading.Thread(target=self._gather, args=(future, fetched), name="dask fetching", daemon=True).start()
        while not wait([fetched], timeout=LOOK_SECONDS).done:
            if is_hopeless():  # whoever fetches next shall not wait for it
                threading.Thread(target=_cancel, args=(future,), name="dask cancelling", daemon=True).start()
                raise GivenUp
        try:
            return fetched.result()
        except Exception as error:
            if _is_of_dask(error, future):
                raise GivenUp from None
            raise

    def _gather(self, future: Any, fetched: Fetched[Any]) -> None:
        try:
            with self._one:
                fetched.set_result(future.result())
        except Exception as error:
            fetched.set_exception(error)


def _cancel(future: Any) -> None:
    with suppress(Exception):
        future.cancel()


def _is_of_dask(error: Exception, future: Any) -> bool:
    """Whether it is Dask that cannot say what became of a task, rather than the task that has failed."""
    from distributed import CancelledError
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    if isinstance(error, CancelledError | KilledWorker) or type(error).__name__ in _NAMED:
        return True
    # UnboundLocalError: a client that closes tells so whoever waits for it. A task that has failed may raise any of these itself.
    return future.status != "error" and isinstance(error, CommClosedError | ConnectionError | UnboundLocalError)


_NAMED = ("FutureCancelledError", "FuturesCancelledError", "NoValidWorkerError")
