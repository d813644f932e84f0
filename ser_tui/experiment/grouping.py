"""What a study that searches for its worst group is scored by: the lowest BCA of the groups that
`ser_tui.corpora.splitting.worst_groups` tells.

Workers know clips and labels; corpora and sexes are known here, where predictions come back to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.worst_groups import Groups, groups
from ser_tui.evaluation.statistics import Units, score_interval
from ser_tui.study.document import Study
from ser_tui.study.findings import Finding, unknown_sex
from ser_tui.study.scores import BCA, WORST_SEX, Score
from ser_tui.training.metrics import balanced_accuracy


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
    """`scores`, which `worst` found, with the 95 % interval of the BCA of that very group, as `score_interval` has it of its
    utterances alone. That it was the lowest of several is not in it: with groups alike the lowest is low by chance too."""
    found: dict[str, Score] = {}
    for name, score in scores.items():
        own = _members(of)[name][score.group]
        speakers, sources = ((None if by is None else [by[index] for index in own]) for by in (units["groups"], units["recordings"]))
        interval = score_interval(_at(own, truth), _at(own, predictions), n_classes, BCA, speakers, seed, recordings=sources)
        found[name] = Score(score.value, interval, score.n, score.group)
    return found


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
