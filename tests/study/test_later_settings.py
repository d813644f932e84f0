"""What an older version's study lacks counts as what that version did."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_tui.store.runs import RunFolder
from ser_tui.study.comparison import flat, settings
from ser_tui.study.frozen import changed
from ser_tui.study.later_settings import LATER, completed
from ser_tui.study.load import load, to_plain
from ser_tui.study.summary import summarize

LEFT = Path(__file__).parents[1] / "versions" / "0.1.0" / "runs"


@pytest.mark.parametrize("name", ["old-tune", "old-probe", "old-loso", "old-stopped"])
def test_an_old_study_lacks_these_settings_and_has_these_values_of_them_today(name: str) -> None:
    (path,) = LEFT.glob(f"*-{name}-*")
    folder = RunFolder(path)
    start = folder.state().start
    assert start is not None
    old, today = start.study, to_plain(load(folder.study))
    own, then = ({key: value for key, value in flat(one).items() if value != "-"} for one in (today, completed(old)))
    own = {key: value for key, value in own.items() if not key.startswith("search.") or key in then}
    assert own == then, "a setting that was added since belongs into LATER"
    before = summarize("x", folder.state())
    differing, equal = settings([before, changed(before, study_document={**today, "search": old["search"]})])
    assert not differing and ("protocol.objective_folds", ("1", "1")) in equal
    assert set(LATER) - {"protocol", "training"} == set(LATER) - set(old)
