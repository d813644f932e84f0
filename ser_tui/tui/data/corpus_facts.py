"""What the screens are told of a corpus. Apart from what reads it, so that views stay free of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ser_tui.corpora.manifest import Utterance


@dataclass(frozen=True)
class Voice:
    """What a corpus has of one speaker: utterances by emotion, and their length together."""

    emotions: Mapping[str, int]
    minutes: float


@dataclass(frozen=True)
class CorpusFacts:
    """What the form knows of a corpus. `problem`: why it cannot be used; None counts: not read yet."""

    name: str
    utterances: int | None = None
    speakers: tuple[str, ...] = ()
    emotions: Mapping[str, int] | None = None
    minutes: float = 0.0
    problem: str = ""
    voices: Mapping[str, Voice] = field(default_factory=dict)
    """By speaker, where the corpus names them."""
    spoken: tuple[Utterance, ...] = ()
    """Its utterances."""

    def chosen(self, only: Collection[str] = (), without: Collection[str] = ()) -> CorpusFacts:
        """The facts of some speakers' utterances, as `ser_tui.corpora.selection.only_speakers` chooses them."""
        if self.utterances is None or self.problem or not (only or without):
            return self
        unknown = [name for name in (*only, *without) if name not in self.voices]
        if unknown:
            return replace(self, problem=f"{self.name} has no speaker {unknown[0]}")
        kept = {name: voice for name, voice in self.voices.items() if (not only or name in only) and name not in without}
        if not kept:
            return replace(self, problem=f"{self.name}: the chosen speakers leave nobody")
        emotions = Counter[str]()
        for voice in kept.values():
            emotions.update(voice.emotions)
        minutes = sum(voice.minutes for voice in kept.values())
        return replace(
            self, utterances=emotions.total(), speakers=tuple(kept), voices=kept, minutes=minutes,
            emotions=dict(sorted(emotions.items())), spoken=tuple(one for one in self.spoken if one.speaker in kept),
        )  # fmt: skip


@dataclass(frozen=True)
class CorpusContents:
    """What the copy on this machine holds, each as word -> utterances: those of speakers that are not known are under an empty word.

    `lengths`: (from, to) in seconds -> utterances.
    """

    name: str
    utterances: int
    minutes: float
    emotions: Mapping[str, int]
    speakers: Mapping[str, int]
    sexes: Mapping[str, int]
    lengths: Mapping[tuple[float, float], int]
