"""The one figure that stands for a run, and the words that must stand beside a figure. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from ser_tui.study.formatting import counted, folds_text, score_text
from ser_tui.study.frozen import Frozen
from ser_tui.study.logged_study import TRANSDUCTIVE, LoggedStudy
from ser_tui.study.records import Key
from ser_tui.study.scores import BCA, MEASURES, Score
from ser_tui.study.status import TrialStatus

if TYPE_CHECKING:
    from ser_tui.study.events import FoldsScored, RunStarted
    from ser_tui.study.state import RunState

KINDS: Mapping[str, str] = {"test": "test", "pooled": "pooled", "validation": "valid."}
"""What a headline can be a score of, the more honest first, and the word for it in a narrow column."""


class Figure(Frozen, frozen=True):
    """A score and the words beside it."""

    kind: str
    """What it is a score of: test, pooled (all folds) or validation, the first of these that there is."""
    name: str
    """What it is called beside the figure."""
    score: Annotated[Score, Key("value", "interval")]
    n: int
    speakers: int | None
    """As `interval_speakers` in the events."""
    chosen_on: str
    """What of it the search chose its configuration on, or what it searched for where that was not BCA; else an empty text."""
    transductive: bool = False
    """Whether features are taken by the speakers' own statistics, which `name` says too."""

    @property
    def short(self) -> str:
        """.838 .79-.88, in the cells of a column."""
        return score_text(self.score, short=True)

    @property
    def needs_telling(self) -> bool:
        """Whether its kind does not say already how it came about: what chose the configuration, or that it is transductive."""
        return bool(self.words)

    @property
    def words(self) -> str:
        """transductive; fold 03 chose the configuration: what the narrow columns that have its kind must say of it."""
        return "; ".join(filter(None, (TRANSDUCTIVE if self.transductive else "", chose(self.chosen_on))))


def headline(state: RunState) -> Figure | None:
    """The BCA that a run is listed by: the test part's; else that of all folds of its own protocol pooled; else the best trial's on
    the validation part, which was chosen for being high, unless the study searches for something else than BCA: `chosen_on` has
    that of every kind. Of pooled folds the nested ones, where there are some. None before the first score.
    """
    asked = state.measure
    chosen = "" if asked.name == BCA else asked.label
    transductive, by = bool(state.study.transductive), state.study.beside
    if state.test is not None:
        test = state.test
        return Figure("test", f"test part{by}", test.scores[BCA], test.utterances, test.interval_speakers, chosen, transductive)
    mine = [folds for folds in state.folds if folds.protocol == state.study.protocol]
    own = max(mine, key=lambda folds: (bool(folds.nested), folds.averaged == 1), default=None)
    if own is not None:
        return _pooled(own, state)
    best = state.best
    score = None if best is None else best.score()
    if best is None or score is None:
        return None
    over, pooled = validation_speakers(state.start), pooled_over(state.start)
    name = f"validation, {pooled}" if pooled else "validation"
    return Figure("validation", f"{name}{by}", score, best.utterances, over, chosen or _ALL, transductive)


def beside_headline(state: RunState) -> Figure | None:
    """The BCA of all folds pooled that a reader of the headline must not miss, where that is of something else, as of a test part: of
    several protocols nested ones first, then the study's own. None where there is none."""

    def rank(folds: FoldsScored) -> tuple[bool, bool, bool]:
        return bool(folds.nested), folds.protocol == state.study.protocol, folds.averaged == 1

    of_folds = max(state.folds, key=rank, default=None)
    figure = None if of_folds is None else _pooled(of_folds, state)
    return None if figure == headline(state) else figure


def _pooled(folds: FoldsScored, state: RunState) -> Figure:
    # A run that went on since has made more trials than the search inside each fold had, or has another best one.
    of = f" of {counted(folds.nested, 'trial')}" if folds.nested and folds.nested != state.finished_trials else ""
    if not folds.nested and state.best is not None and folds.trial != state.best.number:
        of = f" of trial {folds.trial}, not the best any more"
    name = f"{folds.protocol}, pooled{folds.name.removeprefix(folds.protocol)}{of}{state.study.beside}"
    on, transductive = chosen_on(folds, state.study), bool(state.study.transductive)
    return Figure("pooled", name, folds.scores[BCA], folds.utterances, folds.interval_speakers, on, transductive)


_ALL = "all of it"
"""A score on the validation part says by its name that it was chosen on it."""


def of_collapsed(trial: int, status: str) -> str:
    """What must be said where the best trial collapsed to chance, as where all did, or where it was not chosen for its BCA; else empty."""
    if status != TrialStatus.COLLAPSED:
        return ""
    return f"Trial {trial}, the best by what is searched for, collapsed to chance: its scores are those of a model that learned nothing."


def without_model(trial: int, why: str | None) -> str:
    """What must be said where the best trial is named and its model could not be kept, because of `why`; empty where there is one."""
    if not why:
        return ""
    return f"The model of trial {trial}, the best one, is missing ({why}): nothing can be predicted, exported or evaluated with it."


def pooled_over(start: RunStarted | None) -> str:
    """pooled over 3 of 10 folds: what a trial's score is over, where it is not one part; empty otherwise."""
    if start is None or not start.objective:
        return ""
    return f"pooled over {folds_text(len(start.objective), start.folds)}"


def chosen_on(folds: FoldsScored, study: LoggedStudy) -> str:
    """What of the pooled utterances the search chose its configuration on: the first folds where the protocol is the study's
    own, otherwise the validation part of the study's protocol, whose utterances are in the folds of every other one. The
    other folds where every fold was scored by what was chosen without it. `minutes`, or `accuracy on fold 03`, where the study
    searches for that."""
    if folds.nested:
        return "the other folds"  # by BCA, whatever the study searches for
    if study.measure.unit != "share":
        return study.measure.label
    on = _own(folds, study) if folds.protocol == study.protocol else "validation"
    return on if study.measure.name == BCA else f"{study.measure.label} on {on}"


def _own(folds: FoldsScored, study: LoggedStudy) -> str:
    count, some = len(folds.folds), study.objective_folds
    if some != 1 and count > 1:
        return folds_text(min(some or count, count), count)
    name = str(folds.folds[0].get("name", "1")) if folds.folds else "1"
    return name if name.startswith("fold") else f"fold {name}"


def chose(on: str) -> str:
    """fold 1 chose the configuration: what is said beside every pooled figure, and beside every figure of a run that searches for
    something else than BCA, see `chosen_on`. Empty where there is nothing to say."""
    if on in ("", _ALL):
        return ""
    who = _MOST.get(on) or on.removesuffix("validation") + ("the validation part" if on.endswith("validation") else "")
    return f"{who} chose the configuration"


_MOST: Mapping[str, str] = {measure.label: measure.most for measure in MEASURES.values()}


def validation_speakers(start: RunStarted | None) -> int | None:
    """Over how many speakers a run's intervals on the validation part are, as `interval_speakers` in the events; logs of before
    there was this field tell it by the speakers of the part."""
    if start is None or start.interval_speakers is not None:
        return None if start is None else start.interval_speakers
    if start.shares_speakers or start.unlabelled_speakers is not False:
        return None
    return len(start.speakers.get("validation", ()))


def speakers_text(speakers: int | None) -> str:
    """2 speakers: what an interval is over, in few words; empty where it is over utterances because training heard the speakers
    too, or they are not known."""
    return counted(speakers, "speaker") if speakers else ""


LEAST_SPEAKERS = 6
"""From so many on a test that swaps whole speakers can tell anything at 5 %: of five, 2 of 32 swaps are as extreme as the most
extreme."""


def p_is_about(speakers: int | None) -> str:
    """Whom the p of a paired test is about, by the speakers that training has not heard: over 8 speakers; about these 2 speakers
    alone; over utterances. None: not known, and nothing is said."""
    if speakers is None:
        return ""
    if speakers >= LEAST_SPEAKERS:
        return f"over {speakers} speakers"
    if speakers:
        return f"about {'this 1 speaker' if speakers == 1 else f'these {speakers} speakers'} alone"
    return "over utterances"


def sample(utterances: int, speakers: int | None) -> str:
    """n = 120, 2 speakers; that n is not known, as of imported trials. Of one speaker: that the interval is over its utterances, and
    says nothing of other speakers."""
    alone = " (the interval is over its utterances)" if speakers == 1 else ""
    return (f"n = {utterances}" if utterances else "n not known") + (f", {speakers_text(speakers)}{alone}" if speakers else "")


def lone_recalls_text(lone: Sequence[str], classes: int) -> str:
    """fear has one speaker only ...: what must be said of recalls beside others whose intervals are over speakers, where one speaker
    alone has the class; empty where none is so. `classes`: how many have recalls."""
    if not lone:
        return ""
    if len(lone) >= classes:
        return "each class has one speaker only: intervals of recalls are over utterances, and say nothing of other speakers"
    have, are = ("has", "its interval is") if len(lone) == 1 else ("have", "their intervals are")
    return f"{', '.join(lone)} {have} one speaker only: {are} over utterances, those of the other classes over speakers"


def headline_text(figure: Figure | None) -> str:
    """.838 [.787, .884] loso, pooled; n = 535, 10 speakers; fold 03 chose the configuration"""
    if figure is None:
        return "-"
    said = chose(figure.chosen_on)
    shown = score_text(figure.score)
    parts = (f"{shown} {figure.name}", sample(figure.n, figure.speakers), said)
    return "; ".join(part for part in parts if part)


def of_model(state: RunState) -> str:
    """the model is trial 2: BCA .871 [.801, .923] ...; the best of several trials there: what is said of a run's model wherever that
    answers; empty where there is none."""
    if state.best is None:
        return ""
    figure = headline(state)
    chosen = "; the best of several trials there" if figure and figure.kind == "validation" and state.finished_trials > 1 else ""
    return f"the model is trial {state.best.number}: BCA {headline_text(figure)}{chosen}"


def headline_of(figure: Figure | None) -> str:
    """What a headline is a score of, for a column: test, validation, or pooled with what chose the configuration; valid., minutes
    chose where that is what the study searches for; test, transductive where features are taken by the speakers' statistics."""
    if figure is None:
        return "-"
    chosen = f"{figure.chosen_on} chose" if chose(figure.chosen_on) else ""
    told = list(filter(None, (TRANSDUCTIVE if figure.transductive else "", chosen)))
    return ", ".join((KINDS[figure.kind], *told)) if told else figure.kind


_APART: Mapping[str, str] = {
    "kfold": "speakers", "loso": "speakers", "kfold-sentence": "sentences", "loso-sentence": "speakers and sentences",
}  # fmt: skip
"""What protocols with folds keep apart between training and scoring."""


def scores_apart(scored: Iterable[tuple[str, Score]]) -> dict[str, str]:
    """speakers: "speakers apart .757 [.676, .835]": for each kind of keeping apart, the pooled score of a protocol with folds, whose names
    are those of `events.FoldsScored.name`. Nested ones before plain ones, since nothing was chosen on them, those of one configuration
    before those of several averaged; of two alike the later one."""
    found: dict[str, tuple[bool, bool, str]] = {}
    for name, score in scored:
        protocol, _, how = name.partition(", ")
        if apart := _APART.get(protocol):
            one = bool(how), "averaged" not in how, f"{apart} apart {score_text(score)}{f' ({how})' if how else ''}"
            if apart not in found or found[apart][:2] <= one[:2]:
                found[apart] = one
    return {apart: told for apart, (_, _, told) in found.items()}


def apart_text(scored: Iterable[tuple[str, Score]]) -> str:
    """speakers apart .757 [.676, .835], speakers and sentences apart .454 [.355, .552]: what the text contributes.

    Empty unless both were scored.
    """
    found = scores_apart(scored)
    return ", ".join(found.values()) if len(found) > 1 else ""
