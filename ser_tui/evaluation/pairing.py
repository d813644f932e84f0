"""Two runs that validated on the same utterances, compared utterance by utterance."""

from __future__ import annotations

from ser_tui.evaluation.analysis import interval_seed
from ser_tui.evaluation.errors import Answers, class_recalls
from ser_tui.evaluation.statistics import paired_difference, swapped_speakers
from ser_tui.study.comparison import UNKNOWN_CORPUS, UNKNOWN_UTTERANCES, Pairing
from ser_tui.study.events import RunStarted
from ser_tui.study.later_settings import completed
from ser_tui.study.scores import Score
from ser_tui.study.state import RunState


def pair(first: RunState, second: RunState) -> Pairing:
    """BCA of `second`'s best trial minus that of `first`'s, with its paired p; or why they cannot be paired."""
    one, other, begun, begun_second = first.best, second.best, first.start, second.start
    if one is None or other is None or begun is None or begun_second is None:
        return Pairing(reason="no score yet")
    corpora = [start.fingerprints.get("corpus") for start in (begun, begun_second)]
    if None in corpora and first.study.corpus == second.study.corpus:
        # One of an older version's, or that was imported: under one name there may be two.
        return Pairing(reason=UNKNOWN_CORPUS)
    if corpora[0] != corpora[1]:
        return Pairing(reason=_other_corpus(first, second))
    if not first.truth or not second.truth:
        return Pairing(reason=UNKNOWN_UTTERANCES)
    if first.truth != second.truth or not _same_part(begun, begun_second):
        return Pairing(reason="other utterances")
    speakers, recordings = (_of_each(units, len(first.truth)) for units in _units(begun, begun_second))
    classes = len(begun.classes)
    difference, p = paired_difference(first.truth, one.predictions, other.predictions, classes, speakers, recordings)
    return Pairing(difference, p, len(first.truth), len(set(speakers or ())), swapped_speakers(speakers) > 0, len(set(recordings or ())))


def _other_corpus(first: RunState, second: RunState) -> str:
    """Why two runs were not on one corpus: beginning with "other", what a user who named one corpus has changed of it."""
    one, two = first.study, second.study
    if one.corpus != two.corpus:
        return "other corpus"
    if one.labels != two.labels:
        return "other labels"
    return "other speakers" if one.plain.get("speakers") != two.plain.get("speakers") else "other files of it"


def best_recalls(state: RunState) -> dict[str, tuple[Score, int, bool]]:
    """Class -> (recall of the best trial with its interval, utterances of the class, see `errors.Recall.lone`), of classes that the
    validation part has."""
    best, start = state.best, state.start
    if best is None or start is None or not state.truth or len(best.predictions) != len(state.truth):
        return {}
    groups, recordings = (_of_each(units, len(state.truth)) for units in (start.validation_speakers, start.validation_recordings))
    answers = Answers(
        start.classes, state.truth, tuple(best.predictions), groups=None if groups is None else tuple(map(str, groups)),
        recordings=None if recordings is None else tuple(map(str, recordings)), seed=interval_seed(state),
    )  # fmt: skip
    found = class_recalls(answers)
    return {one.name: (Score(one.recall, one.interval), one.utterances, one.lone) for one in found if one.recall is not None}


def _same_part(first: RunStarted, second: RunStarted) -> bool:
    # Logs of before there was a digest of the parts tell of them by the protocol alone.
    splits = {start.fingerprints["split"] for start in (first, second) if "split" in start.fingerprints}
    protocols = [completed(start.study).get("protocol") for start in (first, second)]
    return protocols[0] == protocols[1] and first.classes == second.classes and len(splits) < 2


def _units(first: RunStarted, second: RunStarted) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(speakers, recordings) of the part that both have, by whichever of them tells."""
    return (first.validation_speakers or second.validation_speakers, first.validation_recordings or second.validation_recordings)


def _of_each(units: tuple[int, ...], utterances: int) -> tuple[int, ...] | None:
    return units if len(units) == utterances else None
