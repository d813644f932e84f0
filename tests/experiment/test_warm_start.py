"""A search that knows something before its first trial: it uses it, says so everywhere, and is never taken for one that knew nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_logs import EMODB, log_of, written

from ser_tui.experiment.proposing import known_before, recommended_bounds, replayed
from ser_tui.store.past_runs import past_runs
from ser_tui.store.runs import create
from ser_tui.strategies.base import Observation
from ser_tui.strategies.registry import check, make
from ser_tui.strategies.warm import Prior, usable, warmed
from ser_tui.study import events
from ser_tui.study.comparison import settings
from ser_tui.study.errors import UserError
from ser_tui.study.findings import warm
from ser_tui.study.load import loads
from ser_tui.study.reducer import reduce_all
from ser_tui.study.summary import summarize
from ser_tui.worker.in_memory import InMemory
from ser_tui.worker.keeping import FolderKeeper

STUDY = EMODB
WARM = STUDY + "warm_start: {runs: auto}\n"


def test_auto_means_the_same_encoder_on_other_corpora(tmp_path: Path) -> None:
    study, scores = loads(WARM), [0.5, 0.6, 0.7]
    other = written(tmp_path, "other", log_of(loads(STUDY.replace("emodb", "ravdess")), scores))
    written(tmp_path, "same", log_of(loads(STUDY), scores))
    written(tmp_path, "encoder", log_of(loads(STUDY.replace("emodb", "emovo").replace("whisper-tiny.en", "whisper-base")), scores))
    itself = loads(STUDY.replace("emodb", "emovo") + "warm_start: {first_point: recommended}\n")
    marked = written(tmp_path, "warm", log_of(itself, scores))
    assert [run_id for run_id, _ in past_runs(tmp_path, study)] == [other.run_id]
    named = study.model_copy(update={"warm_start": study.warm_start.model_copy(update={"runs": (marked.run_id, "auto")})})
    assert [run_id for run_id, _ in past_runs(tmp_path, named)] == sorted([other.run_id, marked.run_id], reverse=True)
    with pytest.raises(UserError, match="no trial with a score"):
        empty = written(tmp_path, "empty", log_of(loads(STUDY), []))
        past_runs(tmp_path, named.model_copy(update={"warm_start": study.warm_start.model_copy(update={"runs": (empty.run_id,)})}))

    keeper = FolderKeeper(create(tmp_path, "mine"))
    [prior] = usable(keeper.past_runs(study), study.search)
    assert (prior.run, prior.corpus, len(prior.trials)) == (other.run_id, "ravdess", 3)


def test_another_edition_of_the_studys_corpus_is_no_other_corpus(tmp_path: Path) -> None:
    """Its recordings are the same: such a search would know what it is scored on."""
    written(tmp_path, "second", log_of(loads(STUDY.replace("emodb", "emodb2")), [0.5, 0.6, 0.7]))
    other = written(tmp_path, "other", log_of(loads(STUDY.replace("emodb", "ravdess")), [0.5, 0.6, 0.7]))
    with InMemory(loads(WARM)) as memory:
        memory.keeper = FolderKeeper(create(tmp_path, "mine"))
        assert [run.run for run in known_before(memory, loads(WARM), None)] == [other.run_id]


def test_a_past_run_of_another_encoder_or_of_the_same_corpus_is_named_as_such() -> None:
    def sentence(encoder: str, corpus: str) -> str:
        prior = Prior("p", corpus, encoder, (({"epochs": 3}, 0.5),)).plain()
        return warm(False, [prior], "whisper-tiny.en", ("emodb",))[0].sentence

    assert sentence("whisper-tiny.en", "ravdess").endswith("with a search that knew nothing.")
    assert sentence("facebook/wav2vec2-base", "ravdess").endswith("p had another encoder, facebook/wav2vec2-base.")
    assert sentence("whisper-tiny.en", "emodb+emovo").endswith("p was on emodb+emovo too.")


def test_a_past_run_that_was_deleted_before_the_search_began_is_named_with_what_to_do(tmp_path: Path) -> None:
    written(tmp_path, "other", log_of(loads(STUDY.replace("emodb", "ravdess")), [0.5]))
    study = loads(STUDY + "warm_start: {runs: [20261101-000000-gone-aaaa]}\n")
    with pytest.raises(UserError, match=r"^warm_start.runs: no run begins with .* name another run in the study, or leave it out$"):
        past_runs(tmp_path, study)


def test_what_was_good_elsewhere_is_tried_first_and_the_log_gives_it_again() -> None:
    study = loads(WARM)
    good = {"learning_rate": 2e-4, "epochs": 8, "unfreeze_epoch": 1, "max_seconds": 5}
    worse = {"unfreeze_epoch": 5, "max_seconds": 2}
    bad = [{"learning_rate": rate, "epochs": epochs, **worse} for rate in (1e-6, 1e-5, 9e-4) for epochs in (1, 3, 4)]
    near = [{**good, "learning_rate": rate, "epochs": epochs} for rate in (1.5e-4, 2.5e-4) for epochs in (7, 9)]
    trials = [(good, 0.62), *((one, 0.58) for one in near), *((one, 0.2) for one in bad)]
    prior = [Prior("20261101-000000-elsewhere-aaaa", "ravdess", "whisper-tiny.en", tuple(trials))]
    log = log_of(study, [0.95, 0.93, 0.97], prior)
    first = log[1]
    assert isinstance(first, events.TrialStarted) and first.phase == "model", "no trial is spent on a start"
    assert 5e-5 < float(first.parameters["learning_rate"]) < 9e-4 and int(first.parameters["epochs"]) > 4
    for event, proposal in replayed(study, log):
        assert proposal is not None and proposal.parameters == dict(event.parameters)  # type: ignore[union-attr]
    summary = summarize("warm", reduce_all(log))
    assert summary.strategy == "gp+warm"
    said = "Warm start: the search began with the trials of 20261101-000000-elsewhere-aaaa (14 in all)"
    assert any(said in one for one in summary.warnings)
    differing = dict(settings([summary, summarize("plain", reduce_all(log_of(loads(STUDY), [0.9])))])[0])
    assert differing["warm_start.runs"] == ("auto", "-")


def test_a_recommended_point_lies_in_the_middle_of_what_is_recommended_within_the_bounds() -> None:
    study = loads(STUDY.replace("gp", "random").replace("high: 10}", "high: 3}") + "warm_start: {first_point: recommended}\n")
    strategy = warmed(make(study.strategy, study.search, 1), study, recommended_bounds(study), ())
    first = strategy.propose([])
    assert first is not None and first.phase == "first"
    assert first.parameters["learning_rate"] == pytest.approx(4e-5) and first.parameters["epochs"] == 3
    second = strategy.propose([Observation(first.parameters, 0.5)])
    assert second is not None and second.phase == "startup"
    assert all(event.phase == "first" for event, _ in [next(iter(replayed(study, log_of(study, [0.5]))))])  # type: ignore[union-attr]


def test_what_learns_from_no_trials_is_told_none() -> None:
    assert "learns from no trials" in check(loads(WARM.replace("gp", "random")))["warm_start.runs"]
    assert "takes none" in check(loads(STUDY.replace("gp", "halving") + "warm_start: {first_point: recommended}\n"))["warm_start"]
    probe = check(loads("method: probe\nwarm_start: {first_point: recommended}\n"))
    assert "is for fine-tuning" in probe["warm_start.first_point"], "nothing is recommended for a probe"
    assert not check(loads(WARM))


def test_a_run_that_has_begun_is_told_what_its_log_has() -> None:
    prior = [Prior("20261101-000000-elsewhere-aaaa", "ravdess", "whisper-tiny.en", (({"learning_rate": 1e-4}, 0.5),))]
    start = log_of(loads(STUDY), [], prior)[0]
    assert isinstance(start, events.RunStarted)
    assert known_before(None, loads(WARM), start) == tuple(prior)  # type: ignore[arg-type]
