"""A zero-shot evaluation before it runs: what counts as what, what is dropped, on how many utterances. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from ser_tui.corpora.spellings import meaning
from ser_tui.evaluation.audible import narrow_band, unheard_ends
from ser_tui.evaluation.mapping import DROPPED, propose
from ser_tui.study.errors import UsageError
from ser_tui.study.requests import Preset
from ser_tui.tui.data.corpus_facts import CorpusFacts

if TYPE_CHECKING:
    from ser_tui.corpora.manifest import Utterance

PRESETS: tuple[Preset, ...] = get_args(Preset)
PREDICTIONS = ("masked", "raw")


@dataclass
class Plan:
    """What shall be evaluated. `changes`: emotions whose class is not the proposed one."""

    classes: tuple[str, ...]
    targets: list[CorpusFacts] = field(default_factory=list)
    preset: Preset = "default"
    masked: bool = True
    changes: dict[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Whose utterances of the one target are evaluated, see `EvaluationRequest`; both empty: everybody's."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What emotions counted as in training, where the study says so."""

    def take(self, targets: Sequence[CorpusFacts]) -> None:
        """Evaluate on `targets`; a choice of speakers stays with the very corpus that it was made for."""
        if [one.name for one in targets] != [one.name for one in self.targets]:
            self.only = self.without = ()
        self.targets = [one.chosen(self.only, self.without) for one in targets]

    def counts(self) -> dict[str, int]:
        """Utterances per emotion over all targets, by name."""
        found = Counter[str]()
        for target in self.targets:
            found.update(target.emotions or {})
        return dict(sorted(found.items()))

    def proposed(self) -> dict[str, str]:
        """Emotion -> class by the preset; all dropped where no emotion is one of the model's."""
        emotions = list(self.counts())
        try:
            return propose(self.classes, emotions, self.preset, self.labels)
        except UsageError:
            return dict.fromkeys(emotions, DROPPED)

    def mapping(self) -> dict[str, str]:
        """Emotion -> class, or "" where it is dropped."""
        proposed = self.proposed()
        return {emotion: self.changes.get(emotion, target) for emotion, target in proposed.items()}

    def asked(self) -> dict[str, str]:
        """What to ask the worker for: the changes, and with each the other spellings of its emotion, which would follow it."""
        changed = {meaning(emotion) for emotion in self.changes}
        return {emotion: target for emotion, target in self.mapping().items() if meaning(emotion) in changed}

    def other_preset(self) -> Preset:
        """The preset that comes after this one."""
        return PRESETS[(PRESETS.index(self.preset) + 1) % len(PRESETS)]

    def step(self, emotion: str, by: int) -> None:
        """Let `emotion` count as the next (or previous) class; after the last one it is dropped."""
        ring = [*self.classes, DROPPED]
        present = self.mapping().get(emotion, DROPPED)
        wanted = ring[(ring.index(present) + by) % len(ring)]
        if wanted == self.proposed().get(emotion):
            self.changes.pop(emotion, None)
        else:
            self.changes[emotion] = wanted

    def drop(self, emotion: str) -> None:
        """Leave `emotion` out."""
        self.changes[emotion] = DROPPED

    def sizes(self) -> tuple[int, int]:
        """(utterances that are evaluated, utterances that are dropped)."""
        mapping, counts = self.mapping(), self.counts()
        used = sum(number for emotion, number in counts.items() if mapping.get(emotion))
        return used, sum(counts.values()) - used

    def chance(self) -> float | None:
        """Accuracy of guessing uniformly among the classes that can be predicted."""
        used = {target for target in self.mapping().values() if target}
        number = len(used) if self.masked else len(self.classes)
        return 1 / number if used and number else None

    def missing(self) -> list[str]:
        """Classes of the model that no emotion counts as."""
        used = set(self.mapping().values())
        return [name for name in self.classes if name not in used]

    def audible(self, seconds: float | None, trained: Sequence[Utterance], *, trimmed: bool = False) -> list[str]:
        """What must be said of how much of the targets a model can hear that hears `seconds` (None: not known) of an utterance, and learnt
        from those of `trained` (empty: not known)."""
        mapping, told = self.mapping(), list[str]()
        for target in self.targets:
            asked = [one for one in target.spoken if mapping.get(one.emotion)]
            found = narrow_band(asked, trained or None)
            found += [] if seconds is None else unheard_ends(asked, seconds, trimmed=trimmed)
            told += [f"{target.name}: {one.sentence}" for one in found]
        return told

    def waiting(self) -> str:
        """What it waits for, or nothing."""
        if not self.targets:
            return "mark a corpus with space"
        return next((f"reading {target.name} ..." for target in self.targets if target.utterances is None and not target.problem), "")

    def problem(self) -> str:
        """Why it cannot start, or nothing."""
        if problem := next((target.problem for target in self.targets if target.problem), "") or self.waiting():
            return problem
        for target in self.targets:
            if not any(self.mapping().get(emotion) for emotion in target.emotions or {}):
                return f"every emotion of {target.name} is dropped: give one a class"
        return ""
