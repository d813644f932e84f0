"""Which emotion of a target corpus counts as which class of a model. Read by people before anything runs. Light."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ser_tui.corpora.spellings import meaning
from ser_tui.study.errors import UsageError

Preset = Literal["default", "paper"]
DROPPED = ""
"""The class of emotions that are left out of the evaluation."""

_NEIGHBOURS: Mapping[Preset, Mapping[str, tuple[str, ...]]] = {
    "default": {"calm": ("neutral",), "excitement": ("happiness",), "frustration": ("anger",)},
    # arXiv 2510.07052 evaluates RAVDESS with calm as boredom and leaves surprise out.
    "paper": {"calm": ("boredom",)},
}
"""Where an emotion goes that the model has no class for: the nearest class that it has, else it is dropped."""


def propose(classes: Sequence[str], emotions: Iterable[str], preset: Preset = "default") -> dict[str, str]:
    """For every emotion of the target the class it counts as, "" where it is dropped; pure, and never an error.

    The same word, another word or spelling for the same emotion (happy, Happiness), then the preset's nearest class.
    """
    by_meaning = {meaning(name): name for name in reversed(classes)}
    mapping: dict[str, str] = {}
    for emotion in emotions:
        meant = meaning(emotion)
        near = (by_meaning[name] for name in _NEIGHBOURS[preset].get(meant, ()) if name in by_meaning)
        mapping[emotion] = emotion if emotion in classes else by_meaning.get(meant) or next(near, DROPPED)
    return mapping


def divided(classes: Sequence[str]) -> list[str]:
    """A sentence where the model has several classes of one meaning, as those had that ser_tui 0.1.0 trained on a corpus that
    spells an emotion in several ways: only the first of them counts as right, so that its scores are too low."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(meaning(name), []).append(name)
    several = [" and ".join(names) for names in groups.values() if len(names) > 1]
    if not several:
        return []
    return [
        f"The model has several classes for one emotion ({'; '.join(several)}), of which one alone can be right here: its scores are "
        "too low. Train it anew, where spellings are one class."
    ]


def overridden(mapping: Mapping[str, str], changes: Mapping[str, str], classes: Sequence[str]) -> dict[str, str]:
    """`mapping` with `changes` (emotion -> class, or "" to drop it).

    Raises UsageError for a name that the target or the model has not, with the nearest valid one, and where every
    emotion is dropped, since nothing would be left to evaluate.
    """
    changed = dict(mapping)
    for emotion, target in changes.items():
        if emotion not in mapping:
            raise UsageError(f"--map {emotion}={target}: the target has no {emotion}{_nearest(emotion, mapping)}")
        if target and target not in classes:
            raise UsageError(f"--map {emotion}={target}: the model has no class {target}{_nearest(target, classes)}")
        changed[emotion] = target
    if not any(changed.values()):
        raise UsageError(
            f"no emotion of the target ({', '.join(mapping)}) counts as one of the model's ({', '.join(classes)}); "
            "name some with --map EMOTION=CLASS"
        )
    return changed


def parse_changes(assignments: Iterable[str]) -> dict[str, str]:
    """`["calm=neutral", "surprise=", "fear=drop"]` as emotion -> class, "" for dropped. Raises UsageError."""
    changes: dict[str, str] = {}
    for assignment in assignments:
        emotion, separator, target = (part.strip() for part in assignment.partition("="))
        if not separator or not emotion:
            raise UsageError(f"--map {assignment}: write EMOTION=CLASS, or EMOTION= to drop it")
        changes[emotion] = DROPPED if target in ("", "drop", "dropped") else target
    return changes


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word[:100], names, 1, 0.5)
    return f"; did you mean {close[0]}?" if close else f"; it has {', '.join(names)}"
