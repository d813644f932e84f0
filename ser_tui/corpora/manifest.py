"""The manifest: a corpus as a table of utterances, with a fingerprint that changes when the corpus does."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ser_tui.corpora.hearing.segments import Clip

_ROW = re.compile(r"^(row \d+|\S+) of [^:]{1,200}: ")
"""Where in a table a problem is."""


@dataclass(frozen=True)
class Utterance:
    """One usable recording, or a segment of one. `id` is its path relative to the corpus's root, with / between folders; a
    segment's has its bounds behind it."""

    id: str
    path: Path
    emotion: str
    speaker: str | None
    gender: str | None
    sentence: str | None
    language: str | None
    seconds: float
    sample_rate: int
    channels: int
    corpus: str = ""
    part: str | None = None
    """train, validation or test, where the corpus comes with an official split."""
    session: str | None = None
    """Who was recorded together: speakers of one session hear each other."""
    start: float | None = None
    """Where the segment begins in the recording at `path`, in seconds; None: the utterance is the whole recording."""
    end: float | None = None
    """Where it ends; None: at the recording's end."""
    fold: str | None = None
    """The fold of the corpus's own cross-validation, as its table writes it."""
    recording: str | None = None
    """SHA-256 of the bytes of the file at `path`, where segments of it are utterances."""
    like: str = ""
    """The known corpus of which this one is a copy or a part, where its name says another; empty: `corpus` says it."""

    sound: str = ""
    """What tells copies of it in other bytes, see `hearing.prints.Print.text`; empty: nothing does."""
    upper: float | None = None
    """As in `hearing.prints.Print`."""

    @property
    def clip(self) -> Clip:
        """What is to be heard."""
        return Clip(self.path, self.start, self.end)

    @property
    def source(self) -> str:
        """What it shares with the other utterances of its recording, and with nothing else."""
        return self.recording or str(self.path)


@dataclass(frozen=True)
class Problem:
    """A file that is not used, and why. `path` is relative to the corpus's root."""

    path: str
    reason: str
    by_rule: bool = False
    """Whether the corpus's own rule leaves it out, or its twin is used: nothing went wrong. `path` may then be a kind of files."""

    @property
    def kind(self) -> str:
        """The reason without the row of a table in which the problem is: the same for many files."""
        return _ROW.sub("", self.reason)


@dataclass(frozen=True)
class Spelling:
    """One of several words that a corpus has for a class, as it is written there."""

    word: str
    emotion: str
    """The class that it is counted as."""
    utterances: int


@dataclass(frozen=True)
class Manifest:
    """A corpus on this machine. Build it with `make`, which sorts and fingerprints."""

    corpus: str
    root: Path
    utterances: tuple[Utterance, ...]
    """Sorted by id."""
    problems: tuple[Problem, ...]
    fingerprint: str
    """SHA-256 over id, emotion, speaker and content of every utterance."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """id -> SHA-256 of the file's bytes; of those and the bounds where the utterance is a segment."""
    spellings: tuple[Spelling, ...] = ()
    """The words of every class that is spelt in several ways."""
    written: Mapping[str, str] = field(default_factory=dict)
    """id -> the emotion as the corpus writes it, where the class has another name."""
    reading: tuple[str, ...] = ()
    """How the corpus was read, in sentences: which column is what, where files were found, which split word is which part."""
    unclear_split: str = ""
    """Why the corpus's own split cannot be used, and the way out; empty: it can, or there is none."""
    like: str = ""
    """As what a folder was read: a known corpus, tree, or tree:LEVEL; empty for a table."""
    nameless: int = 0
    """Utterances without a speaker's name that a choice of speakers left out."""

    def recording(self, utterance: Utterance) -> str:
        """SHA-256 of the bytes of the file that `utterance` is, or is a segment of."""
        return utterance.recording or self.digests[utterance.id]

    @property
    def unusable(self) -> tuple[Problem, ...]:
        """The problems that nobody chose: files that could not be read, or whose label is not known."""
        return tuple(problem for problem in self.problems if not problem.by_rule)

    @property
    def emotions(self) -> dict[str, int]:
        """Utterances per emotion, in alphabetical order: the order of a run's classes."""
        return dict(sorted(Counter(utterance.emotion for utterance in self.utterances).items()))

    @property
    def speakers(self) -> dict[str, int]:
        """Utterances per speaker, in alphabetical order; those without a speaker are left out."""
        named = (utterance.speaker for utterance in self.utterances if utterance.speaker is not None)
        return dict(sorted(Counter(named).items()))

    @property
    def minutes(self) -> float:
        """Length of all utterances together."""
        return sum(utterance.seconds for utterance in self.utterances) / 60


def make(corpus: str, root: Path, utterances: Iterable[Utterance], problems: Iterable[Problem], digests: Mapping[str, str]) -> Manifest:
    """The manifest of `utterances`; `digests` must hold each one's id."""
    ordered = tuple(sorted(utterances, key=lambda utterance: utterance.id))
    kept = {utterance.id: digests[utterance.id] for utterance in ordered}
    reported = tuple(sorted(problems, key=lambda problem: (problem.path, problem.reason)))
    return Manifest(corpus, root, ordered, reported, _fingerprint(ordered, kept), kept)


def changes(digests: Mapping[str, str], manifest: Manifest) -> list[str]:
    """What is different in `manifest` from the corpus that had `digests` (id -> SHA-256): one line an utterance."""
    now = manifest.digests
    lines = [(name, "is gone" if name not in now else "has other content") for name in digests if now.get(name) != digests[name]]
    lines += [(name, "is new") for name in now if name not in digests]
    return [f"{name} {what}" for name, what in sorted(lines)]


def _fingerprint(utterances: Iterable[Utterance], digests: Mapping[str, str]) -> str:
    whole = hashlib.sha256()
    for utterance in utterances:
        # JSON keeps the fields apart whatever a file name holds.
        record = [utterance.id, utterance.emotion, utterance.speaker, digests[utterance.id]]
        whole.update(json.dumps(record).encode() + b"\n")
    return whole.hexdigest()
