"""A study's parts, where they can be made of its corpora, and are fit for a search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting.protocols import check_stratified, folds, objective, split
from ser_tui.corpora.splitting.splits import Split
from ser_tui.corpora.splitting.worst_groups import refuse_lone_groups
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import FOLDED


@dataclass(frozen=True)
class UsableParts:
    """What a search works with. The fields are those of `experiment.data.SplitCorpus`."""

    split: Split
    classes: tuple[str, ...]
    folds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    objective: Mapping[str, Split] = field(default_factory=dict)
    of_folds: int = 0


def usable_parts(manifest: Manifest, study: Study) -> UsableParts:
    """The parts of `manifest`, which holds the study's corpora. Raises UserError where it cannot be split that way, or a part would be of
    no use. `stratified` imports scikit-learn."""
    classes = classes_of(manifest)
    parts = split(manifest, study.protocol)
    refuse_lone_groups(study, [manifest.utterances[index] for index in parts.validation])
    _refuse_nameless(manifest, study, (*parts.train, *parts.validation, *parts.test))
    missing = set(range(len(classes))) - {classes.index(manifest.utterances[i].emotion) for i in parts.train}
    if missing:
        lost = [classes[index] for index in sorted(missing)]
        raise UserError(f"no utterance of {', '.join(lost)} is left to train on; choose another protocol, seed or size, {_dropped(lost)}")
    several = study.protocol.kind in FOLDED and study.protocol.objective_folds != 1
    made = folds(manifest, study.protocol, described=False) if several or study.protocol.kind == "kfold" else []
    numbered = {name: fold.validation for name, fold in made} if study.protocol.kind == "kfold" else {}
    scored = dict(made[: objective(study.protocol, len(made))]) if made else {}
    if len(scored) < 2:
        return UsableParts(parts, classes, numbered)
    for name, fold in scored.items():
        if gone := sorted(set(classes) - {manifest.utterances[index].emotion for index in fold.train}):
            raise UserError(
                f"no utterance of {', '.join(gone)} is left to train on in fold {name}; choose another protocol, {_dropped(gone)}"
            )
    return UsableParts(parts, classes, numbered, scored, len(made))


def refuse_unstratified(manifest: Manifest, study: Study) -> None:
    """Raise UserError where `stratified` cannot divide `manifest`, or the parts would be of no use whatever is in them: what can be told
    without scikit-learn."""
    classes_of(manifest)
    check_stratified(manifest, study.protocol)
    refuse_lone_groups(study, manifest.utterances)
    _refuse_nameless(manifest, study, range(len(manifest.utterances)))


def _refuse_nameless(manifest: Manifest, study: Study, indices: Iterable[int]) -> None:
    if not study.training.normalize_speaker:
        return
    nameless = sum(manifest.utterances[index].speaker is None for index in indices)
    if nameless:
        raise UserError(
            "training.normalize_speaker: features by each speaker's own statistics need speakers, and "
            f"{counted(nameless, 'utterance')} {'has' if nameless == 1 else 'have'} none; "
            "name them in the corpus's table (column speaker), or search without it"
        )


def classes_of(manifest: Manifest) -> tuple[str, ...]:
    """The emotions in alphabetical order. Raises UserError where there are no two of them."""
    classes = tuple(sorted({utterance.emotion for utterance in manifest.utterances}))
    if len(classes) < 2:
        raise UserError(
            f"corpus {manifest.corpus} holds {counted(len(manifest.utterances), 'usable utterance')} of {counted(len(classes), 'emotion')} "
            f"({', '.join(classes) or 'none'}); a search needs two emotions at least: `ser-tui corpora check {manifest.corpus}`"
        )
    return classes


def _dropped(words: Sequence[str]) -> str:
    """or leave it out with labels (???=): the way out that stays where a corpus has next to nothing of a class."""
    return f"or leave {'it' if len(words) == 1 else 'them'} out with labels ({', '.join(f'{word}=' for word in words)})"
