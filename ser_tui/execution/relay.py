"""What a Dask worker does for a search that leads elsewhere: it keeps one process that trains, hands on what that is asked and says, and
has the files that it needs.

The functions here are what the search submits. What they are given and return is bytes, texts and numbers; models and results go with
the SHA-256 of their bytes. A Dask worker itself never imports torch: that is its process's, see `ser_tui.execution.__main__`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import msgspec

from ser_tui import places
from ser_tui.execution import messages
from ser_tui.execution.memory_limit import free_bytes
from ser_tui.execution.messages import Cool, Done, Failed, PlainFold, PlainPart, Prepare, Prepared, Save, Staged, Stop, Told
from ser_tui.execution.process import Process
from ser_tui.experiment.executing import WorkerDied
from ser_tui.store.files import digest_of, replacing
from ser_tui.store.held_folders import HeldFolder
from ser_tui.training import machine

LEASE_SECONDS = 120.0
"""Without a sign of life of the search for so long, its process is ended: the search is gone, or made the trial again elsewhere."""
_LOOK_SECONDS = 0.5

Files = Mapping[bytes, tuple[str, str]]
"""Paths where the search has its recordings -> the SHA-256 of their bytes, and how their names end."""
Piece = tuple[str, str, int, int, bytes]
"""Of a file that is sent: SHA-256, how its name ends, its size, where these bytes begin, and they."""


class NotHere(Exception):
    """This Dask worker has no process of the search: it was started anew, or the process was ended."""


@dataclass
class _Relay:
    process: Process
    heard: float
    """When the search last gave a sign of life, by a clock that nobody sets."""
    over: threading.Event = field(default_factory=threading.Event)
    model: HeldFolder | None = None
    """Where the model that is being fetched lies."""


_relays: dict[str, _Relay] = {}
_known: dict[tuple[str, float, int], str] = {}
"""The SHA-256 of the files looked at so far, by path, time and size."""


def facts() -> dict[str, Any]:
    """What the log says of this machine, and where it keeps what it is sent."""
    return {**machine.describe(), "cache": str(places.cache_folder()), "free_memory": free_bytes()}


def keep(run: str, stop: bool) -> None:
    """The search's sign of life; `stop`: what is under way shall end within a batch. Never waits."""
    relay = _relays.get(run)
    if relay is not None:
        relay.heard = time.monotonic()
        if stop:
            relay.process.ask(Stop())


def end(run: str) -> None:
    """End this search's process, whatever it is at."""
    relay = _relays.pop(run, None)
    if relay is not None:
        relay.over.set()
        relay.process.kill()
        if relay.model is not None:
            relay.model.release()


def lacking(files: Files) -> list[bytes]:
    """Those of `files` that are neither at their paths here, with the same bytes, nor were sent before."""
    return [path for path, (digest, suffix) in files.items() if _place(path, digest, suffix) is None]


def store(run: str, pieces: Sequence[Piece]) -> None:
    """Take in pieces of files, those of each in order. Raises ValueError where a whole one has other bytes than it should, OSError."""
    for digest, suffix, size, start, part in pieces:
        target = _shipped(digest, suffix)
        if target.exists():
            continue
        places.private_folder(target.parent)
        partial = target.with_name(f".{target.name}.{run}")
        with partial.open("wb" if start == 0 else "ab") as file:
            file.write(part)
        if start + len(part) == size:
            if digest_of(partial) != digest:
                partial.unlink()
                raise ValueError("a file that was sent came with other bytes")
            os.replace(partial, target)


def assemble(name: str, files: Mapping[str, tuple[str, str]]) -> str:
    """The folder `name` of files that were sent: relative path -> SHA-256 and how the name ends. Where it lies."""
    folder = _shipped_folder() / "folders" / name
    for relative, (digest, suffix) in files.items():
        target = folder / relative
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{relative} leads out of its folder")
        places.private_folder(target.parent)
        if not target.exists():
            with replacing(target) as partial:
                shutil.copyfile(_shipped(digest, suffix), partial)
    return str(folder)


def prepare(run: str, frame: bytes, files: Files, threads: int, allowance: int) -> bytes:
    """Start the process that trains with so many threads, and tell it the study in `frame`, a `Prepare`; what it answers.

    `allowance`: bytes of memory that it may take: its share of what was free here before any of this search trained. Raises WorkerDied,
    NotHere.
    """
    end(run)
    message = messages.asked(frame)
    assert isinstance(message, Prepare)
    found = {path: _place(path, digest, suffix) for path, (digest, suffix) in files.items()}
    relay = _Relay(Process(threads, allowance), time.monotonic())
    _relays[run] = relay
    threading.Thread(target=_watch, args=(run, relay), name="lease", daemon=True).start()
    relay.process.ask(_placed(message, found))
    while True:
        answer = _heard(relay)
        if isinstance(answer, Prepared | Failed):
            return messages.encode(answer)


def converse(run: str, number: tuple[int, int], frame: bytes) -> tuple[list[bytes], bytes, str]:
    """Ask the process for what `frame` says, a trial or a refit: what it told of epochs and folds, its answer, and the SHA-256 of that.

    Meanwhile the search is told all of it, as events of the topic `run`: (number, which of the told ones, -1 for what is not kept, frame).
    Raises WorkerDied where the process dies of it, NotHere.
    """
    from distributed import get_worker

    relay, told, tell = _relay(run), list[bytes](), get_worker().log_event
    relay.process.ask(messages.asked(frame))
    while True:
        message = _heard(relay)
        raw = messages.encode(message)
        if isinstance(message, messages.Trained | Done | Failed):
            return told, raw, hashlib.sha256(raw).hexdigest()
        kept = not isinstance(message, Staged)
        tell(run, (number, len(told) if kept else -1, raw))
        if kept:
            told.append(raw)


def cool(run: str, temperature: float) -> None:
    """As `Trainer.cool`. Raises NotHere."""
    _relay(run).process.ask(Cool(temperature=temperature))


def saved(run: str) -> tuple[bytes, list[tuple[str, int, str]]]:
    """Let the process save its model here: its answer, and of each file name, size and SHA-256. Raises WorkerDied, NotHere, OSError."""
    relay = _relay(run)
    drop(run)
    relay.model = HeldFolder()
    relay.process.ask(Save(folder=os.fsencode(relay.model.path)))
    while True:
        answer = _heard(relay)
        if isinstance(answer, Done | Failed):
            files = [path for path in sorted(relay.model.path.iterdir()) if path.is_file()]
            return messages.encode(answer), [(path.name, path.stat().st_size, digest_of(path)) for path in files]


def piece(run: str, name: str, start: int, size: int) -> bytes:
    """So many bytes of a file of the saved model. Raises NotHere, OSError."""
    held = _relay(run).model
    if held is None or Path(name).name != name:
        raise NotHere(f"there is no {name} here")
    with (held.path / name).open("rb") as file:
        file.seek(start)
        return file.read(size)


def drop(run: str) -> None:
    """The saved model is not needed any more."""
    relay = _relays.get(run)
    if relay is not None and relay.model is not None:
        relay.model.release()
        relay.model = None


def _relay(run: str) -> _Relay:
    found = _relays.get(run)
    if found is None:
        raise NotHere("the process that trained it is gone")
    return found


def _heard(relay: _Relay) -> Told:
    """The next message of the process. Raises WorkerDied."""
    while not wait([relay.process.pipe], _LOOK_SECONDS):
        if relay.over.is_set():
            raise WorkerDied("the process that trained it was ended")
    return relay.process.hear()


def _watch(run: str, relay: _Relay) -> None:
    while not relay.over.wait(LEASE_SECONDS / 20):
        if time.monotonic() - relay.heard > LEASE_SECONDS:
            if _relays.get(run) is relay:
                end(run)
            return


def _place(path: bytes, digest: str, suffix: str) -> Path | None:
    """Where the bytes with `digest` are: at `path`, or where they were kept when they were sent."""
    for here in (Path(os.fsdecode(path)), _shipped(digest, suffix)):
        with suppress(OSError):
            stat = here.stat()
            key = (str(here), stat.st_mtime, stat.st_size)
            if key not in _known:
                _known[key] = digest_of(here)
            if _known[key] == digest:
                return here
    return None


def _shipped_folder() -> Path:
    return places.cache_folder() / "shipped"


def _shipped(digest: str, suffix: str) -> Path:
    return _shipped_folder() / digest[:2] / f"{digest}{suffix}"


def _placed(message: Prepare, found: Mapping[bytes, Path | None]) -> Prepare:
    """`message` with the paths that its recordings have here."""

    def here(part: PlainPart) -> PlainPart:
        clips = tuple((os.fsencode(found.get(path) or os.fsdecode(path)), start, stop) for path, start, stop in part.clips)
        return PlainPart(clips, part.labels, part.digests, part.speakers)

    folds = tuple(PlainFold(fold.name, here(fold.train), here(fold.validation), fold.places) for fold in message.folds)
    return msgspec.structs.replace(message, train=here(message.train), validation=here(message.validation), folds=folds)
