"""What was found out about a corpus's files, remembered between runs so that a corpus is read once."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ser_tui import places
from ser_tui.corpora.hearing.audio import RULES, Audio, Away, Failing, Momentary, Stamp, inspect, refused, stamp
from ser_tui.corpora.hearing.mpeg import inspect_apart, is_mpeg
from ser_tui.corpora.hearing.segments import Bounds
from ser_tui.store.files import write_atomically
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, some_of
from ser_tui.study.regular import read_regular

if TYPE_CHECKING:
    from concurrent.futures import Future

SETTLED_NS = 2_000_000_000
"""A file is remembered only when it was last changed so long before it was read: within the clock's resolution a second
write would leave the same stamp."""

KEEP_SECONDS = 120.0
"""What was read of a corpus is kept so often while the rest is read: 100,000 files on a disk of a network take an hour, and the terminal
may be gone before."""

MOST_BYTES = 256 << 20
"""More than what is known of a million files."""

MOST_AT_ONCE = 8
"""Files that are read at a time; more cores do not make a disk faster."""

SHOWN = 3
_CUT = "\0"
_NOTHING: Mapping[str, Sequence[Bounds]] = {}
Looked = TypeVar("Looked")
Progress = Callable[[int, int], None]
"""(files done, files in all)."""


def inspect_all(
    root: Path,
    files: Iterable[str],
    progress: Progress | None = None,
    *,
    cut: Mapping[str, Sequence[Bounds]] = _NOTHING,
    fresh: bool = False,
) -> dict[str, Audio | str]:
    """`audio.inspect` of each of `files` under `root`; `cut`: of recordings of which stretches are used, these.

    Files whose size and times have not changed are not read again. `fresh` reads them all the same: what a disk has spoilt keeps
    its times. Raises UserError where nothing can be known of a file just now: a corpus without it would be another one.
    """
    cache = _cache_file(root)
    remembered = {} if fresh else _read(cache)
    found: dict[str, Audio | str] = {}
    kept: dict[str, list[Any]] = {}
    marks: dict[str, Stamp] = {}
    heard_before: dict[str, Audio] = {}
    """What is known of the same bytes, cut elsewhere."""
    names = list(files)
    for name in names:
        try:
            mark = stamp(root / name)
        except (OSError, ValueError) as error:
            what = "cannot be opened"
            found[name] = _known(root / name, refused(what, error) if isinstance(error, OSError) else f"{what}: {error}")
            continue
        entry = remembered.get(_key(name, cut))
        verdict = (
            None if entry is None or entry[0] != _plain(mark) else Audio.from_plain(entry[1]) if isinstance(entry[1], list) else entry[1]
        )
        if entry is not None and verdict is not None and _is_of(verdict, cut.get(name, ())):
            found[name] = verdict
            kept[_key(name, cut)] = entry
        else:
            marks[name] = mark
            if isinstance(verdict, Audio):
                heard_before[name] = verdict
    if progress is not None:
        progress(len(found), len(names))
    now = time.time_ns()
    keep = time.monotonic() + KEEP_SECONDS
    try:
        for name, heard in _verdicts(root, marks, cut):
            found[name] = verdict = _known(root / name, _with_segments(heard, heard_before.get(name)))
            if not isinstance(verdict, Momentary) and _settled(marks[name], root / name, now):
                plain = verdict.to_plain() if isinstance(verdict, Audio) else verdict
                kept[_key(name, cut)] = [_plain(marks[name]), plain]
            if progress is not None:
                progress(len(found), len(names))
            if time.monotonic() >= keep:
                _write(cache, root, {**_read(cache), **kept})
                keep = time.monotonic() + KEEP_SECONDS
    except BaseException:
        _write(cache, root, {**_read(cache), **kept})  # who reads on later goes on from there
        raise
    if any(remembered.get(key) != entry for key, entry in kept.items()):
        # What is not listed now another table lists, or the folder itself.
        before = {key: entry for key, entry in _read(cache).items() if key not in kept and not _is_gone(root / key.removesuffix(_CUT))}
        _write(cache, root, {**before, **kept})
    _refuse_failing(root, found)
    return {name: found[name] for name in names}


def _refuse_failing(root: Path, found: Mapping[str, Audio | str]) -> None:
    """Raise UserError where a disk fails in reading files: what is broken is broken at every reading, but whether these are there would
    hang on the day, and two scores be of other recordings without a word."""
    failing = [f"{name} {verdict}" for name, verdict in found.items() if isinstance(verdict, Failing)]
    if failing:
        raise UserError(
            f"the disk fails in reading {counted(len(failing), 'recording')} in {root} ({some_of(failing, SHOWN, '; ')}): without them "
            "it would be another corpus; mend the disk and try again, or move these files out of the folder to do without them"
        )


def _is_gone(path: Path) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass
    return False


def _known(path: Path, verdict: Audio | str) -> Audio | str:
    """`verdict`. Raises UserError where it says nothing of the file."""
    if isinstance(verdict, Away):
        raise UserError(f"{path} {verdict}, which says nothing of the file; mend that and try again")
    return verdict


def _with_segments(verdict: Audio | str, before: Audio | None) -> Audio | str:
    """`verdict` with the segments that were heard of the same bytes before: two tables that cut one recording have both theirs."""
    if before is None or not isinstance(verdict, Audio) or verdict.digest != before.digest:
        return verdict
    return replace(verdict, segments=tuple(sorted({*before.segments, *verdict.segments})))


def _plain(mark: Stamp) -> list[int]:
    # By hand: `astuple` copies every number deeply, which is felt with 100,000 files.
    return [mark.size, mark.mtime_ns, mark.ctime_ns]


def _key(name: str, cut: Collection[str]) -> str:
    """What a verdict is remembered under: that on a recording in segments is another one. No file name holds a NUL."""
    return name + _CUT if name in cut else name


def _is_of(verdict: Audio | str, segments: Sequence[Bounds]) -> bool:
    """Whether these segments were heard when it was given; of other bounds, or by a version that heard none, they were not."""
    return isinstance(verdict, str) or {(first, last) for first, last, _ in verdict.segments}.issuperset(verdict.spans(segments))


def _verdicts(root: Path, names: Iterable[str], cut: Mapping[str, Sequence[Bounds]]) -> Iterator[tuple[str, Audio | str]]:
    """Of each of `names`, in another order. What the system refused is read once more: a corpus without it would be another one."""
    refused_once: list[str] = []
    for name, verdict in _heard(root, names, cut):
        if isinstance(verdict, Momentary) and not isinstance(verdict, Away):
            refused_once.append(name)
        else:
            yield name, verdict
    yield from _heard(root, refused_once, cut)


def _heard(root: Path, names: Iterable[str], cut: Mapping[str, Sequence[Bounds]]) -> Iterator[tuple[str, Audio | str]]:
    apart: list[str] = []

    def look(name: str) -> Audio | str | None:
        return None if is_mpeg(root / name) else inspect(root / name, segments=cut.get(name))

    with closing(_side_by_side(look, names)) as looked:
        for name, verdict in looked:
            if verdict is None:
                apart.append(name)
            else:
                yield name, verdict
    yield from zip(apart, inspect_apart([(root / name, cut.get(name)) for name in apart]), strict=True)


def _side_by_side(look: Callable[[str], Looked], names: Iterable[str]) -> Generator[tuple[str, Looked], None, None]:
    """Each of `names`, in their order, with what `look` finds; several are looked at at once, as decoding and the Fourier transforms use a
    core each, and a disk of a network keeps each file waiting."""
    from concurrent.futures import ThreadPoolExecutor  # with it logging, for which a list of corpora need not wait

    workers = min(MOST_AT_ONCE, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    waiting: deque[tuple[str, Future[Looked]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="reading") as pool:
        try:
            for name in names:
                waiting.append((name, pool.submit(look, name)))
                if len(waiting) > 2 * workers:
                    first, found = waiting.popleft()
                    yield first, found.result()
            while waiting:
                first, found = waiting.popleft()
                yield first, found.result()
        finally:  # nobody wants the others
            for _, found in waiting:
                found.cancel()


def _settled(mark: Stamp, path: Path, read_at: int) -> bool:
    try:
        return stamp(path) == mark and max(mark.mtime_ns, mark.ctime_ns) < read_at - SETTLED_NS
    except OSError:
        return False


def _cache_file(root: Path) -> Path:
    return places.cache_folder() / "manifests" / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"


def _read(cache: Path) -> dict[str, list[Any]]:
    try:
        data = json.loads(read_regular(cache, MOST_BYTES))
        files = data["files"] if data["rules"] == _rules() else {}
        return {name: entry for name, entry in files.items() if _sound(entry)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _sound(entry: Any) -> bool:
    if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], list)):
        return False
    verdict = entry[1]
    if isinstance(verdict, list):
        try:
            Audio.from_plain(verdict)
        except (TypeError, ValueError):
            return False
    return isinstance(verdict, list | str)


def _rules() -> list[str | int]:
    from soundfile import __libsndfile_version__

    return [RULES, str(__libsndfile_version__)]


def _write(cache: Path, root: Path, files: Mapping[str, list[Any]]) -> None:
    """Best effort: a full disk costs the next run some seconds, not this one its corpus."""
    try:
        places.private_folder(cache.parent)
        found = {"rules": _rules(), "root": os.fsencode(root).decode("utf-8", "replace"), "files": files}
        write_atomically(cache, json.dumps(found).encode(), durable=False)
    except OSError:
        pass
