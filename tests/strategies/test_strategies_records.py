"""Declared strategies: found by name, also those of other packages; what a study says of them is checked where it was written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ser_tui.strategies import registry
from ser_tui.strategies.catalogue import BUILT_IN
from ser_tui.strategies.records import StrategyRecord
from ser_tui.study import load
from ser_tui.study.document import Study
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.plug_ins import PlugIns
from ser_tui.study.searching import StrategyChoice
from ser_tui.testing.strategies import CHECKS, PAPER, check_strategy

PLUG_IN = """
from pydantic import Field
from ser_tui.strategies.base import Proposal
from ser_tui.strategies.draws import RandomSearch
from ser_tui.strategies.records import Settings, StrategyRecord


class Halves(Settings):
    halves: int = Field(2, ge=1, le=9, title="halves", description="how often")


class Halving(RandomSearch):
    def __init__(self, space, seed, halves):
        super().__init__(space, seed + halves)


RECORD = StrategyRecord("halver", "halves", lambda space, seed, settings: Halving(space, seed, settings.halves), Halves)
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that brings two strategies, one of them broken."""
    (tmp_path / "halving_search.py").write_text(PLUG_IN)
    facts = tmp_path / "halving_search-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: halving-search\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[ser_tui.strategies]\nhalver = halving_search:RECORD\nbroken = no_such_module_anywhere:RECORD\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "PLUG_INS", PlugIns(registry.PLUG_INS.group, StrategyRecord, "strategy"))
    yield
    sys.modules.pop("halving_search", None)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("record", BUILT_IN, ids=lambda record: record.name)
def test_the_built_in_strategies_keep_every_promise(record: StrategyRecord, check: object) -> None:
    assert callable(check)
    check(record)


def test_a_strategy_of_another_package_is_listed_checked_and_made(plug_in: None) -> None:
    assert list(registry.records()) == ["gp", "tpe", "random", "grid", "gp-cost", "halving", "cma", "optuna-tpe", "halver"]
    check_strategy(registry.record("halver"))
    study = load.loads("strategy: {kind: halver, halves: 3}", checks=(registry.check,))
    assert registry.make(study.strategy, PAPER, 1).propose([]) == registry.make(StrategyChoice(kind="random"), PAPER, 4).propose([])
    with pytest.raises(UsageError, match=r"line 1: strategy\.halves: .*less than or equal to 9, not 12"):
        load.loads("strategy: {kind: halver, halves: 12}", checks=(registry.check,))
    with pytest.raises(UserError, match="strategy broken of halving-search cannot be loaded: ModuleNotFoundError"):
        registry.record("broken")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "name: x\nstrategy: gpp",
            "line 2: strategy.kind: 'gpp' is not one of gp, tpe, random, grid, gp-cost, halving, cma, optuna-tpe; did you mean gp?",
        ),
        ("strategy: {kind: gp, startp: 3}", "strategy.startp: no such key; did you mean startup?"),
        ("strategy: {kind: gp, startup: 0}", "strategy.startup: it must be greater than or equal to 1, not 0"),
        ("strategy: {kind: grid, points: 1}", "strategy.points"),
        ("strategy: {kind: gp, startup: many}", "strategy.startup"),
    ],
)
def test_what_is_wrong_with_a_strategy_is_said_where_it_was_written(text: str, wanted: str) -> None:
    with pytest.raises(UsageError) as error:
        load.loads(text, "study.yaml", checks=(registry.check,))
    assert wanted in str(error.value) and "\n" not in str(error.value)
    (key,) = load.problems(load.parse(text, "x"), (registry.check,))
    assert f"{key}: " in wanted or wanted == key


def test_a_resolved_study_has_every_setting_of_its_strategy_and_no_other() -> None:
    assert registry.completed(Study()).strategy == StrategyChoice(kind="gp", startup=4, revision=2)
    # 0.1.0 wrote the settings of all strategies into every study.
    old = Study(strategy=StrategyChoice(kind="grid", startup=5, points=3))
    assert registry.problems(old.strategy) == {}
    assert registry.completed(old).strategy == StrategyChoice(kind="grid", points=3)


def test_a_strategy_that_breaks_a_promise_is_told_which() -> None:
    class Forgetful:
        startup = 0

        def propose(self, history: object, pending: object = ()) -> object:
            return registry.make(StrategyChoice(kind="random"), PAPER, 1).propose([])

    record = StrategyRecord("forgetful", "always the same", lambda space, seed, settings: Forgetful())  # type: ignore[arg-type, return-value]
    with pytest.raises(AssertionError, match=r"forgetful: .* has not the dimensions epochs"):
        check_strategy(record)


def test_where_optuna_is_missing_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cmaes", None)
    for kind in ("cma", "optuna-tpe"):
        with pytest.raises(UserError, match=r"pip install 'ser-tui\[optuna\]'") as error:
            registry.make(StrategyChoice(kind=kind), PAPER, 1)
        assert "\n" not in str(error.value)


def test_a_run_goes_on_with_the_revision_that_it_was_begun_with() -> None:
    chosen = StrategyChoice(kind="gp", startup=5)
    assert registry.begun_with(chosen, {"kind": "gp", "startup": 5}).settings == {"startup": 5, "revision": 1}
    assert registry.begun_with(chosen, {"kind": "gp", "startup": 5, "revision": 2}) == chosen
    assert registry.begun_with(chosen, {"kind": "tpe", "startup": 5}) == chosen, "another strategy was chosen since"
    random = StrategyChoice(kind="random")
    assert registry.begun_with(random, {"kind": "random"}) == random and registry.begun_with(random, None) == random
