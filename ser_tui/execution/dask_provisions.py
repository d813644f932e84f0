"""What a Dask worker needs before it can make trials of a search: this version, the recordings, the encoder. What it lacks is sent."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui import __version__
from ser_tui.corpora.hearing.segments import Clip
from ser_tui.execution import messages, relay
from ser_tui.execution.dask_contact import CHUNK, Contact, Slot
from ser_tui.execution.encoder_files import encoder_files
from ser_tui.execution.memory_limit import SHARE
from ser_tui.execution.messages import Failed, Prepare, Prepared
from ser_tui.execution.preparing import preparing
from ser_tui.experiment.data import SplitCorpus
from ser_tui.store.files import digest_of
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.training import machine
from ser_tui.training.features import refuse_changed
from ser_tui.training.trainer import Trainer
from ser_tui.training.trial import UtteranceChanged

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Placed:
    """A file that a machine may need: where it is here, the SHA-256 of its bytes, and how its name ends."""

    path: Path
    digest: str
    suffix: str


class Provisions:
    """What the trials of `study` need on any machine, and giving it to one Dask worker after another, each in a thread of its own.

    `here`: what the machine that leads is, see `training.machine.describe`.
    """

    def __init__(self, contact: Contact, study: Study, data: SplitCorpus, trainer: Trainer) -> None:
        self._contact = contact
        self._made_for = trainer.encoder_fingerprint, trainer.precision
        self.here = machine.describe()
        self._study, self._data = study, data
        self._recordings = {os.fsencode(one.path): one for one in _recordings(data)}
        self._free: dict[str, int] = {}
        """Of each machine, the memory that was free when its first worker was looked at: trials hold some of it when others are."""
        self._sending: dict[tuple[str, str], threading.Lock] = {}
        """Of each machine: its files are sent by one at a time."""

    def give(self, slot: Slot) -> None:
        """Have the Dask worker of `slot` make trials of this search. Raises UserError where it cannot, UtteranceChanged, and what preparing
        a process there raises."""
        try:
            slot.facts = self._contact.call(slot, relay.facts)
        except (ImportError, AttributeError, RuntimeError) as error:
            # Dask's RuntimeError: the scheduler itself reads what it hands on.
            if isinstance(error, RuntimeError) and "deserializ" not in str(error):
                raise
            what = "the Dask scheduler" if isinstance(error, RuntimeError) else slot.called
            raise UserError(f"{what} has no ser_tui {__version__}: install it there, with the same extras") from None
        there = slot.facts.get("versions", {}).get("ser_tui")
        if there != __version__:
            raise UserError(f"{slot.called} has ser_tui {there}, not {__version__}: install that there")
        slot.other = _other(self.here, slot.facts)
        files = {path: (one.digest, one.suffix) for path, one in self._recordings.items()}
        with self._sending.setdefault((slot.host, str(slot.facts.get("cache"))), threading.Lock()):
            absent = self._contact.call(slot, relay.lacking, files)
            self._send(slot, [self._recordings[path] for path in absent])
            answer = self._prepared(slot, preparing(self._study, self._data, self._made_for[1]), files)
            if self._is_other_encoder(answer) and (own := encoder_files(self._study.encoder)):
                # The encoder is not there, or another of its name: the one from here is sent, and named by where it then lies.
                self._send(slot, [Placed(path, digest, path.suffix) for path, digest in own.values()])
                listed = {relative: (digest, path.suffix) for relative, (path, digest) in own.items()}
                folder = self._contact.call(slot, relay.assemble, self._made_for[0], listed)
                prepare = preparing(self._study.model_copy(update={"encoder": folder}), self._data, self._made_for[1])
                prepare.encoder_name = self._study.encoder
                answer = self._prepared(slot, prepare, files)
        if isinstance(answer, Failed):
            raise UserError(f"{slot.called}: {answer.text or answer.kind}")
        if (answer.fingerprint, answer.precision) != self._made_for:
            raise UserError(f"{slot.called} has other weights under the name {self._study.encoder}: put the same ones there")

    def _prepared(self, slot: Slot, prepare: Prepare, files: relay.Files) -> Prepared | Failed:
        host = slot.address.rpartition(":")[0]
        share = sum(address.rpartition(":")[0] == host for address in self._contact.present)
        allowance = int(self._free.setdefault(host, int(slot.facts["free_memory"])) * SHARE) // max(1, share)
        asked = self._contact.run, messages.encode(prepare), files, slot.threads, allowance
        answer = messages.told(self._contact.call(slot, relay.prepare, *asked))
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
            if digest_of(one.path) != one.digest:
                raise UtteranceChanged(f"{one.path} has changed since the run began: restore it, or clone the study into a new run")
            with one.path.open("rb") as file:
                while start < size or not size:
                    part = file.read(CHUNK - held)
                    pieces.append((one.digest, one.suffix, size, start, part))
                    held, start = held + len(part), start + len(part)
                    if held >= CHUNK:
                        self._contact.call(slot, relay.store, self._contact.run, pieces)
                        pieces, held = [], 0
                    if not part:
                        break
        if pieces:
            self._contact.call(slot, relay.store, self._contact.run, pieces)


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
        return digest_of(clip.path)
    except OSError as error:
        raise UtteranceChanged(f"{clip.path} cannot be read any more since the run began: {error.strerror}") from None
