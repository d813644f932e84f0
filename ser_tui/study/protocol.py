"""Whom a study hears, and how they are split: protocols and speakers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ser_tui.study.section import Section

ProtocolKind = Literal[
    "random", "stratified", "speaker", "sentence", "speaker-sentence", "official", "kfold", "loso", "loco", "kfold-sentence",
    "loso-sentence",
]  # fmt: skip
PROTOCOL_SETTINGS: Mapping[ProtocolKind, tuple[str, ...]] = {
    "random": ("size",),
    "stratified": ("size",),
    "speaker": ("size", "speakers"),
    "sentence": ("size",),
    "speaker-sentence": ("size", "speakers"),
    "official": ("size",),
    "kfold": ("folds", "objective_folds"),
    "loso": ("objective_folds",),
    "loco": ("objective_folds",),
    "kfold-sentence": ("folds", "objective_folds"),
    "loso-sentence": ("folds", "objective_folds"),
}
"""What of the protocol section each kind reads, beside the seed and the test part, which all of them do."""
FOLDED: Mapping[ProtocolKind, str] = {
    "kfold": "k-fold", "loso": "leave-one-speaker-out", "loco": "leave-one-corpus-out", "kfold-sentence": "k-fold over sentences",
    "loso-sentence": "leave-one-speaker-out with sentences apart",
}  # fmt: skip
"""The kinds that score every utterance once, in folds, and what they are called in full."""


def _speaker_names(value: Any) -> Any:
    # EmoDB's speakers are 03, 08 ...: written without quotes YAML reads some of them as numbers.
    if isinstance(value, (list, tuple)):
        return tuple(str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value)
    return value


class SplitProtocol(Section):
    """How utterances are split. `random` is the paper's: scikit-learn's train_test_split, a fifth, random_state 42."""

    kind: ProtocolKind = Field("random", title="protocol")
    size: float = Field(0.2, gt=0, lt=1, title="validation", description="share of utterances, speakers or sentences that validates")
    """Of the utterances for `random` and `stratified`, of the speakers for `speaker`, of the sentences for `sentence`, of both for
    `speaker-sentence`."""
    seed: int = Field(42, ge=0, le=2**32 - 1, title="split seed", description="42 is the paper's random split")
    speakers: tuple[str, ...] = Field((), title="speakers", description="who validates; empty: drawn by the split seed")
    folds: int = Field(5, ge=2, le=1000, title="folds", description="number of folds over speakers, or sentences")
    """Of speakers for `kfold`, of sentences for `kfold-sentence`, of sentences for each speaker for `loso-sentence`."""
    objective_folds: int = Field(
        1, ge=0, le=1000, title="objective", description="folds that a trial is scored on, pooled: 0 for all, 1 the first alone"
    )
    """The search's objective is their pooled score. A document may say `all`. Probes fit all folds in little more time than one."""
    test_size: float = Field(
        0.0, ge=0, lt=1, title="test part", description="share held out from every trial; the best one is scored on it once"
    )
    test_speakers: tuple[str, ...] = Field((), title="test speakers", description="held out by name instead")

    @field_validator("speakers", "test_speakers", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return _speaker_names(value)

    @field_validator("objective_folds", mode="before")
    @classmethod
    def _all(cls, value: Any) -> Any:
        return 0 if value == "all" else value

    @model_validator(mode="after")
    def _sizes(self) -> SplitProtocol:
        if self.size + self.test_size >= 1:
            raise ValueError(f"size ({self.size:g}) and test_size ({self.test_size:g}) leave nothing to train on")
        both = sorted(set(self.speakers) & set(self.test_speakers))
        if both:
            raise ValueError(f"speakers {', '.join(both)} are named for validation and for test")
        return self


class Speakers(Section):
    """Whose utterances of a corpus are used: `only` theirs (empty: everybody's), those of the speakers `without` left out."""

    only: tuple[str, ...] = ()
    """Names of speakers; a bare list of names means these."""
    without: tuple[str, ...] = ()
    """Names of those that are left out."""

    @field_validator("only", "without", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return _speaker_names((value,) if isinstance(value, str | int) else value)

    @model_validator(mode="after")
    def _somebody(self) -> Speakers:
        if not self.only and not self.without:
            raise ValueError("name the speakers: a list of those that are used, or without: [...]")
        both = sorted(set(self.only) & set(self.without))
        if both:
            raise ValueError(f"speakers {', '.join(both)} are named as used and as left out")
        return self
