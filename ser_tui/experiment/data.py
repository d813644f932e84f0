"""From a study to the parts that a trainer takes: corpus, labels, split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ser_tui.corpora.hearing.segments import Clip
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.registry import load_many
from ser_tui.corpora.splitting import recordings
from ser_tui.corpora.splitting.splits import Split
from ser_tui.corpora.splitting.usable import usable_parts
from ser_tui.evaluation.statistics import Units
from ser_tui.study.document import Study
from ser_tui.training.trial import Fold, Part


@dataclass(frozen=True)
class SplitCorpus:
    """A study's corpus, split. `classes` are the emotions in alphabetical order; a label is an index into them."""

    manifest: Manifest
    split: Split
    classes: tuple[str, ...]
    folds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The utterances left out in each fold of `kfold`, which sessions and genders decide on, by the fold's name. Those of other
    protocols follow from what the corpus's fingerprint holds."""
    objective: Mapping[str, Split] = field(default_factory=dict)
    """The folds that a trial is scored on, pooled, by name; empty where it is scored on `split.validation` by one model."""
    of_folds: int = 0
    """How many folds there are besides, and with, `objective`."""

    def part(self, indices: Sequence[int]) -> Part:
        """The utterances at `indices` of the manifest as a trainer takes them."""
        chosen, number = [self.manifest.utterances[index] for index in indices], {name: place for place, name in enumerate(self.classes)}
        return Part(
            clips=tuple([self._clips[index] for index in indices]),
            labels=tuple(number[utterance.emotion] for utterance in chosen),
            digests=tuple(self.manifest.digests[utterance.id] for utterance in chosen),
            speakers=tuple(utterance.speaker or "" for utterance in chosen),
        )

    @cached_property
    def _clips(self) -> list[Clip]:
        """Of all utterances, each once: the folds of 500 speakers have each of them 500 times."""
        return [utterance.clip for utterance in self.manifest.utterances]

    @property
    def validation(self) -> list[Utterance]:
        """The utterances of the validation part, in its order."""
        return [self.manifest.utterances[index] for index in self.split.validation]

    def speakers(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The speakers of the utterances at `indices`, each once, sorted."""
        found = {self.manifest.utterances[index].speaker for index in indices}
        return tuple(sorted(speaker for speaker in found if speaker is not None))

    def groups(self, indices: Sequence[int]) -> tuple[str, ...] | None:
        """The speaker of each utterance at `indices`, to resample for intervals; None where some have none, or are trained on."""
        names = [self.manifest.utterances[index].speaker for index in indices]
        known = tuple(name for name in names if name is not None)
        return known if len(known) == len(names) and self._trained.isdisjoint(known) else None

    @cached_property
    def objective_parts(self) -> tuple[Fold, ...]:
        """Each fold of `objective` as a trainer takes it."""
        place = {index: position for position, index in enumerate(self.split.validation)}
        return tuple(
            Fold(name, self.part(fold.train), self.part(fold.validation), tuple(place[index] for index in fold.validation))
            for name, fold in self.objective.items()
        )

    @cached_property
    def _trained(self) -> frozenset[str | None]:
        return frozenset(self.manifest.utterances[index].speaker for index in self.split.train)

    @cached_property
    def _recordings(self) -> list[str]:
        return recordings.named(self.manifest)

    def units(self, indices: Sequence[int]) -> Units:
        """By what the utterances at `indices` depend on each other."""
        return Units(groups=self.groups(indices), recordings=tuple(self._recordings[index] for index in indices))

    @cached_property
    def validation_units(self) -> Units:
        """Those of the validation part."""
        if not self.objective:
            return self.units(self.split.validation)
        names: dict[int, str] = {}
        for fold in self.objective.values():
            groups = SplitCorpus(self.manifest, fold, self.classes).groups(fold.validation)
            names |= {} if groups is None else dict(zip(fold.validation, groups, strict=True))
        everybody = tuple(names[index] for index in self.split.validation if index in names)
        known = everybody if len(everybody) == len(self.split.validation) else None
        return Units(groups=known, recordings=tuple(self._recordings[index] for index in self.split.validation))


def trained_on(data: SplitCorpus, study: Study) -> SplitCorpus:
    """`data` with the training part that the kept model heard: the validation part is in it where it was refitted."""
    if study.training.refit != "all":
        return data
    heard = {*data.split.train, *data.split.validation}
    heard |= {index for fold in data.objective.values() for index in (*fold.train, *fold.validation)}
    return replace(data, split=replace(data.split, train=tuple(sorted(heard))), objective={}, of_folds=0)


def load(study: Study, progress: Callable[[int, int], None] | None = None) -> SplitCorpus:
    """The study's data; `progress` hears how many files are read, of how many. Raises UserError where the corpus is not there or cannot be
    split that way, and what `progress` raises."""
    manifest = load_many(study.corpus, study.labels, progress, speakers=study.speakers)
    found = usable_parts(manifest, study)
    return SplitCorpus(manifest, found.split, found.classes, found.folds, found.objective, found.of_folds)
