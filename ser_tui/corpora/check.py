"""The report of `ser-tui corpora check`: what a corpus holds, and every file that is not used and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_tui.corpora.alike import copies_likely
from ser_tui.corpora.entry import CorpusEntry
from ser_tui.corpora.hearing.inspection_cache import Progress
from ser_tui.corpora.hearing.segments import overlapping
from ser_tui.corpora.manifest import Manifest, Problem, Spelling
from ser_tui.corpora.reading import named_speakers
from ser_tui.corpora.reading.partitions import PARTS
from ser_tui.corpora.registry import find, read_manifest
from ser_tui.corpora.repeated import by_content, contradictions, copies
from ser_tui.corpora.unified import sentences
from ser_tui.study.findings import Finding, plain, said
from ser_tui.study.formatting import counted, some_of

_NAMED = 3
"""Files that a line of many names."""
_FEW = 2
"""Utterances of a class with fewer cannot be trained on and scored as well."""
_SHOWN = 5
"""Pairs of overlapping segments that a warning names."""


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
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """Known defects of the corpus and how they are handled."""
    fingerprint: str
    reading: tuple[str, ...] = ()
    """How it was read, in sentences, and which spellings are one class."""
    spellings: tuple[Spelling, ...] = ()
    parts: Mapping[str, int] = field(default_factory=dict)
    """Utterances by part of the corpus's own split; empty where it has none."""
    folds: Mapping[str, int] = field(default_factory=dict)
    segments: int = 0
    """Utterances that are a segment of a recording."""
    recordings: int = 0
    """Recordings that they are segments of."""
    nobody: str = "none are named"
    """What is said where no speaker is named, and how names of files may tell them."""
    missing: str = ""
    """What there is of the documented whole, where it is not all here; empty: everything, or nothing is documented."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings."""
        return said(self.findings)

    def told(self) -> list[str]:
        """How the corpus was read and what that made of it, one line each, for people."""
        lines = [f"read: {sentence}" for sentence in self.reading]
        if self.missing:
            lines.append(self.missing)
        lines += [f"one class: {sentence}" for sentence in sentences(self.spellings)]
        if few := [f"{emotion} {count}" for emotion, count in self.emotions.items() if count < _FEW]:
            word = few[0].rpartition(" ")[0]
            lines.append(
                f"few: {', '.join(few)}; a split has them in training or in what is scored, not in both; "
                f"a study drops a class with labels ({word}=)"
            )
        if self.segments:
            lines.append(f"segments: {_cut(self.segments, self.recordings, self.utterances)}")
        if self.parts:
            lines.append(f"parts: {', '.join(f'{part} {count}' for part, count in self.parts.items())}")
        if self.folds:
            lines.append(f"folds: {', '.join(f'{fold} {count}' for fold, count in self.folds.items())}")
        return lines

    def first_lines(self) -> list[str]:
        """What is to be seen before the corpus is kept: how much, which classes, whose voices, and where that was read from."""
        rates = ", ".join(f"{rate} Hz" for rate in self.sample_rates)
        lines = [
            f"{self.corpus}: {counted(self.utterances, 'utterance')}, {counted(len(self.speakers), 'speaker')}, "
            f"{counted(len(self.emotions), 'emotion')}, "
            f"{self.minutes:.1f} min, {rates}, in {self.root}",
            f"emotions: {', '.join(f'{emotion} {count}' for emotion, count in self.emotions.items())}",
            f"speakers: {some_of([f'{name} {count}' for name, count in self.speakers.items()], 8) or self.nobody}",
            *self.told(),
            *(f"warning: {warning}" for warning in self.warnings),
        ]
        # What one problem tells of may be many files ("labelled X: 6 left out"): the kinds are shown, and no count of problems.
        kinds = problem_lines(self.problems)
        lines += [f"not used: {kind}" for kind in kinds[:_NAMED]]
        if len(kinds) > _NAMED:
            lines.append(f"and more that is not used; `ser-tui corpora check {self.corpus}` names all of it")
        return lines

    def to_plain(self) -> dict[str, Any]:
        """JSON-safe data for `--json`."""
        return {
            "corpus": self.corpus,
            "title": self.title,
            "root": str(self.root),
            "utterances": self.utterances,
            "documented": self.documented,
            "minutes": round(self.minutes, 3),
            "emotions": dict(self.emotions),
            "speakers": dict(self.speakers),
            "by_speaker": {name: dict(row) for name, row in self.by_speaker.items()},
            "genders": dict(self.genders),
            "sample_rates": {str(rate): count for rate, count in self.sample_rates.items()},
            "channels": {str(channels): count for channels, count in self.channels.items()},
            "shortest": round(self.seconds[0], 3),
            "longest": round(self.seconds[1], 3),
            "problems": [{"path": problem.path, "reason": problem.reason} for problem in self.problems],
            "warnings": list(self.warnings),
            "findings": list(plain(self.findings)),
            "notes": list(self.notes),
            "fingerprint": self.fingerprint,
            "reading": list(self.reading),
            "parts": dict(self.parts),
            "folds": dict(self.folds),
            "segments": self.segments,
            "recordings": self.recordings,
            "missing": self.missing,
            "spellings": [{"word": one.word, "emotion": one.emotion, "utterances": one.utterances} for one in self.spellings],
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
    cut = [utterance for utterance in utterances if not utterance.clip.whole]
    recordings = len({utterance.source for utterance in cut})
    same = by_content(manifest)
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
        findings=(*_unclear(manifest), *copies(same), *copies_likely(manifest), *_overlapping(manifest), *contradictions(same)),
        notes=entry.notes if entry else (),
        fingerprint=manifest.fingerprint,
        reading=manifest.reading,
        spellings=manifest.spellings,
        parts=_counted(utterance.part for utterance in utterances),
        folds=_counted(utterance.fold for utterance in utterances),
        segments=len(cut),
        recordings=recordings,
        nobody=_nobody(manifest),
        missing=_missing(manifest, entry) if entry else "",
    )


def _nobody(manifest: Manifest) -> str:
    """That no speaker is named, and the option that finds them in names of files."""
    found = [] if manifest.speakers else named_speakers.proposed(one.path.name for one in manifest.utterances)
    told = [f"'{pattern}', which finds {len(who)} ({some_of(who, 8)})" for pattern, who in found[:_NAMED]]
    ways = " or ".join(told) or "with a pattern, for example 'P(\\d+)'"
    return f"none are named; if names of files tell them, add {named_speakers.OPTION} {ways}"


def _entry(manifest: Manifest) -> CorpusEntry | None:
    """The known corpus that it is, or a copy or a part of."""
    return find(manifest.like) if manifest.like else find(manifest.corpus)


def _missing(manifest: Manifest, entry: CorpusEntry) -> str:
    here = len(manifest.utterances)
    absent = [speaker for speaker in entry.speakers if speaker not in manifest.speakers]
    told = ""
    if entry.utterances is not None and here < entry.utterances:
        told = f"{here:,} of the {entry.utterances:,} utterances that {entry.name} should have are here"
    if absent:
        are = "is" if len(absent) == 1 else "are"
        told += f"{'; ' if told else ''}{len(absent)} of its {len(entry.speakers)} speakers {are} missing: {some_of(absent, 6)}"
    return told


def grouped(problems: Iterable[Problem]) -> list[tuple[str, list[str]]]:
    """(reason, paths) of what is not used, reasons that differ in the row only taken together: a line a kind, not one a file."""
    groups: dict[str, list[str]] = {}
    for problem in problems:
        groups.setdefault(problem.kind, []).append(problem.path)
    return list(groups.items())


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """A line for every kind of problem, with the first of its files."""
    found = list(problems)
    single = {problem.kind: problem.reason for problem in found}
    return [
        f"{paths[0]}: {single[reason]}" if len(paths) == 1 else f"{len(paths)} files, {some_of(paths, _NAMED)}: {reason}"
        for reason, paths in grouped(found)
    ]


def _counted(words: Iterable[str | None]) -> dict[str, int]:
    """How often each word is there; parts in their order, folds by number. Empty where there is none."""
    counts = Counter(words)
    if set(counts) <= {None}:
        return {}
    order = {part: place for place, part in enumerate(PARTS)}
    named = sorted((word for word in counts if word is not None), key=lambda word: (order.get(word, 9), len(word), word))
    return {word: counts[word] for word in named} | ({"none": counts[None]} if counts[None] else {})


def _unclear(manifest: Manifest) -> list[Finding]:
    if not manifest.unclear_split:
        return []
    return [Finding(kind="protocol", sentence=f"Split: {manifest.unclear_split}. Until then protocol official is refused.")]


def _cut(count: int, recordings: int, utterances: int) -> str:
    of = "all utterances" if count == utterances else f"{count} of {counted(utterances, 'utterance')}"
    which = f"{recordings} recordings" if recordings > 1 else "one recording"
    return f"{of} are cut out of {which}; a split that is drawn keeps those of one together"


def _overlapping(manifest: Manifest) -> list[Finding]:
    cut = {utterance.source for utterance in manifest.utterances if not utterance.clip.whole}
    spans = [
        (utterance.source, utterance.id, utterance.start or 0.0, (utterance.start or 0.0) + utterance.seconds)
        for utterance in manifest.utterances
        if utterance.source in cut
    ]
    pairs = overlapping(spans)
    if not pairs:
        return []
    shown = some_of([f"{one} and {other}" for one, other in pairs], _SHOWN, "; ")
    begin = "begins" if len(pairs) == 1 else "begin"
    sentence = f"Overlapping segments: {len(pairs)} {begin} before another of the recording is over: {shown}."
    return [Finding(kind="overlapping", sentence=sentence, count=len(pairs), of=len(spans))]
