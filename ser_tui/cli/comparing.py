"""The verb compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ser_tui.cli.output import SPARKS, print_json, print_table, say
from ser_tui.evaluation.pairing import pair
from ser_tui.places import runs_folder
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.study.comparison import Pairing, outcomes, settings, sparkline_ends
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import scaled_sparkline
from ser_tui.study.run_summary import RunSummary, to_json


def compare_runs(references: list[str], *, as_json: bool) -> None:
    """Print two or more runs side by side. The first is the one that differences are taken to."""
    runs = runs_folder()
    chosen = list(dict.fromkeys(resolve(runs, reference) for reference in references))
    if len(chosen) < 2:
        raise UsageError("compare needs two different runs at least")
    index = Index(runs)
    known = {summary.run_id: summary for summary in index.refresh()}
    summaries = [known[folder.run_id] for folder in chosen]
    pairings = [pair(index.state(chosen[0]), index.state(folder)) for folder in chosen[1:]]
    differing, equal = settings(summaries)
    if as_json:
        print_json({
            "runs": [to_json(summary) for summary in summaries],
            "differing_settings": {key: list(cells) for key, cells in differing},
            "equal_settings": {key: cells[0] for key, cells in equal},
            "differences_to_first": [None, *map(_as_json, chosen[1:], pairings)],
        })  # fmt: skip
        return
    rows = [*differing, *outcomes(summaries)]
    rows.append(("best so far", tuple(_reached(one, summaries) for one in summaries)))
    rows.append(("difference to the first", ("-", *map(_text, pairings))))
    print_table(("", *(summary.run_id for summary in summaries)), [(label, *cells) for label, cells in rows])
    say(f"{len(equal)} settings are equal")


def _reached(one: RunSummary, among: Sequence[RunSummary]) -> str:
    return scaled_sparkline(one.best_so_far, one.measure, SPARKS, sparkline_ends(one, among), one.measure.best)


def _as_json(run: RunFolder, pairing: Pairing) -> dict[str, Any] | None:
    if pairing.difference is None:
        return None
    drawn = "recordings" if pairing.recordings else "utterances"
    return {
        "run": run.run_id, "bca_difference": pairing.difference, "p": pairing.p, "utterances": pairing.utterances,
        "speakers": pairing.speakers, "p_over": "speakers" if pairing.over_speakers else drawn,
    }  # fmt: skip


def _text(pairing: Pairing) -> str:
    """+.029, p = .04 over 8 speakers on 120 shared utterances"""
    if pairing.difference is None:
        return f"none: {pairing.reason}"
    return f"{pairing.words} {pairing.scope} on {pairing.utterances} shared utterances"
