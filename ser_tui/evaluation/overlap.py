"""Whether a target corpus is as unseen as a zero-shot score supposes, and what else of it makes a score another than it seems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from ser_tui.corpora.alike import HOW, copies_likely, matches
from ser_tui.corpora.catalogue import edition
from ser_tui.corpora.manifest import Manifest, Utterance
from ser_tui.corpora.repeated import by_content, contradictions, repeated
from ser_tui.corpora.spellings import meaning
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted

OPEN = "other"
"""Among `labels.EMOTIONS`, what is none of them."""


def overlap(
    trained: Manifest, train: Sequence[int], target: Manifest, chosen: Sequence[int], validation: Sequence[int] = ()
) -> list[Finding]:
    """What the utterances `chosen` of `target` share with those that a model was trained on: recordings, byte for
    byte, and speakers and sentences, where both are of one corpus; and which of them chose its configuration, being those of
    `validation`. Nothing where they share nothing. Pure."""
    heard = [trained.utterances[index] for index in train]
    asked = [target.utterances[index] for index in chosen]
    found: list[Finding] = []
    known = {trained.digests[utterance.id] for utterance in heard}
    found += _duplicates(target, asked, known)
    chose = [trained.utterances[index] for index in validation]
    found += _chosen_by(target, asked, {trained.digests[one.id] for one in chose}, {trained.recording(one) for one in chose})
    found += _likely(trained, heard, chose, target, asked)
    found += _parts(target, asked, known, {trained.recording(utterance) for utterance in heard})
    editions = {edition(utterance) for utterance in asked}
    related = [utterance for utterance in heard if edition(utterance) in editions]
    what: Literal["speakers", "sentences"]
    for field, what in (("speaker", "speakers"), ("sentence", "sentences")):
        mine = _values(asked, field)
        both = mine & _values(related, field)
        if both:
            found.append(_shared(what, len(both), len(mine)))
    return found


def overlap_with_record(
    digests: Collection[str], speakers: Collection[str], target: Manifest, chosen: Sequence[int], why: str,
    validation: Collection[str] = (),
) -> list[Finding]:  # fmt: skip
    """As `overlap`, where the corpus that was trained on is not here as it was, because of `why`: from the `digests` of its recordings and,
    where the target is that corpus, its `speakers`, as far as the run noted them, and the digests of `validation`, by which it was chosen.
    What cannot be told so is said. Pure."""
    asked = [target.utterances[index] for index in chosen]
    found = (
        _duplicates(target, asked, digests)
        + _parts(target, asked, digests, digests)
        + _chosen_by(target, asked, set(validation), set(validation))
    )
    mine, prefixes = _values(asked, "speaker"), {f"{edition(utterance)}/" for utterance in asked}
    # Of several corpora that were trained on, names begin with the corpus's.
    if both := mine & {name.removeprefix(prefix) for name in speakers for prefix in prefixes}:
        found.append(_shared("speakers", len(both), len(mine)))
    compared = "recordings were compared byte for byte, speakers and sentences were not" if digests else "nothing was compared"
    sentence = (
        f"It is not known which of these recordings the model was trained on: {compared}, because the run's own corpus is missing or has "
        f"changed ({why})."
    )
    return [*found, Finding(kind="unchecked", sentence=sentence)]


def _duplicates(target: Manifest, asked: Sequence[Utterance], heard: Collection[str]) -> list[Finding]:
    same = sum(target.digests[utterance.id] in heard for utterance in asked)
    if not same:
        return []
    sentence = f"Duplicates: {_of_all(same, asked)} trained on, byte for byte, so this is not a zero-shot score."
    return [Finding(kind="duplicates", sentence=sentence, count=same, of=len(asked))]


def _parts(target: Manifest, asked: Sequence[Utterance], known: Collection[str], recordings: Collection[str]) -> list[Finding]:
    """Of the utterances `asked`, whose contents are not `known`, those that are other parts of `recordings`, or these as a whole."""
    count = sum(target.digests[one.id] not in known and target.recording(one) in recordings for one in asked)
    if not count:
        return []
    sentence = (
        f"Recordings are shared: {count} of the {counted(len(asked), 'utterance')} {'comes' if count == 1 else 'come'} from "
        "recordings that the model was trained on in other parts or as a whole, so it knows their voices and rooms."
    )
    return [Finding(kind="recordings", sentence=sentence, count=count, of=len(asked))]


def _chosen_by(target: Manifest, asked: Sequence[Utterance], validation: Collection[str], recordings: Collection[str]) -> list[Finding]:
    """Of the utterances `asked` those whose contents are of the `validation` part, and other parts of its `recordings`, or these as a
    whole."""
    others = [utterance for utterance in asked if target.digests[utterance.id] not in validation]
    parts = sum(target.recording(utterance) in recordings for utterance in others)
    same = len(asked) - len(others) + parts
    if not same:
        return []
    how = "as a whole or in other parts" if parts else "byte for byte"
    sentence = (
        f"Chosen by this: {same} of the {counted(len(asked), 'recording')} {'is' if same == 1 else 'are'}, {how}, in the "
        "validation part that chose the configuration, so this is not a zero-shot score."
    )
    return [Finding(kind="chosen_by", sentence=sentence, count=same, of=len(asked))]


def _likely(
    trained: Manifest, heard: Sequence[Utterance], validation: Sequence[Utterance], target: Manifest, asked: Sequence[Utterance]
) -> list[Finding]:
    """A finding where recordings are likely copies, in other bytes, of what was trained on or chose the configuration."""
    used = [*heard, *validation]
    known = {trained.recording(one) for one in used}
    others = [one for one in asked if target.recording(one) not in known]
    found = matches(others, used)
    if not found:
        return []
    mine, theirs = next(iter(found.items()))
    chose = sum(place >= len(heard) for place in found.values())
    which = f"{len(found)} of the {counted(len(asked), 'recording')} {'sounds' if len(found) == 1 else 'sound'}"
    sentence = (
        f"Likely the same recording: {which} like those that were trained on{' or chose the configuration' if chose else ''}, though not "
        f"byte for byte ({HOW}), for example {others[mine].id} like {used[theirs].id}: likely no zero-shot score. Nothing was left out."
    )
    return [Finding(kind="likely_duplicates", sentence=sentence, count=len(found), of=len(asked))]


def _shared(what: Literal["speakers", "sentences"], count: int, of: int) -> Finding:
    sentence = (
        f"{what.capitalize()} are shared: {count} of the {of} {what} were trained on too, so the score does not say how well the model "
        f"does on unknown {what}."
    )
    return Finding(kind=what, sentence=sentence, count=count, of=of)


def _values(utterances: Sequence[Utterance], field: str) -> set[str]:
    """Values of `field`, without the name that several corpora in one study put before them."""
    found = ((getattr(utterance, field), f"{edition(utterance)}/") for utterance in utterances)
    return {value.removeprefix(prefix) for value, prefix in found if value is not None}


def within(target: Manifest, chosen: Sequence[int], mapping: Mapping[str, str], *, masked: bool) -> list[Finding]:
    """What must be known of the utterances `chosen` of `target` by themselves: recordings that are there more than once, or under several
    classes of `mapping`, and classes that make no score. `masked`: the model is asked among the classes that are there alone. Pure."""
    asked = [target.utterances[index] for index in chosen]
    same = by_content(target, chosen)
    found = [*repeated(same), *copies_likely(target, chosen, mapping), *contradictions(same, mapping)]
    classes = sorted({mapping[utterance.emotion] for utterance in asked})
    if len(classes) == 1:
        effect = (
            "asked among the target's classes, the model is right whatever it hears" if masked else f"BCA is the recall of {classes[0]}"
        )
        sentence = f"One class: of the model's classes these utterances hold {classes[0]} alone, so that {effect}."
        found.append(Finding(kind="classes", sentence=sentence, count=1))
    if open_ones := sorted({utterance.emotion for utterance in asked if meaning(utterance.emotion) == OPEN}):
        sentence = (
            f"Open class: {', '.join(open_ones)} names no emotion, and what a corpus puts there is its own affair: counted as "
            f"{mapping[open_ones[0]]}, it may be something else than what was trained on. --map {open_ones[0]}= drops it."
        )
        found.append(Finding(kind="told", sentence=sentence, count=sum(meaning(utterance.emotion) == OPEN for utterance in asked)))
    return found


def _of_all(number: int, asked: Sequence[Utterance]) -> str:
    """1 of the 20 recordings was; 2 of the 20 recordings were"""
    return f"{number} of the {counted(len(asked), 'recording')} {'was' if number == 1 else 'were'}"
