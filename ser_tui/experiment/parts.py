"""What a run was begun on: its corpus and the parts of it, noted beside the log and compared before every later job."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from ser_tui.corpora.manifest import changes
from ser_tui.corpora.splitting.worst_groups import groups
from ser_tui.experiment.data import SplitCorpus
from ser_tui.experiment.surroundings import Keeper
from ser_tui.store.noted_parts import digest_of_parts
from ser_tui.study.document import Study
from ser_tui.study.errors import UserError
from ser_tui.study.events import RunStarted
from ser_tui.study.formatting import counted, some_of

Parts = Mapping[str, Sequence[str]]
"""Ids of utterances by the name of their part."""

SHOWN_CHANGES = 5


def parts_of(data: SplitCorpus) -> dict[str, list[str]]:
    """The parts that the trials see, and the folds that the search's own protocol scores at its end."""
    split = data.split
    named = {"train": split.train, "validation": split.validation, "test": split.test, **data.folds}
    return {name: [data.manifest.utterances[index].id for index in indices] for name, indices in named.items()}


def groups_of(study: Study, data: SplitCorpus) -> dict[str, dict[str, str | None]]:
    """By the name of each measure of a worst group that the study has: the group of every utterance that validates, by its id. Neither
    the parts nor the corpus's fingerprint hold a speaker's sex, which a table tells."""
    validation = data.validation
    ids = [utterance.id for utterance in validation]
    return {name: dict(zip(ids, of, strict=True)) for name, of in groups(study, validation).items()}


def digest_of_groups(found: Mapping[str, Mapping[str, str | None]]) -> str:
    """SHA-256 of `groups_of`; empty where there are none."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() if found else ""


def remember(keeper: Keeper, study: Study, data: SplitCorpus) -> None:
    """Keep what the corpus holds and how it is split, before the log says that the run has begun. Raises DiskError."""
    keeper.remember("corpus", {"fingerprint": data.manifest.fingerprint, "digests": dict(data.manifest.digests)})
    parts, found = parts_of(data), groups_of(study, data)
    keeper.remember("parts", {"digest": digest_of_parts(parts), "parts": parts, **({"groups": found} if found else {})})


def noted_digests(keeper: Keeper, *names: str) -> frozenset[str]:
    """SHA-256 of the recordings of the parts called `names`, as they were when the run began; empty where that was not noted."""
    digests, parts = keeper.recall("corpus").get("digests"), _as_parts(keeper.recall("parts").get("parts"))
    if not isinstance(digests, dict) or parts is None:
        return frozenset()
    return frozenset(str(digests[one]) for name in names for one in parts.get(name, ()) if one in digests)


def refuse_changes(keeper: Keeper, data: SplitCorpus, start: RunStarted | None) -> None:
    """Raise UserError with the list of what changed where the corpus, or its parts, are not those that the run began with.

    The log, in `start`, says whether they are, or what was noted where that line is damaged; these say what has changed.
    """
    _refuse_other_corpus(keeper, data, start)
    _refuse_other_parts(keeper, data, start)


def refuse_other_groups(keeper: Keeper, study: Study, data: SplitCorpus, start: RunStarted | None) -> None:
    """Raise UserError where a search for its worst group would go on with other groups than it began with: their lowest score would be of
    something else. Logs of before they held this are not compared."""
    now, noted = groups_of(study, data), keeper.recall("parts").get("groups")
    before = noted if isinstance(noted, dict) and all(isinstance(of, dict) for of in noted.values()) else {}
    begun = digest_of_groups(before) if start is None else start.fingerprints.get("groups", "")
    if not begun or digest_of_groups(now) == begun:
        return
    told = before if digest_of_groups(before) == begun else {}  # what was noted is what the log means
    other = [name for name, of in told.items() if of != now.get(name)]
    found = [
        f"{one} was {told[name].get(one) or 'not known'}, is {group or 'not known'}"
        for name in other
        for one, group in now.get(name, {}).items()
        if told[name].get(one) != group
    ]
    what = f"the groups of {' and '.join(other or now)} in corpus {data.manifest.corpus}"
    raise _changed(what, found or ["what exactly cannot be told any more"])


def _refuse_other_corpus(keeper: Keeper, data: SplitCorpus, start: RunStarted | None) -> None:
    noted = keeper.recall("corpus")
    present = data.manifest.fingerprint
    if present == (noted.get("fingerprint") if start is None else start.fingerprints.get("corpus", present)):
        return
    digests = noted.get("digests")
    found = changes(digests, data.manifest) if isinstance(digests, dict) else ["what exactly cannot be told any more"]
    if not found:
        # The fingerprint is over labels and speakers as well: these come from the files' names, a table or this version's rules.
        raise UserError(
            f"corpus {data.manifest.corpus} holds the same files, but their labels or speakers are read otherwise than when the run "
            "began, by an edited table or by this version of ser_tui: scores would not be comparable. Undo the edit, or clone the "
            "study into a new run"
        )
    raise _changed(f"corpus {data.manifest.corpus}", found)


def _refuse_other_parts(keeper: Keeper, data: SplitCorpus, start: RunStarted | None) -> None:
    noted = keeper.recall("parts")
    begun = noted.get("digest") if start is None else start.fingerprints.get("split")
    what = f"the parts of corpus {data.manifest.corpus}"
    if begun is None:
        # ser_tui 0.1.0 kept counts and speakers alone: where these are the same, nothing tells the parts from those of then.
        if start is not None and (found := _differences(data, start)):
            raise _changed(what, found)
        return
    parts = parts_of(data)
    if digest_of_parts(parts) == begun:
        return
    before = _as_parts(noted.get("parts"))
    kept = before is not None and digest_of_parts(before) == begun
    raise _changed(what, _moves(before or {}, parts) if kept else ["what exactly cannot be told any more"])


def _differences(data: SplitCorpus, start: RunStarted) -> list[str]:
    """What a log without a digest of the parts tells of them that is otherwise now."""
    split, found = data.split, []
    for name, indices in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        if (count := start.utterances.get(name, len(indices))) != len(indices):
            found.append(f"{name} has {counted(len(indices), 'utterance')}, not {count}")
        speakers = data.speakers(indices)
        if name in start.speakers and tuple(start.speakers[name]) != speakers:
            other = sorted(set(start.speakers[name]) ^ set(speakers))
            found.append(f"{name} has other speakers than it had ({', '.join(other[:SHOWN_CHANGES])})")
    return found


def _moves(before: Parts, now: Parts) -> list[str]:
    """One line for each utterance that is in another part than it was."""
    was, goes = _places(before), _places(now)
    moved = [name for name in sorted(was.keys() | goes.keys()) if was.get(name) != goes.get(name)]
    return [f"{name} went from {was.get(name, 'no part')} to {goes.get(name, 'no part')}" for name in moved] or ["their order"]


def _places(parts: Parts) -> dict[str, str]:
    found: dict[str, str] = {}
    for part, names in parts.items():
        for name in names:
            found[name] = f"{found[name]} and {part}" if name in found else part
    return found


def _as_parts(value: object) -> Parts | None:
    sound = isinstance(value, dict) and all(isinstance(ids, list) and all(isinstance(name, str) for name in ids) for ids in value.values())
    return value if sound and isinstance(value, dict) else None


def _changed(what: str, found: Sequence[str]) -> UserError:
    return UserError(
        f"{what} changed since the run began ({some_of(found, SHOWN_CHANGES, '; ')}): scores would not be comparable. "
        "Restore it, or clone the study into a new run"
    )
