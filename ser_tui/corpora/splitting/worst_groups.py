"""Which groups of a validation part a study wants the worst of: its corpora, its sexes; and where there is no worst of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ser_tui.corpora.manifest import Utterance
from ser_tui.study.constraints import constraint
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import FOLDED
from ser_tui.study.scores import WORST_CORPUS, WORST_SEX

Groups = Mapping[str, tuple[str | None, ...]]
"""By the name of a measure, the group of each validation utterance; None: not known, and in no group."""
_GROUP_OF: Mapping[str, Callable[[Utterance], str | None]] = {
    WORST_CORPUS: lambda one: one.corpus, WORST_SEX: lambda one: one.gender
}  # fmt: skip
_SEXES = ("female", "male")


def groups(study: Study, validation: Sequence[Utterance]) -> Groups:
    """The groups of whatever the study searches for, or keeps, of which a measure is the worst; mostly nothing."""
    return {name: tuple(map(_GROUP_OF[name], validation)) for name in _asked(study)}


def refuse_lone_groups(study: Study, validation: Sequence[Utterance]) -> None:
    """Raise UserError where the validation part has no two groups to find the worst of, or a group has no two classes: its BCA would be
    the share of its one class that is called so, which a model has that never says anything else."""
    for name, of in groups(study, validation).items():
        key = _asked(study)[name]
        counts = Counter(group for group in of if group is not None)
        if name == WORST_CORPUS and len(counts) < 2:
            more = _way_to_more_corpora(study)
            raise UserError(f"{key}: {name}: the validation part holds a single corpus, {next(iter(counts))}; {more}, or take bca")
        if name == WORST_SEX and (missing := [sex for sex in _SEXES if sex not in counts]):
            whom = " or ".join(missing)
            unknown = f" (of {counted(of.count(None), 'utterance')} of {len(of)} it is not known)" if None in of else ""
            said = f"{key}: {name}: nobody in the validation part is known to be {whom}{unknown}"
            raise UserError(f"{said}; take another protocol, seed or corpus, or bca")
        for group in sorted(counts):
            classes = {one.emotion for one, own in zip(validation, of, strict=True) if own == group}
            if len(classes) < 2:
                said = f"{key}: {name}: the validation part holds a single class of {group}, {next(iter(classes))}"
                raise UserError(f"{said}; take another protocol, seed or size, or bca")


def _asked(study: Study) -> dict[str, str]:
    """By the name of each measure of a group that the study has: the key under which it has it."""
    named = [
        *((name, "objectives" if study.objectives else "objective") for name in (study.objective, *study.objectives)),
        *((constraint(text).measure.name, "constraints") for text in study.constraints),
    ]
    return {name: key for name, key in reversed(named) if name in _GROUP_OF}


def _way_to_more_corpora(study: Study) -> str:
    several = study.protocol.kind in FOLDED and study.protocol.objective_folds == 1
    return "write protocol.objective_folds: all" if several else "take another protocol or seed"
