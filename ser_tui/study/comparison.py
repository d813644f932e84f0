"""What differs between runs, then how they ended: rows that the screen and the command line both show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ser_tui.study.findings import SHARED
from ser_tui.study.formatting import (
    difference_text,
    duration,
    mapped,
    of_speakers,
    parameter,
    score_with_interval,
    shared,
)
from ser_tui.study.headline import KINDS, chose, headline_of, sample, scores_apart

Summary = Mapping[str, Any]
Row = tuple[str, tuple[str, ...]]
"""A label and one cell a run."""

@dataclass(frozen=True)
class Pairing:
    """Best trial against best trial of another run. `reason`: why they cannot be paired."""

    difference: float | None = None
    p: float | None = None
    utterances: int = 0
    speakers: int = 0
    """Of the utterances, where all are known and training heard none of them."""
    over_speakers: bool = False
    """Whether p swaps whole speakers, and so is about speakers like these; otherwise it is about what these very speakers say."""
    recordings: int = 0
    """Of the utterances, where some are segments of one."""
    reason: str = ""

    @property
    def words(self) -> str:
        """+.018, p = .41"""
        if self.difference is None or self.p is None:
            return self.reason
        return difference_text(self.difference, self.p)

    @property
    def scope(self) -> str:
        """over 8 speakers; about these 2 speakers alone; over 20 recordings; over utterances: what p is about, empty without one."""
        if self.p is None:
            return ""
        if self.over_speakers:
            return f"over {self.speakers} speakers"
        if not self.speakers:
            return f"over {self.recordings} recordings" if self.recordings else "over utterances"
        return f"about {'this 1 speaker' if self.speakers == 1 else f'these {self.speakers} speakers'} alone"


_UNTOLD = ("name",)
"""Settings that do not make two runs different."""


def flat(study: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A study as dotted key -> text, intervals and choices in one cell."""
    found: dict[str, str] = {}
    for key, value in study.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and prefix == "search.":
            found[name] = _dimension(key, value)
        elif isinstance(value, Mapping):
            found.update(flat(value, f"{name}."))
        elif isinstance(value, list | tuple):
            found[name] = ", ".join(str(item) for item in value) or "-"
        else:
            found[name] = parameter(key, value) if prefix == "search." else str(value)
    return found


def settings(summaries: Sequence[Summary]) -> tuple[list[Row], list[Row]]:
    """(rows of settings that differ, rows that are equal), keys in the order of the first study that has them."""
    studies = [flat(summary["study"]) for summary in summaries]
    keys = list(dict.fromkeys(key for study in studies for key in study if key not in _UNTOLD))
    differing: list[Row] = []
    equal: list[Row] = []
    for key in keys:
        cells = tuple(study.get(key, "-") for study in studies)
        (equal if len(set(cells)) == 1 else differing).append((key, cells))
    return differing, equal


def outcomes(summaries: Sequence[Summary]) -> list[Row]:
    """Rows of how each run ended: state, best BCA, its parameters, trials, minutes, test part, folds, zero-shot."""
    rows: list[Row] = [
        ("state", tuple(str(summary.get("state", summary["status"])) for summary in summaries)),
        ("BCA", tuple(_headline(summary.get("headline")) for summary in summaries)),
        ("BCA, n", tuple(sample(one["n"], one["speakers"])[4:] if (one := summary.get("headline")) else "-" for summary in summaries)),
        ("best BCA, valid.", tuple(_best(summary) for summary in summaries)),
        *_probes("probe BCA", "best", [summary.get("probe") for summary in summaries]),
        ("best trial", tuple(_best_trial(summary) for summary in summaries)),
        ("lr / epochs / unfreeze / s", tuple(_best_parameters(summary) for summary in summaries)),
        ("trials", tuple(f"{summary['trials']}/{summary['planned_trials'] or '-'}" for summary in summaries)),
        ("trials to .90", tuple(str(summary.get("trials_to_90") or "-") for summary in summaries)),
        ("time", tuple(duration(summary["seconds"]) for summary in summaries)),
        ("validation n", tuple(_validated(summary) for summary in summaries)),
        ("shared speakers", tuple(shared(summary["shares_speakers"]) for summary in summaries)),
    ]
    also = tuple(_also_shared(summary) for summary in summaries)
    if any(also):
        rows.append(("also shared", tuple(cell or "-" for cell in also)))
    if any(summary.get("test") for summary in summaries):
        tests = [summary.get("test") for summary in summaries]
        rows.append(("test part BCA", tuple(_scored(test, "bca", "interval") for test in tests)))
        rows.append(("test part n", _numbers(tests)))
        rows += _probes("test part, probe", "test", [(summary.get("test") or {}).get("probe") for summary in summaries])
    for protocol in _each(summaries, "folds", "protocol"):
        entries = [_entry(summary, "folds", "protocol", protocol) for summary in summaries]
        rows.append((f"{protocol}, pooled BCA", tuple(_scored(entry, "pooled_bca", "interval") for entry in entries)))
        rows.append((f"{protocol}, n", _numbers(entries)))
        rows.append((f"{protocol}, chosen on", tuple(chose(entry["chosen_on"]) if entry else "-" for entry in entries)))
        rows += _probes(f"{protocol}, probe", protocol, [(entry or {}).get("probe") for entry in entries])
    if any(len(scores_apart(summary)) for summary in summaries):
        rows.append(("kept apart", tuple("; ".join(scores_apart(summary).values()) or "-" for summary in summaries)))
    for corpus in _each(summaries, "evaluations", "corpus"):
        entries = [_entry(summary, "evaluations", "corpus", corpus) for summary in summaries]
        rows.append(
            (
                f"on {corpus}, accuracy",
                tuple(_scored(entry, "accuracy", "accuracy_interval") for entry in entries),
            )
        )
        rows.append((f"on {corpus}, BCA", tuple(_scored(entry, "bca", "bca_interval") for entry in entries)))
        rows.append((f"on {corpus}, n", _counted(entries)))
    return rows


def _dimension(name: str, value: Mapping[str, Any]) -> str:
    if "choices" in value:
        return " ".join(parameter(name, item) for item in value["choices"])
    return (
        f"{parameter(name, value.get('low'))} to {parameter(name, value.get('high'))} {value.get('scale', '')}".strip()
    )


def _headline(figure: Summary | None) -> str:
    if not figure:
        return "-"
    of = headline_of(figure) if figure["kind"] == "pooled" else KINDS.get(figure["kind"], figure["kind"])
    return f"{score_with_interval(figure['value'], figure['interval'])} {of}"


def _best(summary: Summary) -> str:
    best = summary["best"]
    return score_with_interval(best["bca"], best["interval"]) if best else "-"


def _validated(summary: Summary) -> str:
    number = summary["utterances"].get("validation")
    return "-" if number is None else sample(number, summary["interval_speakers"])[4:]


def _best_trial(summary: Summary) -> str:
    return str(summary["best"]["trial"]) if summary["best"] else "-"


def _best_parameters(summary: Summary) -> str:
    if not summary["best"]:
        return "-"
    parameters = summary["best"]["parameters"]
    names = ("learning_rate", "epochs", "unfreeze_epoch", "max_seconds")
    return " / ".join(parameter(name, parameters.get(name)) for name in names)


def _scored(entry: Mapping[str, Any] | None, score: str, interval: str) -> str:
    return score_with_interval(entry[score], entry[interval]) if entry else "-"


def _numbers(entries: Sequence[Mapping[str, Any] | None]) -> tuple[str, ...]:
    return tuple(sample(entry["utterances"], entry["interval_speakers"])[4:] if entry else "-" for entry in entries)


def _probes(label: str, score: str, probes: Sequence[Mapping[str, Any] | None]) -> list[Row]:
    """Two rows, where there are any probes: their scores, and what the `score` of fine-tuning is more or less."""
    if not any(probes):
        return []
    gaps = tuple("-" if not probe else difference_text(probe["difference"], probe["p"]) for probe in probes)
    return [(label, tuple(_scored(probe, "bca", "interval") for probe in probes)), (f"{score} minus probe", gaps)]


def _also_shared(summary: Summary) -> str:
    """sessions, sentences, recordings: what the parts share besides speakers."""
    kinds = {finding["kind"] for finding in summary.get("findings", ())}
    return ", ".join(dict.fromkeys(name for kind, name in SHARED.items() if kind in kinds))


def _counted(entries: Sequence[Mapping[str, Any] | None]) -> tuple[str, ...]:
    """What each zero-shot score is a score of: "528 masked, not unseen, calm dropped", emotions only where not all count them alike."""
    mappings = [entry["mapping"] for entry in entries if entry]
    emotions = dict.fromkeys(emotion for mapping in mappings for emotion in mapping)
    differing = [emotion for emotion in emotions if len({mapping.get(emotion) for mapping in mappings}) > 1]
    return tuple(
        ", ".join([
            f"{entry['utterances']} {'masked' if entry['masked'] else 'raw'}",
            *(["not unseen"] if entry.get("findings") else []),
            *filter(None, [of_speakers(entry.get("speakers", ()), entry.get("without", ()))]),
            *(mapped(emotion, entry["mapping"].get(emotion, "")) for emotion in differing),
        ])
        if entry
        else "-"
        for entry in entries
    )  # fmt: skip


def _each(summaries: Sequence[Summary], table: str, key: str) -> list[str]:
    return list(dict.fromkeys(entry[key] for summary in summaries for entry in summary.get(table, ())))


def _entry(summary: Summary, table: str, key: str, value: str) -> Mapping[str, Any] | None:
    found = [entry for entry in summary.get(table, ()) if entry[key] == value]
    return found[-1] if found else None
