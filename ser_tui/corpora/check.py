"""The report of `ser-tui corpora check`: what a corpus holds, and every file that is not used and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_tui.corpora.facts import Progress
from ser_tui.corpora.manifest import Manifest, Problem
from ser_tui.corpora.registry import find, read_manifest
from ser_tui.corpora.segments import overlapping
from ser_tui.corpora.splits import conflicts

_SHOWN = 5


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
    segments: int = 0
    """Utterances that are a segment of a recording."""
    recordings: int = 0
    """Recordings that they are segments of."""

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
            "segments": self.segments, "recordings": self.recordings,
        }


def check(name: str, progress: Progress | None = None) -> CheckReport:
    """Read every sample of the corpus again and report. Raises UserError when the corpus is not on this machine."""
    return report(read_manifest(name, progress, fresh=True))


def report(manifest: Manifest) -> CheckReport:
    """The report of a manifest that has been read."""
    entry = find(manifest.corpus)
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
    return CheckReport(
        corpus=manifest.corpus,
        title=entry.title if entry else manifest.corpus,
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
        warnings=tuple([*_identical(manifest), *_overlapping(manifest), *conflicts(manifest)]),
        notes=(*_cut(len(cut), recordings, len(utterances)), *(entry.notes if entry else ())),
        fingerprint=manifest.fingerprint,
        segments=len(cut),
        recordings=recordings,
    )


def _cut(count: int, recordings: int, utterances: int) -> list[str]:
    if not count:
        return []
    of = "The utterances" if count == utterances else f"{count} of the {utterances} utterances"
    which = f"{recordings} recordings" if recordings > 1 else "one recording"
    return [f"{of} are segments of {which}; a split that is drawn keeps those of one together."]


def _overlapping(manifest: Manifest) -> list[str]:
    cut = {utterance.source for utterance in manifest.utterances if not utterance.clip.whole}
    spans = [
        (utterance.source, utterance.id, utterance.start or 0.0, (utterance.start or 0.0) + utterance.seconds)
        for utterance in manifest.utterances
        if utterance.source in cut
    ]
    pairs = overlapping(spans)
    if not pairs:
        return []
    shown = "; ".join(f"{one} and {other}" for one, other in pairs[:_SHOWN])
    more = f"; and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    begin = "begins" if len(pairs) == 1 else "begin"
    return [f"Overlapping segments: {len(pairs)} {begin} before another of the recording is over: {shown}{more}."]


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
