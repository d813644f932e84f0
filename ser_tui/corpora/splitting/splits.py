"""A split of a corpus, how speakers are chosen for it, and what must be said about it."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.splitting import recordings
from ser_tui.corpora.splitting.sentences import lone_emotions
from ser_tui.study.errors import UsageError

_LISTED = 20


@dataclass(frozen=True)
class Split:
    """Indices into a manifest's utterances, ascending within each part."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    shared_speakers: tuple[str, ...]
    """Speakers of the training part who are heard in the validation or the test part too."""
    warnings: tuple[str, ...]
    """Sentences for people."""
    unlabelled: bool
    """Whether utterances without a speaker leave it open what the parts share."""


def describe(
    manifest: Manifest, train: Iterable[int], validation: Iterable[int], test: Iterable[int], notes: Sequence[str] = ()
) -> Split:
    """The split with what is to be said about it: `notes`, then what is found by itself."""
    parts = {"training": sorted(train), "validation": sorted(validation), "test": sorted(test)}
    heard = {part: [manifest.utterances[index] for index in indices] for part, indices in parts.items()}
    shared = sorted(_values(heard["training"], "speaker") & _values(heard["validation"] + heard["test"], "speaker"))
    warnings = [
        *notes, *_speakers(heard), *_sessions(heard), *_recordings(manifest, parts), *_sentences(heard), *_duplicates(manifest, parts),
        *conflicts(manifest), *_classes(manifest, heard),
    ]
    return Split(
        tuple(parts["training"]), tuple(parts["validation"]), tuple(parts["test"]), tuple(shared), tuple(warnings),
        _unlabelled(heard),
    )  # fmt: skip


def ordered_groups(manifest: Manifest, speakers: Iterable[str], seed: int) -> list[list[str]]:
    """`speakers` in groups that stay together (those of one session or recording; otherwise each alone), in an order drawn by `seed`,
    with women and men in turn as far as there are both."""
    session: dict[str, str] = {}
    gender: dict[str, str | None] = {}
    for utterance in manifest.utterances:
        if utterance.speaker is not None:
            session.setdefault(utterance.speaker, utterance.session or utterance.speaker)
            gender.setdefault(utterance.speaker, utterance.gender)
    session = recordings.joined(manifest, "speaker", session)
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(speakers):
        members[session[name]].append(name)
    # RandomState's stream is frozen by NumPy's policy: the same seed means the same speakers for good.
    names = sorted(members)
    shuffled = [names[index] for index in np.random.RandomState(seed).permutation(len(names))]
    kinds: dict[frozenset[str | None], list[str]] = defaultdict(list)
    for name in shuffled:
        kinds[frozenset(gender[speaker] for speaker in members[name])].append(name)
    # Each group's rank as a share of its kind puts every prefix as close to the corpus's proportions as can be.
    rank = {name: (place + 0.5) / len(kind) for kind in kinds.values() for place, name in enumerate(kind)}
    return [members[name] for name in sorted(shuffled, key=lambda name: rank[name])]


def first_speakers(groups: Iterable[list[str]], count: int) -> list[str]:
    """The speakers of the first groups that have `count` of them at least."""
    chosen: list[str] = []
    for group in groups:
        if len(chosen) >= count:
            break
        chosen += group
    return chosen


def check_speakers(manifest: Manifest, named: Iterable[str], key: str) -> None:
    """Raises UsageError for a name that is no speaker of the corpus; `key` is the place in the study document."""
    known = list(manifest.speakers)
    there = set(known)
    for name in named:
        if name not in there:
            close = difflib.get_close_matches(name, known, 3, 0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {_listed(known)}"
            raise UsageError(f"{key}: {manifest.corpus} has no speaker {name}; {hint}")


def require_speakers(manifest: Manifest, kind: str) -> None:
    """Raises UsageError unless every utterance has a speaker."""
    unknown = sum(utterance.speaker is None for utterance in manifest.utterances)
    if unknown:
        total = len(manifest.utterances)
        which = "none of its utterances" if unknown == total else f"{total - unknown} of its {total} utterances only"
        raise UsageError(
            f"protocol {kind} needs speakers, and {manifest.corpus} names them for {which}; use random or stratified, "
            "or a CSV manifest with a column speaker"
        )


def conflicts(manifest: Manifest) -> list[str]:
    """A sentence when recordings of the same bytes bear different emotions; otherwise nothing."""
    labelled: dict[str, dict[str, str]] = defaultdict(dict)
    for utterance in manifest.utterances:
        labelled[manifest.digests.get(utterance.id, utterance.id)].setdefault(utterance.emotion, utterance.id)
    twice = [names for names in labelled.values() if len(names) > 1]
    if not twice:
        return []
    example = " and ".join(f"{name} ({emotion})" for emotion, name in list(twice[0].items())[:2])
    several = f"{len(twice)} recordings are" if len(twice) > 1 else "1 recording is"
    return [f"Contradicting labels: {several} there more than once with different emotions, for example {example}."]


def _values(utterances: Iterable[Utterance], field: str) -> set[str]:
    return {value for utterance in utterances if (value := getattr(utterance, field)) is not None}


def _unlabelled(heard: dict[str, list[Utterance]]) -> bool:
    return any(utterance.speaker is None for utterances in heard.values() for utterance in utterances)


def _speakers(heard: dict[str, list[Utterance]]) -> list[str]:
    said: list[str] = []
    trained = _values(heard["training"], "speaker")
    if _unlabelled(heard):
        said.append("Not every utterance has a speaker label: whether the parts share speakers cannot be told.")
    for part in ("validation", "test"):
        speakers = _values(heard[part], "speaker")
        both = speakers & trained
        if both:
            said.append(
                f"Speakers are shared: {len(both)} of the {len(speakers)} speakers in the {part} part are heard in training "
                "too, so the score does not say how well unknown speakers are recognised."
            )
    return said + _lone_speakers(heard, trained)


def _lone_speakers(heard: dict[str, list[Utterance]], trained: set[str]) -> list[str]:
    said: list[str] = []
    if len(trained) == 1:
        said.append(f"All training utterances are of one speaker ({min(trained)}).")
    emotions: dict[str, set[str]] = defaultdict(set)
    for utterances in heard.values():
        for utterance in utterances:
            if utterance.speaker is not None:
                emotions[utterance.speaker].add(utterance.emotion)
    single = sum(len(found) == 1 for found in emotions.values())
    classes = set().union(*emotions.values()) if emotions else set()
    if len(classes) > 1 and 2 * single >= len(emotions):
        said.append(
            f"{single} of the {len(emotions)} speakers have utterances of one emotion only: speaker and emotion cannot be told "
            "apart there, and scores by speaker mean little."
        )
    return said


def _sessions(heard: dict[str, list[Utterance]]) -> list[str]:
    trained = _values(heard["training"], "session")
    said: list[str] = []
    for part in ("validation", "test"):
        both = _values(heard[part], "session") & trained
        if both:
            said.append(
                f"Sessions are shared: the {part} part has recordings of {len(both)} sessions ({_listed(sorted(both))}) of which "
                "other recordings are trained on."
            )
    return said


def _recordings(manifest: Manifest, parts: dict[str, list[int]]) -> list[str]:
    names = recordings.named(manifest)
    sources = {part: {names[index] for index in indices} for part, indices in parts.items()}
    said: list[str] = []
    for part, others in (("validation", ("training",)), ("test", ("training", "validation"))):
        shared = set().union(*(sources[other] for other in others))
        both = {manifest.utterances[index].path.name for index in parts[part] if names[index] in shared}
        count = len(sources[part] & shared)
        if both:
            said.append(
                f"Recordings are shared: the {part} part has segments of {count} of its {len(sources[part])} recordings "
                f"({_listed(sorted(both))}) that have others in the {' or the '.join(others)} part."
            )
    return said


def _sentences(heard: dict[str, list[Utterance]]) -> list[str]:
    trained = _values(heard["training"], "sentence")
    said: list[str] = []
    for part in ("validation", "test"):
        sentences = _values(heard[part], "sentence")
        both = sentences & trained
        if both:
            said.append(
                f"Sentences are shared: {len(both)} of the {len(sentences)} sentences in the {part} part are trained on too."
            )
    everything = [utterance for utterances in heard.values() for utterance in utterances]
    return said + lone_emotions(everything, apart=not said)


def _duplicates(manifest: Manifest, parts: dict[str, list[int]]) -> list[str]:
    where: dict[str, dict[str, str]] = defaultdict(dict)
    for part, indices in parts.items():
        for index in indices:
            name = manifest.utterances[index].id
            where[manifest.digests.get(name, name)].setdefault(part, name)
    across = [list(names.items()) for names in where.values() if len(names) > 1]
    if not across:
        return []
    (part, name), (other_part, other) = across[0][:2]
    return [
        f"Duplicates across parts: {len(across)} recording{'s are' if len(across) > 1 else ' is'} byte for byte in two parts, "
        f"for example {name} ({part}) and {other} ({other_part})."
    ]


def _classes(manifest: Manifest, heard: dict[str, list[Utterance]]) -> list[str]:
    classes = set(manifest.emotions)
    said: list[str] = []
    for part, utterances in heard.items():
        missing = sorted(classes - _values(utterances, "emotion"))
        if missing and utterances:
            rest = len(classes) - len(missing)
            effect = "it cannot be learnt" if part == "training" else f"BCA there is over {rest} of {len(classes)} classes"
            said.append(f"The {part} part has no utterance of {', '.join(missing)}: {effect}.")
    return said


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "") if names else "none"
