"""The one figure that stands for a run, and the words that must stand beside a figure. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ser_tui.study.events import FoldsScored, RunStarted
from ser_tui.study.formatting import score_with_interval
from ser_tui.study.state import RunState

KINDS: Mapping[str, str] = {"test": "test", "pooled": "pooled", "validation": "valid."}
"""What a headline can be a score of, the more honest first, and the word for it in a narrow column."""


def headline(state: RunState) -> dict[str, Any] | None:
    """The BCA that a run is listed by, JSON-safe: the test part's; else that of all folds of its own protocol pooled; else the
    best trial's on the validation part, which was chosen for being high. None before the first score.

    kind: of KINDS; name: as it is called beside the figure; value, interval, n; speakers: as `interval_speakers` in
    the events; chosen_on: what of it the search chose its configuration on, or an empty text.
    """
    if state.test is not None:
        test = state.test
        return _figure("test", "test part", test.bca, test.interval, test.utterances, test.interval_speakers, "")
    own = next((folds for folds in state.folds if folds.protocol == _protocol(state.study)), None)
    if own is not None:
        name, on = f"{own.protocol}, pooled", chosen_on(own, state.study)
        return _figure("pooled", name, own.pooled_bca, own.interval, own.utterances, own.interval_speakers, on)
    best = state.best
    if best is None or best.bca is None:
        return None
    over = validation_speakers(state.start)
    return _figure("validation", "validation", best.bca, best.interval, best.utterances, over, "all of it")


def chosen_on(folds: FoldsScored, study: Mapping[str, Any]) -> str:
    """What of the pooled utterances the search chose its configuration on: the first fold where the protocol is the study's
    own, otherwise the validation part of the study's protocol, whose utterances are in the folds of every other one."""
    if folds.protocol != _protocol(study):
        return "validation"
    name = str(folds.folds[0].get("name", "1")) if folds.folds else "1"
    return name if name.startswith("fold") else f"fold {name}"


def chose(on: str) -> str:
    """fold 1 chose the configuration: what is said beside every pooled figure, see `chosen_on`."""
    who = "the validation part" if on == "validation" else on
    return f"{who} chose the configuration" if on else ""


def validation_speakers(start: RunStarted | None) -> int | None:
    """Over how many speakers a run's intervals on the validation part are, as `interval_speakers` in the events; logs of before
    there was this field tell it by the speakers of the part."""
    if start is None or start.interval_speakers is not None:
        return None if start is None else start.interval_speakers
    if start.shares_speakers or start.unlabelled_speakers is not False:
        return None
    return len(start.speakers.get("validation", ()))


def speakers_text(speakers: int | None) -> str:
    """2 speakers: what an interval is over, in few words; empty where it is over utterances because training heard the speakers
    too, or they are not known."""
    return f"{speakers} speaker{'' if speakers == 1 else 's'}" if speakers else ""


def sample(utterances: int, speakers: int | None) -> str:
    """n = 120, 2 speakers. Of one speaker: that the interval is over its utterances, and says nothing of other speakers."""
    alone = " (the interval is over its utterances)" if speakers == 1 else ""
    return f"n = {utterances}" + (f", {speakers_text(speakers)}{alone}" if speakers else "")


def headline_text(figure: Mapping[str, Any] | None) -> str:
    """.838 [.787, .884] loso, pooled; n = 535, 10 speakers; fold 03 chose the configuration"""
    if figure is None:
        return "-"
    said = chose(figure["chosen_on"]) if figure["kind"] == "pooled" else ""
    parts = (f"{score_with_interval(figure['value'], figure['interval'])} {figure['name']}", sample(figure["n"], figure["speakers"]), said)
    return "; ".join(part for part in parts if part)


def headline_of(figure: Mapping[str, Any] | None) -> str:
    """What a headline is a score of, for a column: test, validation, or pooled with what chose the configuration."""
    if figure is None:
        return "-"
    return f"pooled, {figure['chosen_on']} chose" if figure["kind"] == "pooled" else str(figure["kind"])


_APART: Mapping[str, str] = {
    "kfold": "speakers", "loso": "speakers", "kfold-sentence": "sentences", "loso-sentence": "speakers and sentences",
}  # fmt: skip
"""What protocols with folds keep apart between training and scoring. Of two alike the later one is told."""


def scores_apart(summary: Mapping[str, Any]) -> dict[str, str]:
    """speakers: "speakers apart .757 [.676, .835]": for each kind of keeping apart, the pooled BCA of the summary's folds."""
    found: dict[str, str] = {}
    for folds in summary.get("folds", ()):
        if apart := _APART.get(folds["protocol"]):
            found[apart] = f"{apart} apart {score_with_interval(folds['pooled_bca'], folds['interval'])}"
    return found


def apart_text(summary: Mapping[str, Any]) -> str:
    """speakers apart .757 [.676, .835], speakers and sentences apart .454 [.355, .552]: what the text contributes.

    Empty unless both were scored.
    """
    found = scores_apart(summary)
    return ", ".join(found.values()) if len(found) > 1 else ""


def _figure(
    kind: str, name: str, value: float, interval: tuple[float, float] | None, n: int, speakers: int | None, on: str
) -> dict[str, Any]:
    kept = None if interval is None else list(interval)
    return {"kind": kind, "name": name, "value": value, "interval": kept, "n": n, "speakers": speakers, "chosen_on": on}


def _protocol(study: Mapping[str, Any]) -> str:
    protocol = study.get("protocol", "")
    return str(protocol.get("kind", "")) if isinstance(protocol, Mapping) else str(protocol)
