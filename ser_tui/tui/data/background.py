"""Calls that may take long, kept off the event loop, in threads that never keep the app from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from ser_tui.study.errors import UserError, told
from ser_tui.study.formatting import counted

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")
CALL = "call of the app"
"""The name of the threads in which such calls run."""
Progress = Callable[[int, int | None], None]
"""Called with the bytes that are there and all bytes, None where that is not known."""


def calls_under_way() -> bool:
    """Whether a call of `in_thread` is being made right now."""
    return any(thread.name == CALL for thread in threading.enumerate())


async def in_thread(call: Callable[Arguments, Returned], *given: Arguments.args, **named: Arguments.kwargs) -> Returned:
    """`call(...)` in a daemon thread. asyncio.to_thread would make leaving the app wait for a download or a rebuilt index."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Returned] = loop.create_future()

    def settle(result: Returned | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # a Returned where there is no error

    def work() -> None:
        result: Returned | None = None
        error: BaseException | None = None
        try:
            result = call(*given, **named)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            return  # the app has ended meanwhile

    threading.Thread(target=work, daemon=True, name=CALL).start()
    return await future


@dataclass
class Fetch:
    """A download under way. `total` is None where the size is not known."""

    done: int = 0
    total: int | None = None

    @property
    def words(self) -> str:
        """fetching 43 %, 89 of 208 MB"""
        if not self.total:
            return f"fetching, {self.done / 1e6:.0f} MB" if self.done else "fetching ..."
        return f"fetching {self.done / self.total:.0%}, {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB"


@dataclass
class CorpusReading:
    """A corpus that is read in a thread: call it with the files that are read, and all of them. Once it was stopped the call raises
    UserError, by which the reading ends within a file; what was read is kept."""

    done: int = 0
    total: int = 0
    _stopped: bool = False

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stopped and done < total:
            raise UserError("the corpus was not read to its end")

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._stopped = True

    @property
    def words(self) -> str:
        """reading 43 %, 4,300 of 10,000 files"""
        if self.done >= self.total:  # or it is not known yet how many there are
            return "reading ..."
        return f"reading {self.done / self.total:.0%}, {self.done:,} of {counted(self.total, 'file', ',')}".replace("%", " %", 1)


class Fetches:
    """The downloads of this app, by kind and name; they go on while other screens are shown."""

    def __init__(self) -> None:
        self.under_way: dict[tuple[str, str], Fetch] = {}

    async def run(self, kind: str, name: str, call: Callable[[Progress], object]) -> str:
        """`call(progress)` until it ends; why it failed, or nothing. A second call for the same thing is refused."""
        key = (kind, name)
        if key in self.under_way:
            return f"{name} is being fetched already"
        fetch = self.under_way[key] = Fetch()

        def progress(done: int, total: int | None) -> None:
            fetch.done, fetch.total = done, total

        try:
            await in_thread(lambda: call(progress))
        except UserError as error:
            return str(error)
        except OSError as error:
            return str(told(error))
        finally:
            del self.under_way[key]
        return ""
