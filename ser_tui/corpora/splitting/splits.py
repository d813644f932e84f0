"""A split of a corpus, how speakers are chosen for it, and what must be said about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ser_tui.corpora.alike import across_parts
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.repeated import by_content, contradictions, repeated
from ser_tui.corpora.selection import left_out_nameless
from ser_tui.corpora.spellings import meaning
from ser_tui.corpora.splitting import recordings
from ser_tui.corpora.splitting.sentences import in_turn, lone_emotions
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import Finding, said
from ser_tui.study.formatting import counted, some_of
from ser_tui.study.wrong_values import nearest

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
    return describe_folds(manifest, [(train, validation)], test, notes)


def describe_folds(
    manifest: Manifest,
    folds: Sequence[tuple[Iterable[int], Iterable[int]]],
    test: Iterable[int],
    notes: Sequence[Finding] = (),
    scored: str = "validation",
) -> Split:
    """As `describe`, of `folds` that are scored together, each by a model of its own: what it is trained on, and what it is scored on.
    What all of them score is the validation part, which sentences call `scored`; what the last one is trained on is the training part,
    since its model is kept and scores the test part."""
    parts = [{"train": sorted(train), "validation": sorted(validation), "test": list[int]()} for train, validation in folds]
    parts[-1]["test"] = sorted(test)
    heard = _Heard(manifest, parts, {"train": "training", "validation": scored, "test": "test"})
    findings = [
        *notes,
        *_speakers(heard),
        *_sessions(heard),
        *_recordings(heard),
        *_sentences(heard),
        *_duplicates(heard),
        *across_parts(manifest, parts, heard.called),
        *_repeated(heard),
        *contradictions(by_content(manifest)),
        *left_out_nameless(manifest),
        *synonyms(manifest),
        *_classes(heard),
        *_lone_classes(heard),
    ]
    shared = {name for part in ("validation", "test") for name in heard.shared(part, "speaker")[0]}
    return Split(
        tuple(parts[-1]["train"]), tuple(sorted({index for one in parts for index in one["validation"]})), tuple(parts[-1]["test"]),
        tuple(sorted(shared)), tuple(findings), any(utterance.speaker is None for utterance in heard.everything),
    )  # fmt: skip


@dataclass(frozen=True)
class _Heard:
    """What is trained on and scored: indices by part of each of `folds`, the test part in the last one; `called`: a part in words."""

    manifest: Manifest
    folds: Sequence[Mapping[str, list[int]]]
    called: Mapping[str, str]

    def values(self, number: int, part: str, field: str) -> frozenset[str]:
        """All values of `field` in a part of fold `number`. They are asked for often, and there may be hundreds of folds."""
        if (number, part, field) not in self._found:
            column = self._columns.get(field) or [getattr(utterance, field) for utterance in self.manifest.utterances]
            self._columns[field] = column
            self._found[number, part, field] = frozenset(map(column.__getitem__, self.folds[number][part])) - {None}
        return self._found[number, part, field]

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        return {}

    @cached_property
    def _found(self) -> dict[tuple[int, str, str], frozenset[str]]:
        return {}

    @cached_property
    def everything(self) -> list[Utterance]:
        """All that is in any part, each once."""
        indices = set[int]().union(*(part for fold in self.folds for part in fold.values()))
        return [self.manifest.utterances[index] for index in sorted(indices)]

    def shared(self, part: str, field: str) -> tuple[set[str], set[str]]:
        """Values of `field` in `part` that the very model which is scored there was trained on, and all its values."""
        both, values = set[str](), set[str]()
        for number in range(len(self.folds)):
            if here := self.values(number, part, field):
                both |= here & self.values(number, "train", field)
                values |= here
        return both, values


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
    return in_turn(members, lambda group: frozenset(gender[speaker] for speaker in group), seed)


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
            there_are = f"there are: {some_of(known, _LISTED) or 'none'}"
            raise UsageError(f"{key}: {manifest.corpus} has no speaker {name}{nearest(name, known, there_are)}")


def synonyms(manifest: Manifest) -> list[Finding]:
    """A finding for each emotion that is several classes, which a study's labels alone can make: happiness, and what became happy."""
    words: dict[str, list[str]] = defaultdict(list)
    for name in manifest.emotions:
        words[meaning(name)].append(name)
    return [
        Finding(
            kind="told", count=len(names),
            sentence=f"Words for one emotion: {' and '.join(names)} are classes of their own here, as the study's labels have it.",
        )
        for names in words.values()
        if len(names) > 1
    ]  # fmt: skip


def _speakers(heard: _Heard) -> list[Finding]:
    found: list[Finding] = []
    nameless = [utterance.speaker is None for utterance in heard.everything]
    if any(nameless):
        sentence = "Not every utterance has a speaker label: whether the parts share speakers cannot be told."
        found.append(Finding(kind="unlabelled", sentence=sentence, count=sum(nameless), of=len(nameless)))
    for part in ("validation", "test"):
        both, speakers = heard.shared(part, "speaker")
        if both:
            sentence = (
                f"Speakers are shared: {len(both)} of the {counted(len(speakers), 'speaker')} in the {heard.called[part]} part "
                f"{_are(both)} heard in training too, so the score does not say how well unknown speakers are recognised."
            )
            found.append(Finding(kind="speakers", sentence=sentence, part=part, count=len(both), of=len(speakers)))
    return found + _lone_speakers(heard)


def _lone_speakers(heard: _Heard) -> list[Finding]:
    found: list[Finding] = []
    trained = [heard.values(number, "train", "speaker") for number in range(len(heard.folds))]
    alone = [names for names in trained if len(names) == 1]
    if alone:
        where = f"In {len(alone)} of {len(trained)} folds all" if len(trained) > 1 else "All"
        who = "" if len(trained) > 1 else f" ({min(alone[0])})"
        sentence = f"{where} training utterances are of one speaker{who}."
        found.append(Finding(kind="one_speaker", sentence=sentence, part="train", count=1))
    emotions: dict[str, set[str]] = defaultdict(set)
    for utterance in heard.everything:
        if utterance.speaker is not None:
            emotions[utterance.speaker].add(utterance.emotion)
    single = sum(len(theirs) == 1 for theirs in emotions.values())
    classes = set().union(*emotions.values()) if emotions else set()
    if len(classes) > 1 and 2 * single >= len(emotions):
        sentence = (
            f"{single} of the {counted(len(emotions), 'speaker')} {'has' if single == 1 else 'have'} utterances of one emotion only: "
            "speaker and emotion cannot be told apart there, and scores by speaker mean little."
        )
        found.append(Finding(kind="lone_speakers", sentence=sentence, count=single, of=len(emotions)))
    return found


def _sessions(heard: _Heard) -> list[Finding]:
    found: list[Finding] = []
    for part in ("validation", "test"):
        both, sessions = heard.shared(part, "session")
        if both:
            sentence = (
                f"Sessions are shared: the {heard.called[part]} part has recordings of {counted(len(both), 'session')} "
                f"({some_of(sorted(both), _LISTED)}) of which other recordings are trained on."
            )
            found.append(Finding(kind="sessions", sentence=sentence, part=part, count=len(both), of=len(sessions)))
    return found


def _recordings(heard: _Heard) -> list[Finding]:
    names, utterances = recordings.named(heard.manifest), heard.manifest.utterances
    found: list[Finding] = []
    for part, others in (("validation", ("train",)), ("test", ("train", "validation"))):
        both, shared, sources = set[str](), set[str](), set[str]()
        for fold in heard.folds:
            if not fold[part]:
                continue
            known = {names[index] for other in others for index in fold[other]}
            both |= {utterances[index].path.name for index in fold[part] if names[index] in known}
            shared |= {names[index] for index in fold[part]} & known
            sources |= {names[index] for index in fold[part]}
        if both:
            sentence = (
                f"Recordings are shared: the {heard.called[part]} part has segments of {len(shared)} of its "
                f"{counted(len(sources), 'recording')} ({some_of(sorted(both), _LISTED)}) that "
                f"{'has' if len(shared) == 1 else 'have'} others in the {' or the '.join(heard.called[other] for other in others)} part."
            )
            found.append(Finding(kind="recordings", sentence=sentence, part=part, count=len(shared), of=len(sources)))
    return found


def _sentences(heard: _Heard) -> list[Finding]:
    found: list[Finding] = []
    for part in ("validation", "test"):
        both, sentences = heard.shared(part, "sentence")
        if both:
            sentence = (
                f"Sentences are shared: {len(both)} of the {counted(len(sentences), 'sentence')} in the {heard.called[part]} part "
                f"{_are(both)} trained on too."
            )
            found.append(Finding(kind="sentences", sentence=sentence, part=part, count=len(both), of=len(sentences)))
    return found + lone_emotions(heard.everything, apart=not found)


def _duplicates(heard: _Heard) -> list[Finding]:
    across: dict[str, list[tuple[str, str]]] = {}
    names = [utterance.id for utterance in heard.manifest.utterances]
    contents = [heard.manifest.digests.get(name, name) for name in names]
    counts = Counter(contents)
    several = {index for index, content in enumerate(contents) if counts[content] > 1}
    for fold in heard.folds if several else ():
        where: dict[str, dict[str, str]] = defaultdict(dict)
        for part, indices in fold.items():
            for index in indices:
                if index in several:
                    where[contents[index]].setdefault(part, names[index])
        for digest, parts in where.items():
            if len(parts) > 1:
                across.setdefault(digest, list(parts.items()))
    if not across:
        return []
    (part, name), (other_part, other) = next(iter(across.values()))[:2]
    sentence = (
        f"Duplicates across parts: {len(across)} recording{'s are' if len(across) > 1 else ' is'} byte for byte in two parts, "
        f"for example {name} ({heard.called[part]}) and {other} ({heard.called[other_part]})."
    )
    return [Finding(kind="duplicates", sentence=sentence, count=len(across))]


def _repeated(heard: _Heard) -> list[Finding]:
    """A finding for each part whose score counts some recordings several times."""
    found: list[Finding] = []
    for part in ("validation", "test"):
        indices = sorted({index for fold in heard.folds for index in fold[part]})
        found += repeated(by_content(heard.manifest, indices), f" of the {heard.called[part]} part", part)
    return found


def _classes(heard: _Heard) -> list[Finding]:
    classes = set(heard.manifest.emotions)
    found: list[Finding] = []
    for part in ("train", "validation", "test"):
        spoken = [heard.values(number, part, "emotion") for number, fold in enumerate(heard.folds) if fold[part]]
        if not spoken:
            continue
        # Every model must have learnt them, but what all folds score together is scored as one.
        there = frozenset.intersection(*spoken) if part == "train" else frozenset[str]().union(*spoken)
        missing = sorted(classes - there)
        if missing:
            rest = len(classes) - len(missing)
            effect = "it cannot be learnt" if part == "train" else f"BCA there is over {rest} of {len(classes)} classes"
            of = " of a fold" if part == "train" and len(spoken) > 1 else ""
            sentence = f"The {heard.called[part]} part{of} has no utterance of {', '.join(missing)}: {effect}."
            found.append(Finding(kind="classes", sentence=sentence, part=part, count=len(missing), of=len(classes)))
    return found


def _lone_classes(heard: _Heard) -> list[Finding]:
    """A finding where several corpora are trained on and scored, and one of them alone has a class: its rooms and microphones tell then
    which classes can be meant."""
    having: dict[str, set[str]] = defaultdict(set)
    for utterance in heard.everything:
        having[utterance.emotion].add(utterance.corpus)
    known = set().union(*(heard.shared(part, "corpus")[0] for part in ("validation", "test")))
    lone = {emotion: next(iter(corpora)) for emotion, corpora in sorted(having.items()) if len(corpora) == 1 and corpora <= known}
    if len(known) < 2 or not lone:
        return []
    named = ", ".join(f"{emotion} ({corpus})" for emotion, corpus in lone.items())
    sentence = (
        f"Classes of one corpus alone: {named}. How the recordings of a corpus sound tells which of them can be meant, so the score is in "
        "part that of telling corpora apart; drop such classes by labels, or score unheard corpora with protocol loco."
    )
    return [Finding(kind="told", sentence=sentence, count=len(lone), of=len(having))]


def _are(some: Set[str]) -> str:
    return "is" if len(some) == 1 else "are"
