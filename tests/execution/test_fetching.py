"""Results of a real Dask worker, asked for by several threads at one moment."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ser_tui.execution import fetching
from ser_tui.execution.fetching import Fetcher, GivenUp

distributed = pytest.importorskip("distributed", reason="a Dask cluster needs ser-tui[dask]")


LOOK_SECONDS = 0.2


@pytest.fixture(autouse=True)
def _short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "LOOK_SECONDS", LOOK_SECONDS)


class Slow:
    """Takes so many seconds to be sent."""

    def __init__(self, seconds: float, value: int) -> None:
        self.seconds, self.value = seconds, value

    def __reduce__(self) -> tuple[type[int], tuple[int]]:
        time.sleep(self.seconds)
        return int, (self.value,)


def made(seconds: float, value: int) -> Slow:
    return Slow(seconds, value)


def failing(error: Exception) -> None:
    raise error


def never() -> bool:
    return False


def after(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds are over since it was first asked."""
    begun: list[float] = []

    def asked() -> bool:
        begun.append(time.monotonic())
        return begun[-1] - begun[0] >= seconds

    return asked


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    # The worker cannot import what stands here.
    pytest.importorskip("cloudpickle").register_pickle_by_value(sys.modules[__name__])
    given = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
    with distributed.LocalCluster(**given) as cluster, distributed.Client(cluster, set_as_default=False) as made_client:
        yield made_client


def test_who_gives_up_ends_nothing_for_the_others(client: Any) -> None:
    futures = [client.submit(made, 2 * LOOK_SECONDS, value, pure=False) for value in range(3)]
    for future in futures:
        future.exception()  # waits for the end
    fetcher, together = Fetcher(), threading.Barrier(3)

    def fetch(future: Any, is_hopeless: Callable[[], bool]) -> int:
        together.wait()
        return int(fetcher.fetch(future, is_hopeless))

    with ThreadPoolExecutor(3) as threads:
        impatient, *others = [threads.submit(fetch, *one) for one in zip(futures, (after(0), never, never), strict=True)]
        assert [one.result() for one in others] == [1, 2]
        with pytest.raises(GivenUp):
            impatient.result()


def test_what_takes_longer_than_a_look_comes_whole(client: Any) -> None:
    assert Fetcher().fetch(client.submit(made, 3 * LOOK_SECONDS, 7, pure=False), never) == 7


def test_a_tasks_own_failure_is_told_as_it_is(client: Any) -> None:
    own = [UnboundLocalError("cannot access local variable 'x'"), BrokenPipeError(32, "its pipe broke"), ConnectionResetError("reset")]
    for error in (TimeoutError("the disk did not answer"), ValueError("other bytes"), *own):
        with pytest.raises(type(error), match=re.escape(str(error))):
            Fetcher().fetch(client.submit(failing, error, pure=False), never)


def test_what_never_ends_is_given_up(client: Any) -> None:
    with pytest.raises(GivenUp):
        Fetcher().fetch(client.submit(made, 0, 1, pure=False, workers=["tcp://127.0.0.1:9"], allow_other_workers=False), after(0))


def test_what_is_cancelled_is_given_up(client: Any) -> None:
    future = client.submit(time.sleep, 60, pure=False)
    future.cancel()
    with pytest.raises(GivenUp):
        Fetcher().fetch(future, never)


def test_what_a_client_that_closes_leaves_is_given_up() -> None:
    from contextlib import suppress

    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        closing = distributed.Client(cluster, set_as_default=False)
        future = closing.submit(made, 30, 1, pure=False)
        fetcher, told = Fetcher(), threading.Event()

        def asked() -> bool:
            told.set()
            return False

        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(fetcher.fetch, future, asked)
            assert told.wait(30)
            with suppress(Exception):
                closing.close(timeout=5)
            with pytest.raises(GivenUp):
                waiting.result(60)
