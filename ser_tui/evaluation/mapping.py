"""Which emotion of a target corpus counts as which class of a model. Read by people before anything runs. Light."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ser_tui.corpora.labels import canonical
from ser_tui.corpora.spellings import Relabelling, meaning
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import escaped_parts, unescaped
from ser_tui.study.requests import Preset
from ser_tui.study.wrong_values import nearest

DROPPED = ""
"""The class of emotions that are left out of the evaluation."""

_NEIGHBOURS: Mapping[Preset, Mapping[str, tuple[str, ...]]] = {
    "default": {"calm": ("neutral",), "excitement": ("happiness",), "frustration": ("anger",)},
    # arXiv 2510.07052 evaluates RAVDESS with calm as boredom and leaves surprise out.
    "paper": {"calm": ("boredom",)},
}
"""Where an emotion goes that the model has no class for: the nearest class that it has, else it is dropped."""


def propose(
    classes: Sequence[str], emotions: Iterable[str], preset: Preset = "default", labels: Mapping[str, str] | None = None
) -> dict[str, str]:
    """For every emotion of the target the class it counts as, "" where it is dropped; pure, and never an error.

    What it counted as in training (`labels`: the study's), else the same word, another word or spelling for the same emotion (happy,
    Happiness), then the preset's nearest class.
    """
    by_meaning = {meaning(name): name for name in reversed(classes)}
    trained = Relabelling(labels or {})
    mapping: dict[str, str] = {}
    for emotion in emotions:
        meant = meaning(emotion)
        if (counted_as := trained(emotion)) is not None:
            mapping[emotion] = counted_as if counted_as in classes else by_meaning.get(meaning(counted_as), DROPPED)
            continue
        near = (by_meaning[name] for name in _NEIGHBOURS[preset].get(meant, ()) if name in by_meaning)
        mapping[emotion] = emotion if emotion in classes else by_meaning.get(meant) or next(near, DROPPED)
    return mapping


def divided(classes: Sequence[str]) -> list[Finding]:
    """Said where the model has several classes of one meaning, as those had that ser_tui 0.1.0 trained on a corpus that spells an
    emotion in several ways: only the first of them counts as right, so that its scores are too low."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(meaning(name), []).append(name)
    several = [" and ".join(names) for names in groups.values() if len(names) > 1]
    if not several:
        return []
    sentence = (
        f"The model has several classes for one emotion ({'; '.join(several)}), of which one alone can be right here: its scores are "
        "too low. Train it anew, where spellings are one class."
    )
    return [Finding(kind="told", sentence=sentence)]


def applicable(changes: Mapping[str, str], emotions: Iterable[str], known: Iterable[str] = ()) -> tuple[dict[str, str], list[str]]:
    """`changes` (emotion -> class) by the target's own words, and the emotions among them that the target lacks. Pure.

    A change of *calm* is one of the target's *Calm* too, unless that is changed by name. An emotion that the target lacks is no
    mistake where it is one: a word for an emotion, or one of `known`, the words of other corpora. Any other raises UsageError.
    """
    own = list(emotions)
    elsewhere = {meaning(word) for word in known}
    found: dict[str, str] = {}
    lacking: list[str] = []
    for emotion, target in changes.items():
        alike = _alike(emotion, own)
        if not alike and canonical(emotion) is None and meaning(emotion) not in elsewhere:
            raise UsageError(f"--map {emotion}={target}: the target has no {emotion}{_nearest(emotion, own)}")
        if not alike:
            lacking.append(emotion)
        found |= {word: target for word in alike if word == emotion or word not in changes}
    return found, lacking


def overridden(mapping: Mapping[str, str], changes: Mapping[str, str], classes: Sequence[str]) -> dict[str, str]:
    """`mapping` with `changes` (emotion -> class, or "" to drop it); another spelling of a class is that class.

    Raises UsageError for a name that the target or the model has not, with the nearest valid one, and where every
    emotion is dropped, since nothing would be left to evaluate.
    """
    changed = dict(mapping)
    for emotion, target in changes.items():
        if emotion not in mapping:
            raise UsageError(f"--map {emotion}={target}: the target has no {emotion}{_nearest(emotion, mapping)}")
        alike = _alike(target, classes)
        if target and len(alike) != 1:
            raise UsageError(f"--map {emotion}={target}: the model has no class {target}{_nearest(target, classes)}")
        changed[emotion] = alike[0] if target else DROPPED
    if not any(changed.values()):
        raise UsageError(
            f"no emotion of the target ({', '.join(mapping)}) counts as one of the model's ({', '.join(classes)}); "
            "name some with --map EMOTION=CLASS"
        )
    return changed


def decided(
    classes: Sequence[str],
    emotions: Iterable[str],
    changes: Mapping[str, str],
    preset: Preset,
    known: Iterable[str] = (),
    labels: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[str]]:
    """(emotion of a target -> class, changed emotions that it lacks): what is proposed, with what `changes` of it is applicable.

    Raises UsageError as `applicable` and `overridden` do.
    """
    own = list(emotions)
    here, lacking = applicable(changes, own, known)
    return overridden(propose(classes, own, preset, labels), here, classes), lacking


def without_foreign_classes(changes: Mapping[str, str], classes: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """`changes` for a model with `classes`, one of several that they are meant for, and the emotions that are dropped there: those
    that count as an emotion which this model has no class for. Pure."""
    own = {meaning(name) for name in classes}
    foreign = [emotion for emotion, target in changes.items() if canonical(target) and meaning(target) not in own]
    return {emotion: DROPPED if emotion in foreign else target for emotion, target in changes.items()}, foreign


def parse_changes(assignments: Iterable[str]) -> dict[str, str]:
    """`["calm=neutral", "surprise=", "fear=drop"]` as emotion -> class, "" for dropped. Raises UsageError.

    A backslash takes the character behind it as it is: `a\\=b=c` maps `a=b` to `c`, and `x=\\drop` to a class called `drop`.
    """
    changes: dict[str, str] = {}
    for assignment in assignments:
        parts = [part.strip() for part in escaped_parts(assignment, "=")]
        if len(parts) != 2 or not parts[0]:
            more = "; a = within a name is written \\=" if len(parts) > 2 else ""
            raise UsageError(f"--map {assignment}: write EMOTION=CLASS, or EMOTION= to drop it{more}")
        emotion, target = map(unescaped, parts)
        if emotion in changes and changes[emotion] != target:
            raise UsageError(f"--map {assignment}: {emotion} is mapped twice")
        changes[emotion] = DROPPED if parts[1] in ("", "drop", "dropped") else target
    return changes


def _alike(word: str, known: Collection[str]) -> list[str]:
    """`word` where it is among the `known` ones, else those that mean the same."""
    return [word] if word in known else [one for one in known if meaning(one) == meaning(word)]


def _nearest(word: str, known: Iterable[str]) -> str:
    return nearest(word, known, f"it has {', '.join(known)}")
