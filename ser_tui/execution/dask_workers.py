"""Dask workers: processes of any machines of a Dask cluster, each of which makes one trial at a time for the search that leads here."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ser_tui.execution import messages, relay
from ser_tui.execution.clusters import START_SECONDS, connected
from ser_tui.execution.dask_contact import CHUNK, Contact, Slot
from ser_tui.execution.dask_provisions import Provisions
from ser_tui.execution.job_clusters import Jobs
from ser_tui.execution.messages import Failed, Refit, Train, Trained
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Hearer, MachineGone, Task, WorkerDied
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.store.files import digest_of
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import TrialStopped, UtteranceChanged

LOOK_SECONDS = 0.2
"""How long the search waits before it looks again whether it shall stop."""
PATIENCE_SECONDS = 30.0
"""Whoever has not stopped by then is ended: a batch is not as long, and its trial has no score either way."""
FIRST_SECONDS = 20.0
"""How long a search waits for the first worker before it says that it waits."""
MOST_STARTS = 3
"""Of one Dask worker: so many processes in a row that ended before they were ready; others would too."""
Found = TypeVar("Found")


@dataclass(frozen=True)
class _Told:
    """A message of the process that makes a trial. `number`: the slot's; `at`: see `relay.converse`."""

    number: int
    asked: int
    at: int
    frame: bytes


@dataclass(frozen=True)
class _Answered:
    """What a Dask worker was asked for is over; `future` knows how."""

    slot: Slot
    asked: int
    future: Any


@dataclass(frozen=True)
class _Prepared:
    """A Dask worker can make trials; or, with an error, cannot."""

    slot: Slot
    error: Exception | None = None


class DaskWorkers:
    """An executor of the workers of a Dask scheduler: see `ser_tui.experiment.executing.Executor`.

    `client`: connected to the scheduler; `cluster`: what was made for this search alone, and ends with it; `most`: no more workers than so
    many, None: all. They are prepared as they join, at any time.
    """

    def __init__(
        self,
        session: Surroundings,
        study: Study,
        data: SplitCorpus,
        trainer: Trainer,
        client: Any,
        most: int | None,
        close_cluster: Callable[[], None] = lambda: None,
        jobs: Jobs | None = None,
    ) -> None:
        self._session, self._most, self._close_cluster, self._jobs = session, most, close_cluster, jobs
        self._had: set[str] = set()
        """Addresses of those that were there when it was looked last."""
        self._contact = Contact(client)
        self._address = self._contact.address
        self._provisions = Provisions(self._contact, study, data, trainer)
        self._inbox: queue.SimpleQueue[_Told | _Answered | _Prepared | None] = queue.SimpleQueue()
        self._slots = self._contact.slots
        self._numbers = 0
        self._stop_by: float | None = None
        self._contact.open(self._hear, lambda: self._inbox.put(None))

    # What other threads do: they put into the inbox, and touch no log.

    def _hear(self, event: tuple[float, Any]) -> None:
        number, at, frame = event[1]
        self._inbox.put(_Told(number[0], number[1], at, frame))

    def _make_ready(self, slot: Slot) -> None:
        """Give a Dask worker what it needs: see `_Prepared`. In a thread of its own."""
        try:
            self._provisions.give(slot)
        except Exception as error:
            self._inbox.put(_Prepared(slot, error))
        else:
            self._inbox.put(_Prepared(slot))

    # What the search's own thread does.

    @property
    def crew(self) -> Crew:
        """Those that are there now, as far as they are used."""
        slots = self._used()
        threads = {slot.threads for slot in slots}
        told = f"{counted(len(slots), 'worker')} of the Dask scheduler {self._address}"
        gain = sum(slot.threads for slot in slots) / cores()
        return Crew(
            max(1, len(slots)), threads.pop() if len(threads) == 1 else None, max(gain, 0.1), told,
            {"workers": len(slots), "threads": [slot.threads for slot in slots], "scheduler": self._address},
        )  # fmt: skip

    def wait_for(self, count: int, seconds: float) -> None:
        """Wait until so many workers have joined, for so long at most. Raises TrialStopped, UserError."""
        until = time.monotonic() + seconds
        while len(self._used()) < count and time.monotonic() < until:
            if self._session.should_stop():
                raise TrialStopped
            self._look()
            time.sleep(LOOK_SECONDS)
        self._look()
        if not self._used():
            what = "none of its jobs has begun: the cluster may be full" if self._jobs else "waiting for one"
            self._session.note(f"no worker has joined the Dask scheduler {self._address} yet: {what}", level="warning")

    def _used(self) -> list[Slot]:
        sound = [slot for slot in self._slots.values() if not slot.refused and not slot.gone.is_set()]
        return sound[: self._most]

    def _look(self) -> None:
        """Take in who has joined and who is gone. Raises UserError where there is no scheduler any more."""
        if self._contact.lost:
            raise UserError(
                f"the Dask scheduler {self._address} cannot be reached any more ({self._contact.lost}); what is finished is kept: start "
                "it and its workers again, then resume the run"
            )
        for address, threads in self._contact.present.items():
            if address in self._contact.hung:
                continue
            known = self._slots.get(address)
            if (known is None or (known.gone.is_set() and known.trial is None)) and (self._most is None or len(self._used()) < self._most):
                self._numbers += 1
                slot = self._slots[address] = Slot(self._numbers, address, threads)
                self._begin_ready(slot)
        self._look_who_left()

    def _look_who_left(self) -> None:
        """Take in that Dask workers have left: the end of the last is told, and of jobs that have ended, at their time limit say, as many
        are submitted again. Raises UserError where all of them are refused."""
        there = set(self._contact.present)
        left, before, self._had = self._had - there, self._had, there
        if self._jobs is not None:
            for _ in left:
                self._jobs.ended()
            self._see_to(self._jobs, there)
        elif before and not there:
            self._session.note(f"no worker of the Dask scheduler {self._address} is left: waiting for one", level="warning")

    def _see_to(self, jobs: Jobs, there: set[str]) -> None:
        if jobs.all_refused and not there:
            raise UserError(f"executor.cluster: its jobs are refused ({jobs.all_refused}); what is finished is kept")
        if refused := jobs.refused():
            text = f"a job for another worker was refused ({refused}): it is submitted again once another has ended"
            self._session.note(f"{text}; {counted(len(there), 'worker')} of {jobs.count} are there", level="warning")
        if jobs.useless and not there:
            why = "is their time limit, or their memory, too small? What they have printed is in their own files"
            raise UserError(f"executor.cluster: its jobs end one after another before they have made a trial: {why}")
        if jobs.replace():
            left = f"{counted(len(there), 'worker')} of {jobs.count} left"
            self._session.note(f"jobs have ended: as many are submitted in their place, {left}")

    def _begin_ready(self, slot: Slot) -> None:
        slot.ready = False
        threading.Thread(target=self._make_ready, args=(slot,), name=f"prepare {slot.address}", daemon=True).start()

    @property
    def free(self) -> bool:
        """Whether one of them is ready, and has no trial."""
        return any(True for _ in self._idle())

    def _idle(self) -> Iterator[Slot]:
        return (slot for slot in self._slots.values() if slot.ready and slot.trial is None and not slot.gone.is_set())

    @property
    def place(self) -> str:
        """Of the next trial."""
        return next((slot.where for slot in self._idle()), self._address)

    def submit(self, task: Task) -> None:
        """See `Executor`."""
        slot = next(self._idle(), None)
        if slot is None:  # it has gone since it was seen
            self._numbers += 1
            slot = self._slots[f"gone {self._numbers}"] = Slot(self._numbers, self._address, 1)
            slot.gone.set()
            slot.trial, slot.busy = task.trial, True
            return
        slot.trial = task.trial
        self._ask(slot, Train(parameters=dict(task.parameters), seed=task.seed, rival=task.rival))

    def _ask(self, slot: Slot, message: messages.Asked) -> None:
        slot.busy, slot.asked, slot.told = True, slot.asked + 1, 0
        asked = slot.asked
        future = self._contact.submit(slot, relay.converse, self._contact.run, (slot.number, asked), messages.encode(message))
        future.add_done_callback(lambda done: self._inbox.put(_Answered(slot, asked, done)))

    def next(self, hearer: Hearer) -> Ended | None:
        """See `Executor`."""
        self._look()
        if (ended := self._ended_by_death()) is not None:
            return ended
        try:
            item = self._inbox.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            item = None
        if isinstance(item, _Told):
            self._told(item, hearer)
        elif isinstance(item, _Prepared):
            self._settle(item)
        elif isinstance(item, _Answered):
            return self._answered(item, hearer)
        return self._out_of_patience()

    def _ended_by_death(self) -> Ended | None:
        if not self._contact.running:
            return None
        for address, slot in list(self._slots.items()):
            if slot.gone.is_set():
                trial, busy = slot.trial, slot.busy
                if trial is not None and busy:
                    slot.busy = False
                    return Ended(trial, error=MachineGone(f"{slot.called} {slot.why}"))
                if trial is None:
                    del self._slots[address]
        return None

    def _out_of_patience(self) -> Ended | None:
        if self._stop_by is None or time.monotonic() < self._stop_by:
            return None
        for slot in self._slots.values():
            if slot.trial is not None and slot.busy:
                slot.busy = False
                slot.asked += 1
                self._contact.tell_all(relay.end, only=[slot.address])
                return Ended(slot.trial, error=TrialStopped())
        return None

    def _told(self, item: _Told, hearer: Hearer) -> None:
        slot = next((one for one in self._slots.values() if one.number == item.number and one.asked == item.asked), None)
        if slot is None or slot.trial is None or not slot.busy:
            return
        if item.at >= 0:
            if item.at < slot.told:
                return
            slot.told = item.at + 1
        messages.let_hear(hearer, slot.trial, messages.told(item.frame))

    def _settle(self, item: _Prepared) -> None:
        """Take in that a Dask worker is ready, or is not."""
        slot, error = item.slot, item.error
        if slot.gone.is_set():
            return
        if error is None:
            slot.ready, slot.failed_starts = True, 0
            self._session.note(f"{slot.called} makes trials: {slot.where}", **{**slot.facts, "address": slot.address})
            if slot.other:
                text = f"scores of {slot.host} may differ in their last digits from those of {self._provisions.here['host']}: {slot.other}"
                self._session.note(text, level="warning")
            return
        if isinstance(error, UtteranceChanged):
            raise error
        slot.failed_starts += 1
        if isinstance(error, WorkerDied) and slot.failed_starts < MOST_STARTS:
            self._begin_ready(slot)
            return
        slot.refused = True
        told = " ".join(str(error).split())[:300]
        text = told if isinstance(error, UserError) else f"{slot.called}: {type(error).__name__}: {told}"
        if not self._used() and not any(address not in self._slots for address in self._contact.present):
            raise UserError(f"no worker of the Dask scheduler can make trials; {text}")
        self._session.note(f"{text}; it is not used", level="warning")

    def _answered(self, item: _Answered, hearer: Hearer) -> Ended | None:
        """The end that a finished future tells of: the first that is told of a trial counts, what comes later is no answer any more."""
        slot, trial = item.slot, item.slot.trial
        if slot.asked != item.asked or trial is None or not slot.busy or slot.gone.is_set():
            return None  # of one that is gone, `_ended_by_death` tells
        slot.busy = False
        try:
            told, raw, digest = cast("tuple[list[bytes], bytes, str]", self._contact.fetched(slot, item.future))
            if hashlib.sha256(raw).hexdigest() != digest:
                raise WorkerDied("its result came back with other bytes than were sent")
        except MachineGone:
            slot.busy = True
            slot.gone.set()  # `_ended_by_death` tells of it, once it is known that it is not the scheduler that is gone
            return None
        except (WorkerDied, relay.NotHere) as error:
            self._begin_ready(slot)
            text = str(error).replace("see worker.log", f"see what {slot.called} has printed")
            return Ended(trial, error=WorkerDied(f"{text}, on {slot.host}"))
        except Exception as error:  # of what hands on there what is asked and told: no fault of the trial, nor of the search
            self._begin_ready(slot)
            return Ended(trial, error=WorkerDied(_failed(slot, error)))
        for frame in told[slot.told :]:
            messages.let_hear(hearer, trial, messages.told(frame))
        message = messages.told(raw)
        if isinstance(message, Failed):
            if message.kind == "disk":  # that one's, which says nothing of the disks here and elsewhere
                return Ended(trial, error=WorkerDied(f"{slot.called}: {message.text}"))
            return Ended(trial, error=message.error())
        if not isinstance(message, Trained):
            return Ended(trial)
        if self._jobs is not None:
            self._jobs.bore_fruit()
        if slot.other:
            message.notes = (*message.notes, f"made on {slot.host}, which differs: {slot.other}")
        return Ended(trial, message.result())

    def _of(self, trial: int) -> Slot:
        """Who has the model of `trial`. Raises WorkerDied."""
        for slot in self._slots.values():
            if slot.trial == trial and not slot.gone.is_set():
                return slot
        raise MachineGone("the Dask worker that trained it is gone")

    def refit(self, trial: int) -> None:
        """See `Executor`."""
        self._ask(self._of(trial), Refit())

    def cool(self, trial: int, temperature: float) -> None:
        """See `Executor`."""
        self._here_or_died(self._of(trial), relay.cool, temperature)

    def save(self, trial: int, folder: Path) -> None:
        """Fetch the model's files, piece by piece, each of which must have the digest that it had there. See `Executor`."""
        slot = self._of(trial)
        raw, files = self._here_or_died(slot, relay.saved)
        answer = messages.told(raw)
        if isinstance(answer, Failed):
            raise WorkerDied(f"{slot.called} could not save its model: {answer.text or answer.kind}")
        for name, size, digest in files:
            if Path(name).name != name or name.startswith("."):
                raise WorkerDied(f"{slot.called} sent a model with a file named {name!r:.60}")
            target, start = folder / name, 0
            with target.open("wb") as file:
                while start < size:
                    part = self._here_or_died(slot, relay.piece, name, start, min(CHUNK, size - start))
                    if not part:
                        break
                    file.write(part)
                    start += len(part)
            if digest_of(target) != digest:
                raise WorkerDied(f"its model came back from {slot.host} with other bytes than were sent")
        with suppress(WorkerDied):
            self._here_or_died(slot, relay.drop)

    def _here_or_died(self, slot: Slot, what: Callable[..., Found], *arguments: Any) -> Found:
        try:
            return self._contact.call(slot, what, self._contact.run, *arguments)
        except MachineGone:
            slot.gone.set()
            raise
        except (WorkerDied, relay.NotHere) as error:
            self._begin_ready(slot)
            raise WorkerDied(f"{error}, on {slot.host}") from None
        except Exception as error:  # a disk that is full there, for example
            self._begin_ready(slot)
            raise WorkerDied(_failed(slot, error)) from None

    def release(self, trial: int) -> None:
        """See `Executor`."""
        for slot in self._slots.values():
            if slot.trial == trial:
                slot.last, slot.trial, slot.busy = trial, None, False

    def renew(self, trial: int) -> bool:
        """Replace the process that has failed for memory, on whatever machine it is."""
        for slot in self._slots.values():
            if slot.ready and slot.last == trial:
                self._begin_ready(slot)
                break
        return True

    def stop(self) -> None:
        """See `Executor`."""
        self._stop_by = time.monotonic() + PATIENCE_SECONDS
        self._contact.stop()

    def close(self) -> None:
        """See `Executor`: their processes are ended, Dask workers that others have started stay."""
        if self._contact.closed:
            return
        self._contact.close()
        with suppress(Exception):
            self._close_cluster()


def of_cluster(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer) -> DaskWorkers:
    """The workers of the cluster that the study names, or that is made as it says. Raises UserError, TrialStopped."""
    found = connected(study)
    try:
        most = None if study.workers == "auto" else study.workers
        made = DaskWorkers(session, study, data, trainer, found.client, most, found.close, found.jobs)
        try:
            made.wait_for(max(1, found.workers), START_SECONDS if found.workers else FIRST_SECONDS)
        except BaseException:
            made.close()
            raise
    except BaseException:
        found.close()
        raise
    return made


def _failed(slot: Slot, error: Exception) -> str:
    """What went wrong on another machine, and on which."""
    return f"{slot.called} failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
