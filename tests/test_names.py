"""A public class has a name of its own: whoever reads one knows which it is."""

from __future__ import annotations

import ast
import collections
import typing
from pathlib import Path

import ser_tui


def test_no_two_public_classes_share_a_name_and_none_is_called_as_one_of_typing_s() -> None:
    root = Path(ser_tui.__file__).parent
    homes: dict[str, list[str]] = collections.defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(root)))
    assert len(homes) > 100
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}
    assert {name: paths for name, paths in homes.items() if name in typing.__all__} == {}


def test_what_is_counted_has_one_meaning() -> None:
    from ser_tui.study import formatting, summary

    assert formatting.counted(2, "trial") == "2 trials"
    assert not hasattr(summary, "counted"), "trials that count are counted_trials: two functions of one name mean two things"
