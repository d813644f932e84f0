"""Speakers who stand in nothing but the names of files: found by a pattern of the user's, and such a pattern proposed. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from ser_tui.corpora.labels import Labels
from ser_tui.corpora.reading import people
from ser_tui.study.errors import UsageError

OPTION = "--speaker-in"
_TOKEN = re.compile(r"(?<![^\W\d_])([^\W\d_]{1,12}[-_]?)(\d{1,4})(?!\d)")
"""A word and a number that may be a person's: P03, spk_3, Actor-12."""
_SHARE = 0.95
"""The share of files whose names must hold such a word for it to be proposed."""
_EACH = 3
"""How many files a person must have on average: takes are numbered too, and each take is one file."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern. Raises UsageError where it is no regular expression."""
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{OPTION} {pattern[:60]}: not a regular expression ({error}); write for example 'P(\\d+)'") from None


def named(labelled: Mapping[str, Labels | str], pattern: str) -> tuple[dict[str, Labels | str], tuple[str, ...]]:
    """The labels with the speakers whom `pattern` finds in names of files, and how many those are, in sentences.

    The first match counts: its first group, or all of it where it has none. An utterance without one has no speaker, whatever
    else named one: that could be the same person under another name. Raises UsageError where nothing matches.
    """
    finds = compiled(pattern)
    said = {
        name: match[1] if finds.groups else match[0]
        for name, labels in labelled.items()
        if isinstance(labels, Labels) and (match := _first(finds, name, labels.file or name))
    }
    said = {name: who for name, who in said.items() if who}
    all_of_them = sum(isinstance(labels, Labels) for labels in labelled.values())
    if all_of_them and not said:
        first = next(labels.file or name for name, labels in labelled.items() if isinstance(labels, Labels))
        raise UsageError(f"{OPTION} {pattern[:60]}: found in no file's name; one of them is {first}")
    called = people.merged(Counter(said.values()))
    made = {
        name: replace(labels, speaker=called.get(said.get(name, ""))) if isinstance(labels, Labels) else labels
        for name, labels in labelled.items()
    }
    return made, (f"speaker from file names by {pattern}: {len(said)} of {all_of_them} utterances", *people.told(called))


def _first(finds: re.Pattern[str], name: str, file: str) -> re.Match[str] | None:
    """In the file's own name, else in its path as the corpus writes it: folders above the corpus say nothing of a speaker."""
    return finds.search(PurePosixPath(file).name) or finds.search(name.partition("#")[0])


def proposed(files: Iterable[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Patterns that find a numbered word in nearly every file's name, each with whom it finds."""
    paths = sorted(set(files))
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        for word, number in _TOKEN.findall(PurePosixPath(path).name):
            found[word].setdefault(path, number)
    fits = []
    for word, numbers in found.items():
        pattern = rf"{word}(\d+)"
        who = tuple(sorted(set(numbers.values())))
        right = sum((match := re.search(pattern, path)) is not None and match[1] == number for path, number in numbers.items())
        if right >= _SHARE * len(paths) and 2 <= len(who) <= len(paths) / _EACH:
            fits.append((pattern, who))
    return fits
