"""The average of what several models said of the same utterances (soft voting: Kuncheva 2004, section 5.2), scored as one model.

It is made of class probabilities that runs keep beside their logs, so that nothing is trained or heard for it. Each member must
have been scored on the very same utterances, told by content, in the same classes; which they are is each member's own protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_tui.evaluation.analysis import Explained, part_named
from ser_tui.evaluation.errors import FITTED_HERE, Answers, Calibration, calibration, confusion, plain_confusion
from ser_tui.evaluation.statistics import Units, interval_speakers, paired_difference, swapped_speakers
from ser_tui.evaluation.statistics import scored as scores_of
from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import Pairing
from ser_tui.study.errors import UsageError
from ser_tui.study.events import EvaluationFinished
from ser_tui.study.findings import Finding, findings_of, plain
from ser_tui.study.formatting import counted, of_speakers
from ser_tui.study.headline import chosen_on
from ser_tui.study.outputs import MOST_TRIALS, best_trials
from ser_tui.study.score_keys import SCORE
from ser_tui.study.scores import BCA, Score
from ser_tui.study.state import RunState
from ser_tui.training.metrics import UNREADABLE, predicted

VALIDATION = "validation"


@dataclass(frozen=True)
class Member:
    """One model of an ensemble: trial `trial` of a run, as it was scored on a part; None: of nested folds, each with a configuration
    of its own. `chosen`: what of these utterances its
    configuration was chosen on, in words; empty: none of them. `transductive`: see `LoggedStudy.transductive`."""

    run: str
    trial: int | None
    part: str
    score: Score
    chosen: str
    transductive: str
    answers: Answers
    findings: tuple[Finding, ...] = ()
    """What of the part this member heard in training; where it is another corpus, or folds, whatever else its evaluation found."""
    cooled_on: str = ""
    """On what the temperature was fitted that is in its probabilities, in words; empty: none is."""
    event: EvaluationFinished | None = None
    """The evaluation that it is of; None: of a part of the run's own."""

    @property
    def title(self) -> str:
        """20261126-053133-emodb-k3f9 trial 4: what it is called."""
        return self.run if self.trial is None else f"{self.run} trial {self.trial}"


@dataclass(frozen=True)
class Ensemble:
    """An ensemble's score. `best`: the member with the highest BCA on these very utterances, of equals the first; `against`:
    the ensemble's BCA minus its own, and the paired test."""

    members: tuple[Member, ...]
    answers: Answers
    """The ensemble's own, in the first member's order of utterances."""
    score: Score
    speakers: int
    best: Member
    against: Pairing
    chosen: tuple[str, ...]
    """What was chosen on these utterances, a clause each; empty: nothing."""
    calibration: Calibration | None

    @property
    def evaluation(self) -> EvaluationFinished | None:
        """That of its first member, which is on these very utterances; None: they are a part of the runs' own."""
        return self.members[0].event

    @property
    def part(self) -> str:
        """test, or ravdess (03, 04 alone; all classes): what it is scored on, and how that was asked."""
        name, event = self.members[0].part, self.evaluation
        if event is None:
            return name
        asked = "; ".join(filter(None, (of_speakers(event.speakers, event.without), "" if event.masked else "all classes")))
        return f"{name} ({asked})" if asked else name

    @property
    def transductive(self) -> str:
        """What must stand beside the score where a member used the speakers' own statistics; else empty."""
        return next((one.transductive for one in self.members if one.transductive), "")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What its members' evaluations found, each sentence once, with the names of the members that it is true of."""
        told: dict[str, tuple[Finding, list[str]]] = {}
        for one in self.members:
            for finding in dict.fromkeys(one.findings):
                told.setdefault(finding.sentence, (finding, []))[1].append(one.title)
        every = len(self.members)
        return tuple(
            replace(finding, sentence=f"{'every member' if len(titles) == every else ', '.join(titles)}: {finding.sentence}")
            for finding, titles in told.values()
        )

    @property
    def utterances(self) -> int:
        """How many it is scored on."""
        return len(self.answers)

    def plain(self) -> dict[str, Any]:
        """All of it, JSON-safe, without the utterances."""
        return {
            "part": self.members[0].part, "transductive": bool(self.transductive),
            **SCORE.of(self.score), "utterances": self.utterances,
            "interval_speakers": self.speakers, "chosen_on_these_utterances": list(self.chosen),
            "members": [
                {
                    "run": one.run, "trial": one.trial, SCORE.name: one.score.value, "chosen_on": one.chosen,
                    "transductive": bool(one.transductive),
                }
                for one in self.members
            ],
            "best_member": {"run": self.best.run, "trial": self.best.trial, SCORE.name: self.best.score.value},
            "difference_to_best": self.against.difference, "p": self.against.p, "p_about": self.against.scope,
            "evaluation": None if (event := self.evaluation) is None else {
                "corpus": event.corpus, "masked": event.masked, "speakers": list(event.speakers), "without": list(event.without),
            },
            "calibration": None if self.calibration is None else asdict(self.calibration),
            "confusion": plain_confusion(confusion(self.answers)), "findings": list(plain(self.findings)),
        }  # fmt: skip


def members_of(folder: RunFolder, state: RunState, part: str, top: int | None, *, target: bool = False) -> list[Member]:
    """The best trial of a run as a member, scored on `part`; `target`: on the corpus that is called so, whatever else is; `top`: its so
    many best trials, on the validation part alone. Raises UsageError."""
    if top is None:
        return [_member(folder, state, None, part, target=target)]
    if part != VALIDATION:
        raise UsageError(f"--top chooses trials by their validation score, and not every trial has a score on {part}: leave --top out")
    if top > MOST_TRIALS:
        raise UsageError(f"--top {top}: a run keeps the class probabilities of its {MOST_TRIALS} best trials only")
    found = best_trials(state)[:top]
    if len(found) < top:
        raise UsageError(f"--top {top}: {folder.run_id} has only {counted(len(found), 'trial')} with a score")
    return [_member(folder, state, trial.number, part) for trial in found]


def scored(members: Sequence[Member], *, top: int | None = None) -> Ensemble:
    """The average of `members`. `top`: they are the so many best trials of their runs. Raises UsageError where they do not fit."""
    if len(members) < 2:
        raise UsageError("an ensemble needs at least two members: name several runs, or one run with --top K")
    first = members[0].answers
    aligned = [members[0], *(replace(one, answers=_in_order(one, members[0])) for one in members[1:])]
    probabilities = _mean([one.answers.probabilities for one in aligned if one.answers.probabilities is not None])
    said = predicted(probabilities)
    groups = first.groups if all(one.answers.groups is not None for one in aligned) else None
    answers = replace(
        first, predictions=said, probabilities=probabilities, groups=groups, self_trained=None,
        transductive=any(one.answers.transductive for one in aligned),
    )  # fmt: skip
    units, count = Units(groups=groups, recordings=first.recordings), len(first.classes)
    best = max(aligned, key=lambda one: one.score.value)
    difference, p = paired_difference(first.truth, best.answers.predictions, said, count, **units)
    speakers, sources = interval_speakers(groups), len(set(first.recordings or ()))
    against = Pairing(difference, p, len(first), speakers, swapped_speakers(groups) > 0, sources if sources < len(first) else 0)
    return Ensemble(
        tuple(aligned), answers, scores_of(first.truth, said, count, (BCA,), seed=first.seed, **units)[BCA], speakers, best, against,
        _chosen(aligned, top), calibration(answers),
    )  # fmt: skip


def _member(folder: RunFolder, state: RunState, number: int | None, part: str, *, target: bool = False) -> Member:
    found = part_named(folder, state, number, part, target=target)
    if found.answers is None or found.answers.probabilities is None or not found.answers.spoken:
        raise UsageError(f"{folder.run_id}, trial {found.trial}, {found.title}: {found.missing or 'class probabilities are not kept'}")
    findings = _found_of(state, found)
    return Member(
        folder.run_id, found.by, part, found.score, _chosen_of(state, found, findings), state.study.transductive, found.answers, findings,
        "" if found.calibration is None else found.calibration.cooled_on, found.event,
    )  # fmt: skip


def _found_of(state: RunState, part: Explained) -> tuple[Finding, ...]:
    """What the run found of the very score `part`: its corpus may have been evaluated again since, of another trial or in vain."""
    if part.event is not None:
        return findings_of(part.event)
    folds = next((folds for folds in state.folds if folds.name == part.name), None)
    return _on_part(state, part.name) if folds is None else findings_of(folds)


def _on_part(state: RunState, part: str) -> tuple[Finding, ...]:
    """What the run found of its own part `part`, or of all parts, but for what is told beside the score or is about the search."""
    return tuple(one for one in findings_of(state.start) if one.part in (part, "") and one.kind not in _NOT_OF_A_PART)


_NOT_OF_A_PART = ("protocol", "transductive", "refitted", "warm", "bounds", "assumed", "imported")


def _chosen_of(state: RunState, part: Explained, findings: Iterable[Finding]) -> str:
    bounds = state.study.constraints
    if state.measure.unit != "share" and all(one.measure.unit != "share" for one in bounds):
        return ""  # minutes chose, and no utterance had a say
    if part.name == VALIDATION and part.event is None:
        return "all of it"
    for folds in state.folds:
        if folds.name == part.name and part.event is None:
            by_bound = "some of them" if state.measure.unit != "share" else chosen_on(folds, state.study)
            return "" if folds.nested else by_bound
    chose = next((one for one in findings if one.kind == "chosen_by"), None)
    return "" if chose is None else f"{chose.count} of them"


def _in_order(member: Member, first: Member) -> Answers:
    """`member`'s answers in the order of `first`'s utterances and classes. Raises UsageError where they are of others."""
    own, wanted = member.answers, first.answers
    where = f"{member.title} was scored on"
    if set(own.classes) != set(wanted.classes):
        raise UsageError(
            f"{where} other classes than {first.run} ({', '.join(own.classes)}; {', '.join(wanted.classes)}); averaging needs the same "
            "ones: run one study again with the labels of the other"
        )
    places = {_key(spoken.id, spoken.digest): place for place, spoken in enumerate(own.spoken)}
    keys = [_key(spoken.id, spoken.digest) for spoken in wanted.spoken]
    if len(own) != len(wanted) or len(places) != len(own) or set(keys) != set(places):
        raise UsageError(f"{where} other utterances than {first.run}; averaging needs the same ones: use the same split")
    order, columns = [places[key] for key in keys], [own.classes.index(name) for name in wanted.classes]
    number = {old: new for new, old in enumerate(columns)} | {UNREADABLE: UNREADABLE}
    truth = tuple(number[own.truth[place]] for place in order)
    if truth != wanted.truth:
        raise UsageError(f"{where} the same utterances as {first.run} with other labels: their label maps differ")
    if own.probabilities is None:
        raise ValueError("a member without class probabilities")
    return replace(
        own, classes=wanted.classes, truth=truth, predictions=tuple(number[own.predictions[place]] for place in order),
        probabilities=own.probabilities[order][:, columns], spoken=wanted.spoken, self_trained=None,
        groups=None if own.groups is None else tuple(own.groups[place] for place in order),
        recordings=None if own.recordings is None else tuple(own.recordings[place] for place in order),
    )  # fmt: skip


def _key(name: str, digest: str) -> tuple[str, str]:
    # Two recordings of a corpus can hold the same samples; names of segments are by their bounds, which the digest has too.
    return name, digest


def _mean(said: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of probabilities [n, C], of those members that could read the utterance; NaN where none could."""
    stacked = np.stack([np.asarray(one, dtype=np.float64) for one in said])
    there = np.isfinite(stacked).all(axis=2, keepdims=True)
    count = there.sum(axis=0)
    total = np.where(there, stacked, 0.0).sum(axis=0)
    mean: NDArray[np.float32] = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return mean


def _chosen(members: Sequence[Member], top: int | None) -> tuple[str, ...]:
    found = []
    if top is not None:
        which = f"{top} best trials of each run were chosen by their scores"
        found.append(f"the {'best trial of each run was chosen by its score' if top == 1 else which} on these very utterances")
    parts = list(dict.fromkeys(one.chosen for one in members if one.chosen))
    if parts:
        on = " and ".join("these utterances" if one == "all of it" else one.replace(" of them", " of these utterances") for one in parts)
        found.append(f"the configurations of the members were chosen on {on}")
    if any(one.cooled_on == FITTED_HERE for one in members):
        found.append("the temperatures in their probabilities were fitted on these utterances")
    elif any("these utterances" in one.cooled_on for one in members):
        found.append("the temperatures in their probabilities were fitted on some of these utterances")
    return tuple(found)
