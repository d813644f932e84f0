"""Run folders: their names and files, finding one by a short reference, and whether a worker is on it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ser_tui.places import absolute, folder_within, give_to_group, group_bits, private_folder
from ser_tui.store.batch_jobs import BatchJob
from ser_tui.store.files import FULL, read_json, sync_folder
from ser_tui.store.processes import ProcessId, alive, boot, is_of_this_kernel, this_host, would_be_seen
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.logged_study import LoggedStudy
from ser_tui.study.regular import is_file, open_regular
from ser_tui.study.status import RunStatus, ShownStatus
from ser_tui.study.wrong_values import nearest

if TYPE_CHECKING:
    # Where a log is read these are imported: a list of runs, which scripts ask for again and again, seldom reads one.
    from ser_tui.store.log import LogReader
    from ser_tui.study.events import RunStarted
    from ser_tui.study.state import RunState

Liveness = Literal["live", "dead", "elsewhere", "none", "hidden"]
_ID = re.compile(r"\d{8}-\d{6}-[A-Za-z0-9._-]{1,64}-[a-z0-9]{4}")
_STAMP = "%Y%m%d-%H%M%S"
_MADE = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)")
"""How a run's id begins."""
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
ANOTHERS = timedelta(minutes=5)
"""After so long without a sign of life a worker that bears this machine's identity is one of before it started anew: others beat every ten
seconds, by clocks that may differ."""
BEATS = timedelta(seconds=30)
"""A worker of this kernel, whose clock is this one's, gives three signs of life meanwhile."""


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The folder's name: time (UTC), study name and four random characters."""
        return self.path.name

    @property
    def study_name(self) -> str:
        """The study's name, as the folder's name holds it."""
        return self.run_id[16:-5]

    @property
    def begun(self) -> datetime | None:
        """When the folder was made, as its name holds it; None where a person has named it."""
        return folder_made(self.run_id)

    @property
    def is_run(self) -> bool:
        """Whether the folder holds a run: one of study and log may be lost."""
        return is_file(self.study) or is_file(self.log)

    @property
    def study(self) -> Path:
        """The resolved study document."""
        return self.path / "study.yaml"

    @property
    def log(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def worker(self) -> Path:
        """Which process works on the run."""
        return self.path / "worker.json"

    @property
    def worker_log(self) -> Path:
        """What libraries print."""
        return self.path / "worker.log"

    @property
    def lock(self) -> Path:
        """Held by the worker as long as it lives."""
        return self.path / "control" / "worker.lock"

    @property
    def stop_request(self) -> Path:
        """Present: the worker shall stop."""
        return self.path / "control" / "stop"

    @property
    def lost_study(self) -> Path:
        """Present: what has become of study.yaml, which was written anew since and which the log is to be told."""
        return self.path / "control" / "study-lost"

    @property
    def best(self) -> Path:
        """The best trial's model."""
        return self.path / "best"

    @property
    def corpus(self) -> Path:
        """What the corpus held when the run started: digests by utterance."""
        return self.path / "corpus.json"

    @property
    def parts(self) -> Path:
        """Which utterances were trained on, validated on and tested on when the run started."""
        return self.path / "parts.json"

    @property
    def paused(self) -> Path:
        """Checkpoints of trials that wait whether they are gone on with; absent where none does."""
        return self.path / "paused"

    @property
    def shared(self) -> Path:
        """What trials keep for later ones of the run; absent once it is over."""
        return self.path / "shared"

    @property
    def outputs(self) -> Path:
        """Class probabilities of what was scored, and on which utterances: see `ser_tui.store.outputs`."""
        return self.path / "outputs"

    def state(self) -> RunState:
        """The run's state, from its whole log. Raises UserError where that is there and cannot be read."""
        return self.read()[0]

    def read(self) -> tuple[RunState, LogReader]:
        """The run's state, and the reader that has read its log to the end. Raises UserError as `state` does."""
        from ser_tui.store import snapshot
        from ser_tui.study.reducer import reduce_all

        reader, state = snapshot.resumed(self.log)
        state = reduce_all(reader.each(), state)
        if reader.refused:
            refuse_hidden(self)
            raise UserError(f"{self.run_id}: {unreadable(reader).reason} ({self.log}); mend that and try again")
        snapshot.keep(reader, state)
        return described(self, state), reader


def described(folder: RunFolder, state: RunState) -> RunState:
    """`state` with the study of the run's study.yaml where its log says nothing of it yet: it failed, or waits, before its split."""
    if state.study:
        return state
    from ser_tui.study.load import load, to_plain  # a parser of YAML, which a list of runs does without

    try:
        return replace(state, study=LoggedStudy.of(to_plain(load(folder.study))))
    except UserError:
        return state


def begun(folder: RunFolder) -> RunStarted | None:
    """How the run began, from the beginning of its log alone; None where that says nothing of it, or cannot be read."""
    from ser_tui.store.log import LogReader
    from ser_tui.study.events import RunStarted

    return next((event for event in LogReader(folder.log).each() if isinstance(event, RunStarted)), None)


def is_run_id(name: str) -> bool:
    """Whether a run's folder can be called so."""
    return _ID.fullmatch(name) is not None


def unreadable(reader: LogReader) -> RunState:
    """What to show of a run whose log is there and cannot be read."""
    from ser_tui.study.state import RunState

    if owner := hidden(RunFolder(reader.path.parent)):
        return RunState(reason=f"{owner}'s, who alone can read it")
    return RunState(status=RunStatus.FAILED, reason=f"its log cannot be read: {reader.refused}")


def hidden(folder: RunFolder) -> str:
    """Whose run it is, where that is another user who has not let this one read it; empty otherwise."""
    try:
        for path in (folder.log, folder.worker):
            open_regular(path).close()
    except PermissionError:
        with suppress(OSError):
            owner = folder.path.stat().st_uid
            return "" if owner == os.geteuid() else user_name(owner)
    except OSError:
        pass
    return ""


def is_own(folder: RunFolder) -> bool:
    """Whether it is this user's: in a folder that a group shares, a colleague's run of the same study is the colleague's. In any other it
    is, whatever owner the file system shows: some that are mounted (sshfs, CIFS, NFS for root) show another."""
    try:
        return not group_bits(folder.path.parent) or folder.path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def user_name(uid: int) -> str:
    """What the user is called; the number where no list of users has it, as in a container."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def refuse_hidden(folder: RunFolder) -> None:
    """Raise UserError where the run is another user's, who has not let this one read it."""
    if owner := hidden(folder):
        raise UserError(
            f"{folder.run_id} is {owner}'s, who alone can read it: ask for a bundle of it (`ser-tui export {folder.run_id} --bundle "
            f"FILE.zip`), or for `chmod -R g+rX {folder.path}`"
        )


def create(runs: Path, name: str) -> RunFolder:
    """Make a new, empty run folder for a study called `name`. Raises UserError where that cannot be written."""
    import secrets

    try:
        private_folder(runs)
        while True:
            stamp = _next_stamp(runs)
            path = runs / f"{stamp}-{name}-{''.join(secrets.choice(_ALPHABET) for _ in range(4))}"
            try:
                path.mkdir(mode=0o700)
                give_to_group(path)
                break
            except FileExistsError:
                continue
        folder_within(path / "control")
        sync_folder(runs)
    except OSError as error:
        todo = "free some space, or set SER_TUI_RUNS" if error.errno in FULL else "set SER_TUI_RUNS"
        raise UserError(f"cannot create a run in {runs}: {error.strerror}; {todo} to a folder that you may write") from None
    return RunFolder(path)


def folder_made(run_id: str) -> datetime | None:
    """When the run's folder was made, as its name holds it; None where a person has named it, or its digits are no date."""
    # strptime would import calendars and languages, which costs the first frame of the app a hundredth of its time.
    found = _MADE.match(run_id)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _next_stamp(runs: Path) -> str:
    """The present for a new run's id, or a second after the newest run's: `latest` is the latest, wherever a clock was set to."""
    present = datetime.now(UTC)
    for folder in folders(runs):
        made = folder.begun
        if made is None or made.year == MAXYEAR:
            continue  # digits that are no date
        present = max(present, made + timedelta(seconds=1))
        break
    return present.strftime(_STAMP)


def refuse_links(folder: RunFolder) -> None:
    """Raise UserError where a part of the run is a link: what is written for a run stays in its folder."""
    inside = (folder.log, folder.worker_log, folder.lock.parent, folder.lock, folder.best, folder.outputs, folder.path / "export")
    for path in (*inside, folder.paused, folder.shared, folder.stop_request):
        if path.is_symlink():
            todo = "remove it" if path == folder.stop_request else "put the file itself there"
            raise UserError(f"{path} is a link; a run's files lie in its own folder: {todo}")


def folders(runs: Path) -> list[RunFolder]:
    """All run folders, newest first; none where there is no such folder. Raises UserError where it cannot be read: that it holds no run
    is then not known, and who believed it would begin again what is there."""
    try:
        with os.scandir(runs) as entries:
            names = [entry.name for entry in entries if _ID.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{runs} cannot be read: {error.strerror}; mend that, or set SER_TUI_RUNS to another folder") from None
    return [RunFolder(runs / name) for name in sorted(names, reverse=True)]


def misnamed(runs: Path) -> list[str]:
    """A sentence for each folder that holds a run's log under a name that no run has, so that no list shows it."""
    try:
        with os.scandir(runs) as entries:
            names = sorted(entry.name for entry in entries if not _ID.fullmatch(entry.name) and not entry.name.startswith("."))
    except OSError:
        return []
    return [_misnamed(runs, name) for name in names if is_file(RunFolder(runs / name).log)]


def _misnamed(runs: Path, name: str) -> str:
    folder = RunFolder(runs / name)
    near = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:64].strip("-.") or "run"
    had = _name_it_had(folder)
    rename = shlex.join(["mv", str(folder.path), str(runs / (had or f"{_begun(folder)}-{near}-a1b2"))])
    gives = "gives it back the name that it had" if had else "names it like one, DATE-TIME-NAME-XXXX"
    return f"{folder.path} holds a run, but is not named like one, so that no list shows it: `{rename}` {gives}"


def _name_it_had(folder: RunFolder) -> str:
    """The id of a run whose folder was renamed, as its worker noted it; empty where that is not known, or another folder has it."""
    facts = worker_facts(folder)
    name = Path(facts.place.path).name if facts is not None and facts.place is not None else ""
    return name if is_run_id(name) and not os.path.lexists(folder.path.parent / name) else ""


def _begun(folder: RunFolder) -> str:
    """20261122-143015: when a run began, by the first line of its log; some time where that does not say."""
    try:
        with open_regular(folder.log) as stream:
            found = re.search(rb'"time":"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)', stream.read(_FIRST))
    except OSError:
        found = None
    return "{}{}{}-{}{}{}".format(*(part.decode() for part in found.groups())) if found else "20261122-143015"


_FIRST = 200
"""Bytes of a log that hold the time of its first line."""


Choose = Callable[[Sequence[RunFolder], str], RunFolder]
"""Takes one of several runs, newest first, that a reference could name, or raises UsageError, which begins with the text given."""
SHOWN = 6
"""Runs that a message names: what is longer nobody reads."""


def resolve(runs: Path, reference: str, choose: Choose | None = None) -> RunFolder:
    """The run that `reference` names: `latest` (the newest, however it stands), an id, the beginning of one, the name of a study, or its
    folder. Of several that it could name `choose` takes one: see `store.wanted`.

    Raises UsageError that lists what it might be.
    """
    known = folders(runs)
    if (folder := _at(runs, reference)) is not None:
        return folder
    if not known:
        raise UsageError(f"there are no runs in {runs}; start one with `ser-tui run STUDY`")
    if reference == "latest":
        return known[0]
    matches = [folder for folder in known if folder.run_id.startswith(reference)] if reference else []
    told = f"{len(matches)} runs begin with {reference!r}"
    if not matches:
        matches = [folder for folder in known if reference and folder.study_name == reference]
        told = f"{len(matches)} runs are named {reference!r}"
    if not matches:
        names = dict.fromkeys([*(folder.study_name for folder in known), *(folder.run_id for folder in known)])
        meant = nearest(reference, names, "")
        raise UsageError(f"no run begins with {reference!r} in {runs}{meant}; `ser-tui runs` lists them, `latest` is {known[0].run_id}")
    if len(matches) > 1 and matches[-1].run_id != reference:
        if choose is not None:
            return choose(matches, told)
        raise UsageError(f"{told}: give the id of one: {', '.join(folder.run_id for folder in matches[:SHOWN])}")
    return matches[-1]


def resolve_each(runs: Path, references: Iterable[str], choose: Choose | None = None) -> list[RunFolder]:
    """The runs that `references` name, each once, however often it is named. Raises UsageError as `resolve`."""
    return list(dict.fromkeys(resolve(runs, reference, choose) for reference in references))


def _at(runs: Path, reference: str) -> RunFolder | None:
    """The run whose folder in `runs` is named by its path; None where none is. Raises UsageError where that would be no run of `runs`."""
    if reference and "/" not in reference:
        if not is_run_id(reference) and RunFolder(runs / reference).is_run:
            raise UsageError(_misnamed(runs, reference))
        return None
    path = Path(os.path.normpath(absolute(reference)))
    if not reference or not RunFolder(path).is_run:
        return None
    if _is_same_file(path.parent, str(runs)) and is_run_id(path.name):
        return RunFolder(runs / path.name)
    if is_run_id(path.name):
        raise UsageError(f"{path} is a run of {path.parent}, not of {runs}: set SER_TUI_RUNS to that folder")
    raise UsageError(_misnamed(path.parent, path.name))


@dataclass(frozen=True)
class Place:
    """A run's folder as its worker found it. `device`, `inode`: what tells it from a copy, as long as that worker lives."""

    path: str
    device: int
    inode: int

    @staticmethod
    def of(folder: RunFolder) -> Place:
        """Where the folder is now. Raises OSError."""
        found = folder.path.stat()
        return Place(str(folder.path), found.st_dev, found.st_ino)

    @staticmethod
    def from_json(data: Any) -> Place | None:
        """The place that `data` names; None where that is not readable, as in what ser_tui 0.1.0 wrote."""
        try:
            return Place(str(data["path"]), int(data["device"]), int(data["inode"]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class WorkerFacts:
    """What worker.json says. `job`: search, folds or evaluate. `heartbeat`: UTC time of the last sign of life.

    `ended`: the worker has given the run back itself, which holds wherever it is looked at from.
    `place`: the folder that it took; None where it did not say. `batch`: the job of a batch system that it is a part of.
    """

    process: ProcessId
    job: str
    heartbeat: str
    ended: bool = False
    place: Place | None = None
    batch: BatchJob | None = None


def worker_facts(folder: RunFolder) -> WorkerFacts | None:
    """Who works, or last worked, on the run."""
    data: Any = read_json(folder.worker, 1 << 20)
    process = ProcessId.from_json(data.get("process")) if isinstance(data, dict) else None
    if process is None or not isinstance(data, dict):
        return None
    ended = data.get("ended") is True
    place = Place.from_json(data.get("folder"))
    batch = BatchJob.from_json(data.get("batch"))
    return WorkerFacts(process, str(data.get("job", "search")), str(data.get("heartbeat", "")), ended, place, batch)


def liveness(folder: RunFolder) -> Liveness:
    """Whether a worker is on the run: live, dead, on another host (unknown from here), none ever, or hidden by another user.

    On a copy of a folder that a worker is on there is none; on one that was renamed under its worker there is. What another container of
    this machine works on is live too.
    """
    facts = worker_facts(folder)
    if facts is None:
        return "hidden" if hidden(folder) else "none"
    if facts.ended:
        return "dead"
    living = alive(facts.process)
    if living:
        return "dead" if _is_other_folder(folder, facts.place) else "live"
    # Another container's process is not seen from here, or its number is another process's here; its lock is the kernel's, for all of them.
    kernel, held = is_of_this_kernel(facts.process), _is_locked(folder)
    if held:
        return "live" if kernel else "elsewhere"
    if living is None and not (kernel and held is False):
        return "elsewhere"
    if beats_lately(facts):
        return "elsewhere"  # where each mount has locks of its own (FUSE, NFS with local_lock) another container's is not seen
    return "elsewhere" if _is_anothers(facts) else "dead"


def beats_lately(facts: WorkerFacts) -> bool:
    """Whether a worker of another container of this machine has given a sign of life so lately that it may live without being seen."""
    return is_of_this_kernel(facts.process) and not would_be_seen(facts.process) and abs(_silent_for(facts)) < BEATS


def if_gone(folder: RunFolder, facts: WorkerFacts) -> str:
    """What to do about a run that is `elsewhere` where its worker is gone: the end of a refusal's sentence."""
    if beats_lately(facts):
        return "try again in half a minute if that container is gone"
    return f"delete {folder.worker} if that host is gone"


def _is_locked(folder: RunFolder) -> bool | None:
    """Whether a worker holds the run; None where that cannot be seen."""
    from ser_tui.store.locks import is_held  # runs that are over, which are most of a list, do without

    try:
        return is_held(folder.lock)
    except OSError:
        return None


def _is_anothers(facts: WorkerFacts) -> bool:
    """Whether a process of another name and another boot is at work on a machine that was made from the same image as this one, rather
    than dead with this one's last boot: it has given a sign of life meanwhile."""
    if facts.process.host == this_host() or facts.process.boot == boot():
        return False
    return _silent_for(facts) < ANOTHERS


def _silent_for(facts: WorkerFacts) -> timedelta:
    """Time since the worker's last sign of life; endless where that cannot be read."""
    try:
        return datetime.now(UTC) - datetime.fromisoformat(facts.heartbeat)
    except (ValueError, TypeError):
        return timedelta.max


def moved_from(folder: RunFolder) -> WorkerFacts | None:
    """The living worker whose run this folder is not where, or not what, it was when the worker took it: renamed, or a copy."""
    facts = worker_facts(folder)
    if facts is None or facts.ended or facts.place is None or facts.place.path == str(folder.path.absolute()):
        return None
    return facts if alive(facts.process) and not _is_same_file(folder.path, facts.place.path) else None


def copied_from(folder: RunFolder) -> str:
    """What to say of a copy of a run that a worker is on elsewhere; empty for every other folder."""
    facts = moved_from(folder)
    if facts is None or facts.place is None or not _is_other_folder(folder, facts.place):
        return ""
    return f"a copy of {facts.place.path}, whose worker (pid {facts.process.pid}) goes on there and not here"


def _is_other_folder(folder: RunFolder, place: Place | None) -> bool:
    if place is None:
        return False
    try:
        here = Place.of(folder)
    except OSError:
        return False
    # Not by the inode alone: some file systems give a folder another one at every mount.
    return (here.device, here.inode) != (place.device, place.inode) and not _is_same_file(folder.path, place.path)


def _is_same_file(one: Path, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def shown_status(status: RunStatus, worker: Liveness, waits: str = "") -> ShownStatus:
    """The word for a run's state. `waits`: how it stands in the queue (waits, cannot start), see `ser_tui.store.queue`."""
    if waits and worker != "live":
        return ShownStatus.STUCK if waits == "cannot start" else ShownStatus.QUEUED
    if status.over:
        return ShownStatus(status.value)
    if worker == "hidden":
        return ShownStatus.PRIVATE
    if worker == "live":
        return ShownStatus.STARTING if status == RunStatus.NEW else ShownStatus.LIVE
    if worker == "none" and status == RunStatus.NEW:
        return ShownStatus.NOT_BEGUN
    return ShownStatus.ELSEWHERE if worker == "elsewhere" else ShownStatus.INTERRUPTED
