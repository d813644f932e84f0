"""Contact with a Dask scheduler and its workers: which of them are there, which answer, and what one is asked for."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

from ser_tui.execution import relay
from ser_tui.execution.fetching import Fetcher, GivenUp
from ser_tui.experiment.executing import MachineGone
from ser_tui.study.formatting import counted

MEMBERS_SECONDS, KEEP_SECONDS = 1.0, 20.0
"""How often it looks which workers there are, and gives them a sign of life."""
LOST_SECONDS = 15.0
"""A scheduler that cannot be reached for so long is gone."""
MOST_SILENT = 3
"""Signs of life in a row, one every KEEP_SECONDS, that a Dask worker, or the scheduler, has not answered to: it hangs. Dask itself
waits for five minutes. They are counted, not timed: a leader that was suspended itself takes nobody for hung."""
END_SECONDS = 10.0
"""How long the end of the search waits till all have heard of it. The process of one that hangs ends by `relay.LEASE_SECONDS`."""
CHUNK = 4 * 1024 * 1024
"""Bytes that are sent in one go."""
Found = TypeVar("Found")


class Slot:
    """One Dask worker, and what it is at."""

    def __init__(self, number: int, address: str, threads: int) -> None:
        self.number, self.address, self.threads = number, address, threads
        self.gone = threading.Event()
        self.why = "is gone"
        """What to say of it then."""
        self.facts: Mapping[str, Any] = {}
        self.ready = False
        """Whether it has its study and its encoder."""
        self.refused = False
        """Whether it can make no trials of this search."""
        self.trial: int | None = None
        """The trial whose training, or model, it has."""
        self.busy = False
        """Whether an end of that is still to come."""
        self.last: int | None = None
        """The trial that it had before."""
        self.asked = 0
        """Counts what it was asked for, so that a late answer is none to a later question."""
        self.told = 0
        """Epochs and folds heard of what it is asked for now."""
        self.failed_starts = 0
        self.other = ""
        """By what its scores may differ in their last digits from those of the machine that leads."""

    @property
    def host(self) -> str:
        """Its machine."""
        return str(self.facts.get("host") or self.address)

    @property
    def where(self) -> str:
        """node7, tcp://10.0.0.7:41233, 2 threads"""
        return f"{self.host}, {self.address}, {counted(self.threads, 'thread')}"

    @property
    def called(self) -> str:
        """the Dask worker tcp://10.0.0.7:41233 on node7: as sentences name it."""
        return f"the Dask worker {self.address}" + (f" on {self.host}" if self.facts else "")


class Contact:
    """That of one search with the scheduler that `client` is connected to, from `open` to `close`. Its threads touch no log.

    `run`: by what the search's processes on the workers' machines are told from those of others; `address`: the scheduler's; `slots`: by
    address, the workers that the search has to do with; `present`: the threads of each Dask worker that there is; `hung`: addresses of
    those that were given up because they do not answer, till they do; `lost`: why the scheduler cannot be reached, empty while it can.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.run = f"ser-tui-{uuid.uuid4().hex}"
        self.address = str(client.scheduler.address)
        self.slots: dict[str, Slot] = {}
        self.present: dict[str, int] = {}
        self._silent: dict[str, int] = {}
        """By address: signs of life since it has answered to one."""
        self.hung: set[str] = set()
        self._asking: set[str] = set()
        """Addresses that a sign of life is on its way to."""
        self._looks = 0
        """How often the scheduler has said which workers there are."""
        self._fetcher = Fetcher()
        self.lost = ""
        self._stopping = False
        self._closed = threading.Event()
        self._changed: Callable[[], None] = lambda: None

    def open(self, heard: Callable[[tuple[float, Any]], None], changed: Callable[[], None]) -> None:
        """Look from now on who is there. `heard`: called with what `relay.converse` tells; `changed`: when one has come, or is gone."""
        self._changed = changed
        self._client.subscribe_topic(self.run, heard)
        self.present = dict(self._client.nthreads())
        for name, does in (("members", self._look_who), ("lease", self._keep)):
            threading.Thread(target=does, name=f"dask {name}", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the client has its scheduler, as far as it knows."""
        return bool(self._client.status == "running")

    def _look_who(self) -> None:
        since: float | None = None
        while not self._closed.wait(MEMBERS_SECONDS):
            try:
                if self._client.status != "running":
                    raise OSError(f"it is {self._client.status}")
                present = dict(self._client.nthreads())
            except Exception as error:
                since = since or time.monotonic()
                if time.monotonic() - since >= LOST_SECONDS or self._client.status == "closed":
                    self.lost = str(error) or type(error).__name__
                    self._changed()
                    return
                continue
            since = None
            self._looks += 1
            if present != self.present:
                self.present = present
                for address, slot in list(self.slots.items()):
                    if address not in present:
                        slot.gone.set()
                self._changed()

    def _keep(self) -> None:
        looks, unanswered = -1, 0
        while not self._closed.wait(KEEP_SECONDS):
            unanswered = unanswered + 1 if self._looks == looks else 0
            looks = self._looks
            if unanswered >= MOST_SILENT and not self.lost:
                self.lost = "it takes connections and answers nothing"
                self._changed()
            for address in self._known():
                if self._silent.get(address, 0) >= MOST_SILENT and not unanswered:
                    self._take_for_hung(address)
                self._silent[address] = self._silent.get(address, 0) + 1
            self.tell_all(relay.keep, self._stopping)

    def _take_for_hung(self, address: str) -> None:
        slot = self.slots.get(address)
        if slot is None or address in self.hung:
            return
        self.hung.add(address)
        slot.why = f"has answered nothing for {MOST_SILENT * KEEP_SECONDS:.0f} s"
        slot.gone.set()
        self._changed()

    def _known(self) -> list[str]:
        """The addresses of our workers that are there, and of those that were ours and hang."""
        return [address for address in dict.fromkeys([*list(self.slots), *list(self.hung)]) if address in self.present]

    def tell_all(self, what: Callable[..., Any], *arguments: Any, only: list[str] | None = None, seconds: float = 0.0) -> None:
        """Have all our workers do `what`, beside what they are at, and wait for so many `seconds` for that. Who hangs holds up nobody."""
        addresses = self._known() if only is None else [address for address in only if address in self.present]
        telling = [
            threading.Thread(target=self._tell_one, args=(address, what, *arguments), name=f"dask {what.__name__}", daemon=True)
            for address in addresses if what is not relay.keep or address not in self._asking
        ]  # fmt: skip
        for one in telling:
            one.start()
        until = time.monotonic() + seconds
        for one in telling if seconds else ():
            one.join(max(0.0, until - time.monotonic()))

    def _tell_one(self, address: str, what: Callable[..., Any], *arguments: Any) -> None:
        if what is relay.keep:
            self._asking.add(address)
        answered: Mapping[str, Any] = {}
        with suppress(Exception):  # whoever cannot be reached is found out otherwise
            answered = self._client.run(what, self.run, *arguments, workers=[address], on_error="ignore")
        if what is relay.keep:
            self._asking.discard(address)
            if address in answered:
                self._silent.pop(address, None)
                if address in self.hung:
                    self.hung.discard(address)
                    self._changed()  # it is back

    def call(self, slot: Slot, what: Callable[..., Found], *arguments: Any) -> Found:
        """What the Dask worker of `slot` returns; raises what it raises, and MachineGone."""
        return cast(Found, self.fetched(slot, self.submit(slot, what, *arguments)))

    def fetched(self, slot: Slot, future: Any) -> Any:
        """What `future`, a task of `slot`, has come to; raises what that has raised, and MachineGone."""
        try:
            return self._fetcher.fetch(future, lambda: slot.gone.is_set() or bool(self.lost) or self._closed.is_set())
        except GivenUp:
            raise MachineGone(f"{slot.called} {slot.why}") from None

    def submit(self, slot: Slot, what: Callable[..., Any], *arguments: Any) -> Any:
        """Have the Dask worker of `slot` do `what`; its future."""
        return self._client.submit(
            what, *arguments, workers=[slot.address], allow_other_workers=False, pure=False, retries=0,
            key=f"{self.run}-{uuid.uuid4().hex}",
        )  # fmt: skip

    def stop(self) -> None:
        """Tell all our workers, now and with every sign of life, that the trials under way shall end within a batch."""
        self._stopping = True
        self.tell_all(relay.keep, True)

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """End the search's processes on the workers' machines, and the connection."""
        if not self.lost:
            self.tell_all(relay.end, seconds=END_SECONDS)
        self._closed.set()
        with suppress(Exception):
            self._client.close(timeout=5)
