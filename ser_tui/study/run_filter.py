"""Which of many runs are wanted, in the words of who looks for them: `gp emodb`, `bca>.9 and not strategy:grid`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping

from ser_tui.study.frozen import Frozen
from ser_tui.study.run_summary import RunSummary
from ser_tui.study.scores import BCA
from ser_tui.study.told_figures import as_written, figures_of, found_as, is_written, rounds_to

Test = Callable[[RunSummary], bool]

TEXTS: Mapping[str, Callable[[RunSummary], str]] = {
    "state": lambda one: one.shown,
    "run": lambda one: one.run_id,
    "name": lambda one: one.name,
    "strategy": lambda one: one.strategy,
    "corpus": lambda one: one.corpus,
    "encoder": lambda one: one.encoder,
    "protocol": lambda one: one.protocol,
    "method": lambda one: one.method,
    "of": lambda one: one.headline.kind if one.headline else "",
    "on": lambda one: " ".join(found.corpus for found in one.evaluations),
    "tag": lambda one: " ".join(one.remarks.tags),
    "note": lambda one: one.remarks.note,
    "archived": lambda one: "yes" if one.remarks.archived else "no",
}
"""What can be looked for as `key:text`: the columns, what the shown score is of, the corpora of zero-shot evaluations, and what a
person has said of a run."""

NUMBERS: Mapping[str, Callable[[RunSummary], float | None]] = {
    BCA: lambda one: one.headline.score.value if one.headline else None,
    "n": lambda one: (one.headline.n or None) if one.headline else None,  # not known of imported trials
    "speakers": lambda one: one.headline.speakers if one.headline else None,
    "probe": lambda one: one.probe.score.value if one.probe else None,
    "trials": lambda one: one.trials,
    "minutes": lambda one: None if one.seconds is None else one.seconds / 60,
}
"""What can be compared as `key>number`: `bca`, `n` and `speakers` are of the score that the list shows. Equal is what is printed so."""
_SHARES = (BCA, "probe")

_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    ":": operator.eq, "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_TOKEN = re.compile(r'[()]|(?:[^\s()"]|"[^"]*"?)+')
_SPACED = re.compile(r'("[^"]*"?)|\s*(!=|>=|<=|[<>=])\s*|(?<=\w)(:)\s+')
_PAIR = re.compile(r"([a-z]+)(!=|>=|<=|[:=<>])(.*)", re.DOTALL | re.IGNORECASE)
_DEEPEST = 40
"""Brackets within each other."""

HELP = "words, key:text (strategy:gp), key>number (bca>.9), any score as printed (.953), and, or, not, (...)"


class RunFilter(Frozen, frozen=True):
    """`matches`: whether a run is wanted. `problem`: what in the text cannot be understood, and was left out of it; else empty.
    `figures`: the scores that it looks for, as they are written."""

    matches: Test
    problem: str = ""
    figures: tuple[str, ...] = ()

    def found(self, one: RunSummary) -> tuple[str, ...]:
        """.953 is its pooled BCA of loso: which scores of a run are those that are looked for; it may be listed by another one."""
        return tuple(told for figure in self.figures if (told := found_as(one, figure)))


def run_filter(text: str) -> RunFilter:
    """The filter that `text` says; of one that is still being typed, what can be understood so far. Empty: all runs that are not
    archived: these are wanted only where `text` says `archived:` in some way.

    Words that follow each other must all be there, letter case aside; `or` binds less than `and`, `not` most. A word that is a score as a
    page prints it (.953, 95.3%) is any score of the run that is printed so.
    """
    reading = _Reading(_TOKEN.findall(_SPACED.sub(lambda found: found[1] or found[2] or found[3], text)))
    test = reading.alternatives(0)
    wanted = test or (lambda one: True)
    if "archived" not in reading.keys:
        return RunFilter(lambda one: not one.remarks.archived and wanted(one), reading.problem, (*reading.figures,))
    return RunFilter(wanted, reading.problem, (*reading.figures,))


class _Reading:
    """Reads tokens from the left. What says nothing yet (`not` at the end, an open bracket) is None."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._next = 0
        self.problem = ""
        self.keys: set[str] = set()
        self.figures: list[str] = []

    @property
    def _word(self) -> str:
        return self._tokens[self._next].lower() if self._next < len(self._tokens) else ""

    def alternatives(self, depth: int) -> Test | None:
        found: list[Test] = []
        while True:
            test = self._all_of(depth)
            found += [test] if test else []
            if self._word == ")" and depth == 0:
                self._object("a ) has no (")
            elif self._word != "or":
                break
            self._next += 1
        return _any_of(found) if len(found) > 1 else found[0] if found else None

    def _all_of(self, depth: int) -> Test | None:
        found: list[Test] = []
        while self._word not in ("", "or", ")"):
            if self._word == "and":
                self._next += 1
                continue
            test = self._one(depth)
            found += [test] if test else []
        return _every_of(found) if len(found) > 1 else found[0] if found else None

    def _one(self, depth: int) -> Test | None:
        negated = False
        while self._word == "not":
            self._next += 1
            negated = not negated
        if self._word in ("", "and", "or", ")"):
            return None
        test: Test | None
        if self._word == "(":
            self._next += 1
            if depth >= _DEEPEST:
                self._object("too many brackets within each other")
                return None
            test = self.alternatives(depth + 1)
            if self._word == ")":
                self._next += 1
        else:
            test = self._atom(self._tokens[self._next])
            self._next += 1
        return _not(test) if test and negated else test

    def _atom(self, token: str) -> Test | None:
        pair = _PAIR.fullmatch(token)
        if pair is None:
            return _words(token.replace('"', "")) if not is_written(token) else self._figure(token)
        key, sign, value = pair[1].lower(), pair[2], pair[3].replace('"', "")
        self.keys.add(key)
        if key in TEXTS:
            return self._text(token, key, sign, value)
        if key in NUMBERS:
            return self._number(token, key, sign, value)
        self._object(f"{token}: no {key} to look for; there are {', '.join((*TEXTS, *NUMBERS))}")
        return None

    def _text(self, token: str, key: str, sign: str, value: str) -> Test | None:
        read, wanted = TEXTS[key], value.casefold()
        if sign == ":":
            return lambda one: wanted in read(one).casefold()
        if sign in ("=", "!="):
            return lambda one: (read(one).casefold() == wanted) is (sign == "=")
        self._object(f"{token}: {key} is no number; {key}:text looks for it")
        return None

    def _figure(self, token: str) -> Test:
        self.figures.append(token)
        named = _words(token)  # v0.9
        return lambda one: named(one) or any(as_written(value, token) for _, value in figures_of(one))

    def _number(self, token: str, key: str, sign: str, value: str) -> Test | None:
        try:
            wanted = float(value)
        except ValueError:
            wanted = math.nan
        if not math.isfinite(wanted):
            self._object(f"{token}: {key} is compared with a number, {key}>{'.9' if key in _SHARES else '10'}")
            return None
        if key in _SHARES and not 0 <= wanted <= 1:
            self._object(f"{token}: {key} is between 0 and 1, as .9")
            return None
        read, compare = NUMBERS[key], _COMPARED[sign]
        # 1 alone would be every score from .5 on.
        as_printed = sign in (":", "=", "!=") and (key not in _SHARES or "." in value)

        def test(one: RunSummary) -> bool:
            found = read(one)
            if found is None:
                return False
            return rounds_to(found, value) is (sign != "!=") if as_printed else compare(found, wanted)

        return test

    def _object(self, problem: str) -> None:
        self.problem = self.problem or problem


def _any_of(tests: list[Test]) -> Test:
    return lambda one: any(test(one) for test in tests)


def _every_of(tests: list[Test]) -> Test:
    return lambda one: all(test(one) for test in tests)


def _not(test: Test) -> Test:
    return lambda one: not test(one)


def _words(text: str) -> Test:
    wanted = text.casefold()
    return lambda one: wanted in _told(one)


def _told(one: RunSummary) -> str:
    told = (
        one.shown, one.run_id, one.name, one.strategy, one.corpus, one.encoder, one.protocol, one.method, one.remarks.title,
        *one.remarks.tags,
    )  # fmt: skip
    return " ".join(told).casefold()
