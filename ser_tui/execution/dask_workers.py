"""Dask workers: processes of any machines of a Dask cluster, each of which makes one trial at a time for the search that leads here."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ser_tui import __version__
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.execution import messages, relay
from ser_tui.execution.clusters import START_SECONDS, connected
from ser_tui.execution.encoder_files import encoder_files
from ser_tui.execution.fetching import Fetcher, GivenUp
from ser_tui.execution.memory_limit import SHARE
from ser_tui.execution.messages import Failed, PlainFold, PlainPart, Prepare, Prepared, Refit, Train, Trained
from ser_tui.experiment.crew import Crew
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.executing import Ended, Hearer, MachineGone, Task, WorkerDied
from ser_tui.experiment.surroundings import Surroundings
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.load import dumps
from ser_tui.training import machine
from ser_tui.training.features import refuse_changed
from ser_tui.training.threads import cores
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import TrialStopped, UtteranceChanged

LOOK_SECONDS = 0.2
"""How long the search waits before it looks again whether it shall stop."""
PATIENCE_SECONDS = 30.0
"""Whoever has not stopped by then is ended: a batch is not as long, and its trial has no score either way."""
FIRST_SECONDS = 20.0
"""How long a search waits for the first worker before it says that it waits."""
MEMBERS_SECONDS, KEEP_SECONDS = 1.0, 20.0
"""How often it looks which workers there are, and gives them a sign of life."""
LOST_SECONDS = 15.0
"""A scheduler that cannot be reached for so long is gone."""
MOST_SILENT = 3
"""Signs of life in a row, one every KEEP_SECONDS, that a Dask worker, or the scheduler, has not answered to: it hangs. Dask itself
waits for five minutes. They are counted, not timed: a leader that was suspended itself takes nobody for hung."""
END_SECONDS = 10.0
"""How long the end of the search waits till all have heard of it. The process of one that hangs ends by `relay.LEASE_SECONDS`."""
MOST_STARTS = 3
"""Of one Dask worker: so many processes in a row that ended before they were ready; others would too."""
CHUNK = 4 * 1024 * 1024
"""Bytes that are sent in one go."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Placed:
    """A file that a machine may need: where it is here, the SHA-256 of its bytes, and how its name ends."""

    path: Path
    digest: str
    suffix: str


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
    ) -> None:
        self._session, self._client, self._most, self._close_cluster = session, client, most, close_cluster
        self._run = f"ser-tui-{uuid.uuid4().hex}"
        self._address = str(client.scheduler.address)
        self._made_for = trainer.encoder_fingerprint, trainer.precision
        self._here = machine.describe()
        exact = study.model_copy(update={"training": study.training.model_copy(update={"precision": trainer.precision})})
        self._study = exact
        self._parts = PlainPart.of(data.part(data.split.train)), PlainPart.of(data.part(data.split.validation))
        self._folds, self._classes = tuple(map(PlainFold.of, data.objective_parts)), data.classes
        self._recordings = {os.fsencode(one.path): one for one in _recordings(data)}
        self._inbox: queue.SimpleQueue[_Told | _Answered | _Prepared | None] = queue.SimpleQueue()
        self._slots: dict[str, Slot] = {}
        self._numbers = 0
        self._present: dict[str, int] = {}
        self._silent: dict[str, int] = {}
        """By address: signs of life since it has answered to one."""
        self._hung: set[str] = set()
        """Addresses of those that were given up for that, till they answer."""
        self._asking: set[str] = set()
        """Addresses that a sign of life is on its way to."""
        self._looks = 0
        """How often the scheduler has said which workers there are."""
        self._free: dict[str, int] = {}
        """Of each machine, the memory that was free when its first worker was looked at: trials hold some of it when others are."""
        self._sending: dict[tuple[str, str], threading.Lock] = {}
        """Of each machine: its files are sent by one at a time."""
        self._fetcher = Fetcher()
        self._lost = ""
        self._stop_by: float | None = None
        self._closed = threading.Event()
        client.subscribe_topic(self._run, self._hear)
        self._present = dict(client.nthreads())
        for name, does in (("members", self._look_who), ("lease", self._keep)):
            threading.Thread(target=does, name=f"dask {name}", daemon=True).start()

    # What other threads do: they put into the inbox, and touch no log.

    def _hear(self, event: tuple[float, Any]) -> None:
        number, at, frame = event[1]
        self._inbox.put(_Told(number[0], number[1], at, frame))

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
                    self._lost = str(error) or type(error).__name__
                    self._inbox.put(None)
                    return
                continue
            since = None
            self._looks += 1
            if present != self._present:
                self._present = present
                for address, slot in list(self._slots.items()):
                    if address not in present:
                        slot.gone.set()
                self._inbox.put(None)

    def _keep(self) -> None:
        looks, unanswered = -1, 0
        while not self._closed.wait(KEEP_SECONDS):
            unanswered = unanswered + 1 if self._looks == looks else 0
            looks = self._looks
            if unanswered >= MOST_SILENT and not self._lost:
                self._lost = "it takes connections and answers nothing"
                self._inbox.put(None)
            for address in self._known():
                if self._silent.get(address, 0) >= MOST_SILENT and not unanswered:
                    self._take_for_hung(address)
                self._silent[address] = self._silent.get(address, 0) + 1
            self._tell_all(relay.keep, self._stop_by is not None)

    def _take_for_hung(self, address: str) -> None:
        slot = self._slots.get(address)
        if slot is None or address in self._hung:
            return
        self._hung.add(address)
        slot.why = f"has answered nothing for {MOST_SILENT * KEEP_SECONDS:.0f} s"
        slot.gone.set()
        self._inbox.put(None)

    def _known(self) -> list[str]:
        """The addresses of our workers that are there, and of those that were ours and hang."""
        return [address for address in dict.fromkeys([*list(self._slots), *list(self._hung)]) if address in self._present]

    def _tell_all(self, what: Callable[..., Any], *arguments: Any, only: list[str] | None = None, seconds: float = 0.0) -> None:
        """Have all our workers do `what`, beside what they are at, and wait for so many `seconds` for that. Who hangs holds up nobody."""
        addresses = self._known() if only is None else [address for address in only if address in self._present]
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
            answered = self._client.run(what, self._run, *arguments, workers=[address], on_error="ignore")
        if what is relay.keep:
            self._asking.discard(address)
            if address in answered:
                self._silent.pop(address, None)
                if address in self._hung:
                    self._hung.discard(address)
                    self._inbox.put(None)  # it is back

    def _call(self, slot: Slot, what: Callable[..., Found], *arguments: Any) -> Found:
        """What the Dask worker of `slot` returns; raises what it raises, and MachineGone."""
        return cast(Found, self._fetched(slot, self._submit(slot, what, *arguments)))

    def _fetched(self, slot: Slot, future: Any) -> Any:
        try:
            return self._fetcher.fetch(future, lambda: slot.gone.is_set() or bool(self._lost) or self._closed.is_set())
        except GivenUp:
            raise MachineGone(f"{_called(slot)} {slot.why}") from None

    def _submit(self, slot: Slot, what: Callable[..., Any], *arguments: Any) -> Any:
        return self._client.submit(
            what, *arguments, workers=[slot.address], allow_other_workers=False, pure=False, retries=0,
            key=f"{self._run}-{uuid.uuid4().hex}",
        )  # fmt: skip

    def _make_ready(self, slot: Slot) -> None:
        """Give a Dask worker what it needs: see `_Prepared`. In a thread of its own."""
        try:
            self._ready(slot)
        except Exception as error:
            self._inbox.put(_Prepared(slot, error))
        else:
            self._inbox.put(_Prepared(slot))

    def _ready(self, slot: Slot) -> None:
        try:
            slot.facts = self._call(slot, relay.facts)
        except (ImportError, AttributeError, RuntimeError) as error:
            # Dask's RuntimeError: the scheduler itself reads what it hands on.
            if isinstance(error, RuntimeError) and "deserializ" not in str(error):
                raise
            what = "the Dask scheduler" if isinstance(error, RuntimeError) else _called(slot)
            raise UserError(f"{what} has no ser_tui {__version__}: install it there, with the same extras") from None
        there = slot.facts.get("versions", {}).get("ser_tui")
        if there != __version__:
            raise UserError(f"{_called(slot)} has ser_tui {there}, not {__version__}: install that there")
        slot.other = _other(self._here, slot.facts)
        files = {path: (one.digest, one.suffix) for path, one in self._recordings.items()}
        with self._sending.setdefault((slot.host, str(slot.facts.get("cache"))), threading.Lock()):
            absent = self._call(slot, relay.lacking, files)
            self._send(slot, [self._recordings[path] for path in absent])
            prepare = Prepare(
                study=dumps(self._study), train=self._parts[0], validation=self._parts[1], classes=self._classes, folds=self._folds,
            )  # fmt: skip
            answer = self._prepared(slot, prepare, files)
            if self._is_other_encoder(answer) and (own := encoder_files(self._study.encoder)):
                # The encoder is not there, or another of its name: the one from here is sent, and named by where it then lies.
                self._send(slot, [Placed(path, digest, path.suffix) for path, digest in own.values()])
                listed = {relative: (digest, path.suffix) for relative, (path, digest) in own.items()}
                folder = self._call(slot, relay.assemble, self._made_for[0], listed)
                prepare.study = dumps(self._study.model_copy(update={"encoder": folder}))
                prepare.encoder_name = self._study.encoder
                answer = self._prepared(slot, prepare, files)
        if isinstance(answer, Failed):
            raise UserError(f"{_called(slot)}: {answer.text or answer.kind}")
        if (answer.fingerprint, answer.precision) != self._made_for:
            raise UserError(f"{_called(slot)} has other weights under the name {self._study.encoder}: put the same ones there")

    def _prepared(self, slot: Slot, prepare: Prepare, files: relay.Files) -> Prepared | Failed:
        host = slot.address.rpartition(":")[0]
        share = sum(address.rpartition(":")[0] == host for address in self._present)
        allowance = int(self._free.setdefault(host, int(slot.facts["free_memory"])) * SHARE) // max(1, share)
        answer = messages.told(self._call(slot, relay.prepare, self._run, messages.encode(prepare), files, slot.threads, allowance))
        assert isinstance(answer, Prepared | Failed)
        return answer

    def _is_other_encoder(self, answer: Prepared | Failed) -> bool:
        if isinstance(answer, Failed):
            return answer.kind == "user"
        return answer.fingerprint != self._made_for[0]

    def _send(self, slot: Slot, files: list[Placed]) -> None:
        """Send the bytes of `files`, several small ones or a part of a large one at a time. Raises UtteranceChanged."""
        pieces: list[relay.Piece] = []
        held = 0
        for one in files:
            size, start = one.path.stat().st_size, 0
            if relay.digest_of(one.path) != one.digest:
                raise UtteranceChanged(f"{one.path} has changed since the run began: restore it, or clone the study into a new run")
            with one.path.open("rb") as file:
                while start < size or not size:
                    part = file.read(CHUNK - held)
                    pieces.append((one.digest, one.suffix, size, start, part))
                    held, start = held + len(part), start + len(part)
                    if held >= CHUNK:
                        self._call(slot, relay.store, self._run, pieces)
                        pieces, held = [], 0
                    if not part:
                        break
        if pieces:
            self._call(slot, relay.store, self._run, pieces)

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
            self._session.note(f"no worker has joined the Dask scheduler {self._address} yet: waiting for one", level="warning")

    def _used(self) -> list[Slot]:
        sound = [slot for slot in self._slots.values() if not slot.refused and not slot.gone.is_set()]
        return sound[: self._most]

    def _look(self) -> None:
        """Take in who has joined and who is gone. Raises UserError where there is no scheduler any more."""
        if self._lost:
            raise UserError(
                f"the Dask scheduler {self._address} cannot be reached any more ({self._lost}); what is finished is kept: start it and its "
                "workers again, then resume the run"
            )
        for address, threads in self._present.items():
            if address in self._hung:
                continue
            known = self._slots.get(address)
            if (known is None or (known.gone.is_set() and known.trial is None)) and (self._most is None or len(self._used()) < self._most):
                self._numbers += 1
                slot = self._slots[address] = Slot(self._numbers, address, threads)
                self._begin_ready(slot)

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
        future = self._submit(slot, relay.converse, self._run, self._run, (slot.number, asked), messages.encode(message))
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
        if self._client.status != "running":
            return None
        for address, slot in list(self._slots.items()):
            if slot.gone.is_set():
                trial, busy = slot.trial, slot.busy
                if trial is not None and busy:
                    slot.busy = False
                    return Ended(trial, error=MachineGone(f"{_called(slot)} {slot.why}"))
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
                self._tell_all(relay.end, only=[slot.address])
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
        self._tell(slot.trial, item.frame, hearer)

    def _tell(self, trial: int, frame: bytes, hearer: Hearer) -> None:
        message = messages.told(frame)
        if isinstance(message, messages.EpochReported):
            hearer.on_epoch(trial, message.report)
        elif isinstance(message, messages.FoldScored):
            hearer.on_fold(trial, message.fold, message.value)
        elif isinstance(message, messages.Staged):
            hearer.on_stage(trial, message.stage, message.done, message.total)

    def _settle(self, item: _Prepared) -> None:
        """Take in that a Dask worker is ready, or is not."""
        slot, error = item.slot, item.error
        if slot.gone.is_set():
            return
        if error is None:
            slot.ready, slot.failed_starts = True, 0
            self._session.note(f"{_called(slot)} makes trials: {slot.where}", **{**slot.facts, "address": slot.address})
            if slot.other:
                text = f"scores of {slot.host} may differ in their last digits from those of {self._here['host']}: {slot.other}"
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
        text = told if isinstance(error, UserError) else f"{_called(slot)}: {type(error).__name__}: {told}"
        if not self._used() and not any(address not in self._slots for address in self._present):
            raise UserError(f"no worker of the Dask scheduler can make trials; {text}")
        self._session.note(f"{text}; it is not used", level="warning")

    def _answered(self, item: _Answered, hearer: Hearer) -> Ended | None:
        """The end that a finished future tells of: the first that is told of a trial counts, what comes later is no answer any more."""
        slot, trial = item.slot, item.slot.trial
        if slot.asked != item.asked or trial is None or not slot.busy or slot.gone.is_set():
            return None  # of one that is gone, `_ended_by_death` tells
        slot.busy = False
        try:
            told, raw, digest = cast("tuple[list[bytes], bytes, str]", self._fetched(slot, item.future))
            if hashlib.sha256(raw).hexdigest() != digest:
                raise WorkerDied("its result came back with other bytes than were sent")
        except MachineGone:
            slot.busy = True
            slot.gone.set()  # `_ended_by_death` tells of it, once it is known that it is not the scheduler that is gone
            return None
        except (WorkerDied, relay.NotHere) as error:
            self._begin_ready(slot)
            text = str(error).replace("see worker.log", f"see what {_called(slot)} has printed")
            return Ended(trial, error=WorkerDied(f"{text}, on {slot.host}"))
        except Exception as error:  # of what hands on there what is asked and told: no fault of the trial, nor of the search
            self._begin_ready(slot)
            return Ended(trial, error=WorkerDied(_failed(slot, error)))
        for frame in told[slot.told :]:
            self._tell(trial, frame, hearer)
        message = messages.told(raw)
        if isinstance(message, Failed):
            if message.kind == "disk":  # that one's, which says nothing of the disks here and elsewhere
                return Ended(trial, error=WorkerDied(f"{_called(slot)}: {message.text}"))
            return Ended(trial, error=message.error())
        if not isinstance(message, Trained):
            return Ended(trial)
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
            raise WorkerDied(f"{_called(slot)} could not save its model: {answer.text or answer.kind}")
        for name, size, digest in files:
            if Path(name).name != name or name.startswith("."):
                raise WorkerDied(f"{_called(slot)} sent a model with a file named {name!r:.60}")
            target, start = folder / name, 0
            with target.open("wb") as file:
                while start < size:
                    part = self._here_or_died(slot, relay.piece, name, start, min(CHUNK, size - start))
                    if not part:
                        break
                    file.write(part)
                    start += len(part)
            if relay.digest_of(target) != digest:
                raise WorkerDied(f"its model came back from {slot.host} with other bytes than were sent")
        with suppress(WorkerDied):
            self._here_or_died(slot, relay.drop)

    def _here_or_died(self, slot: Slot, what: Callable[..., Found], *arguments: Any) -> Found:
        try:
            return self._call(slot, what, self._run, *arguments)
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
        self._tell_all(relay.keep, True)

    def close(self) -> None:
        """See `Executor`: their processes are ended, Dask workers that others have started stay."""
        if self._closed.is_set():
            return
        if not self._lost:
            self._tell_all(relay.end, seconds=END_SECONDS)
        self._closed.set()
        with suppress(Exception):
            self._client.close(timeout=5)
        with suppress(Exception):
            self._close_cluster()


def of_cluster(session: Surroundings, study: Study, data: SplitCorpus, trainer: Trainer) -> DaskWorkers:
    """The workers of the cluster that the study names, or that is made as it says. Raises UserError, TrialStopped."""
    found = connected(study)
    try:
        made = DaskWorkers(session, study, data, trainer, found.client, None if study.workers == "auto" else study.workers, found.close)
        try:
            made.wait_for(max(1, found.workers), START_SECONDS if found.workers else FIRST_SECONDS)
        except BaseException:
            made.close()
            raise
    except BaseException:
        found.close()
        raise
    return made


def _called(slot: Slot) -> str:
    return f"the Dask worker {slot.address}" + (f" on {slot.host}" if slot.facts else "")


def _failed(slot: Slot, error: Exception) -> str:
    """What went wrong on another machine, and on which."""
    return f"{_called(slot)} failed: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _other(here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    """What of another machine decides in which order, and by which instructions, sums are rounded; empty: nothing is otherwise."""
    versions = [
        f"{name} {there.get('versions', {}).get(name, 'absent')}, not {here['versions'].get(name, 'absent')}"
        for name in ("torch", "torchaudio", "transformers", "numpy")
        if there.get("versions", {}).get(name) != here["versions"].get(name)
    ]
    processors = [
        f"{what} {' '.join(_listed(there.get(name)))}, not {' '.join(_listed(here[name]))}"
        for name, what in (("processor", "processor"), ("instruction_sets", "with"))
        if _listed(there.get(name)) != _listed(here[name])
    ]
    return "; ".join(versions + processors)


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def _recordings(data: SplitCorpus) -> Iterator[Placed]:
    """Every recording that the trials hear, once. Raises UtteranceChanged."""
    parts = [data.part(data.split.train), data.part(data.split.validation)]
    parts += [part for fold in data.objective_parts for part in (fold.train, fold.validation)]
    seen: set[Path] = set()
    for part in parts:
        for clip, digest in zip(part.clips, part.digests, strict=True):
            if clip.path not in seen:
                seen.add(clip.path)
                yield Placed(clip.path, _digest(clip, digest), clip.path.suffix)


def _digest(clip: Clip, digest: str) -> str:
    """The SHA-256 of the whole recording: of a segment the manifest has another one, which is checked."""
    if clip.whole and _SHA256.fullmatch(digest):
        return digest
    if _SHA256.fullmatch(digest):
        refuse_changed(clip, digest)
    try:
        return relay.digest_of(clip.path)
    except OSError as error:
        raise UtteranceChanged(f"{clip.path} cannot be read any more since the run began: {error.strerror}") from None
