"""Every figure that a run is told by, with its name: by what a paper prints of it the run is found again. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ser_tui.study.run_summary import ProbeBeside, RunSummary
from ser_tui.study.scores import BCA

_WRITTEN = re.compile(r"(\d*\.\d+)%?")


def figures_of(summary: RunSummary) -> Iterator[tuple[str, float]]:
    """(what it is, value) of the run's shares: what stands for it first, then what stands beside it."""
    best, test = summary.best, summary.test
    if test is not None:
        yield "test part BCA", test.score.value
        yield "test part accuracy", test.accuracy.value
        yield from _beside("the test part", test.probe)
    for folds in summary.folds:
        yield f"pooled BCA of {folds.protocol}", folds.score.value
        yield f"mean BCA of the folds of {folds.protocol}", folds.mean
        yield from _beside(folds.protocol, folds.probe)
    if best is not None:
        most = "best " if summary.measure.name == BCA else ""
        for name, score in ((f"{most}validation BCA", best.score), ("validation accuracy", best.accuracy)):
            if score is not None:
                yield f"{name} (trial {best.number})", score.value
    yield from _beside("the validation part", summary.probe)
    if summary.seeds is not None:
        yield f"mean BCA over {summary.seeds.n} other seeds, validation part", summary.seeds.mean
        if summary.seeds.test is not None:
            yield f"mean BCA over {summary.seeds.test.n} other seeds, test part", summary.seeds.test.mean
    for one in summary.evaluations:
        yield f"accuracy on {one.corpus}", one.accuracy.value
        yield f"BCA on {one.corpus}", one.score.value


def _beside(where: str, probe: ProbeBeside | None) -> Iterator[tuple[str, float]]:
    if probe is not None:
        yield f"BCA of the probe on {where}", probe.score.value


def is_written(text: str) -> bool:
    """Whether `text` is a figure as a page prints it: .953, 0.953, 95.3 or 95.3%."""
    found = _WRITTEN.fullmatch(text)
    return found is not None and float(found[1]) <= 100


def as_written(value: float | None, text: str) -> bool:
    """Whether `value`, a share, is printed as `text`, which `is_written`: rounded to as many places as that has."""
    number = text.removesuffix("%")
    per_cent = text.endswith("%") or float(number) > 1
    return value is not None and rounds_to(100 * value if per_cent else value, number)


def rounds_to(value: float, number: str) -> bool:
    """Whether `value` is `number` once it is rounded to the places that are written there: .95253 is .953, and .95."""
    places = len(number.partition(".")[2]) if "e" not in number.lower() else None
    if places is None or not math.isfinite(value):
        return value == float(number)
    return f"{value:.{places}f}" == f"{float(number):.{places}f}"


def found_as(summary: RunSummary, text: str) -> str:
    """.953 is its pooled BCA of loso and accuracy on emovo: which figures of the run are printed as `text`, which `is_written`; empty
    where none is."""
    names = [name for name, value in figures_of(summary) if as_written(value, text)]
    return f"{text} is its {' and '.join(names)}" if names else ""
