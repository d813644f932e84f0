"""A corpus without some of its speakers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ser_tui.corpora import manifest as manifests
from ser_tui.corpora.manifest import Manifest
from ser_tui.study.errors import UsageError, UserError
from ser_tui.study.findings import Finding
from ser_tui.study.formatting import counted, printable, some_of
from ser_tui.study.wrong_values import nearest


def only_speakers(manifest: Manifest, speakers: Collection[str] = (), without: Collection[str] = ()) -> Manifest:
    """The manifest of the utterances of `speakers` alone (empty: of all), less those of the speakers `without`.

    Speakers bear the names that the corpus gives them. An utterance without one is nobody's whom one could choose, and might be one's who
    is left out: it is left out too, and counted as `nameless`. What is left out is no problem of the corpus, so `problems` stay as they
    are; the fingerprint is that of what is left. Raises UsageError for a speaker whom the corpus has not, UserError where nobody
    is left.
    """
    if not speakers and not without:
        return manifest
    known = manifest.speakers
    if not known:
        raise UsageError(f"corpus {manifest.corpus} names no speakers, so none can be chosen or left out")
    for speaker in (*speakers, *without):
        if speaker not in known:
            there_are = f"it has {some_of(list(known), 20)}"
            raise UsageError(f"corpus {manifest.corpus} has no speaker {speaker[:60]}{nearest(speaker, known, there_are)}")
    kept = (set(speakers) or set(known)) - set(without)
    if not kept:
        raise UserError(f"corpus {manifest.corpus}: the chosen speakers leave nobody; keep one at least")
    chosen = [utterance for utterance in manifest.utterances if utterance.speaker in kept]
    made = manifests.make(manifest.corpus, manifest.root, chosen, manifest.problems, manifest.digests)
    nameless = sum(utterance.speaker is None for utterance in manifest.utterances)
    return replace(manifest, utterances=made.utterances, fingerprint=made.fingerprint, digests=made.digests, nameless=nameless)


def left_out_nameless(manifest: Manifest) -> list[Finding]:
    """What must be said where a choice of speakers left out what bears no speaker's name; otherwise nothing."""
    if not (count := manifest.nameless):
        return []
    several = "utterances without a speaker label are" if count > 1 else "utterance without a speaker label is"
    sentence = f"Left out: {count} {several} not used, since speakers are chosen by name and whose these are cannot be told."
    return [Finding(kind="told", sentence=sentence, count=count)]


def left_out_unusable(manifest: Manifest) -> list[Finding]:
    """What must be said of files that could not be used when the corpus was read: a score neither gains nor loses by them. Nothing is to
    be said of those that the corpus leaves out by its own rule."""
    if not (problems := manifest.unusable):
        return []
    first = f"{printable(problems[0].path)}: {printable(problems[0].reason)}"
    which, count = f"{counted(len(problems), 'file')} of {manifest.corpus}", "counts" if len(problems) == 1 else "count"
    sentence = f"Left out: {which} cannot be used ({first}), and {count} neither as right nor as wrong."
    return [Finding(kind="told", sentence=sentence, count=len(problems))]
