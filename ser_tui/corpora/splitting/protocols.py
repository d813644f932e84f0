"""Protocols: how a corpus is split into training, validation and test parts. `stratified` imports scikit-learn.

`random` is scikit-learn's train_test_split over the utterances in the order of their file names, which with size 0.2 and
seed 42 is the split of arXiv 2510.07052.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from ser_tui.corpora.manifest import Manifest
from ser_tui.corpora.splitting import recordings
from ser_tui.corpora.splitting.drawn import divide, refuse_rare, size_of_rest, too_few
from ser_tui.corpora.splitting.sentences import (
    first_sentences,
    left_out,
    not_of_sentences,
    of_sentences,
    require_named,
    sentence_folds,
    sentences_of,
)
from ser_tui.corpora.splitting.splits import Split, check_speakers, describe, describe_folds, first_speakers, ordered_groups
from ser_tui.study.errors import UsageError
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted, folds_text
from ser_tui.study.protocol import FOLDED, SplitProtocol

BY_SPEAKER = ("speaker", "kfold", "loso", "speaker-sentence", "loso-sentence")
BY_SENTENCE = ("sentence", "speaker-sentence", "kfold-sentence", "loso-sentence")


def split(manifest: Manifest, protocol: SplitProtocol) -> Split:
    """The parts that a search works with. For kfold, loso and loco the first fold, or several of them pooled, which a finding says.

    Raises UsageError when the corpus does not allow the protocol.
    """
    if protocol.kind in FOLDED:
        made = _Folds(manifest, protocol)
        # What must be said of a fold takes longer than drawing it, and a corpus may have hundreds of speakers to leave out.
        several = objective(protocol, len(made.groups)) > 1
        chosen = [(made.drawn if several else made.described)(*group) for group in made.groups[: objective(protocol, len(made.groups))]]
        for group in made.groups[len(chosen) :]:
            made.require_trained(*group)
        return pooled(manifest, chosen, protocol, [name for name, _ in made.groups])
    rest, test = _hold_out(manifest, protocol)
    train, validation = _PARTS[protocol.kind](manifest, protocol, rest)
    if not train or not validation:
        empty = "training" if not train else "validation"
        raise UsageError(f"protocol {protocol.kind}: the {empty} part of {manifest.corpus} would be empty; choose another size")
    unused = _left_out(manifest, protocol, (train, validation, test))
    return describe(manifest, train, validation, test, [*_notes(manifest, protocol), *unused])


def objective(protocol: SplitProtocol, count: int) -> int:
    """On how many of `count` folds a trial is scored."""
    return min(protocol.objective_folds or count, count)


def pooled(manifest: Manifest, chosen: Sequence[Split], protocol: SplitProtocol, names: Sequence[str]) -> Split:
    """The first folds, of those called `names`, as the parts of a search: what any of `chosen` scores validates, what the last one
    is trained on, whose model is kept, trains."""
    last = chosen[-1]
    if len(chosen) == 1:
        sentence = (
            f"Protocol {FOLDED[protocol.kind]}: the search itself validates on the first of {len(names)} folds ({names[0]}); "
            "the best configuration is then trained and scored on every fold."
        )
    else:
        sentence = (
            f"Protocol {FOLDED[protocol.kind]}: every trial is scored on {folds_text(len(chosen), len(names))}, pooled, so the best "
            "trial's score was chosen for being high; the model that is kept is the last fold's, unless it is refitted."
        )
    note = Finding(kind="protocol", sentence=sentence, part="validation", count=len(chosen), of=len(names))
    if len(chosen) == 1:
        return replace(last, findings=(note, *last.findings))
    return _together(manifest, chosen, last.test, [note])


def findings_on_folds(manifest: Manifest, made: Sequence[tuple[str, Split]]) -> tuple[Finding, ...]:
    """What must be known of the score of all that the folds `made` score, pooled; see `describe_folds`."""
    return _together(manifest, [fold for _, fold in made], (), [], "scored").findings


def _together(
    manifest: Manifest, chosen: Sequence[Split], test: Sequence[int], notes: Sequence[Finding], scored: str = "validation"
) -> Split:
    """What several folds are trained on and score, as the parts of one split."""
    own = [one for one in chosen[0].findings if one.kind == "protocol"]
    unused = left_out(*(sum(one.count or 0 for one in fold.findings if one.kind == "unused") for fold in chosen))
    return describe_folds(manifest, [(fold.train, fold.validation) for fold in chosen], test, [*notes, *own, *unused], scored)


def folds(manifest: Manifest, protocol: SplitProtocol, test_part: Sequence[int] = (), *, described: bool = True) -> list[tuple[str, Split]]:
    """(name, split) of every fold; protocols without folds have one, named as the protocol.

    A test part, where one is asked for, is held out of every fold; so is `test_part`, which another protocol has drawn. Not `described`, a
    fold says nothing but what `findings_on_folds` needs of each: of 500 speakers all that is found takes minutes. Raises UsageError
    as `split` does.
    """
    if protocol.kind not in FOLDED:
        return [(protocol.kind, split(manifest, protocol))]
    made = _Folds(manifest, protocol, test_part)
    one = made.described if described else made.drawn
    return [(name, one(name, members)) for name, members in made.groups]


class _Folds:
    """The folds of a protocol that has some, see `folds`: `groups` are (name, what the fold is scored on)."""

    def __init__(self, manifest: Manifest, protocol: SplitProtocol, test_part: Sequence[int] = ()) -> None:
        self._manifest, self._protocol = manifest, protocol
        rest, test = _hold_out(manifest, protocol)
        if held := set(test_part):
            rest, test = [index for index in rest if index not in held], list(dict.fromkeys([*test, *test_part]))
        self._rest, self._test = rest, test
        self.groups = _own_folds(manifest, protocol, rest) or _GROUPS[protocol.kind](manifest, protocol, rest)

    def trained(self, name: str, members: Sequence[int]) -> list[int]:
        """What that fold is trained on. Raises UsageError where it is nothing."""
        train = _trained_beside(self._manifest, self._protocol, self._rest, members)
        if not train:
            what = f"nothing is left to train on in fold {name} of {self._manifest.corpus}"
            raise UsageError(f"protocol {self._protocol.kind}: {what}; use more folds")
        return train

    def require_trained(self, name: str, members: Sequence[int]) -> None:
        """Raise UsageError as `trained`, where need be without going through all that is left for every speaker of a large corpus."""
        if self._protocol.kind in BY_SENTENCE or len(members) >= len(self._rest):
            self.trained(name, members)

    def described(self, name: str, members: Sequence[int]) -> Split:
        """That fold, with what is found of it. Raises UsageError as `trained`."""
        train = self.trained(name, members)
        return describe(self._manifest, train, members, self._test, self._notes(train, members))

    def drawn(self, name: str, members: Sequence[int]) -> Split:
        """That fold, of which nothing is found out: it says what the protocol does. Raises UsageError as `trained`."""
        train = self.trained(name, members)
        kept, scored, test = (tuple(sorted(part)) for part in (train, members, self._test))
        return Split(kept, scored, test, (), tuple(self._notes(train, members)), False)

    def _notes(self, train: Sequence[int], members: Sequence[int]) -> list[Finding]:
        return [*self._own_notes, *_left_out(self._manifest, self._protocol, (train, members, self._test))]

    @cached_property
    def _own_notes(self) -> list[Finding]:
        return _fold_notes(self._manifest, self._protocol, self._rest, len(self.groups))


def _trained_beside(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int], members: Sequence[int]) -> list[int]:
    """What a fold that is scored on `members` is trained on: the rest, without their sentences where those are kept apart."""
    scored = set(members)
    train = [index for index in rest if index not in scored]
    if protocol.kind in BY_SENTENCE:
        train = not_of_sentences(manifest, train, sentences_of(manifest, members))
    if protocol.kind == "loso-sentence":
        train = _apart(manifest, train, sorted({str(manifest.utterances[index].speaker) for index in members}))[0]
    return train


def _left_out(manifest: Manifest, protocol: SplitProtocol, parts: Sequence[Sequence[int]]) -> list[Finding]:
    """What keeping sentences apart leaves in no part, counted."""
    return left_out(len(manifest.utterances) - sum(map(len, parts))) if protocol.kind in BY_SENTENCE else []


def _hold_out(manifest: Manifest, protocol: SplitProtocol) -> tuple[list[int], list[int]]:
    """(rest, test part): held out before anything else, so that no later choice can touch it."""
    everything = _in_file_order(manifest)
    numbered = protocol.kind == "kfold" and not protocol.test_size and _folded(manifest, everything)
    if protocol.kind in BY_SPEAKER and not numbered:
        require_named(manifest, "speaker", protocol.kind)
    if protocol.kind in BY_SENTENCE:
        require_named(manifest, "sentence", protocol.kind)
    if protocol.speakers and protocol.kind not in ("speaker", "speaker-sentence"):
        raise UsageError(f"protocol.speakers: {protocol.kind} chooses who validates; write kind: speaker, or drop them")
    check_speakers(manifest, protocol.speakers, "protocol.speakers")
    if protocol.kind == "official":
        return _official_test(manifest, everything, protocol)
    if protocol.kind in BY_SENTENCE and (protocol.test_speakers or protocol.test_size):
        return _sentence_test(manifest, everything, protocol)
    if protocol.test_speakers:
        require_named(manifest, "speaker", f"{protocol.kind} with test_speakers")
        check_speakers(manifest, protocol.test_speakers, "protocol.test_speakers")
        return _apart(manifest, everything, protocol.test_speakers)
    if not protocol.test_size:
        return everything, []
    if protocol.kind in BY_SPEAKER:
        return _apart(manifest, everything, _drawn_to_test(manifest, protocol))
    return divide(manifest, everything, protocol.test_size, protocol, "test_size")


def _drawn_to_test(manifest: Manifest, protocol: SplitProtocol) -> list[str]:
    """A share `test_size` of the speakers, drawn of those whom the study does not name for the validation part."""
    free = [name for name in manifest.speakers if name not in protocol.speakers]
    count = max(1, round(protocol.test_size * len(manifest.speakers)))
    return first_speakers(ordered_groups(manifest, free, protocol.seed), count)


def _sentence_test(manifest: Manifest, everything: list[int], protocol: SplitProtocol) -> tuple[list[int], list[int]]:
    """(rest, test part) of a protocol that keeps sentences apart: the rest has none of the test part's sentences, nor of its
    speakers where speakers are kept apart too."""
    if protocol.test_speakers and protocol.kind not in BY_SPEAKER:
        raise UsageError(f"protocol {protocol.kind} keeps no speakers apart; write test_size, or kind: speaker-sentence")
    check_speakers(manifest, protocol.test_speakers, "protocol.test_speakers")
    named = first_sentences(manifest, everything, protocol.test_size or protocol.size, protocol.seed, protocol.kind)
    rest, test = not_of_sentences(manifest, everything, named), of_sentences(manifest, everything, named)
    if protocol.kind not in BY_SPEAKER:
        return rest, test
    who = protocol.test_speakers or _drawn_to_test(manifest, protocol)
    return _apart(manifest, rest, who)[0], _apart(manifest, test, who)[1]


def _by_sentence(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> tuple[list[int], list[int]]:
    named = first_sentences(manifest, rest, protocol.size, protocol.seed, protocol.kind)
    return not_of_sentences(manifest, rest, named), of_sentences(manifest, rest, named)


def _by_both(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> tuple[list[int], list[int]]:
    others, theirs = _by_speaker(manifest, protocol, rest)
    named = first_sentences(manifest, rest, protocol.size, protocol.seed, protocol.kind)
    return not_of_sentences(manifest, others, named), of_sentences(manifest, theirs, named)


def _random(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> tuple[list[int], list[int]]:
    return divide(manifest, rest, size_of_rest(manifest, protocol, rest), protocol, "size")


def _by_speaker(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> tuple[list[int], list[int]]:
    there = {str(manifest.utterances[index].speaker) for index in rest}
    if protocol.speakers:
        named: Sequence[str] = protocol.speakers
    else:
        count = max(1, round(protocol.size * len(manifest.speakers)))
        named = first_speakers(ordered_groups(manifest, there, protocol.seed), count)
    if not there - set(named):
        number = len(ordered_groups(manifest, manifest.speakers, protocol.seed))
        together = f", {number} where those who are recorded together stay together" if number < len(manifest.speakers) else ""
        raise UsageError(
            f"protocol {protocol.kind}: {manifest.corpus} has {counted(len(manifest.speakers), 'speaker')}{together}, which leaves none to "
            "train on; use fewer for validation and test, or another protocol"
        )
    return _apart(manifest, rest, named)


def _official(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> tuple[list[int], list[int]]:
    validation = [index for index in rest if manifest.utterances[index].part == "validation"]
    if validation:
        return [index for index in rest if manifest.utterances[index].part == "train"], validation
    # With train and test alone, validating on the test part would make it the objective of the search.
    by_speaker = all(manifest.utterances[index].speaker is not None for index in rest)
    return (_by_speaker if by_speaker else _random)(manifest, protocol, rest)


def _official_test(manifest: Manifest, everything: list[int], protocol: SplitProtocol) -> tuple[list[int], list[int]]:
    if manifest.unclear_split:
        raise UsageError(f"protocol official: {manifest.corpus}: {manifest.unclear_split}")
    parts = Counter(manifest.utterances[index].part for index in everything)
    if not parts["train"] or not parts["validation"] + parts["test"]:
        raise UsageError(
            f"protocol official: {manifest.corpus} comes without an official split; use speaker or random, or a table "
            "with a column split (train, validation, test)"
        )
    if protocol.test_size or protocol.test_speakers:
        raise UsageError("protocol official holds out the corpus's own test part; drop test_size and test_speakers")
    chosen = [index for index in everything if manifest.utterances[index].part is not None]
    test = [index for index in chosen if manifest.utterances[index].part == "test"]
    return [index for index in chosen if manifest.utterances[index].part != "test"], test


def _notes(manifest: Manifest, protocol: SplitProtocol) -> list[Finding]:
    """What is to be said about the official split of a corpus."""
    if protocol.kind != "official":
        return []
    parts = Counter(utterance.part for utterance in manifest.utterances)
    notes = []
    if not parts["validation"]:
        sentence = "The official split has no validation part: a share of its training part, drawn by seed, validates."
        notes.append(Finding(kind="protocol", sentence=sentence, part="validation"))
    if unused := parts[None]:
        are = "is" if unused == 1 else "are"
        sentence = f"{counted(unused, 'utterance')} {are} in no part of the official split and {are} not used."
        notes.append(Finding(kind="unused", sentence=sentence, count=unused, of=len(manifest.utterances)))
    return notes


_PARTS: dict[str, Callable[[Manifest, SplitProtocol, Sequence[int]], tuple[list[int], list[int]]]] = {
    "random": _random, "stratified": _random, "speaker": _by_speaker, "official": _official, "sentence": _by_sentence,
    "speaker-sentence": _by_both,
}  # fmt: skip


def _folded(manifest: Manifest, indices: Sequence[int]) -> bool:
    """Whether the corpus comes with a fold for every utterance."""
    return all(manifest.utterances[index].fold is not None for index in indices)


def _own_folds(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> list[tuple[str, list[int]]]:
    """The corpus's own folds for kfold, where every utterance is in one; empty: there are none."""
    if protocol.kind != "kfold" or not _folded(manifest, rest):
        return []
    names = sorted({str(manifest.utterances[index].fold) for index in rest}, key=lambda name: (len(name), name))
    if len(names) < 2:
        raise UsageError(f"protocol kfold: {manifest.corpus} puts every utterance into fold {names[0]}; folds need two at least")
    return [(f"fold {name}", [index for index in rest if manifest.utterances[index].fold == name]) for name in names]


def _fold_notes(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int], count: int) -> list[Finding]:
    if protocol.kind != "kfold":
        return []
    if not _folded(manifest, rest):
        lacking = sum(manifest.utterances[index].fold is None for index in rest)
        if lacking == len(rest):
            return []
        sentence = (
            f"The corpus's own folds are not used: {lacking} of the {len(rest)} utterances {'is' if lacking == 1 else 'are'} in none of "
            "them, so the folds are drawn over speakers."
        )
        return [Finding(kind="protocol", sentence=sentence, count=lacking, of=len(rest))]
    instead = f", not the {protocol.folds} of the study" if protocol.folds != count else ""
    sentence = f"The folds are the corpus's own {count}, as its table numbers them{instead}."
    return [Finding(kind="protocol", sentence=sentence, count=count)]


def _speaker_groups(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> list[tuple[str, list[int]]]:
    there = sorted({str(manifest.utterances[index].speaker) for index in rest})
    groups = [[name] for name in there] if protocol.kind == "loso" else ordered_groups(manifest, there, protocol.seed)
    count = len(there) if protocol.kind == "loso" else protocol.folds
    if len(groups) < max(2, count):
        what = "groups of people who are recorded together" if len(groups) < len(there) else "speakers"
        raise UsageError(
            f"protocol {protocol.kind}: {max(2, count)} folds need as many {what}, and {manifest.corpus} has {len(groups)} to train "
            "and validate on; use fewer folds or another protocol"
        )
    if protocol.kind == "loso":
        of: dict[str, list[int]] = {name: [] for name in there}
        for index in rest:
            of[str(manifest.utterances[index].speaker)].append(index)
        return list(of.items())
    sizes = np.array_split(np.arange(len(groups)), count)
    members = [[name for index in fold for name in groups[index]] for fold in sizes]
    return [(f"fold {number}", _apart(manifest, rest, names)[1]) for number, names in enumerate(members, 1)]


def _sentence_groups(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> list[tuple[str, list[int]]]:
    parts = sentence_folds(manifest, rest, protocol.folds, protocol.seed, protocol.kind)
    return [(f"fold {number}", of_sentences(manifest, rest, names)) for number, names in enumerate(parts, 1)]


def _speaker_sentence_groups(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Each speaker's utterances of each part of the sentences: so every utterance is scored once, by a model that heard neither."""
    speakers = _speaker_groups(manifest, protocol.model_copy(update={"kind": "loso"}), rest)
    sentences = _sentence_groups(manifest, protocol, rest)
    pairs = [
        (f"{who} {part.removeprefix('fold ')}", sorted(set(theirs) & set(of)))
        for who, theirs in speakers
        for part, of in sentences
    ]  # fmt: skip
    return [(name, members) for name, members in pairs if members]


def _corpora(manifest: Manifest, protocol: SplitProtocol, rest: Sequence[int]) -> list[tuple[str, list[int]]]:
    names = sorted({manifest.utterances[index].corpus for index in rest})
    if len(names) < 2:
        raise UsageError("protocol loco leaves one corpus out, so it needs two at least; name several under corpus:")
    return [(name, [index for index in rest if manifest.utterances[index].corpus == name]) for name in names]


_GROUPS: dict[str, Callable[[Manifest, SplitProtocol, Sequence[int]], list[tuple[str, list[int]]]]] = {
    "kfold": _speaker_groups, "loso": _speaker_groups, "loco": _corpora, "kfold-sentence": _sentence_groups,
    "loso-sentence": _speaker_sentence_groups,
}  # fmt: skip


def _in_file_order(manifest: Manifest) -> list[int]:
    def key(index: int) -> tuple[str, str]:
        name = manifest.utterances[index].id
        return PurePosixPath(name).name, name

    return sorted(range(len(manifest.utterances)), key=key)


def _apart(manifest: Manifest, indices: Sequence[int], speakers: Sequence[str]) -> tuple[list[int], list[int]]:
    """(the others', these speakers') utterances."""
    named = set(speakers)
    theirs = [index for index in indices if manifest.utterances[index].speaker in named]
    return [index for index in indices if manifest.utterances[index].speaker not in named], theirs


def check_stratified(manifest: Manifest, protocol: SplitProtocol) -> None:
    """Raise UsageError where `stratified` refuses to divide the corpus, as far as that is told without dividing it, which takes
    scikit-learn: how many of each emotion a drawn test part leaves is known once it is drawn."""
    drawn = bool(protocol.test_size and not protocol.test_speakers)
    rest = _in_file_order(manifest) if drawn else _hold_out(manifest, protocol)[0]
    emotions = [manifest.utterances[index].emotion for index in rest]
    refuse_rare(manifest, emotions)
    if len(recordings.grouped(manifest, rest)) < len(rest):
        return
    size = protocol.test_size if drawn else size_of_rest(manifest, protocol, rest)
    taken = math.ceil(size * len(rest)) if isinstance(size, float) else size
    if min(taken, len(rest) - taken) < len(set(emotions)):  # as scikit-learn has it
        raise too_few(manifest, emotions, "test_size" if drawn else "size", "", stratified=True)
