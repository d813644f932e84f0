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
from ser_tui.study.findings import Finding, said

_LISTED = 20


@dataclass(frozen=True)
class Split:
    """Indices into a manifest's utterances, ascending within each part."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    shared_speakers: tuple[str, ...]
    """Speakers of the training part who are heard in the validation or the test part too."""
    findings: tuple[Finding, ...]
    """What must be known before a score on it is believed."""
    unlabelled: bool
    """Whether utterances without a speaker leave it open what the parts share."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the findings."""
        return said(self.findings)


def describe(
    manifest: Manifest, train: Iterable[int], validation: Iterable[int], test: Iterable[int], notes: Sequence[Finding] = ()
) -> Split:
    """The split with what is to be said about it: `notes`, then what is found by itself."""
    parts = {"train": sorted(train), "validation": sorted(validation), "test": sorted(test)}
    heard = {part: [manifest.utterances[index] for index in indices] for part, indices in parts.items()}
    shared = sorted(_values(heard["train"], "speaker") & _values(heard["validation"] + heard["test"], "speaker"))
    findings = [
        *notes,
        *_speakers(heard),
        *_sessions(heard),
        *_recordings(manifest, parts),
        *_sentences(heard),
        *_duplicates(manifest, parts),
        *conflicts(manifest),
        *_classes(manifest, heard),
    ]
    return Split(
        tuple(parts["train"]), tuple(parts["validation"]), tuple(parts["test"]), tuple(shared), tuple(findings),
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


def conflicts(manifest: Manifest) -> list[Finding]:
    """A finding when recordings of the same bytes bear different emotions; otherwise nothing."""
    labelled: dict[str, dict[str, str]] = defaultdict(dict)
    for utterance in manifest.utterances:
        labelled[manifest.digests.get(utterance.id, utterance.id)].setdefault(utterance.emotion, utterance.id)
    twice = [names for names in labelled.values() if len(names) > 1]
    if not twice:
        return []
    example = " and ".join(f"{name} ({emotion})" for emotion, name in list(twice[0].items())[:2])
    several = f"{len(twice)} recordings are" if len(twice) > 1 else "1 recording is"
    sentence = f"Contradicting labels: {several} there more than once with different emotions, for example {example}."
    return [Finding(kind="contradictions", sentence=sentence, count=len(twice))]


def _values(utterances: Iterable[Utterance], field: str) -> set[str]:
    return {value for utterance in utterances if (value := getattr(utterance, field)) is not None}


def _unlabelled(heard: dict[str, list[Utterance]]) -> bool:
    return any(utterance.speaker is None for utterances in heard.values() for utterance in utterances)


def _speakers(heard: dict[str, list[Utterance]]) -> list[Finding]:
    found: list[Finding] = []
    trained = _values(heard["train"], "speaker")
    if _unlabelled(heard):
        nameless = [utterance.speaker is None for utterances in heard.values() for utterance in utterances]
        sentence = "Not every utterance has a speaker label: whether the parts share speakers cannot be told."
        found.append(Finding(kind="unlabelled", sentence=sentence, count=sum(nameless), of=len(nameless)))
    for part in ("validation", "test"):
        speakers = _values(heard[part], "speaker")
        both = speakers & trained
        if both:
            sentence = (
                f"Speakers are shared: {len(both)} of the {len(speakers)} speakers in the {part} part are heard in training "
                "too, so the score does not say how well unknown speakers are recognised."
            )
            found.append(Finding(kind="speakers", sentence=sentence, part=part, count=len(both), of=len(speakers)))
    return found + _lone_speakers(heard, trained)


def _lone_speakers(heard: dict[str, list[Utterance]], trained: set[str]) -> list[Finding]:
    found: list[Finding] = []
    if len(trained) == 1:
        sentence = f"All training utterances are of one speaker ({min(trained)})."
        found.append(Finding(kind="one_speaker", sentence=sentence, part="train", count=1))
    emotions: dict[str, set[str]] = defaultdict(set)
    for utterances in heard.values():
        for utterance in utterances:
            if utterance.speaker is not None:
                emotions[utterance.speaker].add(utterance.emotion)
    single = sum(len(theirs) == 1 for theirs in emotions.values())
    classes = set().union(*emotions.values()) if emotions else set()
    if len(classes) > 1 and 2 * single >= len(emotions):
        sentence = (
            f"{single} of the {len(emotions)} speakers have utterances of one emotion only: speaker and emotion cannot be told "
            "apart there, and scores by speaker mean little."
        )
        found.append(Finding(kind="lone_speakers", sentence=sentence, count=single, of=len(emotions)))
    return found


def _sessions(heard: dict[str, list[Utterance]]) -> list[Finding]:
    trained = _values(heard["train"], "session")
    found: list[Finding] = []
    for part in ("validation", "test"):
        sessions = _values(heard[part], "session")
        both = sessions & trained
        if both:
            sentence = (
                f"Sessions are shared: the {part} part has recordings of {len(both)} sessions ({_listed(sorted(both))}) of which "
                "other recordings are trained on."
            )
            found.append(Finding(kind="sessions", sentence=sentence, part=part, count=len(both), of=len(sessions)))
    return found


def _recordings(manifest: Manifest, parts: dict[str, list[int]]) -> list[Finding]:
    names = recordings.named(manifest)
    sources = {part: {names[index] for index in indices} for part, indices in parts.items()}
    found: list[Finding] = []
    for part, others in (("validation", ("train",)), ("test", ("train", "validation"))):
        shared = set().union(*(sources[other] for other in others))
        both = {manifest.utterances[index].path.name for index in parts[part] if names[index] in shared}
        count = len(sources[part] & shared)
        if both:
            sentence = (
                f"Recordings are shared: the {part} part has segments of {count} of its {len(sources[part])} recordings "
                f"({_listed(sorted(both))}) that have others in the {' or the '.join(map(_called, others))} part."
            )
            found.append(Finding(kind="recordings", sentence=sentence, part=part, count=count, of=len(sources[part])))
    return found


def _sentences(heard: dict[str, list[Utterance]]) -> list[Finding]:
    trained = _values(heard["train"], "sentence")
    found: list[Finding] = []
    for part in ("validation", "test"):
        sentences = _values(heard[part], "sentence")
        both = sentences & trained
        if both:
            sentence = f"Sentences are shared: {len(both)} of the {len(sentences)} sentences in the {part} part are trained on too."
            found.append(Finding(kind="sentences", sentence=sentence, part=part, count=len(both), of=len(sentences)))
    everything = [utterance for utterances in heard.values() for utterance in utterances]
    return found + lone_emotions(everything, apart=not found)


def _duplicates(manifest: Manifest, parts: dict[str, list[int]]) -> list[Finding]:
    where: dict[str, dict[str, str]] = defaultdict(dict)
    for part, indices in parts.items():
        for index in indices:
            name = manifest.utterances[index].id
            where[manifest.digests.get(name, name)].setdefault(part, name)
    across = [list(names.items()) for names in where.values() if len(names) > 1]
    if not across:
        return []
    (part, name), (other_part, other) = across[0][:2]
    sentence = (
        f"Duplicates across parts: {len(across)} recording{'s are' if len(across) > 1 else ' is'} byte for byte in two parts, "
        f"for example {name} ({_called(part)}) and {other} ({_called(other_part)})."
    )
    return [Finding(kind="duplicates", sentence=sentence, count=len(across))]


def _classes(manifest: Manifest, heard: dict[str, list[Utterance]]) -> list[Finding]:
    classes = set(manifest.emotions)
    found: list[Finding] = []
    for part, utterances in heard.items():
        missing = sorted(classes - _values(utterances, "emotion"))
        if missing and utterances:
            rest = len(classes) - len(missing)
            effect = "it cannot be learnt" if part == "train" else f"BCA there is over {rest} of {len(classes)} classes"
            sentence = f"The {_called(part)} part has no utterance of {', '.join(missing)}: {effect}."
            found.append(Finding(kind="classes", sentence=sentence, part=part, count=len(missing), of=len(classes)))
    return found


def _called(part: str) -> str:
    return "training" if part == "train" else part


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "") if names else "none"
