"""What the words of a split column mean: parts of an official split, or folds of a cross-validation. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ser_tui.study.errors import UserError
from ser_tui.study.formatting import some_of

PARTS = ("train", "validation", "test")

_WORDS = {
    "train": "train", "training": "train", "trn": "train", "dev": "validation", "devel": "validation", "development": "validation",
    "val": "validation", "valid": "validation", "validation": "validation", "validate": "validation",
    "test": "test", "tst": "test", "testing": "test", "holdout": "test", "heldout": "test",
}  # fmt: skip
EVALUATION = frozenset({"eval", "evaluation"})
"""The test part of corpora that have a development part, the validation part of those that have a test part (ESD)."""
_NUMBERED_TEST = re.compile(r"test(\d+|clean|other|set)")
_FOLD = re.compile(r"(?:cv)?fold(\d+)|cv(\d+)")
_NUMBER = re.compile(r"\d+(\.0+)?")


@dataclass(frozen=True)
class Division:
    """By word, as the table writes it without blanks around: `parts` (train, validation, test or None: in no part), `folds`."""

    parts: Mapping[str, str | None] = field(default_factory=dict)
    folds: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    """What became of each word, for people."""
    unclear: str = ""
    """Why the parts cannot be used, and the way out; empty: they can."""


def known_part(word: str) -> str | None:
    """train, validation or test for the words that are sure in any table, else None."""
    plain = _plain(word)
    return _WORDS.get(plain) or ("test" if _NUMBERED_TEST.fullmatch(plain) else None)


def divide(column: str, counts: Mapping[str, int], told: Mapping[str, str], *, folds: bool = False) -> Division:
    """The meaning of the words of the split column headed `column`, each with its rows in `counts`.

    `told` (word -> part, or empty) is what the user said. `folds`: the column's header says that it numbers folds. Raises
    UserError for a part that is none, and for a word of `told` that the column has not.
    """
    asked = _asked(column, counts, told)
    rest = {word: count for word, count in counts.items() if word not in asked}
    parts: dict[str, str | None] = dict(asked)
    if not folds and rest and all(_NUMBER.fullmatch(word) for word in rest):
        return _numbered(column, counts, rest, parts)
    fold_names = {word: name for word in rest if (name := _fold(word, any_word=folds)) is not None and known_part(word) is None}
    evaluation = _evaluation(counts, asked)
    for word in rest:
        if word not in fold_names:
            parts[word] = known_part(word) or (evaluation if _plain(word) in EVALUATION else None)
    unknown = [word for word, part in parts.items() if part is None and word not in asked]
    unclear = _ask(column, unknown, "no known word for a part") if unknown else ""
    return Division(parts, fold_names, tuple(_said(column, counts, parts, fold_names, unknown)), unclear)


def _asked(column: str, counts: Mapping[str, int], told: Mapping[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word, part in told.items():
        meant = known_part(part) if part else None
        if part and meant is None:
            raise UserError(f"--split-map {word}={part}: no part {part}; write train, validation or test, or {word}= to use it in none")
        hits = [there for there in counts if there == word.strip()] or [there for there in counts if _plain(there) == _plain(word)]
        if not hits:
            raise UserError(f"--split-map {word}={part}: column {column} has no such word; there are: {_listed(counts)}")
        found.update(dict.fromkeys(hits, meant))
    return found


def _numbered(column: str, counts: Mapping[str, int], rest: Mapping[str, int], parts: dict[str, str | None]) -> Division:
    """Bare numbers: 0, 1, 2 with most rows in 0 are train, dev and test (nkululeko writes them so); four or more are folds."""
    numbers = {word: str(int(float(word))) for word in rest}
    amounts: dict[str, int] = {}
    for word, number in numbers.items():
        amounts[number] = amounts.get(number, 0) + rest[word]
    if not parts and set(amounts) == {"0", "1", "2"} and amounts["0"] > max(amounts["1"], amounts["2"]):
        named: dict[str, str | None] = {word: PARTS[int(number)] for word, number in numbers.items()}
        return Division(named, {}, tuple(_said(column, counts, named, {}, [])))
    if not parts and len(amounts) >= 4:
        return Division({}, numbers, tuple(_said(column, counts, {}, numbers, [])))
    parts.update(dict.fromkeys(rest))
    why = "which may be parts or numbers of folds"
    return Division(parts, {}, tuple(_said(column, counts, parts, {}, list(rest))), _ask(column, list(rest), why))


def _evaluation(counts: Mapping[str, int], asked: Mapping[str, str | None]) -> str:
    named = {asked.get(word) or known_part(word) for word in counts}
    return "validation" if "test" in named and "validation" not in named else "test"


def _fold(word: str, *, any_word: bool) -> str | None:
    match = _FOLD.fullmatch(_plain(word))
    if match:
        return str(int(match[1] or match[2]))
    if not any_word:
        return None
    return str(int(float(word))) if _NUMBER.fullmatch(word) else word


def _said(
    column: str, counts: Mapping[str, int], parts: Mapping[str, str | None], folds: Mapping[str, str], unknown: list[str]
) -> list[str]:
    lines = []
    shown = [f"{word} ({counts[word]}) is {part}" for word, part in parts.items() if part is not None]
    if shown:
        lines.append(f"split in column {column}: {', '.join(shown)}")
    pooled = [part for part in PARTS if sum(found == part for found in parts.values()) > 1]
    for part in pooled:
        words = sorted((word for word, found in parts.items() if found == part), key=lambda word: (known_part(word) == _plain(word), word))
        if len({_plain(word) for word in words}) > 1:
            lines.append(f"the {part} part is {' and '.join(reversed(words))} together; --split-map {words[0]}= leaves one out")
    out = [word for word, part in parts.items() if part is None and word not in unknown]
    if out:
        lines.append(f"in no part, as asked: {_listed({word: counts[word] for word in out})}")
    if unknown:
        lines.append(f"in no part, since their words are not known: {_listed({word: counts[word] for word in unknown})}")
    if folds:
        numbers = sorted(set(folds.values()), key=lambda name: (len(name), name))
        lines.append(f"folds in column {column}: {', '.join(numbers[:20])}; protocol kfold uses them")
    return lines


def _ask(column: str, words: list[str], why: str) -> str:
    example = ",".join(f"{word}={part}" for word, part in zip(words, ("train", "validation", "test"), strict=False))
    return f"column {column} holds {_listed(dict.fromkeys(words, 0))}, {why}; say it with --split-map, for example --split-map {example}"


def _listed(counts: Mapping[str, int]) -> str:
    return some_of([f"{word[:40]} ({count})" if count else word[:40] for word, count in counts.items()], 10)


def _plain(word: str) -> str:
    return re.sub(r"[\s_.\-]+", "", word).casefold()
