"""What a corpus says about an utterance, and the words for emotions that all parsers of ser_tui share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ser_tui.corpora.words import MEANINGS, folded

EMOTIONS = (
    "amusement", "anger", "apology", "assertiveness", "boredom", "calm", "concern", "contempt", "disgust", "encouragement",
    "excitement", "fear", "frustration", "happiness", "neutral", "sadness", "sleepiness", "surprise", "other",
)  # fmt: skip
"""The emotions that the parsers name. Folder trees and CSV manifests keep their own words."""


def canonical(word: str) -> str | None:
    """The name among `EMOTIONS` that `word` is another word for ("Happy" -> "happiness", "生气" -> "anger"), or None.

    In which language does not matter, nor do case, accents and blanks around it; single letters are no words.
    """
    return MEANINGS.get(folded(word))


@dataclass(frozen=True)
class Labels:
    """An utterance's labels. `gender`: male or female; `part`: train, validation or test in the corpus's official split."""

    emotion: str
    speaker: str | None = None
    gender: str | None = None
    sentence: str | None = None
    language: str | None = None
    part: str | None = None
    session: str | None = None
    """Who is recorded together: speakers of one session are never divided by a split that separates speakers by seed."""
    file: str | None = None
    """The recording's path where the utterance is a segment of it, or where its id is another; None: the id is the path."""
    start: float | None = None
    """Seconds from the recording's beginning; None: the utterance is the whole recording."""
    end: float | None = None
    """Seconds; None: to the recording's end."""
    fold: str | None = None
    """The fold that the corpus's own cross-validation puts it in, as its table writes it."""


class ByRule(str):
    """Why a file is not used by the corpus's own rule, in place of its labels: nothing went wrong, and no score lacks it."""


NameRule = Callable[[str], Labels | None]
"""Path relative to the corpus's root, with / between folders -> labels, or None for a name outside the rule. Pure."""

Labeller = Callable[[Path, Sequence[str]], Mapping[str, "Labels | str"]]
"""(root, ids) -> for each id its labels, or the reason why the file is not used: a `ByRule` where that is meant to be."""


def of_stem(pattern: re.Pattern[str]) -> Callable[[Callable[[re.Match[str]], Labels]], NameRule]:
    """Makes a rule of a function from what `pattern` finds in a file's name to its labels; the file's folder and suffix do not matter."""

    def rule_of(labels: Callable[[re.Match[str]], Labels]) -> NameRule:
        return lambda path: labels(match) if (match := pattern.fullmatch(PurePosixPath(path).stem)) else None

    return rule_of


def by_name(rule: NameRule, form: str, refuse: Callable[[str], str | None] | None = None) -> Labeller:
    """A labeller for corpora whose file names are their labels.

    `form` shows the naming rule in messages; `refuse` gives the reason why the file of a stem is not used, if it is one of
    those. Two files of one stem and one set of labels (a corpus unpacked twice, or kept as wav and flac) are one utterance:
    the first is used.
    """

    def label(root: Path, ids: Sequence[str]) -> Mapping[str, Labels | str]:
        found: dict[str, Labels | str] = {}
        first: dict[tuple[str, Labels], str] = {}
        for name in sorted(ids):
            stem = PurePosixPath(name).stem
            labels = rule(name)
            reason = refuse(stem) if refuse else None
            if reason is not None:
                found[name] = ByRule(reason)
            elif labels is None:
                found[name] = f"its name is not of the corpus's form {form}"
            elif (stem, labels) in first:
                found[name] = ByRule(f"the same utterance as {first[stem, labels]}, which is used")
            else:
                first[stem, labels] = name
                found[name] = labels
        return found

    return label
