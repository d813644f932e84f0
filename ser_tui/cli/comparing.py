"""The verb compare."""

from __future__ import annotations

from typing import Any

from ser_tui.cli.output import SPARKS, print_json, print_table, say
from ser_tui.evaluation.statistics import paired_difference
from ser_tui.places import runs_folder
from ser_tui.store.index import Index
from ser_tui.store.runs import RunFolder, resolve
from ser_tui.study.comparison import outcomes, settings
from ser_tui.study.errors import UsageError
from ser_tui.study.formatting import difference_text, sparkline


def compare_runs(references: list[str], *, as_json: bool) -> None:
    """Print two or more runs side by side. The first is the one that differences are taken to."""
    runs = runs_folder()
    chosen = list(dict.fromkeys(resolve(runs, reference) for reference in references))
    if len(chosen) < 2:
        raise UsageError("compare needs two different runs at least")
    index = Index(runs)
    known = {summary["run_id"]: summary for summary in index.refresh()}
    summaries = [known[folder.run_id] for folder in chosen]
    differences = [None, *(difference(index, chosen[0], folder) for folder in chosen[1:])]
    differing, equal = settings(summaries)
    if as_json:
        print_json({
            "runs": summaries,
            "differing_settings": {key: list(cells) for key, cells in differing},
            "equal_settings": {key: cells[0] for key, cells in equal},
            "differences_to_first": differences,
        })  # fmt: skip
        return
    rows = [*differing, *outcomes(summaries)]
    rows.append(("best so far", tuple(sparkline(summary["best_so_far"], 0, 1, SPARKS, max) for summary in summaries)))
    rows.append(("difference to the first", ("-", *(_text(entry) for entry in differences[1:]))))
    print_table(("", *(summary["run_id"] for summary in summaries)), [(label, *cells) for label, cells in rows])
    say(f"{len(equal)} settings are equal")


def difference(index: Index, first: RunFolder, other: RunFolder) -> dict[str, Any] | None:
    """BCA of `other`'s best trial minus that of `first`'s, with a paired permutation test, where both validated on the
    same utterances; else None."""
    a, b = index.state(first), index.state(other)
    if a.best is None or b.best is None or a.start is None or b.start is None or not a.truth:
        return None
    same = a.truth == b.truth and a.start.fingerprints.get("corpus") == b.start.fingerprints.get("corpus")
    same = (
        same and a.start.study.get("protocol") == b.start.study.get("protocol") and a.start.classes == b.start.classes
    )
    if not same:
        return None
    gap, p = paired_difference(a.truth, a.best.predictions, b.best.predictions, len(a.start.classes))
    return {"run": other.run_id, "bca_difference": gap, "p": p, "utterances": len(a.truth)}


def _text(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "not scored on the same utterances"
    return f"{difference_text(entry['bca_difference'], entry['p'])} on {entry['utterances']} shared utterances"
