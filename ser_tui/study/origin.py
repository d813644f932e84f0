"""What a run's score is of and was made with, as its log says: who is in which part, when, on what and with which versions and seeds. What
a reviewer asks of it, and whoever comes back to it after months. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from ser_tui.study.again import search_again, trial_again
from ser_tui.study.findings import is_imported, shares_speakers
from ser_tui.study.formatting import counted, duration
from ser_tui.study.headline import chose, chosen_on
from ser_tui.study.state import RunState
from ser_tui.study.summary import elapsed_seconds
from ser_tui.study.time_to_score import searched_on, searched_with

WHAT = 12
"""Cells for what a line tells of, with the blank after it."""
NAMES = 24
"""Speakers that are named of each part; of more, so many and how many there are."""
DIGITS = 12
"""Of a digest, which are enough to tell two."""

IN_FOLDS = ("kfold", "loso", "loco")
"""How the names of `protocol.FOLDED` begin, whose library no reader of logs needs."""
_DIGEST_OF = {"split": "parts"}


def origin(state: RunState, study_file: str = "") -> list[tuple[str, str]]:
    """(what, in words) of a run; nothing of what its log does not say. `study_file`: its study, by which it can be repeated."""
    found = [(what, told) for what, told in _origin(state) if told]
    if found and study_file and state.study:
        found.append(("repeat", search_again(study_file)))
        if state.best is not None and state.study.varied:
            again = trial_again(study_file, state.study, state.best.number, state.best.parameters)
            found.append(("best trial", again))
    return found


def _origin(state: RunState) -> Iterator[tuple[str, str]]:
    start = state.start
    if start is None or is_imported(start):
        return
    of = {}
    if start.objective:  # the part that trains is that of the fold whose model is kept
        of = {"train": " (of the last fold)", "validation": f" ({counted(len(start.objective), 'fold')}, pooled)"}
    elif state.study.protocol.startswith(IN_FOLDS):
        of = {"train": " (of the first fold)", "validation": " (of the first fold)"}
    for part, number in start.utterances.items():
        if number:
            names = start.speakers.get(part, ())
            whose = f", {counted(len(names), 'speaker')}: {_named(names)}" if names else ""
            yield part, f"{counted(number, 'utterance')}{of.get(part, '')}{whose}"
    for folds in state.folds:
        on = chose(chosen_on(folds, state.study))
        yield "folds", f"{folds.name}: each of {counted(folds.utterances, 'utterance')} in one of {len(folds.folds)} folds; {on}"
    yield "speakers", _shared(start.speakers, shares_speakers(start), in_folds=bool(start.objective))
    yield "tried", _tried(state)
    took = f", {duration(elapsed_seconds(state))} of search" if state.sessions else ""
    yield "begun", f"{state.started[:16].replace('T', ' ')} UTC{took}" if state.started else ""
    yield "machine", "; then ".join(searched_on(state))
    yield "made with", "; then ".join(searched_with(state))
    yield "seeds", _seeds(state.study.plain)
    told = ((_DIGEST_OF.get(of, of), digest[:DIGITS]) for of, digest in start.fingerprints.items() if digest)
    yield "digests", ", ".join(f"{of} {digest}" for of, digest in told)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more


def _shared(speakers: Mapping[str, Sequence[str]], shares: bool | None, *, in_folds: bool) -> str:
    """Whether anybody is in two parts. `in_folds`: several folds are scored together, so that all who validate are trained on in others."""
    known = {part: {*names} for part, names in speakers.items() if names}
    if shares is None or not known:
        return "whether any is in two parts cannot be told: not every utterance has a speaker label"
    pairs = [pair for pair in combinations(known, 2) if not (in_folds and set(pair) == {"train", "validation"})]
    told = [f"{number} in {one} and {other}" for one, other in pairs if (number := len(known[one] & known[other]))]
    within = " of a fold" if in_folds else ""
    if told:
        return f"in two parts: {', '.join(told)}"
    return f"some are in two parts{within}" if shares else f"none is in two parts{within}"


def _tried(state: RunState) -> str:
    """Out of how many the best was chosen, and on what."""
    on = "validation part" if state.study.measure.unit == "share" else f"validation part, chosen by {state.study.measure.label}"
    told = [f"{counted(state.finished_trials, 'trial')} on the {on}"] if state.finished_trials else []
    if state.test is not None:
        told.append(f"of these trial {state.test.trial} alone on the test part, once")
    if state.probe is not None:
        told.append(f"beside them the best of {counted(state.probe.tried, 'probe')}")
    return "; ".join(told)


def _seeds(study: Mapping[str, object]) -> str:
    protocol = study.get("protocol")
    told = [f"search {study['seed']}"] if "seed" in study else []
    told += [f"parts {protocol['seed']}"] if isinstance(protocol, Mapping) and "seed" in protocol else []
    return ", ".join(told)
