"""The one door to corpora: which there are, where they lie, and their manifests."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ser_tui.corpora import build, demo, locations, spellings
from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.catalogue import FIRST_KNOWN, PLUG_INS, edition, entries, find, recognised, require
from ser_tui.corpora.hearing.files import find as find_files
from ser_tui.corpora.hearing.inspection_cache import Progress
from ser_tui.corpora.labels import EMOTIONS
from ser_tui.corpora.locations import Source, forget, locate, refuse_other_copy, remember
from ser_tui.corpora.manifest import Manifest, Problem, Utterance
from ser_tui.corpora.reading import folder_tables, folders, named_speakers, tables
from ser_tui.corpora.reading.tables import ReadTable
from ser_tui.corpora.selection import only_speakers
from ser_tui.corpora.unified import told, unified
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import Speakers
from ser_tui.study.wrong_values import nearest

__all__ = [
    "Count",
    "Manifest",
    "Problem",
    "Source",
    "Utterance",
    "add",
    "count",
    "entries",
    "find",
    "forget",
    "keep",
    "load_manifest",
    "load_many",
    "locate",
    "names",
    "preview",
    "read_manifest",
    "read_source",
    "refuse_other_copy",
    "remember",
    "require",
]


def names() -> list[str]:
    """All corpora that a list should show: the known ones, then those that the user added under names of their own."""
    known = [entry.name for entry in entries()]
    return known + sorted(set(locations.read()) - set(known))


def load_manifest(name: str, progress: Progress | None = None) -> Manifest:
    """The corpus's manifest. The demo corpus is made first where it is missing.

    Raises UserError when the corpus is not on this machine or has no usable utterance.
    """
    manifest = read_manifest(name, progress)
    if not manifest.utterances:
        check = f"`ser-tui corpora check {name}` lists them, " if manifest.problems else ""
        raise UserError(
            f"corpus {name}: no usable utterance in {manifest.root} ({_left_out(manifest)}); "
            f"{check}`ser-tui corpora add {name} PATH` names another folder"
        )
    return manifest


def read_manifest(name: str, progress: Progress | None = None, *, fresh: bool = False) -> Manifest:
    """As `load_manifest`, but a corpus without a usable utterance is one like others. `fresh`: trust no cached verdict."""
    refuse_other_copy(name)
    place = locations.source(name)
    if name == "demo" and (place is None or place.path == locations.installed_folder(name)):
        place = Source(demo.ensure())  # also replaces one that an older version made
    if place is None:
        raise UserError(_not_here(name))
    return read_source(name, place, progress=progress, fresh=fresh, before=_told_before(name))


def preview(name: str, path: Path, reading: Source | None = None, progress: Progress | None = None) -> Manifest:
    """What `name` would hold if it lay at `path` and were read as `reading` says; nothing is kept.

    Raises UserError where that cannot be, or where no utterance could be used.
    """
    place = locations.placed(name, path, reading)
    if place.like and place.path.is_file():
        raise UsageError(f"--like {place.like}: says by which corpus's rules the files of a folder are named; {place.path} is a table")
    asked = [*(f"--{role}" for role in place.columns), *["--split-map"] * bool(place.split_map), *["--root"] * (place.root is not None)]
    if asked and _table(name, place.path.resolve(), place) is None:
        raise UsageError(f"{', '.join(asked)}: about a table, and {place.path} is read as a folder; name the table, or leave that out")
    manifest = read_source(name, place, progress=progress)
    if not manifest.utterances:
        raise UserError(f"{place.path}: no usable utterance ({_left_out(manifest)}); {name} was not added{_meant(name, place)}")
    return manifest


def _left_out(manifest: Manifest) -> str:
    """12 files left out; first: anger/x.wav: empty: the file has no bytes. The first of the kind that most of them share."""
    if not manifest.problems:
        return "there are no recordings"
    kinds = Counter(problem.kind for problem in manifest.problems)
    first = max(manifest.problems, key=lambda problem: kinds[problem.kind])
    return f"{counted(len(manifest.problems), 'file')} left out; first: {first.path}: {first.reason}"


def _meant(name: str, place: Source) -> str:
    """The command that may have been meant where a folder was added from which nothing can be used: files that are named as those
    of another known corpus, or tables instead of recordings."""
    if not place.path.is_dir():
        return ""
    ids, _ = find_files(place.path)
    known = recognised(ids)
    if known is not None and known.name != (place.like or name):
        return f". Its files are named as {known.name}'s: `ser-tui corpora add {known.name} {place.path}`"
    if not ids and find(name) is None and (table := folders.table_beside(place.path)) is not None:
        return f". {table.name} lies there: if it has the labels, `ser-tui corpora add {name} {table}`"
    return ""


def add(name: str, path: Path, reading: Source | None = None, progress: Progress | None = None) -> Manifest:
    """Keep `path` as the corpus's location, if it can be read there, and how it was read there; what it holds.

    Raises UserError as `preview` does.
    """
    manifest = preview(name, path, reading, progress)
    keep(manifest, path, reading)
    return manifest


def keep(manifest: Manifest, path: Path, reading: Source | None = None) -> None:
    """Remember the location of what `preview` found, to be read as it was read then."""
    like = "" if manifest.like == manifest.corpus in FIRST_KNOWN else manifest.like
    remember(manifest.corpus, path, replace(reading or Source(path), like=like))


def read_source(name: str, place: Source, *, progress: Progress | None = None, fresh: bool = False, before: bool = False) -> Manifest:
    """The manifest of what lies at `place`, whether or not it is remembered; one class for each emotion however it is spelt."""
    return unified(_as_written(name, place, progress, fresh=fresh, before=before))


def _as_written(name: str, place: Source, progress: Progress | None, *, fresh: bool, before: bool) -> Manifest:
    path = place.path.resolve()
    found = _table(name, path, place)
    if found is None:
        look = folders.look(name, path, place.like, before=before)
        if place.speaker_in:
            labels, said = named_speakers.named(look.labels, place.speaker_in)
            look = replace(look, labels=labels, told=(*look.told, *said))
        return folders.heard(name, path, look, progress=progress, fresh=fresh)
    root, table = found
    if place.speaker_in:
        labels, said = named_speakers.named(table.labelled, place.speaker_in)
        table = replace(table, labelled=labels, reading=(*table.reading, *said))
    made = build.from_labels(name, root, table.labelled, table.problems, progress=progress, fresh=fresh)
    return replace(made, reading=table.reading, unclear_split=table.unclear_split)


def _table(name: str, path: Path, place: Source) -> tuple[Path, ReadTable] | None:
    """The table that `path` is, or that tells of the files in the folder `path`, and what its file names are relative to."""
    if path.is_file():
        return path.parent, tables.read(path, wanted=place.columns, split_map=place.split_map, root=place.root)
    if find(name) is not None or place.like:
        return None
    return folder_tables.read(path, wanted=place.columns, split_map=place.split_map, root=place.root)


@dataclass(frozen=True)
class Count:
    """How many `utterances` a corpus has on this machine. `read`: all its files were read before, so that these are the usable ones; else
    they are those with labels, some of which may turn out not to be usable."""

    utterances: int
    read: bool


class _Unread(Exception):
    """Not all files of a corpus were read before."""


def count(name: str) -> Count | None:
    """How many utterances the corpus has on this machine, as far as that can be told without opening a recording. None where it is not
    here, or cannot be read so."""
    place = locations.source(name)
    if place is None:
        return None
    before = _told_before(name)
    try:
        with suppress(_Unread):
            return Count(len(read_source(name, place, progress=_refuse_unread, before=before).utterances), read=True)
        path = place.path.resolve()
        found = _table(name, path, place)
        if found is not None:
            return Count(sum(not isinstance(labels, str) for labels in found[1].labelled.values()), read=False)
        return Count(folders.look(name, path, place.like, before=before).utterances, read=False)
    except UserError:
        return None


def _refuse_unread(done: int, total: int) -> None:
    """Hears first how many files were read before."""
    if done < total:
        raise _Unread


def _told_before(name: str) -> bool:
    """Whether the corpus was added by ser_tui 0.1.0, which kept nothing but the place."""
    kept = locations.read().get(name)
    return kept is not None and not kept.like


def load_many(
    corpora: Sequence[str], labels: Mapping[str, str], progress: Progress | None = None, *, speakers: Mapping[str, Speakers] | None = None
) -> Manifest:
    """One manifest of all named corpora, their emotions replaced by `labels` (an empty class drops the emotion).

    `speakers` says whose utterances of a corpus are used, under the names that the corpus gives them.
    With several corpora, ids, speakers and sentences begin with the corpus's name and a slash, those of people and sentences with
    that of its first edition: they are the same in both. Raises UserError as
    `load_manifest` does, when nothing is left, or when `labels` names an emotion that neither these corpora nor the
    parsers know.
    """
    loaded = [_chosen(load_manifest(name, progress), (speakers or {}).get(name)) for name in dict.fromkeys(corpora)]
    counts = Counter(_written(manifest, utterance) for manifest in loaded for utterance in manifest.utterances)
    classes = spellings.merged(counts)
    _check_labels(labels, loaded, counts, classes)
    relabelled = spellings.Relabelling(labels)
    several = len(loaded) > 1
    utterances: list[Utterance] = []
    problems: list[Problem] = []
    digests: dict[str, str] = {}
    written: dict[str, str] = {}
    merged: Counter[str] = Counter()
    for manifest in loaded:
        prefix = f"{manifest.corpus}/" if several else ""
        problems += [replace(problem, path=prefix + problem.path) for problem in manifest.problems]
        for utterance in manifest.utterances:
            word = _written(manifest, utterance)
            chosen = relabelled(word, utterance.emotion, classes[word])
            emotion = classes[word] if chosen is None else chosen
            if not emotion:
                continue
            merged[word] += chosen is None
            digests[prefix + utterance.id] = manifest.digests[utterance.id]
            if word != emotion and chosen is None:
                written[prefix + utterance.id] = word
            people = f"{edition(utterance)}/" if several else ""
            utterances.append(
                replace(
                    utterance,
                    id=prefix + utterance.id,
                    emotion=emotion,
                    speaker=_prefixed(people, utterance.speaker),
                    sentence=_prefixed(people, utterance.sentence),
                    session=_prefixed(people, utterance.session),
                )
            )
    if not utterances:
        raise UserError(f"labels drop every emotion of {', '.join(corpora)}: nothing is left; keep at least two classes")
    _check_classes(utterances)
    root = Path(os.path.commonpath([manifest.root for manifest in loaded]))
    made = manifests.make("+".join(manifest.corpus for manifest in loaded), root, utterances, problems, digests)
    return replace(
        made, spellings=told(+merged, classes), written=written,
        reading=tuple(f"{manifest.corpus}: {line}" if several else line for manifest in loaded for line in manifest.reading),
        like=loaded[0].like if not several else "",
        nameless=sum(manifest.nameless for manifest in loaded),
        unclear_split=next((manifest.unclear_split for manifest in loaded if manifest.unclear_split), ""),
    )  # fmt: skip


def _written(manifest: Manifest, utterance: Utterance) -> str:
    return manifest.written.get(utterance.id, utterance.emotion)


def _chosen(manifest: Manifest, speakers: Speakers | None) -> Manifest:
    return manifest if speakers is None else only_speakers(manifest, speakers.only, speakers.without)


def _prefixed(prefix: str, text: str | None) -> str | None:
    return None if text is None else prefix + text


def _check_labels(labels: Mapping[str, str], loaded: Sequence[Manifest], words: Iterable[str], classes: Mapping[str, str]) -> None:
    present = {emotion for manifest in loaded for emotion in manifest.emotions} | set(words) | set(classes.values())
    forms = {spellings.form(word) for word in present}
    for emotion in labels:
        if emotion not in present and emotion not in EMOTIONS and spellings.form(emotion) not in forms:
            hint = nearest(emotion, sorted(present), f"there are: {', '.join(sorted(set(classes.values())))}")
            raise UsageError(f"labels.{emotion}: no such emotion in {', '.join(m.corpus for m in loaded)}{hint}")


def _check_classes(utterances: Iterable[Utterance]) -> None:
    """Raises UsageError where `labels` leave two classes that differ in nothing but their spelling."""
    first: dict[str, str] = {}
    for emotion in sorted({utterance.emotion for utterance in utterances}):
        other = first.setdefault(spellings.form(emotion), emotion)
        if other != emotion:
            raise UsageError(f"labels: {other} and {emotion} would be two classes that differ in spelling only; write one of them")


def _not_here(name: str) -> str:
    if name in PLUG_INS:
        PLUG_INS.load(name)  # where it cannot be loaded, that is why it is not here
    entry = find(name)
    add = f"`ser-tui corpora add {name} PATH`"
    _, remembered = locations.named_place(name)
    if remembered is not None:
        return f"corpus {name} was at {remembered.path}, which is not there now; mount it, or name its new place: {add}"
    if entry is None:
        close = difflib.get_close_matches(name, names(), 1, 0.6)
        meant = f"did you mean {close[0]}? " if close else ""
        return f"no corpus {name} on this machine: {meant}`ser-tui corpora list` names those that are known, {add} adds your own"
    if entry.downloadable:
        return f"corpus {name} is not on this machine: `ser-tui corpora get {name}` downloads it, {add} names your own copy"
    return f"corpus {name} is not on this machine: get it from {entry.source}, then {add}"
