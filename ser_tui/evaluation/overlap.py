"""Whether a target corpus is as unseen as a zero-shot score supposes."""

from __future__ import annotations

from collections.abc import Sequence

from ser_tui.corpora.catalogue import edition
from ser_tui.corpora.manifest import Manifest, Utterance


def overlap(trained: Manifest, train: Sequence[int], target: Manifest, chosen: Sequence[int]) -> list[str]:
    """Sentences on what the utterances `chosen` of `target` share with those that a model was trained on: recordings, byte for
    byte, and speakers and sentences, where both are of one corpus. Nothing where they share nothing. Pure."""
    heard = [trained.utterances[index] for index in train]
    asked = [target.utterances[index] for index in chosen]
    said: list[str] = []
    known = {trained.digests[utterance.id] for utterance in heard}
    same = sum(target.digests[utterance.id] in known for utterance in asked)
    if same:
        said.append(
            f"Duplicates: {same} of the {len(asked)} recordings were trained on, byte for byte, so that this is no zero-shot score."
        )
    cut = {trained.recording(utterance) for utterance in heard}
    parts = [one for one in asked if target.digests[one.id] not in known and target.recording(one) in cut]
    if parts:
        said.append(
            f"Recordings are shared: {len(parts)} of the {len(asked)} utterances are of recordings of which others (or the whole) were "
            "trained on, so that voices and rooms are known."
        )
    editions = {edition(utterance) for utterance in asked}
    related = [utterance for utterance in heard if edition(utterance) in editions]
    for field, what, effect in (
        ("speaker", "speakers", "unknown speakers are"), ("sentence", "sentences", "unknown sentences are")
    ):
        mine = _values(asked, field)
        both = mine & _values(related, field)
        if both:
            said.append(
                f"{what.capitalize()} are shared: {len(both)} of the {len(mine)} {what} were trained on too, so the score does not say how "
                f"well {effect} recognised."
            )
    return said


def _values(utterances: Sequence[Utterance], field: str) -> set[str]:
    """Values of `field`, without the name that several corpora in one study put before them."""
    found = ((getattr(utterance, field), f"{edition(utterance)}/") for utterance in utterances)
    return {value.removeprefix(prefix) for value, prefix in found if value is not None}
