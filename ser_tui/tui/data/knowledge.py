"""What the screens know of corpora and encoders on this machine. Reads files: call it from threads."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from ser_tui.corpora import registry as corpora
from ser_tui.encoders import registry as encoders
from ser_tui.study.errors import UserError
from ser_tui.study.formatting import counted, printable, some_of
from ser_tui.tui.data.corpus_facts import CorpusContents, CorpusFacts, Voice


@dataclass(frozen=True)
class KnownCorpus:
    """A corpus that can be named. `path`: where it lies, None where it does not."""

    name: str
    path: Path | None
    title: str = ""
    licence: str = ""
    obtain: str = ""
    source: str = ""
    documented: int | None = None
    downloadable: bool = False
    size: int | None = None
    hosts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a study can name it now; the demo corpus is made when it is first wanted."""
        return self.path is not None or self.name == "demo"


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder that can be named, and whether it can be used now."""

    name: str
    ready: bool
    detail: str
    facts: str
    search: dict[str, Any]
    summary: str = ""
    licence: str = ""
    alias: str = ""
    source: str = ""
    download_bytes: int = 0
    search_found: str = ""
    """What the bounds in `search` were found by."""


def known_corpora() -> list[KnownCorpus]:
    """All corpora, registered or added. Raises UserError where the list of locations is damaged."""
    entries = {entry.name: entry for entry in corpora.entries()}
    found = []
    for name in corpora.names():
        entry = entries.get(name)
        path = corpora.locate(name)
        if entry is None:
            found.append(KnownCorpus(name, path, title="added by you"))
        else:
            place = entries.get(entry.same_place_as, entry)
            found.append(
                KnownCorpus(
                    name,
                    path,
                    entry.title,
                    entry.licence,
                    entry.obtain,
                    entry.source,
                    entry.utterances,
                    place.downloadable and not place.needs_registration,
                    place.size,
                    place.hosts,
                    entry.notes,
                )
            )
    return found


@dataclass(frozen=True)
class Found:
    """What was found where a corpus is said to lie, before it is kept: lines to show, and the call that keeps it."""

    lines: tuple[str, ...]
    keep: Callable[[], None]


def look_at(name: str, path: Path, how: str, progress: Callable[[int, int], None] | None = None) -> Found:
    """What a corpus of that name would be, `how`: as `corpora.asked.typed` has it. Reads every file that was not read before.

    Raises UserError where it cannot be one.
    """
    from ser_tui.corpora.asked import typed
    from ser_tui.corpora.check import report

    reading = replace(typed(how), path=path)
    manifest = corpora.preview(name, path, reading, progress)
    lines = tuple(printable(line) for line in report(manifest).first_lines())
    return Found(lines, lambda: corpora.keep(manifest, path, reading))


def count_here(name: str) -> corpora.Count | None:
    """How many utterances the copy on this machine has; None where there is none, or it cannot be read."""
    try:
        return corpora.count(name)
    except UserError:
        return None


_NAMED = 60
"""Speakers that a report names."""
LENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 30.0)
"""Bounds of the lengths that are counted together, in seconds; the last ones are of everything longer."""


def contents(name: str, progress: Callable[[int, int], None] | None = None) -> CorpusContents:
    """What the copy on this machine holds. The first look at a corpus reads every file. Raises UserError."""
    manifest = corpora.load_manifest(name, progress)
    found = manifest.utterances
    longest = max(utterance.seconds for utterance in found)
    bounds = [*(bound for bound in LENGTHS if bound < longest), float(math.ceil(longest))]
    lengths = {
        (low, high): number
        for low, high in pairwise(bounds)
        if (number := sum(low < utterance.seconds <= high for utterance in found)) or low < longest
    }
    unknown = sum(utterance.speaker is None for utterance in found)
    return CorpusContents(
        name, len(found), manifest.minutes, manifest.emotions, {**manifest.speakers, **({"": unknown} if unknown else {})},
        dict(sorted(Counter(utterance.gender or "" for utterance in found).items(), reverse=True)), lengths,
    )  # fmt: skip


def check_report(name: str, progress: Callable[[int, int], None] | None = None) -> str:
    """What the corpus holds and every file that is not used, as text. Reads every sample: seconds to minutes."""
    from ser_tui.corpora.check import check, problem_lines

    found = check(name, progress)
    lines = [
        f"{found.title}: {counted(found.utterances, 'utterance', ',')}"
        + (f" of {found.documented:,} documented" if found.documented else "")
        + f", {found.minutes:.1f} min",
        f"{found.root}",
        *found.told(),
        "",
        "emotions   " + "  ".join(f"{emotion} {number}" for emotion, number in found.emotions.items()),
        "speakers   " + (some_of([f"{speaker} {number}" for speaker, number in found.speakers.items()], _NAMED, "  ") or "not named"),
        "rates      " + "  ".join(f"{rate} Hz {number}" for rate, number in found.sample_rates.items()),
        "channels   " + "  ".join(f"{channels}: {number}" for channels, number in found.channels.items()),
        f"length     {found.seconds[0]:.2f} to {found.seconds[1]:.2f} s",
        "",
        *(f"! {warning}" for warning in found.warnings),
        *(f"note: {note}" for note in found.notes),
        "",
        f"{counted(len(found.problems), 'file')} {'is' if len(found.problems) == 1 else 'are'} not used" + (":" if found.problems else ""),
        *(f"  {line}" for line in problem_lines(found.problems)),
    ]
    return "\n".join(printable(line) for line in lines)


def corpus_facts(name: str, progress: Callable[[int, int], None] | None = None) -> CorpusFacts:
    """What the corpus holds; the first look at a corpus reads every file, later ones are quick."""
    try:
        manifest = corpora.load_manifest(name, progress)
    except UserError as error:
        return CorpusFacts(name, problem=str(error))
    emotions: dict[str, Counter[str]] = {speaker: Counter() for speaker in manifest.speakers}
    seconds = dict.fromkeys(manifest.speakers, 0.0)
    for utterance in manifest.utterances:
        if utterance.speaker is not None:
            emotions[utterance.speaker][utterance.emotion] += 1
            seconds[utterance.speaker] += utterance.seconds
    voices = {speaker: Voice(dict(found), seconds[speaker] / 60) for speaker, found in emotions.items()}
    return CorpusFacts(
        name, len(manifest.utterances), tuple(manifest.speakers), manifest.emotions, manifest.minutes, voices=voices,
        spoken=manifest.utterances,
    )  # fmt: skip


def known_encoders() -> list[KnownEncoder]:
    """All registered encoders."""
    return [_known(entry) for entry in encoders.entries()]


def known_encoder(name: str) -> KnownEncoder:
    """One encoder, by name or folder. One that is not known is not ready, and its detail says why."""
    try:
        return _known(encoders.find(name))
    except UserError as error:
        return KnownEncoder(name, False, str(error), "", dict(encoders.PAPER_SEARCH))


def _known(entry: encoders.EncoderEntry) -> KnownEncoder:
    status = encoders.status(entry)
    facts = f"{entry.parameters_millions:g} M parameters" + (f", {entry.layers} layers of {entry.dimension}" if entry.sized else "")
    detail = encoders.assumption_of(entry, status) or status.detail
    return KnownEncoder(
        entry.name, status.ready, detail, facts, dict(entry.search), entry.summary, entry.licence, entry.alias, entry.source,
        entry.download_bytes, entry.search_found,
    )  # fmt: skip
