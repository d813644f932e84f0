"""Sentences kept apart: protocols in which no sentence that is scored was trained on, and what must be said about sentences.

Where actors speak given sentences, a model may recognise the text for the emotion, most of all where each sentence was
spoken in one emotion only (SAVEE's 120).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.splitting import recordings
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted


def sentences_of(manifest: Manifest, indices: Iterable[int]) -> list[str]:
    """The sentences of the utterances at `indices`, each once, sorted."""
    found = {manifest.utterances[index].sentence for index in indices}
    return sorted(sentence for sentence in found if sentence is not None)


def require_named(manifest: Manifest, field: Literal["speaker", "sentence"], kind: str) -> None:
    """Raises UsageError unless every utterance has a speaker, or a sentence, which the protocol `kind` reads."""
    unknown = sum(getattr(utterance, field) is None for utterance in manifest.utterances)
    if unknown:
        total = len(manifest.utterances)
        which = "none of its utterances" if unknown == total else f"{total - unknown} of its {total} utterances only"
        if field == "speaker":
            instead = "random or stratified, or add it again with a column of speakers, or with --speaker-in where names of files tell them"
        else:
            instead = "speaker or random, or a table with a column sentence"
        raise UsageError(f"protocol {kind} needs {field}s, and {manifest.corpus} names them for {which}; use {instead}")


def in_turn(groups: Mapping[str, list[str]], kind_of: Callable[[list[str]], Hashable], seed: int) -> list[list[str]]:
    """`groups` in an order drawn by `seed`, those of each kind in turn: every stretch of it is as close to the proportions of the whole as
    can be."""
    names = sorted(groups)
    # RandomState's stream is frozen by NumPy's policy: the same seed means the same parts for good.
    shuffled = [names[index] for index in np.random.RandomState(seed).permutation(len(names))]
    kinds: dict[Hashable, list[str]] = defaultdict(list)
    for name in shuffled:
        kinds[kind_of(groups[name])].append(name)
    rank = {name: (place + 0.5) / len(kind) for kind in kinds.values() for place, name in enumerate(kind)}
    return [groups[name] for name in sorted(shuffled, key=lambda name: rank[name])]


def ordered_sentences(manifest: Manifest, sentences: Iterable[str], seed: int) -> list[list[str]]:
    """`sentences` in groups that stay together (those of which segments are in one recording; otherwise each alone), in an order
    drawn by `seed`, those of each emotion in turn, so that every stretch of it has all emotions as far as there are sentences of
    each. Sentences spoken in several emotions are one kind."""
    emotions = emotions_by_sentence(manifest.utterances)
    together = recordings.joined(manifest, "sentence", {name: name for name in emotions})
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(sentences):
        members[together[name]].append(name)

    def kind_of(group: list[str]) -> frozenset[str]:
        heard = frozenset[str]().union(*(emotions[sentence] for sentence in group))
        return heard if len(heard) == 1 else frozenset()

    return in_turn(members, kind_of, seed)


def first_sentences(manifest: Manifest, indices: Iterable[int], size: float, seed: int, kind: str) -> list[str]:
    """A share `size` of the corpus's sentences, of those that the utterances at `indices` have. Raises UsageError where
    that leaves none to train on."""
    there = sentences_of(manifest, indices)
    everything = len(sentences_of(manifest, range(len(manifest.utterances))))
    count = max(1, round(size * everything))
    groups = ordered_sentences(manifest, there, seed)
    taken = named = 0
    while taken < len(groups) and named < count:
        named += len(groups[taken])
        taken += 1
    if taken >= len(groups):
        raise UsageError(
            f"protocol {kind}: {manifest.corpus} has {counted(everything, 'sentence')}{_in_recordings(groups)}, which leaves none to train "
            "on; use a smaller share for validation and test"
        )
    return [name for group in groups[:taken] for name in group]


def sentence_folds(manifest: Manifest, indices: Sequence[int], count: int, seed: int, kind: str) -> list[list[str]]:
    """The sentences of the utterances at `indices` in `count` parts. Raises UsageError where there are fewer."""
    groups = ordered_sentences(manifest, sentences_of(manifest, indices), seed)
    if len(groups) < count:
        raise UsageError(
            f"protocol {kind}: {count} folds need as many sentences, and {manifest.corpus} has {sum(map(len, groups))}"
            f"{_in_recordings(groups)} to train and validate on; use fewer folds or another protocol"
        )
    return [[name for place in part for name in groups[place]] for part in np.array_split(np.arange(len(groups)), count)]


def _in_recordings(groups: Sequence[Sequence[str]]) -> str:
    """Why sentences are fewer than they seem, where they are: recordings hold several of them."""
    return f", {len(groups)} where those of a recording stay together" if any(len(group) > 1 for group in groups) else ""


def of_sentences(manifest: Manifest, indices: Iterable[int], sentences: Iterable[str]) -> list[int]:
    """Those of `indices` whose utterance is of one of `sentences`."""
    named = set(sentences)
    return [index for index in indices if manifest.utterances[index].sentence in named]


def not_of_sentences(manifest: Manifest, indices: Iterable[int], sentences: Iterable[str]) -> list[int]:
    """Those of `indices` whose utterance is of none of `sentences`."""
    named = set(sentences)
    return [index for index in indices if manifest.utterances[index].sentence not in named]


def left_out(*numbers: int) -> list[Finding]:
    """The finding about so many utterances (of several folds: of each) that are in no part because only their speaker, or only their
    sentence, is; or nothing."""
    most = max(numbers, default=0)
    if not most:
        return []
    fewest = min(numbers)
    of_each = f"in each fold {most if fewest == most else f'{fewest} to {most}'}" if len(numbers) > 1 else str(most)
    noun, have, are = ("utterance", "has", "is") if of_each == "1" else ("utterances", "have", "are")
    sentence = (
        f"Speakers and sentences are kept apart: {of_each} {noun} that {have} a speaker of one part and a sentence of another {are} in "
        f"no part and {are} not used."
    )
    return [Finding(kind="unused", sentence=sentence, count=most)]


def emotions_by_sentence(utterances: Iterable[Utterance]) -> dict[str, set[str]]:
    """In which emotions each sentence was spoken."""
    found: dict[str, set[str]] = defaultdict(set)
    for utterance in utterances:
        if utterance.sentence is not None:
            found[utterance.sentence].add(utterance.emotion)
    return found


def lone_emotions(utterances: Iterable[Utterance], *, apart: bool) -> list[Finding]:
    """A finding where at least half of the sentences that were spoken more than once have one emotion only; otherwise
    nothing. `apart`: no sentence is in two parts, so that the text cannot help."""
    heard = list(utterances)
    found = emotions_by_sentence(heard)
    classes = set().union(*found.values()) if found else set()
    often: dict[str, int] = defaultdict(int)
    for utterance in heard:
        if utterance.sentence is not None:
            often[utterance.sentence] += 1
    repeated = [name for name, number in often.items() if number > 1]
    lone = sum(len(found[name]) == 1 for name in repeated)
    if len(classes) < 2 or not repeated or 2 * lone < len(repeated):
        return []
    effect = (
        "no sentence is in two parts here, so the score is not that of the text"
        if apart
        else "the text gives the emotion away, and a score on sentences that were trained on is partly that of the text; keep "
        "sentences apart with protocol sentence or speaker-sentence"
    )
    sentence = f"{lone} of {counted(len(repeated), 'sentence')} {'has' if lone == 1 else 'have'} one emotion only: {effect}."
    return [Finding(kind="lone_sentences", sentence=sentence, count=lone, of=len(repeated))]
