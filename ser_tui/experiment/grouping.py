"""What a study that searches for its worst group is scored by: who is in which group of the validation part, and the lowest BCA.

Workers know clips and labels; corpora and sexes are known here, where predictions come back to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from ser_tui.corpora.manifest import Utterance
from ser_tui.evaluation.statistics import Units, bootstrap_interval
from ser_tui.study.constraints import constraint
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.findings import Finding, unknown_sex
from ser_tui.study.formatting import counted
from ser_tui.study.protocol import FOLDED
from ser_tui.study.scores import BCA, WORST_CORPUS, WORST_SEX, Score
from ser_tui.training.metrics import balanced_accuracy

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


def findings_on_groups(study: Study, validation: Sequence[Utterance]) -> tuple[Finding, ...]:
    """What must be said of utterances that are in no group."""
    of = groups(study, validation).get(WORST_SEX, ())
    return unknown_sex(of.count(None), len(of))


def worst(of: Groups, truth: Sequence[int], predictions: Sequence[int], n_classes: int) -> dict[str, Score]:
    """The lowest BCA of the groups, under the name of each measure, without its interval. A group's BCA is over the classes that it
    holds, so chance is not the same in all; who is unreadable (-1) counts as wrong. Of equals the first by name."""
    found: dict[str, Score] = {}
    for name, members in _members(of).items():
        values = {group: balanced_accuracy(_at(own, truth), _at(own, predictions), n_classes) for group, own in members.items()}
        lowest = min(sorted(values), key=lambda group: values[group])
        found[name] = Score(values[lowest], n=len(members[lowest]), group=lowest)
    return found


def with_intervals(
    scores: Mapping[str, Score], of: Groups, truth: Sequence[int], predictions: Sequence[int], n_classes: int, units: Units, seed: int
) -> dict[str, Score]:
    """`scores`, which `worst` found, with the 95 % interval of the BCA of that very group, as `bootstrap_interval` has it of its
    utterances alone. That it was the lowest of several is not in it: with groups alike the lowest is low by chance too."""
    found: dict[str, Score] = {}
    for name, score in scores.items():
        own = _members(of)[name][score.group]
        speakers, sources = ((None if by is None else [by[index] for index in own]) for by in (units["groups"], units["recordings"]))
        interval = bootstrap_interval(_at(own, truth), _at(own, predictions), n_classes, BCA, speakers, seed, recordings=sources)
        found[name] = Score(score.value, interval, score.n, score.group)
    return found


def _asked(study: Study) -> dict[str, str]:
    """By the name of each measure of a group that the study has: the key under which it has it."""
    named = [
        *((name, "objectives" if study.objectives else "objective") for name in (study.objective, *study.objectives)),
        *((constraint(text).measure.name, "constraints") for text in study.constraints),
    ]
    return {name: key for name, key in reversed(named) if name in _GROUP_OF}


def _members(of: Groups) -> dict[str, dict[str, list[int]]]:
    """By measure and group: the places of its utterances in the validation part."""
    found: dict[str, dict[str, list[int]]] = {}
    for name, own in of.items():
        members = found.setdefault(name, {})
        for index, group in enumerate(own):
            if group is not None:
                members.setdefault(group, []).append(index)
    return found


def _at(own: Iterable[int], of: Sequence[int]) -> list[int]:
    return [of[index] for index in own]


def _way_to_more_corpora(study: Study) -> str:
    if len(study.corpus) < 2:
        return f"name several (corpus: [{study.corpus[0]}, ...])"
    several = study.protocol.kind in FOLDED and study.protocol.objective_folds == 1
    return "write protocol.objective_folds: all" if several else "take another protocol or seed"
