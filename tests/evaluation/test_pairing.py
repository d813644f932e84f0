"""Two runs are compared on the utterances that both validated on, and what the p of it is about is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ser_tui.evaluation.pairing import best_recalls, pair
from ser_tui.study.events import RunStarted, TrialFinished, TrialStarted
from ser_tui.study.reducer import reduce_all
from ser_tui.study.state import RunState

TRUTH = (0, 1) * 40
NOW = "2026-01-01T00:00:00.000Z"
STUDY = {"protocol": {"kind": "speaker", "seed": 42}}


def state(wrong: int, **start: Any) -> RunState:
    """A run of which the best trial had the first `wrong` utterances wrong."""
    predictions = tuple(1 - label if index < wrong else label for index, label in enumerate(TRUTH))
    said = {"study": STUDY, "fingerprints": {"corpus": "c", "split": "s"}, "classes": ("anger", "fear"), **start}
    return reduce_all([
        RunStarted(time=NOW, utterances={}, **said),
        TrialStarted(time=NOW, trial=1, parameters={}),
        TrialFinished(
            time=NOW, trial=1, bca=1 - wrong / 80, interval=(0, 1), utterances=80, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=1.0,
            seconds=1.0, collapsed=False, predictions=predictions, truth=TRUTH,
        ),
    ])  # fmt: skip


def test_p_is_over_speakers_where_there_are_enough_of_them() -> None:
    speakers = tuple(index // 10 for index in range(80))
    found = pair(state(10, validation_speakers=speakers), state(0, validation_speakers=speakers))
    assert (found.words, found.scope, found.utterances) == ("+.125, p = 1.00", "over 8 speakers", 80)
    few = tuple(index // 40 for index in range(80))
    found = pair(state(10, validation_speakers=few), state(0, validation_speakers=few))
    assert (found.words, found.scope) == ("+.125, p < .01", "about these 2 speakers alone")
    alone = (0,) * 80
    for one, other in (({"validation_speakers": alone}, {}), ({}, {"validation_speakers": alone})):
        assert pair(state(10, **one), state(0, **other)).scope == "about this 1 speaker alone", "whichever log tells"
    recordings = tuple(index // 20 for index in range(80))
    found = pair(state(10, validation_recordings=recordings), state(0, validation_recordings=recordings))
    assert (found.words, found.scope) == ("+.125, p = 1.00", "over 4 recordings")
    assert (
        pair(state(10, validation_recordings=recordings), state(0)) == found == pair(state(10), state(0, validation_recordings=recordings))
    )


def test_runs_of_older_versions_are_compared_over_utterances() -> None:
    older = {"fingerprints": {"corpus": "c"}}
    found = pair(state(10, **older), state(0, **older))
    assert (found.words, found.scope) == ("+.125, p < .01", "over utterances")
    assert pair(state(10, validation_speakers=(0, 1)), state(0)).scope == "over utterances", "of another length: not believed"
    later = {"protocol": {**STUDY["protocol"], "objective_folds": 1}}
    assert pair(state(10, **older), state(0, study=later)).words == "+.125, p < .01", "a setting that it did not know has its usual value"
    later["protocol"]["objective_folds"] = 0
    assert pair(state(10, **older), state(0, study=later)).reason == "other utterances"


def test_why_two_runs_cannot_be_paired() -> None:
    assert pair(RunState(), state(0)).reason == pair(state(0), RunState()).reason == "no score yet"
    one, other = state(0), {"corpus": "d"}
    assert pair(state(0, fingerprints=other), one).reason == "other files of it"
    assert pair(state(0, fingerprints=other, study={**STUDY, "corpus": "mine"}), one).reason == "other corpus"
    assert pair(state(0, fingerprints=other, study={**STUDY, "labels": {"calm": ""}}), one).reason == "other labels"
    assert pair(state(0, fingerprints=other, study={**STUDY, "speakers": {"mine": {"without": ["a"]}}}), one).reason == "other speakers"
    assert pair(state(0, study={"protocol": {"kind": "random"}}), state(0)).reason == "other utterances"
    assert pair(state(0, fingerprints={"corpus": "c", "split": "t"}), state(0)).reason == "other utterances"
    assert pair(state(0, classes=("anger", "joy")), state(0)).reason == "other utterances", "the same numbers are other emotions"


def test_the_best_trial_s_recalls_are_over_its_speakers_or_recordings_as_far_as_the_log_tells_them() -> None:
    speakers, wrong = tuple(index // 40 for index in range(80)), state(10)
    assert {name: (score.value, n, lone) for name, (score, n, lone) in best_recalls(wrong).items()} == {
        "anger": (0.875, 40, False), "fear": (0.875, 40, False),
    }  # fmt: skip
    found = {
        best_recalls(state(10, **units))["fear"][0].interval
        for units in ({}, {"validation_speakers": speakers}, {"validation_recordings": tuple(index // 20 for index in range(80))})
    }
    assert len(found) == 3
    assert best_recalls(state(10, validation_speakers=speakers[:9])) == best_recalls(wrong), "of another length: not believed"
    assert best_recalls(RunState()) == best_recalls(replace(wrong, truth=())) == best_recalls(replace(wrong, start=None)) == {}


def test_an_imported_run_s_corpus_is_not_called_another() -> None:
    named = {**STUDY, "corpus": "emodb"}
    imported, here = state(0, fingerprints={}, study=named), state(0, study=named)
    assert pair(here, imported).reason == pair(imported, here).reason == "corpus not known"
    assert pair(here, state(0, fingerprints={}, study={**STUDY, "corpus": "ravdess"})).reason == "other corpus"
    untold = reduce_all([
        RunStarted(time=NOW, classes=("anger", "fear"), utterances={}, study=named, fingerprints={"corpus": "c"}),
        TrialStarted(time=NOW, trial=1, parameters={}),
        TrialFinished(
            time=NOW, trial=1, bca=0.5, interval=(0, 1), utterances=80, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=1.0,
            seconds=1.0, collapsed=False, predictions=(), truth=(),
        ),
    ])  # fmt: skip
    assert pair(here, untold).reason == pair(untold, here).reason == "utterances not known"
