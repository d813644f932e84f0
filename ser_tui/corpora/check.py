"""The report of `ser-tui corpora check`: what a corpus holds, and every file that is not used and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.facts import Progress
from ser_tui.corpora.manifest import Manifest, Problem
from ser_tui.corpora.registry import find, read_manifest
from ser_tui.corpora.splits import conflicts

_ROW = re.compile(r"^(row \d+|\S+) of [^:]{1,200}: ")
"""Where in a table a problem is."""
_NAMED = 3
"""Files that a line of many names."""
_PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class CheckReport:
    """What `check` found. Texts may hold whatever a file name holds: escape them before they reach a terminal."""

    corpus: str
    title: str
    root: Path
    utterances: int
    documented: int | None
    """How many utterances the corpus has by its documentation; None for folders and tables of the user's."""
    minutes: float
    emotions: Mapping[str, int]
    speakers: Mapping[str, int]
    """Utterances by speaker; empty when the corpus names none."""
    by_speaker: Mapping[str, Mapping[str, int]]
    """Utterances by speaker and emotion."""
    genders: Mapping[str, int]
    """Speakers by gender."""
    sample_rates: Mapping[int, int]
    channels: Mapping[int, int]
    seconds: tuple[float, float]
    """Length of the shortest and of the longest utterance."""
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    """Known defects of the corpus and how they are handled."""
    fingerprint: str
    reading: tuple[str, ...] = ()
    """How it was read, in sentences."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Utterances by part of the corpus's own split; empty where it has none."""
    segments: int = 0
    """Utterances that are segments of longer recordings."""
    missing: str = ""
    """What there is of the documented whole, where it is not all here; empty: everything, or nothing is documented."""

    def told(self) -> list[str]:
        """How the corpus was read and what that made of it, one line each, for people."""
        lines = [f"read: {sentence}" for sentence in self.reading]
        if self.missing:
            lines.append(self.missing)
        if self.segments:
            lines.append(f"segments: {self.segments} of {self.utterances} utterances are cut out of longer recordings")
        if self.parts:
            lines.append(f"parts: {', '.join(f'{part} {count}' for part, count in self.parts.items())}")
        return lines

    def first_lines(self) -> list[str]:
        """What is to be seen before the corpus is kept: how much, which classes, whose voices, and where that was read from."""
        rates = ", ".join(f"{rate} Hz" for rate in self.sample_rates)
        lines = [
            f"{self.corpus}: {self.utterances} utterances, {len(self.speakers)} speakers, {len(self.emotions)} emotions, "
            f"{self.minutes:.1f} min, {rates}, in {self.root}",
            f"emotions: {', '.join(f'{emotion} {count}' for emotion, count in self.emotions.items())}",
            f"speakers: {_shown([f'{name} {count}' for name, count in self.speakers.items()], 8) or 'none are named'}",
            *self.told(),
            *(f"warning: {warning}" for warning in self.warnings),
        ]
        if self.problems:
            lines.append(f"{len(self.problems)} files cannot be used; `ser-tui corpora check {self.corpus}` says why")
        return lines

    def to_plain(self) -> dict[str, Any]:
        """JSON-safe data for `--json`."""
        return {
            "corpus": self.corpus, "title": self.title, "root": str(self.root), "utterances": self.utterances,
            "documented": self.documented, "minutes": round(self.minutes, 3), "emotions": dict(self.emotions),
            "speakers": dict(self.speakers), "by_speaker": {name: dict(row) for name, row in self.by_speaker.items()},
            "genders": dict(self.genders), "sample_rates": {str(rate): count for rate, count in self.sample_rates.items()},
            "channels": {str(channels): count for channels, count in self.channels.items()},
            "shortest": round(self.seconds[0], 3), "longest": round(self.seconds[1], 3),
            "problems": [{"path": problem.path, "reason": problem.reason} for problem in self.problems],
            "warnings": list(self.warnings), "notes": list(self.notes), "fingerprint": self.fingerprint,
            "reading": list(self.reading), "parts": dict(self.parts), "segments": self.segments, "missing": self.missing,
        }


def check(name: str, progress: Progress | None = None) -> CheckReport:
    """Read every sample of the corpus again and report. Raises UserError when the corpus is not on this machine."""
    return report(read_manifest(name, progress, fresh=True))


def report(manifest: Manifest) -> CheckReport:
    """The report of a manifest that has been read."""
    entry = _entry(manifest)
    utterances = manifest.utterances
    by_speaker: dict[str, Counter[str]] = {name: Counter() for name in manifest.speakers}
    gender: dict[str, str] = {}
    for utterance in utterances:
        if utterance.speaker is not None:
            by_speaker[utterance.speaker][utterance.emotion] += 1
            gender[utterance.speaker] = utterance.gender or "unknown"
    lengths = [utterance.seconds for utterance in utterances]
    return CheckReport(
        corpus=manifest.corpus,
        title=manifest.corpus if entry is None else entry.title if entry.name == manifest.corpus else f"{manifest.corpus}: {entry.title}",
        root=manifest.root,
        utterances=len(utterances),
        documented=entry.utterances if entry else None,
        minutes=manifest.minutes,
        emotions=manifest.emotions,
        speakers=manifest.speakers,
        by_speaker={name: dict(sorted(row.items())) for name, row in by_speaker.items()},
        genders=dict(sorted(Counter(gender.values()).items())),
        sample_rates=dict(sorted(Counter(utterance.sample_rate for utterance in utterances).items())),
        channels=dict(sorted(Counter(utterance.channels for utterance in utterances).items())),
        seconds=(min(lengths, default=0.0), max(lengths, default=0.0)),
        problems=manifest.problems,
        warnings=tuple([*_identical(manifest), *conflicts(manifest)]),
        notes=entry.notes if entry else (),
        fingerprint=manifest.fingerprint,
        reading=manifest.reading,
        parts=_counted(utterance.part for utterance in utterances),
        segments=sum(utterance.start is not None or utterance.end is not None for utterance in utterances),
        missing=_missing(manifest, entry) if entry else "",
    )


def _entry(manifest: Manifest) -> CorpusEntry | None:
    """The known corpus that it is, or a copy or a part of."""
    return find(manifest.like) if manifest.like else find(manifest.corpus)


def _missing(manifest: Manifest, entry: CorpusEntry) -> str:
    here = len(manifest.utterances)
    absent = [speaker for speaker in entry.speakers if speaker not in manifest.speakers]
    told = ""
    if entry.utterances is not None and here < entry.utterances:
        told = f"here are {here:,} of the {entry.utterances:,} utterances that {entry.name} has by its documentation"
    if absent:
        told += f"{'; ' if told else ''}{len(absent)} of its {len(entry.speakers)} speakers are not here: {_shown(absent, 6)}"
    return told


def grouped(problems: Iterable[Problem]) -> list[tuple[str, list[str]]]:
    """(reason, paths) of what is not used, reasons that differ in the row only taken together: a line a kind, not one a file."""
    groups: dict[str, list[str]] = {}
    for problem in problems:
        groups.setdefault(_ROW.sub("", problem.reason), []).append(problem.path)
    return list(groups.items())


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """A line for every kind of problem, with the first of its files."""
    found = list(problems)
    single = {_ROW.sub("", problem.reason): problem.reason for problem in found}
    return [
        f"{paths[0]}: {single[reason]}" if len(paths) == 1 else f"{len(paths)} files, {_shown(paths)}: {reason}"
        for reason, paths in grouped(found)
    ]


def _shown(names: Sequence[str], most: int = _NAMED) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _counted(parts: Iterable[str | None]) -> dict[str, int]:
    """Utterances by part, in the order of parts. Empty where there is none."""
    counts = Counter(parts)
    if set(counts) <= {None}:
        return {}
    return {part: counts[part] for part in _PARTS if counts[part]} | ({"none": counts[None]} if counts[None] else {})


def _identical(manifest: Manifest) -> list[str]:
    names: dict[str, list[str]] = {}
    for utterance in manifest.utterances:
        names.setdefault(manifest.digests[utterance.id], []).append(utterance.id)
    copies = [group for group in names.values() if len(group) > 1]
    extra = sum(len(group) - 1 for group in copies)
    if not copies:
        return []
    are = "recordings are copies of others" if extra > 1 else "recording is a copy of another"
    return [f"Duplicates: {extra} {are} byte for byte, for example {copies[0][0]} and {copies[0][1]}."]
