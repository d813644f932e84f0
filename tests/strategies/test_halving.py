"""Successive halving: who goes on, who waits, and who need not wait any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ser_tui.strategies.base import Continuing, Observation
from ser_tui.strategies.registry import check, make, pausing_saves_little, share_of_epochs
from ser_tui.study.load import loads
from ser_tui.study.searching import StrategyChoice
from ser_tui.testing.strategies import PAPER

SEARCH = "corpus: emodb\nencoder: whisper-tiny.en\nstrategy: halving\nbudget: 9\n"


def halving(**settings: int) -> Continuing:
    found = make(StrategyChoice(kind="halving", **settings), PAPER, 5)
    assert isinstance(found, Continuing)
    return found


def waits(epochs: int, *rungs: tuple[int, float], state: str = "waiting", score: float | None = None, frozen: int = 0) -> Observation:
    parameters = {"learning_rate": 1e-4, "epochs": epochs, "unfreeze_epoch": frozen, "max_seconds": 2}
    return Observation(parameters, score, None, rungs, state)  # type: ignore[arg-type]


def test_a_trial_pauses_at_rungs_and_short_ones_run_to_their_end() -> None:
    strategy = halving()
    found = [strategy.propose([waits(10, (3, 0.1), state="over")] * number) for number in range(12)]
    assert len({str(one and one.parameters) for one in found}) == 12, "evenly drawn, and none twice"
    known = [(one.until, int(one.parameters["epochs"]), int(one.parameters["unfreeze_epoch"])) for one in found if one is not None]
    assert all(until == (frozen + 3 if epochs > frozen + 3 else 0) for until, epochs, frozen in known)
    assert {until > 3 for until, _, frozen in known if until and frozen} == {True}, "while the encoder is frozen, nothing is told"


def test_trials_are_compared_after_as_many_epochs_in_which_their_encoders_were_trained() -> None:
    late, early = waits(10, (5, 0.6), frozen=2), waits(10, (3, 0.7))
    assert halving().place([late, early], 0) == (1, 2)
    assert halving(revision=2).place([late, early], 0) == (0, 1)
    on = halving().propose([waits(14, (5, 0.8), frozen=2), early, waits(10, (3, 0.6))])
    assert on is not None and (on.continues, on.until) == (0, 11)
    before = halving(revision=2).propose([], [])
    assert before is not None and before.until == (3 if int(before.parameters["epochs"]) > 3 else 0), "as it began in an earlier version"


def test_the_best_third_goes_on_the_furthest_first() -> None:
    strategy = halving()
    two = [waits(10, (3, 0.5)), waits(10, (3, 0.7))]
    first = strategy.propose(two[:1])
    assert first is not None and first.continues == 0, "a search has a score as early as without rungs"
    better = strategy.propose([waits(10, (3, 0.5), state="under way"), two[1]], [two[0].parameters])
    assert better is not None and better.continues == 1, "it is the best so far"
    worse = strategy.propose([two[0], waits(10, (3, 0.7), (9, 0.7), state="over", score=0.7)])
    assert worse is not None and worse.continues is None, "another one is better"
    three = [*two, waits(8, (3, 0.6))]
    on = strategy.propose(three)
    assert on is not None and (on.continues, on.until) == (1, 0 if on.parameters["epochs"] == 9 else 9)
    under_way = [two[0], waits(10, (3, 0.7), state="under way"), three[2]]
    another = strategy.propose(under_way, [under_way[1].parameters])
    assert another is not None and another.continues is None, "its place is taken while it is under way"
    further = [waits(10, (3, 0.9), (9, 0.8)), waits(10, (3, 0.8), (9, 0.9)), waits(10, (3, 0.7), (9, 0.7)), *[waits(10, (3, 0.95))] * 3]
    on = strategy.propose(further)
    assert on is not None and (on.continues, on.until) == (1, 0), "from the second rung to its end"


def test_a_trial_at_chance_goes_on_only_where_nothing_better_is_left() -> None:
    strategy, alone = halving(), replace(waits(10, (3, 0.15)), at_chance=True)
    new = strategy.propose([alone])
    assert new is not None and new.continues is None, "where most of a space fails, the first one would be trained to its end for nothing"
    better = strategy.propose([alone, waits(10, (3, 0.4)), alone])
    assert better is not None and better.continues == 1
    last = strategy.last([alone], [], timed_out=False)
    assert last is not None and last.continues == 0, "a search without a score has nothing to tell"
    before = halving(revision=1).propose([alone])
    assert before is not None and before.continues == 0, "a run that began in an earlier version goes on as it began"


def test_nobody_that_looks_better_than_the_best_is_left_at_the_end() -> None:
    strategy = halving()
    over = waits(10, (3, 0.8), state="over", score=0.6)
    history = [over, waits(10, (3, 0.5)), waits(10, (3, 0.7))]
    last = strategy.last(history, [], timed_out=False)
    assert last is not None and last.continues == 2
    assert strategy.last(history, [], timed_out=True) is None, "no time is left, and there is a score"
    assert strategy.last(history, [over.parameters], timed_out=False) is None, "who is under way may be better yet"
    unfinished = strategy.last(history[1:], [], timed_out=True)
    assert unfinished is not None and unfinished.continues == 1, "a search without a score has nothing to tell"
    assert strategy.last([over, history[1]], [], timed_out=False) is None


def test_room_is_bounded_by_those_that_wait() -> None:
    strategy = halving(waiting=2)
    history = [waits(10, (3, score)) for score in (0.5, 0.7, 0.6, 0.2)]
    assert strategy.surplus(history) == [0, 3] and strategy.place(history, 0) == (2, 4)


def test_what_is_trained_of_all_epochs_is_known_before() -> None:
    assert share_of_epochs(loads(SEARCH + "search: {epochs: 10}")) == pytest.approx((3 + 6 / 3 + 1 / 9) / 10)
    assert share_of_epochs(loads(SEARCH + "search: {epochs: 12, unfreeze_epoch: 2}")) == pytest.approx((3 + 6 / 3 + 1 / 9) / 10)
    assert share_of_epochs(loads(SEARCH.replace("halving", "gp"))) == 1


def test_a_search_whose_trials_are_too_short_to_be_paused_says_so() -> None:
    assert pausing_saves_little(loads(SEARCH + "search: {epochs: 10}")) == ""
    assert pausing_saves_little(loads(SEARCH.replace("halving", "gp") + "search: {epochs: 3}")) == ""
    for too_short in ("epochs: {low: 2, high: 3}", "epochs: 5, unfreeze_epoch: {low: 2, high: 5}"):
        none = pausing_saves_little(loads(SEARCH + f"search: {{{too_short}}}"))
        assert none == "strategy halving pauses no trial of this search: none trains its encoder for more than 3 epochs (strategy.first)"
    little = pausing_saves_little(loads(SEARCH + "search: {epochs: {low: 3, high: 4}}"))
    assert "about 90% of the training is done all the same; a smaller strategy.first" in little
    earlier = SEARCH.replace("halving", "{kind: halving, first: 1}") + "search: {epochs: {low: 3, high: 4}}"
    assert pausing_saves_little(loads(earlier)) == ""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("objective: minutes\n", "compares trials by BCA"),
        ("method: probe\n", "probes have none"),
        ("method: autospeech\n", "those of method autospeech have none"),
        ("protocol: {kind: loso, objective_folds: all}\n", "objective_folds: 1"),
        ("executor: {kind: dask, cluster: local}\n", "checkpoints on this machine"),
    ],
)
def test_studies_whose_trials_cannot_be_paused_are_refused_in_a_line(more: str, said: str) -> None:
    assert said in check(loads(SEARCH + more))["strategy.kind"]
    assert not check(loads(SEARCH))
