"""The last line but one of a run of tests: how many were skipped, for want of what, and how to have it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable

import pytest

EXTRA = re.compile(r"ser-tui\[([\w-]+)\]")


def told(reasons: Iterable[str]) -> str:
    """One line for `reasons`, one of each skipped test: the commonest first, all extras as one command. Empty where there are none."""
    extras: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for reason in reasons:
        if found := EXTRA.search(reason):
            extras[found[1]] += 1
        else:
            others[" ".join(reason.removeprefix("Skipped: ").split())] += 1
    if extras:
        others[f"needs pip install -e '.[{','.join(sorted(extras))}]'"] = extras.total()
    if not others:
        return ""
    return f"{others.total()} skipped: " + "; ".join(_told(reason, count) for reason, count in others.most_common())


def _told(reason: str, count: int) -> str:
    needs, lacking = reason.split(" ", 1)[0], reason.removeprefix("needs ")
    if needs != "needs":
        return f"{count}: {reason}"
    return f"{count} {'needs' if count == 1 else 'need'} {lacking}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Outermost, so that it comes after the failures, where people look."""
    yield
    reports = terminalreporter.stats.get("skipped", [])
    if line := told(report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)):
        terminalreporter.write_line(line)
