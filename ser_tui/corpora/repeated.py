"""Recordings that are there more than once, as where a corpus and its copy are used together: told by their content, and what must be
said of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import different_recordings


def by_content(manifest: Manifest, indices: Iterable[int] | None = None) -> list[list[Utterance]]:
    """The utterances at `indices` of `manifest` (None: all), those of the same content together: of bytes, and of bounds where they are
    segments. One whose content is not known is like no other."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for index in range(len(manifest.utterances)) if indices is None else indices:
        utterance = manifest.utterances[index]
        found[manifest.digests.get(utterance.id, utterance.id)].append(utterance)
    return list(found.values())


def repeated(groups: Iterable[list[Utterance]], whose: str = "", part: str = "") -> list[Finding]:
    """A finding where the score of what is in `groups`, see `by_content`, counts some recordings several times; otherwise nothing.
    `whose`: " of the test part", for people; `part`: as in `Finding`."""
    sizes = [len(group) for group in groups]
    if sum(sizes) == len(sizes):
        return []
    sentence = (
        f"Repeated: the {sum(sizes)} utterances{whose} are {different_recordings(len(sizes))}, byte for byte. n counts the others too, and "
        "an interval over utterances is narrower than it should be."
    )
    return [Finding(kind="told", sentence=sentence, part=part, count=sum(sizes) - len(sizes), of=sum(sizes))]


def contradictions(groups: Iterable[list[Utterance]], classes: Mapping[str, str] | None = None) -> list[Finding]:
    """A finding where recordings of one content in `groups`, see `by_content`, bear different emotions, or count as different ones of
    `classes` (by emotion; None: emotions are classes); otherwise nothing."""
    twice: list[dict[str, str]] = []
    for group in groups:
        labelled: dict[str, str] = {}
        for utterance in group:
            labelled.setdefault(utterance.emotion if classes is None else classes[utterance.emotion], utterance.id)
        twice += [labelled] if len(labelled) > 1 else []
    if not twice:
        return []
    example = " and ".join(f"{name} ({label})" for label, name in list(twice[0].items())[:2])
    several = f"{len(twice)} recordings are" if len(twice) > 1 else "1 recording is"
    what = "with different emotions" if classes is None else "and counted as different classes"
    sentence = f"Contradicting labels: {several} there more than once {what}, for example {example}: one of them at most can be right."
    return [Finding(kind="contradictions", sentence=sentence, count=len(twice))]


def copies(groups: Iterable[list[Utterance]]) -> list[Finding]:
    """A finding where a corpus holds recordings, in `groups`, see `by_content`, more than once; otherwise nothing."""
    found = list(groups)
    several = [group for group in found if len(group) > 1]
    extra = sum(len(group) - 1 for group in several)
    if not several:
        return []
    are = "recordings are copies of others" if extra > 1 else "recording is a copy of another"
    sentence = f"Duplicates: {extra} {are} byte for byte, for example {several[0][0].id} and {several[0][1].id}."
    return [Finding(kind="duplicates", sentence=sentence, count=extra, of=sum(map(len, found)))]
