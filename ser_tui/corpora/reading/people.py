"""One name for a person, or a sentence, however a table writes it: spk03 and "Spk-03", 3 and 3.0, "Hello." and hello. Pure.

Two that are taken for one are only kept together by a split; one that is taken for two would be trained on and tested.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from ser_tui.corpora.spellings import form
from ser_tui.study.formatting import some_of

NOBODY = frozenset({"unknown", "unk", "?"})
"""What stands for a speaker whom nobody named, in any case: no person, who could be kept apart from others."""
_NUMBER = re.compile(r"0*(\d+)(\.0+)?")


def merged(counts: Mapping[str, int]) -> dict[str, str]:
    """Each name -> the one that its person is called by: of several spellings the most frequent, then the first by alphabet."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        groups[_key(name)].append(name)
    return {name: min(group, key=lambda one: (-counts[one], one)) for group in groups.values() for name in group}


def told(names: Mapping[str, str], what: str = "speaker", most: int = 5) -> list[str]:
    """A line on who, or what, is written in several ways, for people; nothing where nobody is."""
    others: dict[str, list[str]] = defaultdict(list)
    for name, called in sorted(names.items()):
        if name != called:
            others[called].append(name)
    if not others:
        return []
    shown = [f"{called[:60]} is also written {', '.join(written)[:80]}" for called, written in sorted(others.items())]
    return [f"one {what}: {some_of(shown, most, '; ')}"]


def _key(name: str) -> str:
    number = _NUMBER.fullmatch(name)
    return str(int(number[1])) if number else form(name)
