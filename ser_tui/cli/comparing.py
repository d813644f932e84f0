"""The verb compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ser_tui.cli.output import SPARKS, print_json, print_table, say
from ser_tui.evaluation.pairing import best_recalls, pair
from ser_tui.places import runs_folder
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder, resolve_each
from ser_tui.store.wanted import ANY
from ser_tui.study.comparison import Pairing, outcomes, settings, sparkline_ends
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import counted, scaled_sparkline
from ser_tui.study.paired_runs import Recalls, corrected, recall_rows, told_rows
from ser_tui.study.run_summary import RunSummary, to_json
from ser_tui.study.score_keys import DIFFERENCE


def compare_runs(references: list[str], *, as_json: bool, form: str = "", output: str = "") -> None:
    """Print two or more runs side by side. The first is the one that differences are taken to. `form`, `output`: as a table for a
    document instead, to `output`, which a dash or nothing makes standard output."""
    runs = runs_folder()
    chosen = resolve_each(runs, references, ANY)
    if len(chosen) < 2:
        raise UsageError("compare needs two different runs at least")
    if form or output:
        from ser_tui.cli.exporting import export_runs

        if as_json:
            raise UsageError("--json goes without --format and -o: `--format json` is the table for programs")
        export_runs([folder.run_id for folder in chosen], "comparison", form, output or "-")
        return
    index = Index(runs)
    known = {summary.run_id: summary for summary in index.refresh()}
    summaries = [known[folder.run_id] for folder in chosen]
    states = [index.state(folder) for folder in chosen]
    pairings = corrected([pair(states[0], state) for state in states[1:]])
    found = [best_recalls(state) for state in states]
    recalls = recall_rows(found, [True, *(pairing.difference is not None for pairing in pairings)])
    differing, equal = settings(summaries)
    if as_json:
        print_json({
            "runs": [to_json(summary) for summary in summaries],
            "differing_settings": {key: list(cells) for key, cells in differing},
            "equal_settings": {key: cells[0] for key, cells in equal},
            "differences_to_first": [None, *map(_as_json, chosen[1:], pairings)],
            "not_compared": {run.run_id: one.reason for run, one in zip(chosen[1:], pairings, strict=True) if one.difference is None},
            "recalls_of_best": [_recalls_as_json(one) for one in found],
        })  # fmt: skip
        return
    paired, *by_class = told_rows(pairings, recalls)
    rows = [*outcomes(summaries), paired, ("best so far", tuple(_reached(one, summaries) for one in summaries)), *by_class, *differing]
    print_table(("", *(summary.run_id for summary in summaries)), [(label, *cells) for label, cells in rows])
    say(f"{counted(len(equal), 'setting')} {'is' if len(equal) == 1 else 'are'} equal")


def _reached(one: RunSummary, among: Sequence[RunSummary]) -> str:
    return scaled_sparkline(one.best_so_far, one.measure, SPARKS, sparkline_ends(one, among), one.measure.best)


def _recalls_as_json(recalls: Recalls) -> dict[str, Any]:
    return {
        name: {"recall": one.value, "interval": list(one.interval or ()), "n": number, "lone": lone}
        for name, (one, number, lone) in recalls.items()
    }


def _as_json(run: RunFolder, pairing: Pairing) -> dict[str, Any] | None:
    if pairing.difference is None:
        return None
    drawn = "recordings" if pairing.recordings else "utterances"
    return {
        "run": run.run_id, DIFFERENCE: pairing.difference, "p": pairing.p, "utterances": pairing.utterances,
        "speakers": pairing.speakers, "p_over": "speakers" if pairing.over_speakers else drawn,
        "corrected_p": pairing.corrected_p, "tests": pairing.tests,
    }  # fmt: skip
